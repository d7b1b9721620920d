#include "core/wait.h"

#include "core/snapshot.h"
#include "core/why.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

enum {
    EAGER_MS = 10 * 1000, // so long each millisecond counts
    EAGER_PAUSE_US = 500,
    LONGEST_PAUSE_US = 20 * 1000,
    TOLD_PAUSE_US = 100 * 1000, // where the system tells of changes, a look now and then is enough
    PREPARE_AFTER_MS = 50,
    SETTLE_AT_ONCE_US = 50,    // since it told of one: so long it is looked at again at once,
    SETTLE_SOON_US = 2 * 1000, // and so long soon
    SETTLE_US = 20 * 1000,
    SETTLE_PAUSE_US = 20,
    LIST_MS = 20, // a listener on an address that was not looked up is found within this
    LATER_LIST_MS = 200,
    CLOSE_LEAST_MS = 20, // between two close looks at a port
    CLOSE_MOST_MS = 1000,
    CONTEXT_MS = 300,
    CALL_MS = 20,
    LOCAL_CALL_MOST_MS = 250,
    REMOTE_CALL_MOST_MS = 1000,
};

// An orphan's depth, where parents are followed.
#define PARENTS 64

static int64_t
elapsed_us(const struct wait *wait)
{
    return clock_mono_us() - wait->started_us;
}

static void
arm(struct wait *wait)
{
    socket_watch_arm(wait->watch, wait->free ? SOCKET_WATCH_CLOSES : SOCKET_WATCH_OPENS);
    wait->armed = true;
    // What came meanwhile shows in a look.
    wait->stirred = true;
}

// Which address to look up; family NONE where every address counts.
static struct address
watched_address(const struct wait_target *target)
{
    return target->endpoint.host == ENDPOINT_ADDRESS ? target->endpoint.address : address_any(FAMILY_NONE);
}

bool
wait_start(struct wait *wait, struct err *err)
{
    struct arena *scratch = arena_open();
    struct host host = {0};
    // One reading tells whether sockets can be seen at all.
    struct snapshot_ask ask = {.protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .first = 1, .last = 1};
    size_t local = 0;

    wait->asks = arena_array(wait->arena, wait->targets.count, sizeof *wait->asks);
    for (size_t i = 0; i < wait->targets.count; i++) {
        struct wait_target *target = &wait->targets.items[i];
        target->pause_ms = CLOSE_LEAST_MS;
        if (target->host.len)
            continue;
        target->watched = local;
        wait->asks[local++] = (struct socket_watch_ask){target->protocol, watched_address(target), target->port};
    }
    bool good = local == 0 || snapshot_read(scratch, &ask, &host, err);
    arena_close(scratch);
    if (!good)
        return false;
    wait->watch = socket_watch_open(wait->arena, wait->asks, local);
    wait->started_us = clock_mono_us();
    wait->listed_us = INT64_MIN;
    wait->stirred_us = INT64_MIN;
    // For a server first a look: many are met by then, and to be told of them is dear to set up.
    if (wait->free)
        arm(wait);
    return true;
}

void
wait_end(struct wait *wait)
{
    for (size_t i = 0; i < wait->targets.count; i++)
        dial_close(wait->targets.items[i].dial);
    socket_watch_close(wait->watch);
}

// Whether the socket is at the target's addresses.
static bool
is_there(const struct wait_target *target, const struct socket_row *row)
{
    if (row->netns != 0 || row->local_port != target->port || !host_same_ports(row->protocol, target->protocol))
        return false;
    if (target->endpoint.device.len && !str_equal(target->endpoint.device, row->device_name))
        return false;
    switch (target->endpoint.host) {
    case ENDPOINT_EVERY:
        return true;
    case ENDPOINT_LOCALHOST:
        return host_covers(row, address_any(FAMILY_NONE));
    case ENDPOINT_ADDRESS:
        break;
    }
    return host_covers(row, target->endpoint.address);
}

