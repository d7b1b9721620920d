#include "sys/fault_win.h"

#include <winsock2.h>

#include <windows.h>
#include <winternl.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "sys/wide_win.h"

// <winerror.h> of mingw-w64 10 lacks it.
#define NEEDS_ELEVATION 740

enum err_kind
fault_kind(unsigned long code)
{
    switch (code) {
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
    case ERROR_SHARING_VIOLATION:
    case NEEDS_ELEVATION:
    case WSAEACCES:
        return ERR_NOT_ALLOWED;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_NETPATH:
    case ERROR_NOT_FOUND:
    case ERROR_SERVICE_DOES_NOT_EXIST:
    case WSAECONNREFUSED:
        return ERR_GONE;
    case ERROR_NOT_SUPPORTED:
    case ERROR_INVALID_FUNCTION:
    case ERROR_CALL_NOT_IMPLEMENTED:
    case ERROR_PROC_NOT_FOUND:
    case ERROR_MOD_NOT_FOUND:
    case WSAEAFNOSUPPORT:
    case WSAEPROTONOSUPPORT:
    case WSAESOCKTNOSUPPORT:
        return ERR_UNSUPPORTED;
    case ERROR_TIMEOUT:
    case ERROR_SEM_TIMEOUT:
    case WAIT_TIMEOUT:
    case WSAETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_SYSTEM;
    }
}

// The system's sentence without its line end and full stop; the number where it has none.
static struct str
sentence_of(struct arena *arena, unsigned long code)
{
    wchar_t text[512];
    DWORD units =
        FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                       code, 0, text, sizeof text / sizeof *text, NULL);
    struct str sentence = str_trim(wide_to(arena, text, units));
    if (str_ends(sentence, STR(".")))
        sentence.len--;
    return sentence.len ? sentence : str_printf(arena, "error %lu", code);
}

static void
set(struct err *err, unsigned long code, const char *format, va_list values)
{
    char doing[sizeof err->text];
    struct arena *arena = arena_open();
    vsnprintf(doing, sizeof doing, format, values);
    struct str sentence = sentence_of(arena, code);
    err_set(err, fault_kind(code), code, "%s: %.*s", doing, STR_ARG(sentence));
    arena_close(arena);
}

bool
fault_set(struct err *err, unsigned long code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (err)
        set(err, code, format, values);
    va_end(values);
    return false;
}

bool
fault_set_nt(struct err *err, long status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (err)
        set(err, RtlNtStatusToDosError(status), format, values);
    va_end(values);
    return false;
}
