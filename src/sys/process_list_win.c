#include "sys/process_list_win.h"

#include <windows.h>
#include <winternl.h>

#include "base/arena.h"
#include "sys/calls_win.h"
#include "sys/clock.h"
#include "sys/fault_win.h"

#define LENGTH_MISMATCH ((NTSTATUS)0xc0000004)

enum {
    FIRST_ROOM = 512 << 10, // some 300 processes with their threads
    MORE_ROOM = 64 << 10,   // for what starts between two calls
    TRIES = 8,
};

static struct arena *kept_arena;
static struct process_list kept;

static bool
query(struct arena *arena, struct process_list *out, struct err *err)
{
    ULONG room = FIRST_ROOM;
    NTSTATUS status = LENGTH_MISMATCH;

    for (int i = 0; i < TRIES && status == LENGTH_MISMATCH; i++) {
        ULONG needed = 0;
        char *bytes = arena_alloc(arena, room);
        calls_made.process_lists++;
        status = NtQuerySystemInformation(SystemProcessInformation, bytes, room, &needed);
        if (NT_SUCCESS(status)) {
            out->bytes = (struct str){bytes, needed < room ? needed : room};
            out->base = (uint64_t)(uintptr_t)bytes;
            return true;
        }
        room = (needed > room ? needed : room * 2) + MORE_ROOM;
    }
    return fault_set_nt(err, status, "list processes");
}

const struct process_list *
process_list_read(unsigned max_age_ms, struct err *err)
{
    int64_t now_us = clock_mono_us();
    size_t at = 0;
    struct win_process process;

    if (kept_arena && now_us - kept.read_us <= (int64_t)max_age_ms * 1000)
        return &kept;
    struct arena *arena = arena_open();
    struct process_list list = {.read_us = now_us};
    if (!query(arena, &list, err)) {
        arena_close(arena);
        return NULL;
    }
    while (win_process_next(arena, list.bytes, list.base, &at, &process)) {
        map64_put(arena, &list.by_pid, process.pid, list.count);
        *LIST_ADD(arena, &list) = process;
    }
    arena_close(kept_arena);
    kept_arena = arena;
    kept = list;
    return &kept;
}

const struct win_process *
process_list_find(const struct process_list *list, uint32_t pid)
{
    size_t index;
    return map64_get(&list->by_pid, pid, &index) ? &list->items[index] : NULL;
}

// An administrator has this right but must take it up: without it even he may not look into services.
static void
take_up_debugging(void)
{
    static bool done;
    TOKEN_PRIVILEGES wanted = {.PrivilegeCount = 1, .Privileges = {{.Attributes = SE_PRIVILEGE_ENABLED}}};
    HANDLE token;

    if (done)
        return;
    done = true;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token))
        return;
    if (LookupPrivilegeValueW(NULL, SE_DEBUG_NAME, &wanted.Privileges[0].Luid))
        AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL);
    CloseHandle(token);
}

void *
process_list_open(uint32_t pid, unsigned long rights, unsigned long *code)
{
    take_up_debugging();
    calls_made.processes_opened++;
    HANDLE process = OpenProcess(rights, FALSE, pid);
    *code = process ? 0 : GetLastError();
    return process;
}
