#include "decode/win_process.h"

#include "tap.h"
#include "win_bytes.h"

#define BASE UINT64_C(0x7ff600001000)

enum {
    ENTRY = 0x100, // without threads
    THREAD = 0x50,
};

// A process of the list: its entry begins at `at` and takes `size` bytes; the name, if any, stands at its end.
static void
put_process(char *list, size_t at, size_t size, bool last, uint32_t pid, uint32_t threads, const char *name)
{
    char *entry = list + at;
    win_put(entry, 0, 4, last ? 0 : size);
    win_put(entry, 4, 4, threads);
    win_put(entry, 0x20, 8, UINT64_C(134143344000000000) + pid);
    win_put(entry, 0x50, 8, pid);
    win_put(entry, 0x58, 8, pid + 1);
    win_put(entry, 0x64, 4, 2);
    if (!name)
        return;
    size_t length = 2 * strlen(name);
    win_put(entry, 0x38, 2, length);
    win_put(entry, 0x40, 8, BASE + at + size - length);
    win_put_text(entry, size - length, name);
}

static void
put_thread(char *list, size_t at, uint32_t state, uint32_t reason)
{
    win_put(list, at + 0x44, 4, state);
    win_put(list, at + 0x48, 4, reason);
}

TEST(processes_are_read_one_after_the_other)
{
    char *list = win_bytes(arena, 3 * 0x200);
    put_process(list, 0, 0x200, false, 0, 2, NULL);
    put_process(list, 0x200, 0x200, false, 4, 1, NULL);
    put_process(list, 0x400, 0x200, true, 8124, 1, "node.exe");
    struct str bytes = win_exact(arena, list, 3 * 0x200);
    struct win_process process;
    size_t at = 0;
    CHECK(win_process_next(arena, bytes, BASE, &at, &process));
    CHECK_STR(process.name, "System Idle Process");
    CHECK(win_process_next(arena, bytes, BASE, &at, &process));
    CHECK_STR(process.name, "System");
    CHECK(win_process_next(arena, bytes, BASE, &at, &process));
    CHECK_STR(process.name, "node.exe");
    CHECK_INT(process.pid, 8124);
    CHECK_INT(process.ppid, 8125);
    CHECK_INT(process.session, 2);
    CHECK_INT(process.threads, 1);
    CHECK(process.created == UINT64_C(134143344000000000) + 8124);
    CHECK(!win_process_next(arena, bytes, BASE, &at, &process));
}

static char
state_with(struct arena *arena, uint32_t threads, uint32_t state, uint32_t reason, uint32_t other_state,
           uint32_t other_reason)
{
    char *list = win_bytes(arena, 0x200);
    struct win_process process;
    size_t at = 0;
    put_process(list, 0, 0x200, true, 7, threads, NULL);
    put_thread(list, ENTRY, state, reason);
    put_thread(list, ENTRY + THREAD, other_state, other_reason);
    CHECK(win_process_next(arena, win_exact(arena, list, 0x200), BASE, &at, &process));
    return process.state;
}

TEST(state_is_that_of_the_threads)
{
    CHECK_INT(state_with(arena, 2, 5, 6, 5, 6), 'S');
    CHECK_INT(state_with(arena, 2, 5, 6, 2, 0), 'R');
    CHECK_INT(state_with(arena, 2, 5, 5, 5, 6), 'S');
    CHECK_INT(state_with(arena, 2, 5, 5, 5, 5), 'T');
    CHECK_INT(state_with(arena, 0, 0, 0, 0, 0), 'Z');
    // More threads than bytes.
    CHECK_INT(state_with(arena, UINT32_MAX, 5, 5, 5, 5), 'S');
}

TEST(name_outside_of_the_list_is_none)
{
    static const uint64_t places[] = {0, BASE - 2, BASE + 0x200, BASE + 0x1f2, UINT64_MAX};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *list = win_bytes(arena, 0x200);
        struct win_process process;
        size_t at = 0;
        put_process(list, 0, 0x200, true, 7, 0, "node.exe");
        win_put(list, 0x40, 8, places[i]);
        CHECK(win_process_next(arena, win_exact(arena, list, 0x200), BASE, &at, &process));
        CHECK_STR(process.name, "");
    }
}

