#include "sys/handle_scan_win.h"

#include "sys/winsock_win.h"

#include <windows.h>
#include <winternl.h>

#include "decode/win_handle.h"
#include "sys/afd_query_win.h"
#include "sys/calls_win.h"
#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/process_list_win.h"
#include "sys/worker_win.h"

#define LENGTH_MISMATCH ((NTSTATUS)0xc0000004)
#define EXTENDED_HANDLES 64 // SystemExtendedHandleInformation

enum {
    FIRST_ROOM = 2 << 20, // some 50,000 handles
    TRIES = 8,
    LIST_AGE_MS = 1000,
    SCAN_MS = 3000, // for all of it
    HANG_MS = 200,  // for one handle
    LOOK_MS = 5,
    MOST_HUNG = 8, // threads that are left behind
};

// What the thread that scans and the one that waits for it share.
struct walk {
    struct arena *arena;
    struct str list;       // of handles, does not change
    uint16_t file_type;    // of an own socket
    uint32_t usual_access; // the rights that it has
    uint32_t only_pid;     // 0 = all
    struct map64 left_out; // pids of processes that are never looked into
    SRWLOCK lock;          // for all below
    unsigned turn;         // of the worker whose work counts; others were left behind
    bool left_behind;      // such a worker still uses this struct
    bool rare;             // handles without the usual rights are looked at now
    size_t next;           // row to be looked at
    uint32_t pid;          // whose handle is looked at
    int64_t began_us;      // looking at it; 0 = not in such a call
    struct handle_scan result;
};

struct task {
    struct walk *walk;
    unsigned turn;
};

static struct walk *kept;

static bool
list_handles(struct walk *walk, struct err *err)
{
    ULONG room = FIRST_ROOM;
    NTSTATUS status = LENGTH_MISMATCH;

    for (int i = 0; i < TRIES && status == LENGTH_MISMATCH; i++) {
        ULONG needed = 0;
        char *bytes = arena_alloc(walk->arena, room);
        status = NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)EXTENDED_HANDLES, bytes, room, &needed);
        if (NT_SUCCESS(status)) {
            walk->list = (struct str){bytes, needed < room ? needed : room};
            return true;
        }
        room = needed > room ? needed + needed / 8 : room * 2;
    }
    return fault_set_nt(err, status, "list handles");
}

// The number that this Windows has for files is learnt from a socket of our own, which is one, and so are the rights that
// come with a socket: pipes, whose queries may hang, have others.
static bool
learn_from_own(struct walk *walk, SOCKET own)
{
    uint32_t self = GetCurrentProcessId();

    for (size_t i = 0; i < win_handle_count(walk->list); i++) {
        struct win_handle handle = win_handle_at(walk->list, i);
        if (handle.pid != self || handle.value != (uint64_t)own)
            continue;
        walk->file_type = handle.type;
        walk->usual_access = handle.access;
        return true;
    }
    return false;
}

// This program itself, and those that the system can't do without: they inherit nothing from anybody, and to reach into
// them raises alarms.
static bool
leave_out(struct walk *walk, struct err *err)
{
    const struct process_list *list = process_list_read(LIST_AGE_MS, err);

    map64_put(walk->arena, &walk->left_out, GetCurrentProcessId(), 0);
    for (size_t i = 0; list && i < list->count; i++)
        if (win_process_is_guarded(list->items[i].name))
            map64_put(walk->arena, &walk->left_out, list->items[i].pid, 0);
    return list != NULL;
}

static bool
prepare(struct walk *walk, struct err *err)
{
    int code = 0;
    SOCKET own = winsock_open(FAMILY_IPV4, PROTOCOL_TCP, &code);
    bool good = false;

    if (own == INVALID_SOCKET)
        return fault_set(err, (unsigned long)code, "open a socket to compare with");
    good = leave_out(walk, err) && list_handles(walk, err);
    if (good && !learn_from_own(walk, own))
        good = err_set(err, ERR_FORMAT, 0, "list handles: an own socket is not among them");
    winsock_close(own);
    return good;
}

