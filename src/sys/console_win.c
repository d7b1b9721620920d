#include "sys/console.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/fault_win.h"
#include "sys/process_memory_win.h"
#include "sys/spawn.h"
#include "sys/wide_win.h"

// The first word of the second program; behind it the process, and all that are meant.
#define MARK "--press-interrupt"

enum {
    ANSWER_LIMIT = 65536,
    PRESENT_LIMIT = 65536, // processes on one console
    PATH_UNITS = 32768,
};

// ---- the second program ----

// Ctrl-C and Ctrl-Break reach it as well, and are no affair of its own.
static BOOL WINAPI
stay(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static bool
list_present(struct arena *arena, struct console_pids *out)
{
    DWORD room = 64;
    DWORD count = 0;
    DWORD *pids = NULL;
    do {
        room = count > room ? count + 16 : room;
        pids = arena_array(arena, room, sizeof *pids);
        count = GetConsoleProcessList(pids, room);
    } while (count > room && count < PRESENT_LIMIT);
    for (DWORD i = 0; i < count && count <= room; i++)
        *LIST_ADD(arena, out) = pids[i];
    return out->count > 0;
}

// Whether the program has switched Ctrl-C off. Where that can't be seen it has not.
static bool
is_off(uint32_t pid)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, pid);
    if (!process)
        return false;
    bool off = process_memory_ignores_interrupt(process);
    CloseHandle(process);
    return off;
}

static struct console_answer
press(struct arena *arena, uint32_t pid, const struct console_pids *meant)
{
    struct console_pids present = {.count = 0};
    struct console_answer answer = {.kind = CONSOLE_OTHERS};
    FreeConsole();
    if (!AttachConsole(pid))
        return (struct console_answer){.kind = CONSOLE_NONE, .code = GetLastError()};
    SetConsoleCtrlHandler(stay, TRUE);
    if (!list_present(arena, &present))
        return (struct console_answer){.kind = CONSOLE_FAILED, .code = GetLastError()};
    console_bystanders(arena, &present, meant, GetCurrentProcessId(), &answer.pids);
    if (answer.pids.count > 0)
        return answer;
    // Everybody there is to end: so all of them, which group 0 means.
    if (!GenerateConsoleCtrlEvent(is_off(pid) ? CTRL_BREAK_EVENT : CTRL_C_EVENT, 0))
        return (struct console_answer){.kind = CONSOLE_FAILED, .code = GetLastError()};
    answer.kind = CONSOLE_PRESSED;
    for (size_t i = 0; i < present.count; i++)
        if (present.items[i] != GetCurrentProcessId())
            *LIST_ADD(arena, &answer.pids) = present.items[i];
    return answer;
}

bool
console_begin(int argc, char **argv, int *code)
{
    if (argc < 3 || !str_equal(str_of(argv[1]), STR(MARK)))
        return false;
    struct arena *arena = arena_open();
    struct console_pids meant = {.count = 0};
    struct console_answer answer = {.kind = CONSOLE_FAILED, .code = ERROR_INVALID_PARAMETER};
    DWORD written;
    bool good = true;
    // The pipe, before a console could come instead of it.
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    for (int i = 2; i < argc; i++)
        good = good && console_pids_parse(arena, str_of(argv[i]), &meant);
    if (good && meant.count > 0)
        answer = press(arena, meant.items[0], &meant);
    struct str line = console_answer_format(arena, &answer);
    *code = WriteFile(out, line.ptr, (DWORD)line.len, &written, NULL) ? 0 : 1;
    arena_close(arena);
    return true;
}

// ---- the first one ----

static bool
own_path(struct arena *arena, struct str *out, struct err *err)
{
    wchar_t *path = arena_array(arena, PATH_UNITS, sizeof *path);
    DWORD units = GetModuleFileNameW(NULL, path, PATH_UNITS);
    if (units == 0 || units >= PATH_UNITS)
        return fault_set(err, GetLastError(), "find the own program");
    *out = wide_to(arena, path, units);
    return true;
}

static bool
understand(struct arena *arena, const struct pinned *pinned, const struct spawn_answer *said,
           struct console_answer *out, struct err *err)
{
    if (said->code != 0 || !console_answer_parse(arena, said->out, out))
        return err_set(err, ERR_FORMAT, 0, "press Ctrl-C for process %u: the helper gives no answer", pinned->pid);
    if (out->kind == CONSOLE_FAILED)
        return fault_set(err, out->code, "press Ctrl-C for process %u", pinned->pid);
    if (out->kind != CONSOLE_NONE)
        return true;
    // ERROR_INVALID_HANDLE: it has no console, ERROR_INVALID_PARAMETER: there is no such process.
    if (out->code == ERROR_INVALID_PARAMETER || !pinned_lives(pinned))
        return err_set(err, ERR_GONE, out->code, "process %u has ended", pinned->pid);
    if (out->code == ERROR_ACCESS_DENIED)
        return fault_set(err, out->code, "join the console of process %u", pinned->pid);
    return err_set(err, ERR_UNSUPPORTED, out->code, "process %u has no console", pinned->pid);
}

bool
console_interrupt(struct arena *arena, const struct pinned *pinned, const struct console_pids *meant,
                  unsigned deadline_ms, struct console_answer *out, struct err *err)
{
    struct str *argv = arena_array(arena, meant->count + 3, sizeof *argv);
    struct spawn_answer said = {.code = 0};
    size_t argc = 3;
    *out = (struct console_answer){.kind = CONSOLE_OTHERS};
    if (!own_path(arena, &argv[0], err))
        return false;
    argv[1] = STR(MARK);
    argv[2] = str_printf(arena, "%u", pinned->pid);
    for (size_t i = 0; i < meant->count; i++)
        if (meant->items[i] != pinned->pid)
            argv[argc++] = str_printf(arena, "%u", meant->items[i]);
    if (!pinned_lives(pinned))
        return err_set(err, ERR_GONE, 0, "process %u has ended", pinned->pid);
    return spawn_read(arena, argv, argc, deadline_ms, ANSWER_LIMIT, &said, err) &&
           understand(arena, pinned, &said, out, err);
}
