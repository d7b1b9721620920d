#ifndef MOORAGE_SYS_LATE_WIN_H
#define MOORAGE_SYS_LATE_WIN_H

// Functions that not every Windows has, looked up when they are needed: what is not there is a fact ("not on this Windows"),
// not a program that can't start. Only what Windows 10 1809 and Wine 8 both have is linked (packaging/windows/imports.txt). Windows only.

#include <stdbool.h>
#include <wchar.h>

typedef void (*late_function)(void);

// The function `name` of a library of the system's own folder ("iphlpapi.dll"), or NULL: not on this Windows. The library
// stays loaded. What Wine exports only to say that it is missing (calling it would end the program) counts as missing.
late_function
late_find(const wchar_t *library, const char *name);

// Whether this is Wine and no Windows.
bool
late_is_wine(void);

#endif
