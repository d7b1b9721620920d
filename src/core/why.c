#include "core/why.h"

#include <string.h>

#include "core/conflict.h"
#include "core/snapshot.h"
#include "core/suggest.h"
#include "core/why_parts.h"
#include "sys/clock.h"
#include "sys/net.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

enum {
    // An io_uring lets go of its sockets up to 27 ms after its process is gone, and a program may end between two reads.
    SETTLE_MS = 50,
    SETTLE_STEP_MS = 10,
};

static const struct str kind_names[CAUSE_KIND_COUNT] = {
    [CAUSE_SOCKET_UNIT] = STR_INIT("socket-unit"),
    [CAUSE_HTTP_SYS] = STR_INIT("http-sys"),
    [CAUSE_PORTPROXY] = STR_INIT("portproxy"),
    [CAUSE_CONTAINER] = STR_INIT("container"),
    [CAUSE_RELAY] = STR_INIT("relay"),
    [CAUSE_SERVICE] = STR_INIT("service"),
    [CAUSE_INHERITED] = STR_INIT("inherited"),
    [CAUSE_REUSEPORT_GROUP] = STR_INIT("reuseport-group"),
    [CAUSE_LISTENER] = STR_INIT("listener"),
    [CAUSE_BOUND] = STR_INIT("bound"),
    [CAUSE_CONNECTION] = STR_INIT("connection"),
    [CAUSE_LINGERING] = STR_INIT("lingering"),
    [CAUSE_UNACCEPTED] = STR_INIT("unaccepted"),
    [CAUSE_KERNEL] = STR_INIT("kernel"),
    [CAUSE_HIDDEN] = STR_INIT("hidden"),
    [CAUSE_EXCLUDED_RANGE] = STR_INIT("excluded-range"),
    [CAUSE_PRIVILEGED] = STR_INIT("privileged"),
    [CAUSE_ADDRESS] = STR_INIT("address"),
    [CAUSE_DENIED] = STR_INIT("denied"),
    [CAUSE_EXHAUSTED] = STR_INIT("exhausted"),
    [CAUSE_REDIRECT] = STR_INIT("redirect"),
    [CAUSE_OTHER_NAMESPACE] = STR_INIT("other-namespace"),
    [CAUSE_DYNAMIC_RANGE] = STR_INIT("dynamic-range"),
    [CAUSE_RESERVED] = STR_INIT("reserved"),
    [CAUSE_SHARED] = STR_INIT("shared"),
    [CAUSE_OTHER_FAMILY] = STR_INIT("other-family"),
};

static const struct str lever_names[LEVER_COUNT] = {
    [LEVER_WAIT] = STR_INIT("wait"),           [LEVER_PROCESS] = STR_INIT("process"),
    [LEVER_SERVICE] = STR_INIT("service"),     [LEVER_SOCKET_UNIT] = STR_INIT("socket-unit"),
    [LEVER_CONTAINER] = STR_INIT("container"), [LEVER_SUPERVISOR] = STR_INIT("supervisor"),
    [LEVER_SOCKET] = STR_INIT("socket"),       [LEVER_SYSTEM] = STR_INIT("system"),
    [LEVER_SETTING] = STR_INIT("setting"),     [LEVER_OTHER_PORT] = STR_INIT("other-port"),
};

struct str
why_kind_name(enum cause_kind kind)
{
    return kind_names[kind];
}

struct str
why_lever_name(enum lever lever)
{
    return lever_names[lever];
}

struct str
why_harm_name(enum harm harm)
{
    static const struct str names[] = {STR_INIT("none"), STR_INIT("low"), STR_INIT("some"), STR_INIT("high")};

    return names[harm];
}

const struct socket_row *
why_socket(const struct inquiry *inquiry, const struct why_row *row)
{
    return &inquiry->host->sockets.items[row->socket];
}

struct cause *
why_add_cause(struct inquiry *inquiry, enum cause_kind kind, bool blocks)
{
    struct cause *cause = LIST_ADD(inquiry->arena, &inquiry->answer->causes);

    cause->kind = kind;
    cause->blocks = blocks;
    return cause;
}

void
why_note(struct inquiry *inquiry, struct cause *cause, struct str sentence)
{
    *LIST_ADD(inquiry->arena, &cause->notes) = sentence;
}

const struct port_range *
why_range(const struct inquiry *inquiry, enum range_kind kind)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (range->kind == kind && range->first <= inquiry->port && inquiry->port <= range->last &&
            (range->any_protocol || host_same_ports(range->protocol, inquiry->question->protocol)))
            return range;
    }
    return NULL;
}

