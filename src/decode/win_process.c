#include "decode/win_process.h"

#include "base/utf16.h"
#include "decode/little.h"

// SYSTEM_PROCESS_INFORMATION and the SYSTEM_THREAD_INFORMATION that follow it, as a 64-bit system lays them out.
enum {
    PROCESS_NEXT = 0x00,
    PROCESS_THREADS = 0x04,
    PROCESS_CREATED = 0x20,
    PROCESS_NAME = 0x38, // UNICODE_STRING: length in bytes, room, address
    PROCESS_PID = 0x50,
    PROCESS_PARENT = 0x58,
    PROCESS_SESSION = 0x64,
    PROCESS_SIZE = 0x100,
    THREAD_STATE = 0x44,
    THREAD_REASON = 0x48,
    THREAD_SIZE = 0x50,
};

// KTHREAD_STATE and KWAIT_REASON
enum {
    STATE_RUNNING = 2,
    STATE_WAITING = 5,
    REASON_SUSPENDED = 5,
};

// The text that a UNICODE_STRING at `offset` points to, if it lies within the list.
static struct str
name_at(struct arena *arena, struct str list, uint64_t base, struct str entry)
{
    size_t length = little_u16(entry, PROCESS_NAME);
    uint64_t address = little_at(entry, PROCESS_NAME + 8, 8);

    if (length == 0 || address < base || address - base > list.len || list.len - (size_t)(address - base) < length)
        return STR("");
    return utf16_to_utf8(arena, str_part(list, (size_t)(address - base), length));
}

static char
state_of(struct str entry, uint32_t threads)
{
    bool suspended = true;

    if (threads == 0)
        return 'Z';
    for (uint32_t i = 0; i < threads; i++) {
        size_t at = PROCESS_SIZE + (size_t)i * THREAD_SIZE;
        if (at + THREAD_SIZE > entry.len)
            return 'S';
        uint32_t state = little_u32(entry, at + THREAD_STATE);
        if (state == STATE_RUNNING)
            return 'R';
        suspended = suspended && state == STATE_WAITING && little_u32(entry, at + THREAD_REASON) == REASON_SUSPENDED;
    }
    return suspended ? 'T' : 'S';
}

bool
win_process_next(struct arena *arena, struct str list, uint64_t base, size_t *at, struct win_process *out)
{
    if (*at >= list.len || list.len - *at < PROCESS_SIZE)
        return false;
    size_t next = little_u32(list, *at + PROCESS_NEXT);
    // One that leads nowhere, or into this entry, is the last.
    bool last = next < PROCESS_SIZE || next >= list.len - *at;
    struct str entry = str_part(list, *at, last ? SIZE_MAX : next);
    uint32_t threads = little_u32(entry, PROCESS_THREADS);

    *out = (struct win_process){
        .pid = little_u32(entry, PROCESS_PID),
        .ppid = little_u32(entry, PROCESS_PARENT),
        .session = little_u32(entry, PROCESS_SESSION),
        .threads = threads,
        .created = little_at(entry, PROCESS_CREATED, 8),
        .state = state_of(entry, threads),
        .name = name_at(arena, list, base, entry),
    };
    if (out->name.len == 0)
        out->name = out->pid == 0 ? STR("System Idle Process") : out->pid == 4 ? STR("System") : STR("");
    *at = last ? SIZE_MAX : *at + next;
    return true;
}

// PEB.ProcessParameters
bool
win_peb_parameters(struct str peb, bool narrow, uint64_t *address)
{
    *address = narrow ? little_u32(peb, 0x10) : little_at(peb, 0x20, 8);
    return *address != 0;
}

static struct win_text
text_at(struct str block, size_t offset, bool narrow)
{
    return (struct win_text){.length = little_u16(block, offset),
                             .address = narrow ? little_u32(block, offset + 4) : little_at(block, offset + 8, 8)};
}

bool
win_parameters_parse(struct str block, bool narrow, struct win_parameters *out)
{
    if (block.len < WIN_PARAMETERS_SIZE)
        return false;
    out->folder = text_at(block, narrow ? 0x24 : 0x38, narrow);
    out->command = text_at(block, narrow ? 0x40 : 0x70, narrow);
    out->ignores_interrupt = (little_u32(block, narrow ? 0x14 : 0x18) & 1) != 0;
    return true;
}

bool
win_process_is_guarded(struct str name)
{
    // Session manager, client-server run-time, start, logon, security authority and service control: the system ends with
    // each of them ("critical system processes" in Windows Internals).
    static const struct str names[] = {STR_INIT("smss.exe"),     STR_INIT("csrss.exe"), STR_INIT("wininit.exe"),
                                       STR_INIT("winlogon.exe"), STR_INIT("lsass.exe"), STR_INIT("services.exe"),
                                       STR_INIT("lsaiso.exe")};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal_nocase(names[i], name))
            return true;
    return false;
}

bool
win_process_is_critical(struct str name, struct str exe, struct str windows)
{
    struct str folder = STR("\\System32\\");

    // Anybody may give a program such a name, but not put it there. Where the place can't be seen it is not risked.
    return win_process_is_guarded(name) &&
           (exe.len == 0 || (exe.len == windows.len + folder.len + name.len &&
                             str_equal_nocase(str_part(exe, 0, windows.len), windows) &&
                             str_equal_nocase(str_part(exe, windows.len, folder.len), folder)));
}
