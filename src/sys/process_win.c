#include "sys/process.h"

#include <windows.h>
#include <winternl.h>

#include "decode/little.h"
#include "decode/win_command.h"
#include "sys/fault_win.h"
#include "sys/late_win.h"
#include "sys/local_path_win.h"
#include "sys/process_git_win.h"
#include "sys/process_image_win.h"
#include "sys/process_list_win.h"
#include "sys/process_memory_win.h"
#include "sys/sid_win.h"
#include "sys/user.h"
#include "sys/wide_win.h"

#define PROCESS_ID_INFORMATION 88 // SystemProcessIdInformation

enum {
    LIST_AGE_MS = 1000,
    PATH_UNITS = 32768, // the longest path of Windows
    SYSTEM_PID = 4,
    TOUCH_MS = 1000,     // a file made while its process starts is not one that took another's place
    SAME_START = 200000, // 20 ms: no pid is given to another so soon after it was given to one
};

// A process while it is read.
struct reading {
    struct arena *arena;
    struct win_process entry;
    HANDLE process;   // NULL: may not be opened
    enum known known; // why not
    bool memory;      // its memory may be read
};

uint32_t
process_self(void)
{
    return GetCurrentProcessId();
}

// What the system runs without a program of its own: "System", "Registry", "Memory Compression".
static bool
has_no_program(const struct win_process *entry)
{
    return entry->pid <= SYSTEM_PID || (entry->ppid == SYSTEM_PID && !str_ends(entry->name, STR(".exe")));
}

// Whether the opened process is the one of the list: its pid may be another's by now.
static bool
is_same(HANDLE process, const struct win_process *entry)
{
    FILETIME created;
    FILETIME ignored[3];

    if (entry->created == 0 || !GetProcessTimes(process, &created, &ignored[0], &ignored[1], &ignored[2]))
        return true;
    uint64_t start = (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
    return start < entry->created + SAME_START && entry->created < start + SAME_START;
}

static bool
has_ended(HANDLE process)
{
    DWORD code = STILL_ACTIVE;
    return GetExitCodeProcess(process, &code) && code != STILL_ACTIVE;
}

// The right to read its memory is asked for only where nothing else tells what is wanted.
static void
open_process(struct reading *reading, unsigned facts)
{
    unsigned long code = 0;
    uint32_t pid = reading->entry.pid;

    if (facts & (PROCESS_CWD | PROCESS_GIT) && !win_process_is_guarded(reading->entry.name))
        reading->process = process_list_open(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, &code);
    reading->memory = reading->process != NULL;
    if (!reading->process)
        reading->process = process_list_open(pid, PROCESS_QUERY_LIMITED_INFORMATION, &code);
    // There is no process by this number any more.
    reading->known = reading->process                  ? KNOWN_YES
                     : code == ERROR_INVALID_PARAMETER ? KNOWN_GONE
                                                       : host_known_of(fault_kind(code));
}

static void
read_user(struct reading *reading, unsigned facts, struct process *out)
{
    HANDLE token = NULL;
    enum known known = reading->known;

    if (reading->entry.pid == SYSTEM_PID) {
        // It has no token that may be opened, and needs none to tell whose it is.
        BYTE sid[SECURITY_MAX_SID_SIZE];
        DWORD size = sizeof sid;
        out->uid_known = CreateWellKnownSid(WinLocalSystemSid, NULL, sid, &size);
        out->uid = out->uid_known ? sid_number(sid) : 0;
        known = out->uid_known ? KNOWN_YES : KNOWN_UNSUPPORTED;
    } else if (reading->process && OpenProcessToken(reading->process, TOKEN_QUERY, &token)) {
        out->uid_known = sid_of_token(token, &out->uid);
        known = out->uid_known ? KNOWN_YES : KNOWN_NOT_ALLOWED;
        CloseHandle(token);
    } else if (reading->process) {
        known = host_known_of(fault_kind(GetLastError()));
    }
    if (facts & PROCESS_USER)
        out->user = (struct fact){known, out->uid_known ? user_name(reading->arena, out->uid) : STR("")};
}

static struct fact
find_command(struct reading *reading)
{
    unsigned long code;
    struct fact line = {.known = reading->known};

    if (reading->process)
        line = process_memory_told(reading->arena, reading->process);
    if (line.known == KNOWN_YES || !reading->process || win_process_is_guarded(reading->entry.name))
        return line;
    if (reading->memory)
        return process_memory_command(reading->arena, reading->process);
    // While the first handle is open, nobody else gets the pid.
    HANDLE memory = process_list_open(reading->entry.pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, &code);
    if (!memory)
        return (struct fact){.known = host_known_of(fault_kind(code))};
    line = process_memory_command(reading->arena, memory);
    CloseHandle(memory);
    return line;
}

static void
read_command(struct reading *reading, struct process *out)
{
    if (has_no_program(&reading->entry)) {
        out->command_known = KNOWN_UNSUPPORTED;
        return;
    }
    struct fact line = find_command(reading);
    out->command_known = line.known;
    if (line.known == KNOWN_YES)
        win_command_split(reading->arena, line.value, &out->command);
}

// "\Device\HarddiskVolume3\x" by the letter of the drive: "C:\x".
static struct str
drive_path(struct arena *arena, struct str device_path)
{
    wchar_t target[512];
    wchar_t drive[] = L"?:";

    for (wchar_t letter = L'A'; letter <= L'Z'; letter++) {
        drive[0] = letter;
        if (!(GetLogicalDrives() & 1u << (letter - L'A')) || !QueryDosDeviceW(drive, target, 512))
            continue;
        struct str device = wide_to_z(arena, target);
        if (str_starts(device_path, device) && device_path.len > device.len && device_path.ptr[device.len] == '\\')
            return str_printf(arena, "%c:%.*s", (char)letter, STR_ARG(str_part(device_path, device.len, SIZE_MAX)));
    }
    return device_path;
}

// The path of the program of a process that may not be opened; nobody needs a right for it. Not on every Windows.
static bool
find_path_by_pid(struct arena *arena, uint32_t pid, struct str *out)
{
    enum {
        UNITS = 4096
    };
    wchar_t *room = arena_array(arena, UNITS, sizeof *room);
    struct {
        HANDLE pid;
        UNICODE_STRING name;
    } ask = {(HANDLE)(uintptr_t)pid, {0, UNITS * sizeof *room, room}};
    NTSTATUS status =
        NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)PROCESS_ID_INFORMATION, &ask, sizeof ask, NULL);

    if (!NT_SUCCESS(status) || ask.name.Length == 0)
        return false;
    *out = drive_path(arena, wide_to(arena, room, ask.name.Length / sizeof *room));
    return true;
}

