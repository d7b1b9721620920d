#include "sys/process_memory_win.h"

#include <windows.h>
#include <winternl.h>

#include "base/utf16.h"
#include "decode/win_process.h"
#include "sys/fault_win.h"

#define COMMAND_LINE ((PROCESSINFOCLASS)60) // ProcessCommandLineInformation
#define WOW64_PEB ((PROCESSINFOCLASS)26)    // ProcessWow64Information

enum {
    COMMAND_ROOM = 66 << 10, // a UNICODE_STRING and the longest text that it can hold
};

static struct fact
refused(enum known known)
{
    return (struct fact){.known = known};
}

static enum known
known_of_last_error(void)
{
    DWORD code = GetLastError();
    // Part of what should be read is not there: its memory is given up already.
    return code == ERROR_PARTIAL_COPY || code == ERROR_NOACCESS ? KNOWN_GONE : host_known_of(fault_kind(code));
}

static bool
read_memory(HANDLE process, uint64_t address, void *room, size_t size, enum known *known)
{
    SIZE_T got = 0;

    if (ReadProcessMemory(process, (const void *)(uintptr_t)address, room, size, &got) && got == size)
        return true;
    *known = known_of_last_error();
    return false;
}

// Where its environment block lies. A 32-bit process has two, and keeps that of 32 bits up to date.
static bool
find_peb(HANDLE process, uint64_t *address, bool *narrow, enum known *known)
{
    PROCESS_BASIC_INFORMATION basic;
    ULONG_PTR peb32 = 0;

    NTSTATUS status = NtQueryInformationProcess(process, WOW64_PEB, &peb32, sizeof peb32, NULL);
    *narrow = NT_SUCCESS(status) && peb32 != 0;
    if (*narrow) {
        *address = peb32;
        return true;
    }
    status = NtQueryInformationProcess(process, ProcessBasicInformation, &basic, sizeof basic, NULL);
    *address = NT_SUCCESS(status) ? (uint64_t)(uintptr_t)basic.PebBaseAddress : 0;
    if (*address == 0)
        *known = NT_SUCCESS(status) ? KNOWN_UNSUPPORTED : host_known_of(fault_kind(RtlNtStatusToDosError(status)));
    return *address != 0;
}

static bool
read_parameters(HANDLE process, struct win_parameters *out, enum known *known)
{
    char peb[WIN_PEB_SIZE];
    char block[WIN_PARAMETERS_SIZE];
    uint64_t address;
    bool narrow;

    if (!find_peb(process, &address, &narrow, known) || !read_memory(process, address, peb, sizeof peb, known))
        return false;
    *known = KNOWN_UNSUPPORTED; // of a process that is just being made
    return win_peb_parameters((struct str){peb, sizeof peb}, narrow, &address) &&
           read_memory(process, address, block, sizeof block, known) &&
           win_parameters_parse((struct str){block, sizeof block}, narrow, out);
}

static struct fact
read_text(struct arena *arena, HANDLE process, struct win_text text)
{
    char *bytes = arena_alloc(arena, text.length);
    enum known known = KNOWN_GONE;

    if (text.length > 0 && !read_memory(process, text.address, bytes, text.length, &known))
        return refused(known);
    return (struct fact){KNOWN_YES, utf16_to_utf8_z(arena, (struct str){bytes, text.length})};
}

struct fact
process_memory_told(struct arena *arena, void *process)
{
    struct fact line = {.known = KNOWN_UNSUPPORTED};
    struct arena *own = arena_open();
    UNICODE_STRING *told = arena_alloc(own, COMMAND_ROOM);

    if (NT_SUCCESS(NtQueryInformationProcess(process, COMMAND_LINE, told, COMMAND_ROOM, NULL)) && told->Buffer)
        line = (struct fact){KNOWN_YES, utf16_to_utf8_z(arena, (struct str){(const char *)told->Buffer, told->Length})};
    arena_close(own);
    return line;
}

struct fact
process_memory_command(struct arena *arena, void *process)
{
    struct win_parameters parameters;
    enum known known = KNOWN_GONE;

    if (!read_parameters(process, &parameters, &known))
        return refused(known);
    return read_text(arena, process, parameters.command);
}

struct fact
process_memory_folder(struct arena *arena, void *process)
{
    struct win_parameters parameters;
    enum known known = KNOWN_GONE;

    if (!read_parameters(process, &parameters, &known))
        return refused(known);
    struct fact folder = read_text(arena, process, parameters.folder);
    // "C:\" keeps what others end with.
    if (folder.value.len > 3 && str_ends(folder.value, STR("\\")))
        folder.value.len--;
    return folder;
}

bool
process_memory_ignores_interrupt(void *process)
{
    struct win_parameters parameters;
    enum known known = KNOWN_YES;

    return read_parameters(process, &parameters, &known) && parameters.ignores_interrupt;
}