static void
add_wish(struct inquiry *inquiry, struct address address, bool v6only)
{
    const struct why_question *question = inquiry->question;

    inquiry->wishes[inquiry->wish_count++] = (struct bind_wish){
        .protocol = question->protocol,
        .address = address,
        .port = inquiry->port,
        .v6only = v6only,
        .mode = question->mode,
        .device = question->endpoint.device.len ? net_device_index(question->endpoint.device) : 0,
    };
}

// A server that wants every address binds 0.0.0.0 and [::] side by side, so IPv6 must be IPv6 only there; an explicit
// [::] is one dual-stack socket.
static void
make_wishes(struct inquiry *inquiry)
{
    const struct endpoint *endpoint = &inquiry->question->endpoint;

    switch (endpoint->host) {
    case ENDPOINT_EVERY:
        add_wish(inquiry, address_any(FAMILY_IPV4), false);
        add_wish(inquiry, address_any(FAMILY_IPV6), true);
        break;
    case ENDPOINT_LOCALHOST:
        add_wish(inquiry, address_loopback(FAMILY_IPV4), false);
        add_wish(inquiry, address_loopback(FAMILY_IPV6), true);
        break;
    case ENDPOINT_ADDRESS:
        add_wish(inquiry, endpoint->address, false);
        break;
    }
}

static enum row_role
role_of(const struct inquiry *inquiry, const struct socket_row *row)
{
    enum row_role role = ROW_APART;

    for (size_t i = 0; i < inquiry->wish_count; i++) {
        if (!conflict_overlaps(&inquiry->wishes[i], row))
            continue;
        enum conflict conflict = conflict_check(&inquiry->wishes[i], inquiry->uid, row);
        enum row_role one = conflict == CONFLICT_YES ? ROW_BLOCKS : conflict == CONFLICT_NO ? ROW_HARMLESS : ROW_MAYBE;
        if (one > role)
            role = one;
    }
    return role;
}

static void
collect_rows(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;

    inquiry->rows.count = 0;
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns != 0 || row->local_port != inquiry->port ||
            !host_same_ports(row->protocol, inquiry->question->protocol))
            continue;
        struct why_row *added = LIST_ADD(inquiry->arena, &inquiry->rows);
        added->socket = i;
        added->role = role_of(inquiry, row);
    }
}

static bool
has_role(const struct inquiry *inquiry, enum row_role least)
{
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role >= least)
            return true;
    return false;
}

// All states cost a walk over the kernel's whole connection table, so they are read only when the cheap question (who
// listens) or the bind says that somebody is there.
static bool
read_all_states(struct inquiry *inquiry, struct err *err)
{
    struct snapshot_ask ask = {
        .protocols = 1u << inquiry->question->protocol,
        .states = SOCKET_STATES_ALL,
        .first = inquiry->port,
        .last = inquiry->port,
    };

    if (inquiry->question->protocol == PROTOCOL_TCP)
        ask.protocols |= 1u << PROTOCOL_MPTCP;
    if (!snapshot_add(inquiry->arena, &ask, inquiry->host, err))
        return false;
    inquiry->all_states = true;
    collect_rows(inquiry);
    return true;
}

// Rows of the port may be gone when a settled answer is needed: forget them, so that they are read again.
static void
forget_rows(struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct socket_row *row = &inquiry->host->sockets.items[inquiry->rows.items[i].socket];
        // Holders refer to rows by index, so a row is emptied, not removed: no port overlaps with port 0.
        row->local_port = 0;
        row->inode = 0;
        row->cookie = 0;
    }
    inquiry->rows.count = 0;
}

static void
probe_one(struct inquiry *inquiry, struct bind_wish wish, bool deciding)
{
    struct answer *answer = inquiry->answer;
    struct probe *probe = LIST_ADD(inquiry->arena, &answer->probes);

    bind_probe(inquiry->arena, &wish, probe);
    if (probe->worked || str_equal(probe->result, STR("unsupported")))
        return;
    if (deciding && inquiry->code == 0) {
        inquiry->code = probe->code;
        inquiry->result = probe->result;
    }
    if (!deciding)
        inquiry->plain_fails = true;
}

static void
probe_all(struct inquiry *inquiry)
{
    struct str usual = bind_mode_name(inquiry->question->mode);
    bool plain_too = !str_equal(usual, STR("plain"));

    inquiry->answer->probes.count = 0;
    inquiry->code = 0;
    inquiry->plain_fails = false;
    for (size_t i = 0; i < inquiry->wish_count; i++) {
        struct bind_wish wish = inquiry->wishes[i];
        probe_one(inquiry, wish, true);
        if (plain_too) {
            wish.mode = BIND_PLAIN;
            probe_one(inquiry, wish, false);
        }
    }
}

static bool
result_is(const struct inquiry *inquiry, const char *name)
{
    return inquiry->code != 0 && str_equal(inquiry->result, str_of(name));
}

