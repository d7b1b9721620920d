#include "sys/dialog.h"

#include <windows.h>

#include "sys/term.h"
#include "sys/wide_win.h"

#define LINE_UNITS 1024
#define INTERRUPTED 130

static volatile LONG interrupted;
static bool held;

static bool
is_console(DWORD which)
{
    DWORD mode;
    HANDLE handle = GetStdHandle(which);
    return handle && GetConsoleMode(handle, &mode);
}

bool
dialog_is_possible(bool *on_output)
{
    bool output = term_output_is_terminal();
    if (on_output)
        *on_output = output;
    return term_input_is_terminal() && (output || is_console(STD_ERROR_HANDLE));
}

bool
dialog_shows_progress(void)
{
    return is_console(STD_ERROR_HANDLE);
}

bool
dialog_read_line(struct arena *arena, struct str *out)
{
    wchar_t wide[LINE_UNITS];
    char bytes[LINE_UNITS];
    DWORD got = 0;
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    if (is_console(STD_INPUT_HANDLE)) {
        if (!ReadConsoleW(input, wide, LINE_UNITS, &got, NULL) || got == 0 || interrupted)
            return false;
        *out = str_trim(wide_to(arena, wide, got));
        return true;
    }
    // The terminals of Cygwin and MSYS2 are pipes, which give a line at a time.
    if (!ReadFile(input, bytes, sizeof bytes, &got, NULL) || got == 0)
        return false;
    *out = str_trim(str_copy(arena, (struct str){bytes, got}));
    return true;
}

// Runs in a thread of its own.
static BOOL WINAPI
on_interrupt(DWORD event)
{
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        return FALSE;
    if (InterlockedExchange(&interrupted, 1))
        ExitProcess(INTERRUPTED);
    return TRUE;
}

void
dialog_hold_interrupt(bool hold)
{
    if (hold == held)
        return;
    held = hold;
    SetConsoleCtrlHandler(on_interrupt, hold);
}

bool
dialog_interrupted(void)
{
    return interrupted != 0;
}
