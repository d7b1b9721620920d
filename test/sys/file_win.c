#include "sys/file.h"

#include "tap.h"

#include <windows.h>

#include <aclapi.h>

#include "sys/clock.h"
#include "sys/wide_win.h"

// A folder of this test alone; leave() removes it with what is in it.
static struct str
enter(struct arena *arena)
{
    wchar_t temporary[MAX_PATH + 1];
    GetTempPathW(MAX_PATH + 1, temporary);
    struct str folder = str_printf(arena, "%.*smoorage-gr\xc3\xbc\xc3\x9f-%lu", STR_ARG(wide_to_z(arena, temporary)),
                                   GetCurrentProcessId());
    CHECK(CreateDirectoryW(wide_from(arena, folder), NULL));
    return folder;
}

static const char *
in(struct arena *arena, struct str folder, const char *name)
{
    return str_c(arena, str_printf(arena, "%.*s\\%s", STR_ARG(folder), name));
}

static size_t
leave(struct arena *arena, struct str folder)
{
    WIN32_FIND_DATAW found;
    size_t files = 0;
    HANDLE search = FindFirstFileW(wide_from(arena, str_of(in(arena, folder, "*"))), &found);
    for (BOOL more = search != INVALID_HANDLE_VALUE; more; more = FindNextFileW(search, &found))
        files += 0 != DeleteFileW(wide_from(arena, str_printf(arena, "%.*s\\%.*s", STR_ARG(folder),
                                                              STR_ARG(wide_to_z(arena, found.cFileName)))));
    FindClose(search);
    CHECK(RemoveDirectoryW(wide_from(arena, folder)));
    return files;
}

TEST(file_is_written_and_read_up_to_its_limit)
{
    struct str folder = enter(arena);
    const char *path = in(arena, folder, "a b");
    struct str text = {0};
    struct str exact = {0};
    struct str cut = {0};
    struct err err = {0};
    bool good = file_write(arena, str_of(path), STR("old, and longer"), NULL) &&
                file_write(arena, str_of(path), STR("twelve bytes"), NULL) &&
                file_read(arena, path, 4096, false, &text, NULL) && file_read(arena, path, 12, true, &exact, NULL);
    bool large = file_read(arena, path, 11, false, &cut, &err);
    CHECK_INT(leave(arena, folder), 1);
    CHECK(good && !large);
    CHECK_STR(text, "twelve bytes");
    CHECK_STR(exact, "twelve bytes");
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(str_find(str_of(err.text), STR("larger than 11 bytes")) != SIZE_MAX);
}

TEST(file_is_its_owners_alone)
{
    struct str folder = enter(arena);
    const char *path = in(arena, folder, "own");
    ACL *list = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision;
    CHECK(file_write(arena, str_of(path), STR("x"), NULL));
    DWORD code = GetNamedSecurityInfoW(wide_from(arena, str_of(path)), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL,
                                       NULL, &list, NULL, &descriptor);
    bool everyone = false;
    for (DWORD i = 0; code == 0 && list && i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry;
        if (GetAce(list, i, (void **)&entry))
            everyone = everyone || IsWellKnownSid(&entry->SidStart, WinWorldSid) ||
                       IsWellKnownSid(&entry->SidStart, WinBuiltinUsersSid);
    }
    if (descriptor) {
        GetSecurityDescriptorControl(descriptor, &control, &revision);
        LocalFree(descriptor);
    }
    leave(arena, folder);
    CHECK_INT(code, 0);
    CHECK(list && !everyone);
}

TEST(traps_are_refused_at_once)
{
    struct str folder = enter(arena);
    struct str text;
    struct err directory = {0};
    struct err device = {0};
    struct err pipe = {0};
    struct err lost = {0};
    int64_t before = clock_mono_us();
    HANDLE served = CreateNamedPipeW(L"\\\\.\\pipe\\moorage-test", PIPE_ACCESS_DUPLEX, 0, 1, 64, 64, 0, NULL);
    bool any = file_read(arena, str_c(arena, folder), 4096, true, &text, &directory) ||
               file_read(arena, "NUL", 4096, true, &text, &device) ||
               file_read(arena, "//./pipe/moorage-test", 4096, true, &text, &pipe) ||
               file_read(arena, in(arena, folder, "lost"), 4096, true, &text, &lost);
    int64_t spent = clock_mono_us() - before;
    CloseHandle(served);
    leave(arena, folder);
    CHECK(!any);
    CHECK(spent < 60000000);
    CHECK_INT(directory.kind, ERR_FORMAT);
    CHECK(device.kind == ERR_FORMAT || device.kind == ERR_GONE);
    CHECK_INT(pipe.kind, ERR_FORMAT);
    CHECK_INT(lost.kind, ERR_GONE);
}

TEST(what_can_not_be_written_is_said)
{
    struct str folder = enter(arena);
    struct err directory = {0};
    struct err lost = {0};
    bool any = file_write(arena, folder, STR("x"), &directory) ||
               file_write(arena, str_of(in(arena, folder, "lost\\file")), STR("x"), &lost);
    // Nothing stays behind.
    size_t files = leave(arena, folder);
    CHECK(!any);
    CHECK_INT(files, 0);
    CHECK(directory.kind == ERR_NOT_ALLOWED || directory.kind == ERR_SYSTEM);
    CHECK_INT(lost.kind, ERR_GONE);
}

TEST(device_is_written_into)
{
    CHECK(file_write(arena, STR("NUL"), STR("gone"), NULL));
}

// What file_read_input() gives when this is standard input, written to standard output and read back.
static struct str
through(struct arena *arena, struct str input, size_t limit)
{
    struct str text = {0};
    struct err err = {0};
    HANDLE in_pipe[2];
    HANDLE old = GetStdHandle(STD_INPUT_HANDLE);
    DWORD put;
    CHECK(CreatePipe(&in_pipe[0], &in_pipe[1], NULL, 65536));
    CHECK(WriteFile(in_pipe[1], input.ptr, (DWORD)input.len, &put, NULL));
    CloseHandle(in_pipe[1]);
    SetStdHandle(STD_INPUT_HANDLE, in_pipe[0]);
    bool good = file_read_input(arena, limit, &text, &err);
    SetStdHandle(STD_INPUT_HANDLE, old);
    CloseHandle(in_pipe[0]);
    CHECK(good);
    return text;
}

TEST(input_is_read_to_its_limit)
{
    CHECK_STR(through(arena, STR("short\r\n"), 100), "short\r\n");
    CHECK_STR(through(arena, STR("longer than allowed"), 10), "longer tha");
    CHECK_INT(through(arena, STR(""), 10).len, 0);
}

TEST(input_in_the_encoding_of_older_shells_is_understood)
{
    CHECK_STR(through(arena,
                      STR("\xff\xfe"
                          "8\0"
                          "\xfc\0"),
                      100),
              "8\xc3\xbc");
}

TEST(input_that_is_closed_is_said)
{
    struct str text;
    struct err err = {0};
    HANDLE old = GetStdHandle(STD_INPUT_HANDLE);
    SetStdHandle(STD_INPUT_HANDLE, INVALID_HANDLE_VALUE);
    bool read = file_read_input(arena, 10, &text, &err);
    SetStdHandle(STD_INPUT_HANDLE, old);
    CHECK(!read);
    CHECK_INT(err.kind, ERR_SYSTEM);
}

TAP_MAIN