// The host lacks every family that was asked for: nothing was tried at all.
static bool
nothing_tried(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->answer->probes.count; i++)
        if (!str_equal(inquiry->answer->probes.items[i].result, STR("unsupported")))
            return false;
    return true;
}

static bool
may_not_try(const struct inquiry *inquiry)
{
    return result_is(inquiry, "EACCES") || result_is(inquiry, "EPERM");
}

// With SO_REUSEADDR on both sides a bind beside a bound socket works, and the listen() after it fails: such a port can't
// be used although the bind works.
static bool
bound_in_the_way(const struct inquiry *inquiry)
{
    if (inquiry->question->protocol == PROTOCOL_UDP || inquiry->question->protocol == PROTOCOL_UDPLITE)
        return false;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role != ROW_APART &&
            why_socket(inquiry, &inquiry->rows.items[i])->state == SOCKET_BOUND)
            return true;
    return false;
}

static bool
read_holders(struct inquiry *inquiry, struct err *err)
{
    struct host *host = inquiry->host;
    size_t count = 0;
    size_t *sockets = arena_array(inquiry->arena, inquiry->rows.count + 1, sizeof *sockets);

    for (size_t i = 0; i < inquiry->rows.count; i++) {
        size_t socket = inquiry->rows.items[i].socket;
        // Rows without a file have no holder that could be found.
        if (host->sockets.items[socket].inode == 0 && host->sockets.items[socket].owner_pid == 0)
            continue;
        if (!host->sockets.items[socket].holders_read)
            sockets[count++] = socket;
    }
    if (count > 0 &&
        !snapshot_add_holders(inquiry->arena, host, sockets, count, PROCESS_ALL, true, inquiry->question->deep, err))
        return false;
    for (size_t i = 0; i < count; i++)
        host->sockets.items[sockets[i]].holders_read = true;

    count = 0;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role != ROW_APART)
            sockets[count++] = inquiry->rows.items[i].socket;
    if (count > 0)
        snapshot_add_context(inquiry->arena, host, sockets, count, inquiry->question->deadline_ms);
    return true;
}

static bool
socket_has_holder(const struct host *host, size_t socket)
{
    for (size_t i = 0; i < host->holdings.count; i++)
        if (host->holdings.items[i].socket == socket)
            return true;
    return false;
}

// A row with a file that nobody has, although everything could be looked at, may be a program that ended just now.
static bool
is_settled(const struct inquiry *inquiry)
{
    if (result_is(inquiry, "EADDRINUSE") && !has_role(inquiry, ROW_MAYBE))
        return false;
    if (!inquiry->host->complete)
        return true;
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        const struct why_row *row = &inquiry->rows.items[i];
        if (row->role >= ROW_MAYBE && why_socket(inquiry, row)->inode != 0 &&
            !socket_has_holder(inquiry->host, row->socket))
            return false;
    }
    return true;
}

// A socket that the kernel opened for itself needs no search for its holder.
static void
read_kernel_ports(struct inquiry *inquiry)
{
    struct err ignored;

    if (inquiry->host->kernel_ports.count == 0)
        (void)snapshot_add(inquiry->arena, &(struct snapshot_ask){.want = SNAPSHOT_KERNEL_PORTS}, inquiry->host,
                           &ignored);
}

// Tables first, one bind last; more is read only where one of them calls for it.
static bool
look(struct inquiry *inquiry, struct err *err)
{
    collect_rows(inquiry);
    if ((has_role(inquiry, ROW_HARMLESS) || inquiry->question->all) && !read_all_states(inquiry, err))
        return false;
    probe_all(inquiry);
    if (!inquiry->all_states && (inquiry->code != 0 || inquiry->plain_fails) && !read_all_states(inquiry, err))
        return false;
    if (inquiry->rows.count == 0)
        return true;
    read_kernel_ports(inquiry);
    return read_holders(inquiry, err);
}

static bool
look_until_settled(struct inquiry *inquiry, struct err *err)
{
    if (!look(inquiry, err))
        return false;
    for (int waited = 0; !is_settled(inquiry) && waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
        clock_sleep_ms(SETTLE_STEP_MS);
        forget_rows(inquiry);
        inquiry->all_states = false;
        if (!read_all_states(inquiry, err))
            return false;
        probe_all(inquiry);
        if (inquiry->rows.count > 0 && !read_holders(inquiry, err))
            return false;
    }
    return true;
}

