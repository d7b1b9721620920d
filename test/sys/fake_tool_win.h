#ifndef MOORAGE_TEST_SYS_FAKE_TOOL_WIN_H
#define MOORAGE_TEST_SYS_FAKE_TOOL_WIN_H

// netsh.exe and wsl.exe that answer what a test wants: the test program itself, copied under their name into a folder of
// its own. What a call prints stands in a file that is named after its words; a call without a file fails.
//
//     int main(void) { return fake_tool_main(); }

#include "tap.h"

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>

#include "sys/tool_win.h"
#include "sys/wide_win.h"

enum {
    FAKE_TOOL_NAME = 60, // longest name of a file of an answer
};

static char fake_tool_folder[MAX_PATH * 3];

// "interface_ipv4_show_dynamicport_tcp": the first words of a call, without what a file can't be named.
static inline void
fake_tool_name(struct str words, char name[FAKE_TOOL_NAME + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < words.len && len < FAKE_TOOL_NAME; i++) {
        char c = words.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        name[len++] = plain ? c : '_';
    }
    name[len] = '\0';
}

static inline struct str
fake_tool_path(struct arena *arena, struct str words)
{
    char name[FAKE_TOOL_NAME + 1];
    fake_tool_name(words, name);
    return str_printf(arena, "%s\\%s", fake_tool_folder, name);
}

// What a call with these words prints from now on; `code` is its exit code, -1: it never ends.
static inline void
fake_tool_answer(struct arena *arena, const char *words, struct str text, int code)
{
    FILE *file = _wfopen(wide_from(arena, fake_tool_path(arena, str_of(words))), L"wb");
    char head[4] = {(char)(code < 0 ? 255 : code), 0, 0, 0};
    CHECK(file != NULL);
    CHECK(fwrite(head, 1, 1, file) == 1 && fwrite(text.ptr ? text.ptr : "", 1, text.len, file) == text.len);
    fclose(file);
}

// Makes the tools; tool_run() uses them until fake_tool_end().
static inline void
fake_tool_begin(struct arena *arena)
{
    wchar_t temporary[MAX_PATH + 1];
    wchar_t self[MAX_PATH];
    static const char *const tools[] = {"netsh.exe", "wsl.exe"};
    GetTempPathW(MAX_PATH + 1, temporary);
    struct str folder =
        str_printf(arena, "%.*smoorage-tools-%lu", STR_ARG(wide_to_z(arena, temporary)), GetCurrentProcessId());
    snprintf(fake_tool_folder, sizeof fake_tool_folder, "%.*s", STR_ARG(folder));
    CreateDirectoryW(wide_from(arena, folder), NULL);
    CHECK(GetModuleFileNameW(NULL, self, MAX_PATH) > 0);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        CHECK(CopyFileW(self, wide_from(arena, str_printf(arena, "%s\\%s", fake_tool_folder, tools[i])), FALSE));
    tool_use_folder(fake_tool_folder);
}

static inline void
fake_tool_end(struct arena *arena)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(wide_from(arena, str_printf(arena, "%s\\*", fake_tool_folder)), &found);
    for (BOOL more = search != INVALID_HANDLE_VALUE; more; more = FindNextFileW(search, &found))
        DeleteFileW(wide_from(
            arena, str_printf(arena, "%s\\%.*s", fake_tool_folder, STR_ARG(wide_to_z(arena, found.cFileName)))));
    FindClose(search);
    RemoveDirectoryW(wide_from(arena, str_of(fake_tool_folder)));
    tool_use_folder(NULL);
}

// What the tool does: prints the file that its words name.
static inline int
fake_tool_play(struct arena *arena, struct str self, struct str words)
{
    char chunk[4096];
    size_t slash = str_find_last_byte(self, '\\');
    snprintf(fake_tool_folder, sizeof fake_tool_folder, "%.*s", STR_ARG(str_part(self, 0, slash)));
    FILE *file = _wfopen(wide_from(arena, fake_tool_path(arena, words)), L"rb");
    int code = file ? fgetc(file) : EOF;
    if (code == EOF)
        return 1;
    _setmode(_fileno(stdout), _O_BINARY);
    for (size_t got = sizeof chunk; got == sizeof chunk;) {
        got = fread(chunk, 1, sizeof chunk, file);
        fwrite(chunk, 1, got, stdout);
    }
    fflush(stdout);
    if (code == 255)
        Sleep(600000);
    return code;
}

static inline int
fake_tool_main(void)
{
    struct arena *arena = arena_open();
    int argc = 0;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    struct str self = argc > 0 ? wide_to_z(arena, argv[0]) : STR("");
    struct str words = STR("");
    int code;
    for (int i = 1; i < argc; i++)
        words = str_printf(arena, "%.*s%s%.*s", STR_ARG(words), i > 1 ? " " : "", STR_ARG(wide_to_z(arena, argv[i])));
    if (str_ends(self, STR("\\netsh.exe")) || str_ends(self, STR("\\wsl.exe")))
        code = fake_tool_play(arena, self, words);
    else
        code = tap_run_all();
    arena_close(arena);
    return code;
}

#endif
