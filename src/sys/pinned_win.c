#include "sys/pinned.h"

#include <windows.h>

#include "base/arena.h"
#include "sys/fault_win.h"

// What WaitForMultipleObjects takes at once.
#define MOST_HANDLES MAXIMUM_WAIT_OBJECTS

// Windows that a process was asked to close.
struct closing {
    DWORD pid;
    bool any;
};

static HANDLE
handle_of(const struct pinned *pinned)
{
    return (HANDLE)pinned->handle;
}

static bool
gone(const struct pinned *pinned, struct err *err)
{
    return err_set(err, ERR_GONE, 0, "process %u has ended", pinned->pid);
}

bool
pinned_open(uint32_t pid, bool bare, struct pinned *out, struct err *err)
{
    const DWORD least = SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION;
    (void)bare;
    *out = (struct pinned){.pid = pid, .handle = -1};
    // Without the right to end it, it can still be pinned and watched; pinned_permits() tells then.
    HANDLE handle = OpenProcess(least | PROCESS_TERMINATE, FALSE, pid);
    if (!handle && GetLastError() == ERROR_ACCESS_DENIED)
        handle = OpenProcess(least, FALSE, pid);
    if (!handle) {
        DWORD code = GetLastError();
        // A number that means nobody.
        return code == ERROR_INVALID_PARAMETER ? gone(out, err) : fault_set(err, code, "pin process %u", pid);
    }
    out->handle = (intptr_t)handle;
    if (pinned_lives(out))
        return true;
    CloseHandle(handle);
    out->handle = -1;
    return gone(out, err);
}

void
pinned_close(struct pinned *pinned)
{
    if (pinned->handle != -1)
        CloseHandle(handle_of(pinned));
    *pinned = PINNED_NONE;
}

bool
pinned_lives(const struct pinned *pinned)
{
    return pinned->handle != -1 && WaitForSingleObject(handle_of(pinned), 0) == WAIT_TIMEOUT;
}

bool
pinned_permits(const struct pinned *pinned, struct err *err)
{
    HANDLE stronger;
    if (!pinned_lives(pinned))
        return gone(pinned, err);
    if (!DuplicateHandle(GetCurrentProcess(), handle_of(pinned), GetCurrentProcess(), &stronger, PROCESS_TERMINATE,
                         FALSE, 0))
        return fault_set(err, GetLastError(), "end process %u", pinned->pid);
    CloseHandle(stronger);
    return true;
}

// The window of a console belongs to the system's console host, but is said to be of the first program on it, and closing it
// ends everybody on it.
static bool
is_console(HWND window)
{
    wchar_t name[32];
    return GetClassNameW(window, name, sizeof name / sizeof *name) > 0 &&
           (wcscmp(name, L"ConsoleWindowClass") == 0 || wcscmp(name, L"PseudoConsoleWindow") == 0);
}

static BOOL CALLBACK
close_window(HWND window, LPARAM data)
{
    struct closing *closing = (struct closing *)data;
    DWORD owner = 0;
    GetWindowThreadProcessId(window, &owner);
    if (owner == closing->pid && IsWindowVisible(window) && !is_console(window) && PostMessageW(window, WM_CLOSE, 0, 0))
        closing->any = true;
    return TRUE;
}

bool
pinned_send(const struct pinned *pinned, enum pinned_word word, struct err *err)
{
    struct closing closing = {.pid = pinned->pid};
    if (!pinned_lives(pinned))
        return gone(pinned, err);
    switch (word) {
    case PINNED_CONTINUE:
        return true;
    case PINNED_KILL:
        return TerminateProcess(handle_of(pinned), 1) || fault_set(err, GetLastError(), "end process %u", pinned->pid);
    default:
        // The handle is held, so that the number can't have come to mean another process while its windows are looked for.
        EnumWindows(close_window, (LPARAM)&closing);
        return closing.any ||
               err_set(err, ERR_UNSUPPORTED, 0, "process %u has no window that could be closed", pinned->pid);
    }
}

void
pinned_wait(const struct pinned *const *list, size_t count, unsigned ms)
{
    HANDLE handles[MOST_HANDLES];
    DWORD waited = 0;
    for (size_t i = 0; i < count && waited < MOST_HANDLES; i++)
        if (list[i]->handle != -1)
            handles[waited++] = handle_of(list[i]);
    if (waited == 0)
        Sleep(ms);
    else
        WaitForMultipleObjects(waited, handles, FALSE, ms);
}