static void
judge(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;

    answer->proved = true;
    if (nothing_tried(inquiry)) {
        answer->proved = false;
        answer->verdict = has_role(inquiry, ROW_BLOCKS) ? WHY_TAKEN : WHY_UNKNOWN;
    } else if (result_is(inquiry, "EADDRINUSE")) {
        answer->verdict = WHY_TAKEN;
    } else if (may_not_try(inquiry)) {
        // Without the right to try, the tables answer; reuse flags that can't be seen count against the port only when
        // somebody listens there.
        answer->proved = false;
        answer->verdict = has_role(inquiry, ROW_BLOCKS) ? WHY_TAKEN
                          : inquiry->question->as_root  ? WHY_FREE
                                                        : WHY_NOT_ALLOWED;
    } else if (result_is(inquiry, "EADDRNOTAVAIL") || result_is(inquiry, "EINVAL")) {
        answer->verdict = WHY_NOT_LOCAL;
    } else if (inquiry->code != 0) {
        answer->verdict = has_role(inquiry, ROW_BLOCKS) ? WHY_TAKEN : WHY_UNKNOWN;
    } else {
        answer->verdict = bound_in_the_way(inquiry) ? WHY_TAKEN : WHY_FREE;
    }
    answer->bindable = answer->verdict == WHY_FREE;
    inquiry->taken = answer->verdict == WHY_TAKEN;
}

static void
say_unseen(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    const struct host *host = inquiry->host;

    answer->tier = host->tier == TIER_NONE ? socket_owner_tier() : host->tier;
    answer->complete = true;
    if (inquiry->rows.count == 0 || host->tier == TIER_NONE)
        return;
    answer->complete = host->complete;
    for (size_t i = 0; i < host->unseen.count; i++)
        if (host->unseen.items[i].relevant)
            *LIST_ADD(inquiry->arena, &answer->unseen) = host->unseen.items[i];
}

// Most servers set SO_REUSEADDR; who doesn't must know what stands in its way and for how long.
static void
warn_of_plain(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    uint32_t seconds = 0;

    if (!answer->bindable || !inquiry->plain_fails || inquiry->code != 0)
        return;
    for (size_t i = 0; i < answer->causes.count; i++)
        if (answer->causes.items[i].kind == CAUSE_LINGERING && answer->causes.items[i].seconds > seconds)
            seconds = answer->causes.items[i].seconds;
    answer->plain_warning =
        seconds > 0 ? str_printf(inquiry->arena,
                                 "free for most servers; one that does not set SO_REUSEADDR must wait %u s", seconds)
                    : STR("free for most servers; one that does not set SO_REUSEADDR can't use it now");
}

static void
add_suggestions(struct inquiry *inquiry, struct err *err)
{
    struct answer *answer = inquiry->answer;
    uint16_t ports[1];
    struct snapshot_ask ask = {
        .protocols = inquiry->question->protocol == PROTOCOL_TCP || inquiry->question->protocol == PROTOCOL_MPTCP
                         ? 1u << PROTOCOL_TCP
                         : 1u << inquiry->question->protocol,
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = 0,
        .last = 65535,
    };

    if (answer->bindable || answer->verdict == WHY_NOT_LOCAL)
        return;
    // Without the other rows a suggestion is still proved by its own bind.
    (void)snapshot_add(inquiry->arena, &ask, inquiry->host, err);
    size_t found = suggest_ports(inquiry->arena, inquiry->host, inquiry->question->protocol, inquiry->port, ports,
                                 sizeof ports / sizeof *ports);
    for (size_t i = 0; i < found; i++)
        *LIST_ADD(inquiry->arena, &answer->suggest) = ports[i];
}

// Blocking causes first; within each half the order of finding is the contract's precedence.
static void
order_causes(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    struct cause *sorted = arena_array(inquiry->arena, answer->causes.count + 1, sizeof *sorted);
    size_t count = 0;

    for (int half = 0; half < 2; half++)
        for (size_t i = 0; i < answer->causes.count; i++)
            if (answer->causes.items[i].blocks == (half == 0))
                sorted[count++] = answer->causes.items[i];
    if (count > 0)
        memcpy(answer->causes.items, sorted, count * sizeof *sorted);
}

bool
why_answer(struct arena *arena, struct host *host, const struct why_question *question, struct answer *out,
           struct err *err)
{
    struct inquiry inquiry = {
        .arena = arena,
        .host = host,
        .question = question,
        .answer = out,
        .port = question->endpoint.first,
        .uid = host->uid,
    };
    struct err ignored;

    *out = (struct answer){.question = *question};
    make_wishes(&inquiry);
    if (!look_until_settled(&inquiry, err))
        return false;
    if (host->ranges.count == 0)
        (void)snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_RANGES}, host, &ignored);
    judge(&inquiry);
    say_unseen(&inquiry);
    why_find_socket_causes(&inquiry);
    why_find_system_causes(&inquiry);
    order_causes(&inquiry);
    warn_of_plain(&inquiry);
    add_suggestions(&inquiry, &ignored);
    for (size_t i = 0; i < out->causes.count; i++)
        why_add_remedies(&inquiry, &out->causes.items[i]);
    return true;
}