static bool
is_wanted(const struct walk *walk, struct win_handle handle)
{
    return handle.type == walk->file_type && (walk->only_pid == 0 || handle.pid == walk->only_pid) &&
           !map64_get(&walk->left_out, handle.pid, NULL) && (handle.access == walk->usual_access) != walk->rare;
}

// The process to look into next, with the first of its handles that may be a socket. False at the end, or when this worker
// was given up.
static bool
next_process(struct walk *walk, unsigned turn, struct win_handle *out)
{
    bool found = false;

    AcquireSRWLockExclusive(&walk->lock);
    while (walk->turn == turn && !found && walk->next < win_handle_count(walk->list)) {
        *out = win_handle_at(walk->list, walk->next);
        found = is_wanted(walk, *out);
        walk->next += !found;
    }
    ReleaseSRWLockExclusive(&walk->lock);
    return found;
}

// Takes row `next` if it belongs to the process still, and notes that it is looked at. False at the end of the process.
static bool
next_handle(struct walk *walk, unsigned turn, uint32_t pid, struct win_handle *out)
{
    bool found = false;

    AcquireSRWLockExclusive(&walk->lock);
    while (walk->turn == turn && !found && walk->next < win_handle_count(walk->list)) {
        *out = win_handle_at(walk->list, walk->next);
        if (out->pid != pid)
            break;
        found = is_wanted(walk, *out);
        walk->next++;
    }
    if (found) {
        walk->pid = pid;
        walk->began_us = clock_mono_us();
    }
    ReleaseSRWLockExclusive(&walk->lock);
    return found;
}

static void
look_at(struct walk *walk, unsigned turn, HANDLE process, struct win_handle handle)
{
    struct arena *arena = arena_open();
    struct scanned_socket socket = {.pid = handle.pid, .handle = handle.value};
    HANDLE copy = NULL;
    bool found = DuplicateHandle(process, (HANDLE)(uintptr_t)handle.value, GetCurrentProcess(), &copy, 0, FALSE,
                                 DUPLICATE_SAME_ACCESS) &&
                 afd_query(arena, copy, &socket);

    if (copy)
        CloseHandle(copy);
    AcquireSRWLockExclusive(&walk->lock);
    if (walk->turn == turn) {
        walk->began_us = 0;
        if (found) {
            socket.address_bytes = str_copy(walk->arena, socket.address_bytes);
            socket.context_bytes = str_copy(walk->arena, socket.context_bytes);
            *LIST_ADD(walk->arena, &walk->result) = socket;
        }
    }
    ReleaseSRWLockExclusive(&walk->lock);
    arena_close(arena);
}

static void
note_unseen(struct walk *walk, uint32_t pid, enum known reason)
{
    for (size_t i = 0; i < walk->result.unseen.count; i++)
        if (walk->result.unseen.items[i].pid == pid)
            return;
    *LIST_ADD(walk->arena, &walk->result.unseen) =
        (struct unseen){.pid = pid, .what = STR("handles"), .reason = reason};
}

// A process that may not be looked into is passed over, its handles with it.
static void
pass_over(struct walk *walk, unsigned turn, uint32_t pid, unsigned long code)
{
    AcquireSRWLockExclusive(&walk->lock);
    if (walk->turn == turn) {
        // A pid that is none any more: the process ended since the list was made.
        if (code != ERROR_INVALID_PARAMETER)
            note_unseen(walk, pid, host_known_of(fault_kind(code)));
        while (walk->next < win_handle_count(walk->list) && win_handle_at(walk->list, walk->next).pid == pid)
            walk->next++;
    }
    ReleaseSRWLockExclusive(&walk->lock);
}

static void
scan(void *data)
{
    struct task task = *(struct task *)data;
    struct win_handle handle;

    while (next_process(task.walk, task.turn, &handle)) {
        unsigned long code;
        uint32_t pid = handle.pid;
        HANDLE process = process_list_open(pid, PROCESS_DUP_HANDLE, &code);
        if (!process) {
            pass_over(task.walk, task.turn, pid, code);
            continue;
        }
        while (next_handle(task.walk, task.turn, pid, &handle))
            look_at(task.walk, task.turn, process, handle);
        CloseHandle(process);
    }
}

