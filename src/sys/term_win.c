#include "sys/term.h"

#include <windows.h>

#include <stdlib.h>

#include "base/arena.h"
#include "sys/fault_win.h"
#include "sys/wide_win.h"

#define INTERRUPTED 130
// Older consoles refuse more at once.
#define CONSOLE_UNITS 8192

static const wchar_t restore_screen[] = L"\033[0m\033[?25h\n";

// How the console was before, since its shell goes on with it.
static struct {
    DWORD before;
    bool changed;
    bool escapes; // it understands escape sequences
} console;

static HANDLE
stream(DWORD which)
{
    HANDLE handle = GetStdHandle(which);
    return handle ? handle : INVALID_HANDLE_VALUE;
}

static bool
is_console(DWORD which)
{
    DWORD mode;
    return GetConsoleMode(stream(which), &mode) != 0;
}

// The terminals of Cygwin and MSYS2 (mintty) are pipes for other programs, "\msys-dd50a72ab4668b33-pty1-to-master". They
// understand UTF-8 and escape sequences.
static bool
is_cygwin_terminal(DWORD which)
{
    struct {
        FILE_NAME_INFO info;
        wchar_t rest[MAX_PATH];
    } name = {0};
    HANDLE handle = stream(which);
    if (GetFileType(handle) != FILE_TYPE_PIPE ||
        !GetFileInformationByHandleEx(handle, FileNameInfo, &name, sizeof name - sizeof(wchar_t)))
        return false;
    struct arena *arena = arena_open();
    struct str text = wide_to(arena, name.info.FileName, name.info.FileNameLength / sizeof(wchar_t));
    bool is = (str_starts(text, STR("\\msys-")) || str_starts(text, STR("\\cygwin-"))) &&
              str_find(text, STR("-pty")) != SIZE_MAX && str_ends(text, STR("-master"));
    arena_close(arena);
    return is;
}

static void
restore_console(void)
{
    if (console.changed)
        SetConsoleMode(stream(STD_OUTPUT_HANDLE), console.before);
}

// Runs in a thread of its own.
static BOOL WINAPI
on_interrupt(DWORD event)
{
    DWORD put;
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        return FALSE;
    if (console.escapes)
        WriteConsoleW(stream(STD_OUTPUT_HANDLE), restore_screen, sizeof restore_screen / sizeof *restore_screen - 1,
                      &put, NULL);
    restore_console();
    ExitProcess(INTERRUPTED);
}

void
term_begin(void)
{
    HANDLE out = stream(STD_OUTPUT_HANDLE);
    const DWORD wanted = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
    SetConsoleCtrlHandler(on_interrupt, TRUE);
    if (!GetConsoleMode(out, &console.before))
        return;
    console.escapes = (console.before & wanted) == wanted;
    if (!console.escapes && SetConsoleMode(out, console.before | wanted)) {
        console.escapes = true;
        console.changed = true;
        atexit(restore_console);
    }
}

void
term_end(void)
{
    SetConsoleCtrlHandler(on_interrupt, FALSE);
    restore_console();
}

bool
term_output_is_terminal(void)
{
    return is_console(STD_OUTPUT_HANDLE) || is_cygwin_terminal(STD_OUTPUT_HANDLE);
}

bool
term_error_is_terminal(void)
{
    return is_console(STD_ERROR_HANDLE) || is_cygwin_terminal(STD_ERROR_HANDLE);
}

bool
term_input_is_terminal(void)
{
    return is_console(STD_INPUT_HANDLE) || is_cygwin_terminal(STD_INPUT_HANDLE);
}

bool
term_is_own_console(void)
{
    DWORD others[2];
    return is_console(STD_INPUT_HANDLE) && is_console(STD_OUTPUT_HANDLE) &&
           GetConsoleProcessList(others, sizeof others / sizeof *others) == 1;
}

// A size from the environment; 0 if it is missing or nonsense.
static size_t
size_from(const char *variable)
{
    uint64_t value = 0;
    if (!str_to_u64(term_environment(variable, NULL), 10, &value) || value > 10000)
        return 0;
    return (size_t)value;
}

size_t
term_width(void)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    size_t wished = size_from("COLUMNS");
    if (wished)
        return wished;
    bool told = GetConsoleScreenBufferInfo(stream(STD_OUTPUT_HANDLE), &info);
    return told && info.srWindow.Right > info.srWindow.Left ? (size_t)(info.srWindow.Right - info.srWindow.Left + 1)
                                                            : 80;
}

size_t
term_height(void)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    size_t wished = size_from("LINES");
    if (wished)
        return wished;
    bool told = GetConsoleScreenBufferInfo(stream(STD_OUTPUT_HANDLE), &info);
    return told && info.srWindow.Bottom > info.srWindow.Top ? (size_t)(info.srWindow.Bottom - info.srWindow.Top + 1)
                                                            : 24;
}

bool
term_wants_colour(void)
{
    bool can = is_console(STD_OUTPUT_HANDLE) ? console.escapes : is_cygwin_terminal(STD_OUTPUT_HANDLE);
    return can && !str_equal(term_environment("TERM", NULL), STR("dumb")) &&
           term_environment("NO_COLOR", NULL).len == 0;
}

// A console takes UTF-16 whatever its code page is.
static bool
write_console(HANDLE handle, struct str text)
{
    struct arena *arena = arena_open();
    const wchar_t *wide = wide_from(arena, text);
    size_t left = wcslen(wide);
    bool good = true;
    while (left && good) {
        DWORD put = 0;
        size_t units = left < CONSOLE_UNITS ? left : CONSOLE_UNITS;
        // Both halves of a character go together.
        if (units < left && IS_HIGH_SURROGATE(wide[units - 1]))
            units--;
        good = WriteConsoleW(handle, wide, (DWORD)units, &put, NULL) && put > 0;
        wide += put;
        left -= put;
    }
    arena_close(arena);
    return good;
}

static bool
write_all(DWORD which, struct str text)
{
    HANDLE handle = stream(which);
    if (is_console(which))
        return write_console(handle, text);
    while (text.len) {
        DWORD put = 0;
        DWORD want = text.len < 1u << 20 ? (DWORD)text.len : 1u << 20;
        if (!WriteFile(handle, text.ptr, want, &put, NULL))
            return false;
        text = str_part(text, put, SIZE_MAX);
    }
    return true;
}

bool
term_write(struct str text, struct err *err)
{
    if (write_all(STD_OUTPUT_HANDLE, text))
        return true;
    DWORD code = GetLastError();
    fault_set(err, code, "write the answer");
    if (err)
        err->kind = code == ERROR_BROKEN_PIPE || code == ERROR_NO_DATA || code == ERROR_PIPE_NOT_CONNECTED ? ERR_GONE
                                                                                                           : ERR_SYSTEM;
    return false;
}

bool
term_write_error(struct str text)
{
    return write_all(STD_ERROR_HANDLE, text);
}

struct str
term_environment(const char *name, bool *present)
{
    // The values live as long as the program, as those of getenv() do.
    static struct arena *values;
    if (!values)
        values = arena_open();
    const wchar_t *wide_name = wide_from(values, str_of(name));
    DWORD units = GetEnvironmentVariableW(wide_name, NULL, 0);
    if (present)
        *present = units != 0;
    if (units == 0)
        return STR("");
    wchar_t *value = arena_array(values, units, sizeof *value);
    DWORD length = GetEnvironmentVariableW(wide_name, value, units);
    return length < units ? wide_to(values, value, length) : STR("");
}