TEST(entry_that_leads_nowhere_is_the_last)
{
    static const uint32_t nexts[] = {0, 1, 0xff, 0x200, 0xffffffff};
    for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++) {
        char *list = win_bytes(arena, 0x200);
        struct win_process process;
        size_t at = 0;
        put_process(list, 0, 0x200, true, 7, 0, "node.exe");
        win_put(list, 0, 4, nexts[i]);
        struct str bytes = win_exact(arena, list, 0x200);
        CHECK(win_process_next(arena, bytes, BASE, &at, &process));
        CHECK_STR(process.name, "node.exe");
        CHECK(!win_process_next(arena, bytes, BASE, &at, &process));
    }
    size_t at = 0;
    struct win_process process;
    CHECK(!win_process_next(arena, (struct str){0}, BASE, &at, &process));
    CHECK(!win_process_next(arena, win_exact(arena, win_bytes(arena, ENTRY), ENTRY - 1), BASE, &at, &process));
}

TEST(parameters_lead_to_folder_and_command_line)
{
    char *peb = win_bytes(arena, WIN_PEB_SIZE);
    char *block = win_bytes(arena, WIN_PARAMETERS_SIZE);
    uint64_t address;
    struct win_parameters parameters;
    CHECK(!win_peb_parameters((struct str){peb, WIN_PEB_SIZE}, false, &address));
    win_put(peb, 0x20, 8, BASE);
    CHECK(win_peb_parameters((struct str){peb, WIN_PEB_SIZE}, false, &address));
    CHECK(address == BASE);
    win_put(block, 0x38, 2, 8);
    win_put(block, 0x40, 8, BASE + 1);
    win_put(block, 0x70, 2, 18);
    win_put(block, 0x78, 8, BASE + 2);
    CHECK(win_parameters_parse((struct str){block, WIN_PARAMETERS_SIZE}, false, &parameters));
    CHECK_INT(parameters.folder.length, 8);
    CHECK(parameters.folder.address == BASE + 1);
    CHECK_INT(parameters.command.length, 18);
    CHECK(parameters.command.address == BASE + 2);
    CHECK(!parameters.ignores_interrupt);
    win_put(block, 0x18, 4, 3);
    CHECK(win_parameters_parse((struct str){block, WIN_PARAMETERS_SIZE}, false, &parameters));
    CHECK(parameters.ignores_interrupt);
    CHECK(!win_parameters_parse((struct str){block, WIN_PARAMETERS_SIZE - 1}, false, &parameters));
}

TEST(parameters_of_a_32_bit_process_lie_closer)
{
    char *peb = win_bytes(arena, WIN_PEB_SIZE);
    char *block = win_bytes(arena, WIN_PARAMETERS_SIZE);
    uint64_t address;
    struct win_parameters parameters;
    win_put(peb, 0x10, 4, 0x401000);
    CHECK(win_peb_parameters((struct str){peb, WIN_PEB_SIZE}, true, &address));
    CHECK_INT(address, 0x401000);
    win_put(block, 0x24, 2, 8);
    win_put(block, 0x28, 4, 0x402000);
    win_put(block, 0x40, 2, 18);
    win_put(block, 0x44, 4, 0x403000);
    CHECK(win_parameters_parse((struct str){block, WIN_PARAMETERS_SIZE}, true, &parameters));
    CHECK_INT(parameters.folder.length, 8);
    CHECK_INT(parameters.folder.address, 0x402000);
    CHECK_INT(parameters.command.length, 18);
    CHECK_INT(parameters.command.address, 0x403000);
    CHECK(!parameters.ignores_interrupt);
    win_put(block, 0x14, 4, 1);
    CHECK(win_parameters_parse((struct str){block, WIN_PARAMETERS_SIZE}, true, &parameters));
    CHECK(parameters.ignores_interrupt);
}

TEST(critical_is_a_name_in_its_own_place)
{
    struct str windows = STR("C:\\Windows");
    CHECK(win_process_is_critical(STR("lsass.exe"), STR("C:\\Windows\\System32\\lsass.exe"), windows));
    CHECK(win_process_is_critical(STR("CSRSS.EXE"), STR("c:\\windows\\system32\\csrss.exe"), windows));
    CHECK(win_process_is_critical(STR("smss.exe"), STR(""), windows));
    CHECK(!win_process_is_critical(STR("lsass.exe"), STR("C:\\Users\\ann\\lsass.exe"), windows));
    CHECK(!win_process_is_critical(STR("lsass.exe"), STR("D:\\Windows\\System32\\lsass.exe"), windows));
    CHECK(!win_process_is_critical(STR("svchost.exe"), STR("C:\\Windows\\System32\\svchost.exe"), windows));
    CHECK(!win_process_is_critical(STR("node.exe"), STR(""), windows));
    CHECK(win_process_is_guarded(STR("Lsass.exe")) && !win_process_is_guarded(STR("node.exe")));
}

TAP_MAIN
