#ifndef MOORAGE_DECODE_WIN_PROCESS_H
#define MOORAGE_DECODE_WIN_PROCESS_H

// What Windows tells of its processes, as bytes of a 64-bit system: the list of all of them (NtQuerySystemInformation,
// SystemProcessInformation) and the block of parameters in the memory of each (RTL_USER_PROCESS_PARAMETERS, which the
// process itself can change at will). Offsets: winternl.h of the Windows SDK, phnt of System Informer. Only Windows has
// these.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct win_process {
    uint32_t pid;
    uint32_t ppid; // of the process that made it, which may have ended, and its pid be another's by now
    uint32_t session;
    uint32_t threads; // 0: it ended, and something still refers to it
    uint64_t created; // FILETIME, 0 = unknown
    char state;       // as Linux has it: R runs, S waits, T all its threads are suspended, Z ended
    struct str name;  // file name of the program; "System" and the like where there is none
};

// The process at offset `at` of the list (0: the first), whose bytes lay at address `base`, where the names in it point
// to. Moves `at` to the next one, to SIZE_MAX behind the last. False where there is none or the bytes end.
bool
win_process_next(struct arena *arena, struct str list, uint64_t base, size_t *at, struct win_process *out);

// A text that lies elsewhere in the memory of a process.
struct win_text {
    uint64_t address;
    uint16_t length; // in bytes of UTF-16
};

// Of the parameters of a process.
struct win_parameters {
    struct win_text folder;  // its current folder, with a backslash at the end
    struct win_text command; // its command line, as one text
    bool ignores_interrupt;  // Ctrl-C on its console does not reach it (bit 0 of ConsoleFlags)
};

enum {
    WIN_PEB_SIZE = 0x28,        // bytes of a PEB that are needed
    WIN_PARAMETERS_SIZE = 0x80, // of a block of parameters
};

// Where the block of parameters lies, out of the start of a process environment block (PEB): of a 64-bit process, or of
// the 32-bit one that a 32-bit process has besides and uses.
bool
win_peb_parameters(struct str peb, bool narrow, uint64_t *address);

// The texts that the block leads to.
bool
win_parameters_parse(struct str block, bool narrow, struct win_parameters *out);

// Whether the name is that of one of the processes that the system can't do without, wherever its program lies. These are
// also what security programs watch: to reach into one raises an alarm.
bool
win_process_is_guarded(struct str name);

// Whether the system stops when a process by this name, whose program lies at `exe` ("C:\Windows\System32\lsass.exe"; empty
// = not known), ends. For where the system itself does not tell. `windows` is the system's folder ("C:\Windows").
bool
win_process_is_critical(struct str name, struct str exe, struct str windows);

#endif
