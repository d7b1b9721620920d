#include "sys/become.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/program_win.h"
#include "sys/term.h"

// Ctrl-C is the program's own affair: it reaches it as well.
static BOOL WINAPI
leave_to_program(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

int
become_program(const struct str_list *command, struct err *err)
{
    struct arena *arena = arena_open();
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    wchar_t *program;
    wchar_t *line;
    DWORD code = BECOME_NOT_FOUND;

    if (!program_find(arena, command->items, command->count, &program, &line)) {
        err_set(err, ERR_GONE, ERROR_FILE_NOT_FOUND, "run %.*s: there is no such program", STR_ARG(command->items[0]));
    } else {
        term_end();
        SetConsoleCtrlHandler(leave_to_program, TRUE);
        if (CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made)) {
            CloseHandle(made.hThread);
            WaitForSingleObject(made.hProcess, INFINITE);
            GetExitCodeProcess(made.hProcess, &code);
            CloseHandle(made.hProcess);
        } else {
            code = BECOME_CANT_RUN;
            fault_set(err, GetLastError(), "run %.*s", STR_ARG(command->items[0]));
        }
    }
    arena_close(arena);
    return (int)code;
}