static bool
fits(const struct wait_target *target, const struct socket_row *row)
{
    return (row->state == SOCKET_LISTEN || row->state == SOCKET_UNCONN) && is_there(target, row);
}

// What needs no bind to see that no other one works.
static bool
is_in_the_way(const struct wait_target *target, const struct socket_row *row)
{
    return fits(target, row) || (row->state == SOCKET_BOUND && is_there(target, row));
}

static struct snapshot_ask
ask_for(const struct wait_target *target, unsigned states)
{
    return (struct snapshot_ask){
        .protocols = host_port_sharers(target->protocol),
        .states = states,
        .first = target->port,
        .last = target->port,
    };
}

static void
keep_row(struct wait_target *target, const struct socket_row *row)
{
    target->served = true;
    target->row = *row;
    // Their bytes are the reading's.
    target->row.device_name = (struct str){0};
    target->row.owner_service = (struct str){0};
}

// The lookup finds who serves this machine's own addresses; a listener on another one, or on one device, is in the table.
static void
look_for_server(struct wait *wait, struct wait_target *target, bool list)
{
    struct socket_row row;

    target->served = false;
    if (target->endpoint.device.len == 0 && socket_watch_find(wait->watch, target->watched, &row)) {
        keep_row(target, &row);
        return;
    }
    if (!list)
        return;
    struct arena *scratch = arena_open();
    struct snapshot_ask ask = ask_for(target, 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN);
    struct host host = {0};
    // A listener of MPTCP has a row of TCP too, and to ask for its own takes four times as long.
    ask.protocols = 1u << target->protocol;
    if (snapshot_add(scratch, &ask, &host, NULL))
        for (size_t i = 0; i < host.sockets.count && !target->served; i++)
            if (fits(target, &host.sockets.items[i]))
                keep_row(target, &host.sockets.items[i]);
    arena_close(scratch);
}

bool
wait_who(struct arena *arena, const struct wait_target *target, unsigned facts, bool ancestry, struct host *host,
         struct holder_list *out, struct err *err)
{
    struct snapshot_ask ask = ask_for(target, 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN);
    size_t *sockets;
    size_t count = 0;