// Whether the worker looks at one handle for too long; then it is given up, with a note.
static bool
give_up_hung(struct walk *walk, int64_t end_us)
{
    int64_t now_us = clock_mono_us();
    bool hung = false;

    AcquireSRWLockExclusive(&walk->lock);
    hung = walk->began_us != 0 && (now_us - walk->began_us > HANG_MS * 1000 || now_us > end_us);
    if (hung) {
        note_unseen(walk, walk->pid, KNOWN_TIMEOUT);
        walk->began_us = 0;
        walk->turn++;
    }
    ReleaseSRWLockExclusive(&walk->lock);
    return hung;
}

// Out of time: whatever was not looked at is unseen.
static void
give_up_all(struct walk *walk)
{
    AcquireSRWLockExclusive(&walk->lock);
    walk->turn++;
    note_unseen(walk, 0, KNOWN_TIMEOUT);
    ReleaseSRWLockExclusive(&walk->lock);
}

// Scans on one worker after the other: a new one goes on behind the handle that another hangs at.
static void
run_workers(struct walk *walk)
{
    int64_t end_us = clock_mono_us() + SCAN_MS * 1000;

    for (unsigned i = 0; i < MOST_HUNG; i++) {
        struct task *task = arena_alloc(walk->arena, sizeof *task);
        *task = (struct task){walk, walk->turn};
        void *worker = worker_start(scan, task);
        if (!worker)
            break;
        do {
            if (worker_wait(worker, LOOK_MS))
                return;
        } while (!give_up_hung(walk, end_us) && clock_mono_us() <= end_us);
        worker_leave(worker);
        walk->left_behind = true;
        if (clock_mono_us() > end_us)
            break;
    }
    give_up_all(walk);
}

// Looks at one half of the handles: those with the rights that sockets have, or the others.
static void
run_half(struct walk *walk, bool rare)
{
    int64_t began_us = clock_mono_us();

    walk->rare = rare;
    walk->next = 0;
    run_workers(walk);
    walk->result.took_us += clock_mono_us() - began_us;
}

const struct handle_scan *
handle_scan_read(unsigned max_age_ms, bool rare, uint32_t pid, struct err *err)
{
    int64_t now_us = clock_mono_us();

    if (!kept || kept->only_pid != pid || now_us - kept->result.read_us > (int64_t)max_age_ms * 1000) {
        struct arena *arena = arena_open();
        struct walk *walk = arena_alloc(arena, sizeof *walk);
        walk->arena = arena;
        walk->only_pid = pid;
        walk->result.read_us = now_us;
        InitializeSRWLock(&walk->lock);
        if (!prepare(walk, err)) {
            arena_close(arena);
            return NULL;
        }
        if (kept && !kept->left_behind)
            arena_close(kept->arena);
        kept = walk;
        calls_made.handle_scans++;
        run_half(walk, false);
    }
    if (rare && !kept->rare)
        run_half(kept, true);
    return &kept->result;
}

static struct address
plain(struct address address)
{
    struct address inner;
    return address_is_mapped(address, &inner) ? inner : address;
}

enum tri
handle_scan_is(const struct scanned_socket *scanned, const struct socket_row *row)
{
    struct address local = plain(scanned->local);
    bool connected = scanned->remote.family != FAMILY_NONE;
    bool udp = row->protocol == PROTOCOL_UDP;

    if (scanned->protocol != row->protocol || scanned->local_port != row->local_port ||
        (row->state == SOCKET_LISTEN && (connected || scanned->listens == TRI_NO)) ||
        (row->state == SOCKET_BOUND && (connected || scanned->listens == TRI_YES)))
        return TRI_NO;
    // Rows of UDP tell no other end.
    if (!udp && row->remote.family != FAMILY_NONE &&
        (scanned->remote_port != row->remote_port || !address_equal(plain(scanned->remote), plain(row->remote))))
        return TRI_NO;
    if (address_equal(local, plain(row->local)))
        return TRI_YES;
    return address_is_any(local) && local.family == FAMILY_IPV6 && address_is_any(row->local) ? TRI_UNKNOWN : TRI_NO;
}
