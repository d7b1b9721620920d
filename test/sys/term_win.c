// Consoles are tested as a user would see them, by test/e2e; here is what can be asked of pipes.

#include "sys/term.h"

#include "tap.h"

#include <windows.h>

static HANDLE
swap(DWORD which, HANDLE with)
{
    HANDLE old = GetStdHandle(which);
    fflush(stdout);
    SetStdHandle(which, with);
    return old;
}

// What term_write() puts into a pipe.
static struct str
written(struct arena *arena, struct str text)
{
    HANDLE pipe[2];
    DWORD got = 0;
    char *room = arena_alloc(arena, 4096);
    CHECK(CreatePipe(&pipe[0], &pipe[1], NULL, 65536));
    HANDLE old = swap(STD_OUTPUT_HANDLE, pipe[1]);
    bool terminal = term_output_is_terminal() || term_wants_colour();
    bool good = term_write(text, NULL);
    swap(STD_OUTPUT_HANDLE, old);
    CloseHandle(pipe[1]);
    (void)ReadFile(pipe[0], room, 4096, &got, NULL);
    CloseHandle(pipe[0]);
    CHECK(good && !terminal);
    return (struct str){room, got};
}

TEST(pipe_gets_the_bytes_as_they_are)
{
    CHECK_STR(written(arena, STR("gr\xc3\xbc\xc3\x9f\n\x1a\n")), "gr\xc3\xbc\xc3\x9f\n\x1a\n");
}

TEST(reader_that_has_gone_is_told)
{
    HANDLE pipe[2];
    struct err err = {0};
    CHECK(CreatePipe(&pipe[0], &pipe[1], NULL, 0));
    CloseHandle(pipe[0]);
    HANDLE old = swap(STD_OUTPUT_HANDLE, pipe[1]);
    bool good = term_write(STR("x"), &err);
    swap(STD_OUTPUT_HANDLE, old);
    CloseHandle(pipe[1]);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_GONE);
}

TEST(output_that_is_closed_is_told)
{
    struct err err = {0};
    HANDLE old = swap(STD_OUTPUT_HANDLE, NULL);
    bool good = term_write(STR("x"), &err);
    swap(STD_OUTPUT_HANDLE, old);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_SYSTEM);
}

TEST(terminal_of_msys_is_known_by_the_name_of_its_pipe)
{
    HANDLE pipe = CreateNamedPipeW(L"\\\\.\\pipe\\msys-dd50a72ab4668b33-pty1-to-master", PIPE_ACCESS_DUPLEX, 0, 1, 64,
                                   64, 0, NULL);
    if (pipe == INVALID_HANDLE_VALUE)
        SKIP("no such pipe can be made");
    HANDLE old = swap(STD_OUTPUT_HANDLE, pipe);
    bool terminal = term_output_is_terminal();
    bool colour = term_wants_colour();
    swap(STD_OUTPUT_HANDLE, old);
    CloseHandle(pipe);
    CHECK(terminal && colour);
}

TEST(size_of_the_environment_wins)
{
    SetEnvironmentVariableW(L"COLUMNS", L"99");
    SetEnvironmentVariableW(L"LINES", L"12");
    CHECK_INT(term_width(), 99);
    CHECK_INT(term_height(), 12);
    SetEnvironmentVariableW(L"COLUMNS", L"many");
    CHECK(term_width() >= 20);
}

TEST(environment_is_utf_8)
{
    bool present;
    SetEnvironmentVariableW(L"MOORAGE_TEST", L"gr\u00fc\u00df");
    CHECK_STR(term_environment("MOORAGE_TEST", &present), "gr\xc3\xbc\xc3\x9f");
    CHECK(present);
    SetEnvironmentVariableW(L"MOORAGE_TEST", L"");
    CHECK_STR(term_environment("MOORAGE_TEST", &present), "");
    CHECK(present);
    CHECK_STR(term_environment("MOORAGE_TEST_NOT_SET", &present), "");
    CHECK(!present);
}

TAP_MAIN