    if (!snapshot_read(arena, &ask, host, err))
        return false;
    sockets = arena_array(arena, host->sockets.count + 1, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        if (fits(target, &host->sockets.items[i]))
            sockets[count++] = i;
    if (!snapshot_add_holders(arena, host, sockets, count, facts, ancestry, OWNER_ALL, err))
        return false;
    if (ancestry)
        holder_find(arena, host, sockets, count, out);
    else
        holder_find_plain(arena, host, sockets, count, out);
    return true;
}

static bool
is_below(const struct host *host, uint32_t pid, uint32_t ancestor)
{
    for (int level = 0; level < PARENTS && pid > 0; level++) {
        if (pid == ancestor)
            return true;
        const struct process *process = host_process(host, pid);
        uint32_t parent = process ? process->ppid : 0;
        if (parent == pid)
            return false;
        pid = parent;
    }
    return false;
}

// A path must be the program's own; a name that of its file or of the process.
static bool
is_program(const struct process *process, struct str exe)
{
    if (str_find_byte(exe, '/') != SIZE_MAX || str_find_byte(exe, '\\') != SIZE_MAX)
        return str_equal(process->exe.value, exe);
    struct str name = str_base_name(process->exe.value);
    struct str ending = STR(".exe");
    return str_equal(name, exe) || str_equal(process->name, exe) ||
           (name.len == exe.len + ending.len && str_equal_nocase(str_part(name, 0, exe.len), exe) &&
            str_equal_nocase(str_part(name, exe.len, SIZE_MAX), ending));
}

static bool
is_by_whom_it_must(const struct wait *wait, const struct wait_target *target)
{
    struct arena *scratch = arena_open();
    struct host host = {0};
    struct holder_list holders = {0};
    bool is = false;

    (void)wait_who(scratch, target, PROCESS_EXE, wait->by.pid != 0, &host, &holders, NULL);
    for (size_t i = 0; i < holders.count && !is; i++) {
        const struct holder *holder = &holders.items[i];
        is = wait->by.pid ? is_below(&host, holder->pid, wait->by.pid)
                          : holder->process && is_program(holder->process, wait->by.exe);
    }
    arena_close(scratch);
    return is;
}

// Called at an address that reaches the listener that was found.
static struct str
own_host(struct arena *arena, const struct socket_row *row)
{
    struct address plain;

    if (address_is_mapped(row->local, &plain))
        return address_format(arena, address_is_any(plain) ? address_loopback(FAMILY_IPV4) : plain);
    if (!address_is_any(row->local))
        return address_format(arena, row->local);
    bool four = row->local.family == FAMILY_IPV4 || row->v6only != TRI_YES;
    return address_format(arena, address_loopback(four ? FAMILY_IPV4 : FAMILY_IPV6));
}

static bool
is_answered(struct wait *wait, struct wait_target *target)
{
    if (!target->dial) {
        struct dial_ask ask = {
            .host = target->host.len ? target->host : own_host(wait->arena, &target->row),
            .port = target->port,
            .path = target->path,
            .pause_ms = CALL_MS,
            .longest_ms = target->host.len ? REMOTE_CALL_MOST_MS : LOCAL_CALL_MOST_MS,
        };
        target->dial = dial_open(&ask);
        target->called_once = true;
    }
    if (!target->dial)
        return false;
    dial_look(target->dial, &target->called);
    return target->called.standing == DIAL_ANSWERED;
}

// When the port is worth a close look again: each time later, up to a second.
static void
look_later(const struct wait *wait, struct wait_target *target)
{
    target->next_us = elapsed_us(wait) + (int64_t)target->pause_ms * 1000;
    target->pause_ms = target->pause_ms * 2 < CLOSE_MOST_MS ? target->pause_ms * 2 : CLOSE_MOST_MS;
}

static bool
is_served(struct wait *wait, struct wait_target *target, bool list)
{
    uint64_t before = target->served ? target->row.cookie : 0;

    look_for_server(wait, target, list);
    if (!target->served) {
        target->by_other = false;
        return false;
    }
    if (wait->by.pid || wait->by.exe.len) {
        // Who has it is dear to find out, and changes with the socket.
        if (target->by_other && before == target->row.cookie && elapsed_us(wait) < target->next_us)
            return false;
        target->by_other = !is_by_whom_it_must(wait, target);
        look_later(wait, target);
        if (target->by_other)
            return false;
    }
    return target->path.len == 0 || is_answered(wait, target);
}

// Nobody serves: whether the port can be bound shows in all of its sockets, and last in a bind.
static bool
is_bindable(const struct wait_target *target)
{
    struct arena *scratch = arena_open();
    struct host host = {0};
    struct answer answer = {0};
    struct why_question question = {
        .endpoint = target->endpoint,
        .protocol = target->protocol,
        .as_root = true,
        .deadline_ms = CONTEXT_MS,
    };
    struct snapshot_ask ask = ask_for(target, SOCKET_STATES_ALL);
    bool good = false;

    ask.want = SNAPSHOT_RANGES | SNAPSHOT_ADDRESSES;
    if (snapshot_read(scratch, &ask, &host, NULL)) {
        bool held = false;
        for (size_t i = 0; i < host.sockets.count; i++)
            held = held || is_in_the_way(target, &host.sockets.items[i]);
        question.read = WHY_READ_STATES;
        good = !held && why_answer(scratch, &host, &question, &answer, NULL) && answer.bindable;
    }
    arena_close(scratch);
    return good;
}

static bool
is_free(struct wait *wait, struct wait_target *target, bool list)
{
    look_for_server(wait, target, list);
    if (target->served) {
        target->pause_ms = CLOSE_LEAST_MS;
        target->next_us = 0;
        return false;
    }
    if (!wait->stirred && elapsed_us(wait) < target->next_us)
        return false;
    look_later(wait, target);
    return is_bindable(target);
}

// Whether the system told of a listener a moment ago: it does so before one can be found.
static bool
settles(const struct wait *wait, int64_t now_us)
{
    return !wait->free && wait->stirred_us != INT64_MIN && now_us - wait->stirred_us < SETTLE_US;
}

// A look at every target; whether all are met.
static bool
look(struct wait *wait)
{
    int64_t now_us = elapsed_us(wait);
    int64_t list_ms = now_us < EAGER_MS * INT64_C(1000) ? LIST_MS : LATER_LIST_MS;
    bool list = wait->stirred || wait->listed_us == INT64_MIN || settles(wait, now_us) ||
                now_us - wait->listed_us >= list_ms * 1000;
    bool all = true;

    for (size_t i = 0; i < wait->targets.count; i++) {
        struct wait_target *target = &wait->targets.items[i];
        if (target->met)
            continue;
        target->met = target->host.len ? is_answered(wait, target)
                      : wait->free     ? is_free(wait, target, list)
                                       : is_served(wait, target, list);
        if (target->met) {
            target->met_us = elapsed_us(wait);
            dial_close(target->dial);
            target->dial = NULL;
        }
        all = all && target->met;
    }
    if (list)
        wait->listed_us = now_us;
    wait->stirred = false;
    return all;
}

// How long nothing can be missed.
static int64_t
pause_us(const struct wait *wait)
{
    unsigned told = socket_watch_told(wait->watch);
    int64_t now_us = elapsed_us(wait);
    int64_t late_ms = now_us / 1000 - EAGER_MS;
    bool calls = false;

    if (settles(wait, now_us) && now_us - wait->stirred_us < SETTLE_SOON_US)
        return now_us - wait->stirred_us < SETTLE_AT_ONCE_US ? 0 : SETTLE_PAUSE_US;
    for (size_t i = 0; i < wait->targets.count; i++)
        calls = calls || (!wait->targets.items[i].met && wait->targets.items[i].dial);
    if (!calls && !settles(wait, now_us) && (told & (wait->free ? SOCKET_WATCH_CLOSES : SOCKET_WATCH_OPENS)))
        return TOLD_PAUSE_US;
    if (late_ms <= 0)
        return EAGER_PAUSE_US;
    return late_ms * 2 + 1000 < LONGEST_PAUSE_US ? late_ms * 2 + 1000 : LONGEST_PAUSE_US;
}

// Not before nothing has come for a while: what comes soon shall not wait for it.
static void
prepare(struct wait *wait)
{
    socket_owner_prepare(wait->arena);
    wait->prepared = true;
}

static void
pause_until(struct wait *wait, int64_t until_us)
{
    int64_t pause = pause_us(wait);
    int64_t left_us = until_us - elapsed_us(wait);

    wait->stirred = socket_watch_pause(wait->watch, left_us > 0 && pause > left_us ? left_us : pause);
    if (wait->stirred)
        wait->stirred_us = elapsed_us(wait);
}

enum wait_state
wait_step(struct wait *wait, unsigned longest_ms)
{
    int64_t end_us = elapsed_us(wait) + longest_ms * INT64_C(1000);
    int64_t deadline_us = wait->timeout_ms ? wait->timeout_ms * 1000 : INT64_MAX;

    for (;;) {
        if (look(wait))
            return WAIT_MET;
        int64_t now_us = elapsed_us(wait);
        if (now_us >= deadline_us)
            return WAIT_TIMED_OUT;
        if (now_us >= end_us)
            return WAIT_GOING;
        if (!wait->armed)
            arm(wait);
        else if (wait->tells_who && !wait->prepared && now_us >= PREPARE_AFTER_MS * INT64_C(1000))
            prepare(wait);
        else
            pause_until(wait, deadline_us < end_us ? deadline_us : end_us);
    }
}