static bool
find_path(struct arena *arena, HANDLE process, struct str *out, enum known *known)
{
    struct arena *own = arena_open();
    DWORD units = PATH_UNITS;
    wchar_t *room = arena_array(own, units, sizeof *room);
    bool good = QueryFullProcessImageNameW(process, 0, room, &units) && units > 0;

    if (good)
        *out = wide_to(arena, room, units);
    else
        *known = host_known_of(fault_kind(GetLastError()));
    arena_close(own);
    return good;
}

// A program that runs can't be written or deleted, but its file can be moved away and another put in its place. Such a one
// was made after the process.
static enum exe_state
state_of_file(struct arena *arena, struct str path, const struct win_process *entry)
{
    WIN32_FILE_ATTRIBUTE_DATA facts;

    if (!local_path_is_fixed(path))
        return EXE_UNKNOWN;
    if (!GetFileAttributesExW(wide_path(arena, path), GetFileExInfoStandard, &facts)) {
        DWORD code = GetLastError();
        return code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND ? EXE_DELETED : EXE_UNKNOWN;
    }
    uint64_t created = (uint64_t)facts.ftCreationTime.dwHighDateTime << 32 | facts.ftCreationTime.dwLowDateTime;
    if (entry->created == 0)
        return EXE_UNKNOWN;
    return little_filetime_ms(created) > little_filetime_ms(entry->created) + TOUCH_MS ? EXE_REPLACED : EXE_PRESENT;
}

static void
read_exe(struct reading *reading, struct process *out)
{
    struct arena *arena = reading->arena;
    enum known known = reading->known;
    struct str path = STR("");

    if (has_no_program(&reading->entry)) {
        out->exe.known = KNOWN_UNSUPPORTED;
        return;
    }
    if ((reading->process && find_path(arena, reading->process, &path, &known)) ||
        find_path_by_pid(arena, reading->entry.pid, &path)) {
        out->exe = (struct fact){KNOWN_YES, path};
        out->exe_state = state_of_file(arena, path, &reading->entry);
    } else {
        out->exe.known = known;
    }
}

