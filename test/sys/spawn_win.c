#include "sys/spawn.h"

#include "tap.h"

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>

#include "sys/clock.h"
#include "sys/wide_win.h"

// This program itself is what is started: its words say what it does.
static bool
run_self(struct arena *arena, struct str words, unsigned deadline_ms, size_t limit, struct spawn_answer *out,
         struct err *err)
{
    wchar_t path[MAX_PATH];
    struct str argv[16] = {wide_to(arena, path, GetModuleFileNameW(NULL, path, MAX_PATH))};
    size_t argc = 1;
    while (argc < 16 && str_cut(&words, '|', &argv[argc]))
        argc++;
    return spawn_read(arena, argv, argc, deadline_ms, limit, out, err);
}

TEST(what_it_prints_and_its_exit_code_come_back)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    CHECK(run_self(arena, STR("words"), 60000, 100, &answer, &err));
    CHECK_INT(answer.out.len, 0);
    CHECK_INT(answer.code, 7);
}

TEST(words_arrive_as_they_are)
{
    struct spawn_answer answer = {0};
    CHECK(run_self(arena, STR("words|a b||\"q\" \\|c:\\x y\\|\\\\\"|%PATH% *|gr\xc3\xbc\xc3\x9f"), 60000, 200, &answer,
                   NULL));
    CHECK_STR(answer.out, "<a b><><\"q\" \\><c:\\x y\\><\\\\\"><%PATH% *><gr\xc3\xbc\xc3\x9f>");
}

TEST(its_input_is_empty)
{
    struct spawn_answer answer = {0};
    CHECK(run_self(arena, STR("input"), 60000, 100, &answer, NULL));
    CHECK_STR(answer.out, "end");
}

TEST(a_lot_is_read_up_to_the_limit)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    CHECK(run_self(arena, STR("lot"), 60000, 300000, &answer, &err));
    CHECK_INT(answer.out.len, 300000);
    CHECK(!run_self(arena, STR("lot"), 60000, 299999, &answer, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
}

TEST(deadline_ends_it_and_what_it_started)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    HANDLE started = CreateEventW(NULL, TRUE, FALSE, L"moorage-test-started");
    HANDLE alive = CreateMutexW(NULL, FALSE, L"moorage-test-alive");
    CHECK(started && alive);
    bool has_started = false;
    // A busy machine may need longer than the first deadline to get that far.
    for (unsigned ms = 3000; ms <= 60000 && !has_started; ms += 57000) {
        int64_t before = clock_mono_us();
        CHECK(!run_self(arena, STR("parent"), ms, 100, &answer, &err));
        int64_t spent_ms = (clock_mono_us() - before) / 1000;
        CHECK_INT(err.kind, ERR_TIMEOUT);
        CHECK(spent_ms >= ms && spent_ms < ms + 30000);
        has_started = WaitForSingleObject(started, 0) == WAIT_OBJECT_0;
    }
    CHECK(has_started);
    // It held the mutex; whoever ends leaves it abandoned.
    CHECK(WaitForSingleObject(alive, 60000) == WAIT_ABANDONED);
    ReleaseMutex(alive);
    CloseHandle(alive);
    CloseHandle(started);
}

TEST(who_leaves_its_output_to_others_does_not_hold_us_up)
{
    struct spawn_answer answer = {0};
    int64_t before = clock_mono_us();
    CHECK(run_self(arena, STR("leaver"), 60000, 100, &answer, NULL));
    CHECK(clock_mono_us() - before < 50000000);
    CHECK_STR(answer.out, "left");
    CHECK_INT(answer.code, 4);
}

TEST(what_can_not_be_run_is_said)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    struct str gone = STR("C:\\no\\such\\program.exe");
    CHECK(!spawn_read(arena, &gone, 1, 60000, 100, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(str_starts(str_of(err.text), STR("run C:\\no\\such\\program.exe: ")));
    struct str no_program = STR("C:\\windows\\win.ini");
    CHECK(!spawn_read(arena, &no_program, 1, 60000, 100, &answer, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

static void
start_sleeper(void)
{
    wchar_t path[MAX_PATH];
    wchar_t line[] = L"test sleeper";
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    GetModuleFileNameW(NULL, path, MAX_PATH);
    CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made);
}

static int
play(struct arena *arena, int argc, wchar_t **argv)
{
    _setmode(_fileno(stdout), _O_BINARY);
    if (wcscmp(argv[1], L"words") == 0) {
        for (int i = 2; i < argc; i++)
            printf("<%s>", str_c(arena, wide_to_z(arena, argv[i])));
        return 7;
    }
    if (wcscmp(argv[1], L"input") == 0)
        printf(getchar() == EOF ? "end" : "more");
    if (wcscmp(argv[1], L"lot") == 0)
        for (int i = 0; i < 300000; i++)
            putchar('x');
    if (wcscmp(argv[1], L"parent") == 0) {
        start_sleeper();
        Sleep(100000);
    }
    if (wcscmp(argv[1], L"leaver") == 0) {
        start_sleeper();
        printf("left");
        return 4;
    }
    if (wcscmp(argv[1], L"sleeper") == 0) {
        HANDLE alive = CreateMutexW(NULL, TRUE, L"moorage-test-alive");
        HANDLE started = CreateEventW(NULL, TRUE, FALSE, L"moorage-test-started");
        WaitForSingleObject(alive, INFINITE);
        SetEvent(started);
        Sleep(100000);
    }
    return 0;
}

int
main(void)
{
    int argc;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    struct arena *arena = arena_open();
    int code = argc > 1 ? play(arena, argc, argv) : tap_run_all();
    arena_close(arena);
    LocalFree(argv);
    return code;
}
