#ifndef MOORAGE_SYS_FAULT_WIN_H
#define MOORAGE_SYS_FAULT_WIN_H

// What Windows says when it refuses, as an error of ours. Windows only. The system's own sentence comes in the user's
// language: it is shown, never matched.

#include "base/err.h"

#include <stdbool.h>

// The kind of a code of GetLastError(), WSAGetLastError() or a function that returns such codes.
enum err_kind
fault_kind(unsigned long code);

// Fills `err` (may be NULL) with "WHAT: the system's sentence", and gives false.
bool
fault_set(struct err *err, unsigned long code, const char *format, ...) STR_PRINTF(3, 4);

// The same for an NTSTATUS.
bool
fault_set_nt(struct err *err, long status, const char *format, ...) STR_PRINTF(3, 4);

#endif
