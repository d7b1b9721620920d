// Wine asks nobody, and its programs have all rights; what is tested is that the second program runs where and as the
// first one did.

#include "sys/elevate.h"

#include "tap.h"

#include <windows.h>

#include <shellapi.h>

#include "sys/term.h"
#include "sys/wide_win.h"

// Runs this program again with one word; what it printed on both outputs.
static int
run_self(struct arena *arena, const char *word, struct str *out, struct str *error, struct err *err)
{
    static const DWORD streams[] = {STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    char program[] = "test";
    char *argv[] = {program, str_c(arena, str_of(word)), str_c(arena, STR("two words \"x\"")), NULL};
    struct str *texts[] = {out, error};
    HANDLE read[2];
    HANDLE write[2];
    HANDLE old[2];
    int code = -1;
    fflush(stdout);
    for (size_t i = 0; i < 2; i++) {
        CHECK(CreatePipe(&read[i], &write[i], NULL, 1 << 20));
        old[i] = GetStdHandle(streams[i]);
        SetStdHandle(streams[i], write[i]);
    }
    bool good = elevate_run(3, argv, &code, err);
    for (size_t i = 0; i < 2; i++) {
        DWORD got = 0;
        char *room = arena_alloc(arena, 1 << 20);
        SetStdHandle(streams[i], old[i]);
        CloseHandle(write[i]);
        for (DWORD more = 0; ReadFile(read[i], room + got, (1 << 20) - got, &more, NULL) && more > 0;)
            got += more;
        *texts[i] = (struct str){room, got};
        CloseHandle(read[i]);
    }
    CHECK(good == (err->kind == ERR_NONE));
    return code;
}

TEST(outputs_and_exit_code_come_back)
{
    struct str out;
    struct str error;
    struct err err = {0};
    CHECK_INT(run_self(arena, "say", &out, &error, &err), 42);
    CHECK_STR(out, "out <two words \"x\"> gr\xc3\xbc\xc3\x9f\n");
    CHECK_STR(error, "error\n");
}

TEST(a_lot_comes_back_whole)
{
    struct str out;
    struct str error;
    struct err err = {0};
    CHECK_INT(run_self(arena, "lot", &out, &error, &err), 0);
    CHECK_INT(out.len, 500000);
    CHECK_INT(error.len, 0);
}

TEST(who_says_nothing_does_not_hold_us_up)
{
    struct str out;
    struct str error;
    struct err err = {0};
    CHECK_INT(run_self(arena, "nothing", &out, &error, &err), 3);
    CHECK_INT(out.len + error.len, 0);
}

TEST(the_folder_is_the_same)
{
    wchar_t folder[MAX_PATH];
    struct str out;
    struct str error;
    struct err err = {0};
    CHECK(GetCurrentDirectoryW(MAX_PATH, folder) > 0);
    CHECK_INT(run_self(arena, "folder", &out, &error, &err), 0);
    CHECK_STR(out, str_c(arena, wide_to_z(arena, folder)));
}

TEST(standard_input_is_not_handed_over)
{
    struct str out;
    struct str error;
    struct err err = {0};
    run_self(arena, "-", &out, &error, &err);
    CHECK_INT(err.kind, ERR_USAGE);
}

TEST(ordinary_words_stay_on_the_line)
{
    char program[] = "moorage";
    char port[] = "8080";
    char broken[] = "--elevated-by=x";
    char *plain[] = {program, port, NULL};
    char *other[] = {program, broken, port, NULL};
    int argc = 2;
    elevate_begin(&argc, plain);
    CHECK_INT(argc, 2);
    argc = 3;
    elevate_begin(&argc, other);
    CHECK_INT(argc, 3);
}

static int
play(struct arena *arena, int argc, char **argv)
{
    struct str what = str_of(argv[1]);
    if (str_equal(what, STR("say"))) {
        term_write(str_printf(arena, "out <%s> gr\xc3\xbc\xc3\x9f\n", argc > 2 ? argv[2] : ""), NULL);
        term_write_error(STR("error\n"));
        return 42;
    }
    if (str_equal(what, STR("lot")))
        for (int i = 0; i < 500; i++)
            term_write(str_printf(arena, "%01000d", i), NULL);
    if (str_equal(what, STR("folder"))) {
        wchar_t folder[MAX_PATH];
        GetCurrentDirectoryW(MAX_PATH, folder);
        term_write(wide_to_z(arena, folder), NULL);
    }
    return str_equal(what, STR("nothing")) ? 3 : 0;
}

int
main(void)
{
    int argc;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &argc);
    struct arena *arena = arena_open();
    char **argv = arena_array(arena, (size_t)argc + 1, sizeof *argv);
    for (int i = 0; i < argc; i++)
        argv[i] = str_c(arena, wide_to_z(arena, wide[i]));
    elevate_begin(&argc, argv);
    int code = argc > 1 ? play(arena, argc, argv) : tap_run_all();
    arena_close(arena);
    LocalFree(wide);
    return code;
}
