#include "sys/bind_catch.h"

#include <windows.h>

#include <string.h>

#include "sys/become.h"
#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/program_win.h"
#include "sys/term.h"

enum {
    KEPT = 1 << 18,
    LOOK_MS = 20, // an anonymous pipe can't be waited for
    CHUNK = 16384,
};

struct bind_catch {
    HANDLE process;
    HANDLE said; // its error output
    DWORD code;
    size_t length;
    char kept[KEPT]; // the last bytes of it
};

// Ctrl-C is the command's own affair: it reaches it as well.
static BOOL WINAPI
leave_to_command(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

// Starts the command with this error output; the other streams are ours, or standard output is our error output (`apart`).
// The code of GetLastError(), 0 = started.
static DWORD
start(wchar_t *program, wchar_t *line, HANDLE end, bool apart, HANDLE *process)
{
    STARTUPINFOW startup = {
        .cb = sizeof startup,
        .dwFlags = STARTF_USESTDHANDLES,
        .hStdInput = GetStdHandle(STD_INPUT_HANDLE),
        .hStdOutput = GetStdHandle(apart ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE),
        .hStdError = end,
    };
    PROCESS_INFORMATION made;

    if (!CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made))
        return GetLastError();
    CloseHandle(made.hThread);
    *process = made.hProcess;
    return 0;
}

bool
bind_catch_start(struct arena *arena, const struct str_list *command, bool apart, struct bind_catch **out, int *code,
                 struct err *err)
{
    struct bind_catch *bound = arena_alloc(arena, sizeof *bound);
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    HANDLE end = NULL;
    wchar_t *program;
    wchar_t *line;

    *code = BECOME_NOT_FOUND;
    if (!program_find(arena, command->items, command->count, &program, &line))
        return err_set(err, ERR_GONE, ERROR_FILE_NOT_FOUND, "run %.*s: there is no such program",
                       STR_ARG(command->items[0]));
    *code = BECOME_CANT_RUN;
    if (!CreatePipe(&bound->said, &end, &inherit, 0) || !SetHandleInformation(bound->said, HANDLE_FLAG_INHERIT, 0))
        return fault_set(err, GetLastError(), "make a pipe");
    SetConsoleCtrlHandler(leave_to_command, TRUE);
    DWORD failed = start(program, line, end, apart, &bound->process);
    CloseHandle(end);
    if (failed) {
        CloseHandle(bound->said);
        return fault_set(err, failed, "run %.*s", STR_ARG(command->items[0]));
    }
    *out = bound;
    return true;
}

bool
bind_catch_sees(const struct bind_catch *bound, struct str *why_not)
{
    (void)bound;
    if (why_not)
        *why_not = STR("Windows does not show binds");
    return false;
}

static void
keep(struct bind_catch *bound, const char *bytes, size_t count)
{
    size_t over = bound->length + count > sizeof bound->kept ? bound->length + count - sizeof bound->kept : 0;

    memmove(bound->kept, bound->kept + over, bound->length - over);
    memcpy(bound->kept + bound->length - over, bytes, count);
    bound->length += count - over;
}

// Passes on what is there to be read; false when there was nothing.
static bool
pass(struct bind_catch *bound)
{
    char bytes[CHUNK];
    DWORD ready = 0;
    DWORD got = 0;

    if (!PeekNamedPipe(bound->said, NULL, 0, NULL, &ready, NULL) || ready == 0)
        return false;
    if (!ReadFile(bound->said, bytes, ready < sizeof bytes ? ready : sizeof bytes, &got, NULL) || got == 0)
        return false;
    (void)term_write_error((struct str){bytes, got});
    keep(bound, bytes, got);
    return true;
}

enum catch_event
bind_catch_next(struct bind_catch *bound, unsigned ms, struct bind_try *bind)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);

    (void)bind;
    for (;;) {
        bool ended = WaitForSingleObject(bound->process, 0) == WAIT_OBJECT_0;
        if (pass(bound))
            continue;
        if (ended) {
            GetExitCodeProcess(bound->process, &bound->code);
            return CATCH_ENDED;
        }
        if (clock_mono_us() >= end_us)
            return CATCH_TIME;
        WaitForSingleObject(bound->process, LOOK_MS);
    }
}

int
bind_catch_code(const struct bind_catch *bound)
{
    return (int)bound->code;
}

struct str
bind_catch_text(const struct bind_catch *bound)
{
    return (struct str){bound->kept, bound->length};
}

void
bind_catch_end(struct bind_catch *bound)
{
    CloseHandle(bound->process);
    CloseHandle(bound->said);
    SetConsoleCtrlHandler(leave_to_command, FALSE);
}