static void
read_folder(struct reading *reading, unsigned facts, struct process *out)
{
    struct fact folder = {.known = reading->process ? KNOWN_NOT_ALLOWED : reading->known};

    if (has_no_program(&reading->entry))
        folder.known = KNOWN_UNSUPPORTED;
    else if (reading->memory)
        folder = process_memory_folder(reading->arena, reading->process);
    if (facts & PROCESS_CWD)
        out->cwd = folder;
    if (!(facts & PROCESS_GIT))
        return;
    out->git_root.known = folder.known;
    out->git_branch.known = folder.known;
    if (folder.known == KNOWN_YES)
        process_git_read(reading->arena, folder.value, out);
}

// Whether the system ends with it. Where it can't be asked, its name and place tell.
static bool
is_critical(const struct reading *reading)
{
    typedef BOOL(WINAPI * ask_function)(HANDLE, BOOL *);
    ask_function ask = (ask_function)late_find(L"kernel32.dll", "IsProcessCritical");
    struct arena *arena = reading->arena;
    struct str exe = STR("");
    enum known ignored;
    BOOL critical = FALSE;
    wchar_t windows[MAX_PATH];
    struct str folder = wide_to(arena, windows, GetSystemWindowsDirectoryW(windows, MAX_PATH));

    if (reading->entry.pid <= SYSTEM_PID || (ask && reading->process && ask(reading->process, &critical) && critical))
        return true;
    if (!win_process_is_critical(reading->entry.name, exe, folder))
        return false;
    if (!(reading->process && find_path(arena, reading->process, &exe, &ignored)))
        (void)find_path_by_pid(arena, reading->entry.pid, &exe);
    return win_process_is_critical(reading->entry.name, exe, folder);
}

static void
read_facts(struct reading *reading, unsigned facts, struct process *out)
{
    const struct win_process *entry = &reading->entry;

    *out = (struct process){
        .pid = entry->pid,
        .known = KNOWN_YES,
        .ppid = entry->ppid,
        .name = str_copy(reading->arena, entry->name),
        .started_known = entry->created != 0,
        .started_ms = little_filetime_ms(entry->created),
        .started_ticks = entry->created,
        .state = entry->state,
        .kernel_thread = has_no_program(entry),
        .same_netns = true,
        .session_known = true,
        .session = entry->session,
        .critical = is_critical(reading),
    };
    read_user(reading, facts, out);
    if (facts & PROCESS_COMMAND)
        read_command(reading, out);
    if (facts & (PROCESS_EXE | PROCESS_IMAGE))
        read_exe(reading, out);
    if (facts & (PROCESS_CWD | PROCESS_GIT))
        read_folder(reading, facts, out);
    if (facts & PROCESS_IMAGE)
        process_image_read(reading->arena, out);
    if (facts & PROCESS_GROUP)
        out->cgroup.known = KNOWN_UNSUPPORTED;
    if (facts & PROCESS_ENTRY)
        out->entry.name.known = KNOWN_UNSUPPORTED;
    if (facts & PROCESS_EXE)
        return;
    out->exe = (struct fact){0};
    out->exe_state = EXE_UNKNOWN;
}

// Finds the process in the list and opens it; the same process both times. A list that was made a moment ago may be too old.
static bool
find_process(struct reading *reading, uint32_t pid, unsigned facts, enum known *known)
{
    static const unsigned ages[] = {LIST_AGE_MS, 0};

    *known = KNOWN_GONE;
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        struct err err = {0};
        const struct process_list *list = process_list_read(ages[i], &err);
        const struct win_process *entry = list ? process_list_find(list, pid) : NULL;
        if (!list)
            *known = host_known_of(err.kind);
        if (!entry || entry->threads == 0)
            continue;
        reading->entry = *entry;
        if (pid <= SYSTEM_PID) {
            reading->known = KNOWN_UNSUPPORTED;
            return true;
        }
        open_process(reading, facts);
        if (reading->known != KNOWN_GONE && (!reading->process || is_same(reading->process, entry)))
            return true;
        if (reading->process)
            CloseHandle(reading->process);
        reading->process = NULL;
    }
    return false;
}

void
process_read(struct arena *arena, uint32_t pid, unsigned facts, struct process *out)
{
    struct reading reading = {.arena = arena};
    enum known known;

    if (!find_process(&reading, pid, facts, &known)) {
        *out = (struct process){.pid = pid, .known = known};
        return;
    }
    read_facts(&reading, facts, out);
    if (!reading.process)
        return;
    if (has_ended(reading.process))
        *out = (struct process){.pid = pid, .known = KNOWN_GONE};
    CloseHandle(reading.process);
}
