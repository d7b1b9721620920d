#include "core/conflict.h"
#include "core/snapshot.h"
#include "core/why_parts.h"
#include "sys/clock.h"
#include "sys/net.h"
#include "sys/process.h"
#include "sys/socket_table.h"

enum {
    // An io_uring lets go of its sockets up to 27 ms after its process is gone, and a program may end between two reads.
    SETTLE_MS = 50,
    SETTLE_STEP_MS = 10,
};

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
    const struct why_question *question = inquiry->question;
    const struct endpoint *endpoint = &question->endpoint;

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
        add_wish(inquiry, endpoint->address, question->v6only && endpoint->address.family == FAMILY_IPV6);
        break;
    }
}

// Whose the socket is where only its process tells.
static struct socket_row
with_user(const struct inquiry *inquiry, const struct socket_row *row)
{
    struct socket_row copy = *row;
    const struct process *owner =
        row->uid_known || row->owner_pid == 0 ? NULL : host_process(inquiry->host, row->owner_pid);

    if (owner && owner->uid_known) {
        copy.uid_known = true;
        copy.uid = owner->uid;
    }
    return copy;
}

static void
judge_row(const struct inquiry *inquiry, struct why_row *row)
{
    const struct socket_row socket = with_user(inquiry, why_socket(inquiry, row));

    row->role = ROW_APART;
    row->outcomes = 0;
    for (size_t i = 0; i < inquiry->wish_count; i++) {
        if (!conflict_overlaps(&inquiry->wishes[i], &socket))
            continue;
        unsigned outcomes = inquiry->platform->rules->outcomes(&inquiry->wishes[i], inquiry->uid, &socket);
        enum row_role role = !(outcomes & CONFLICT_WORKS) ? ROW_BLOCKS
                             : outcomes == CONFLICT_WORKS ? ROW_HARMLESS
                                                          : ROW_MAYBE;
        row->outcomes |= outcomes;
        if (role > row->role)
            row->role = role;
    }
}

bool
why_explains(const struct inquiry *inquiry, const struct why_row *row)
{
    unsigned wanted = inquiry->refusal == REFUSAL_FORBIDDEN ? CONFLICT_FORBIDDEN : CONFLICT_IN_USE;

    return row->role == ROW_BLOCKS || (row->role == ROW_MAYBE && row->outcomes & wanted);
}

void
why_index_make(struct arena *arena, const struct host *host, struct why_index *out)
{
    enum {
        PORTS = 65536,
    };

    *out = (struct why_index){.heads = arena_array(arena, PORTS, sizeof *out->heads),
                              .next = arena_array(arena, host->sockets.count, sizeof *out->next),
                              .count = host->sockets.count};
    for (size_t i = host->sockets.count; i > 0; i--) {
        uint32_t *head = &out->heads[host->sockets.items[i - 1].local_port];
        out->next[i - 1] = *head;
        *head = (uint32_t)i;
    }
}

bool
why_next(const struct inquiry *inquiry, size_t *at)
{
    const struct why_index *index = inquiry->question->index;
    size_t known = index ? index->count : 0;
    size_t next;

    if (*at == SIZE_MAX)
        next = index ? index->heads[inquiry->port] : 0;
    else
        next = *at < known ? index->next[*at] : *at + 2;
    *at = next > 0 ? next - 1 : known;
    return *at < inquiry->host->sockets.count;
}

static void
collect_rows(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;

    // The kernel tells them in no order: IPv4 comes first, as people write it.
    inquiry->rows.count = 0;
    for (int six = 0; six < 2; six++)
        for (size_t i = SIZE_MAX; why_next(inquiry, &i);) {
            const struct socket_row *row = &host->sockets.items[i];
            if (row->netns != 0 || row->local_port != inquiry->port || (row->local.family == FAMILY_IPV6) != six ||
                !host_same_ports(row->protocol, inquiry->question->protocol))
                continue;
            struct why_row *added = LIST_ADD(inquiry->arena, &inquiry->rows);
            added->socket = i;
            judge_row(inquiry, added);
        }
}

bool
why_has_role(const struct inquiry *inquiry, enum row_role least)
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
        .protocols = host_port_sharers(inquiry->question->protocol),
        .states = SOCKET_STATES_ALL,
        .first = inquiry->port,
        .last = inquiry->port,
    };

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
        row->owner_pid = 0;
        row->cookie = 0;
    }
    inquiry->rows.count = 0;
}

static void
probe_one(struct inquiry *inquiry, struct bind_wish wish, enum bind_mode mode, bool deciding)
{
    struct answer *answer = inquiry->answer;
    struct probe *probe = LIST_ADD(inquiry->arena, &answer->probes);

    wish.mode = mode;
    bind_probe(inquiry->arena, &wish, probe);
    enum refusal refusal = refusal_of(probe);
    if (refusal == REFUSAL_NONE || refusal == REFUSAL_UNSUPPORTED)
        return;
    if (deciding && inquiry->refusal == REFUSAL_NONE) {
        inquiry->refusal = refusal;
        inquiry->code = probe->code;
        inquiry->result = probe->result;
    }
    if (mode == inquiry->platform->strict)
        inquiry->strict_fails = true;
    if (str_equal(probe->bind, bind_mode_name(BIND_USUAL)))
        inquiry->usual_fails = true;
}

static bool
is_probed(const struct inquiry *inquiry, size_t first, enum bind_mode mode)
{
    for (size_t i = first; i < inquiry->answer->probes.count; i++)
        if (str_equal(inquiry->answer->probes.items[i].bind, bind_mode_name(mode)))
            return true;
    return false;
}

// The asked bind decides; the others show what another program would meet.
static void
probe_all(struct inquiry *inquiry)
{
    const struct platform *platform = inquiry->platform;

    inquiry->answer->probes.count = 0;
    inquiry->refusal = REFUSAL_NONE;
    inquiry->code = 0;
    inquiry->strict_fails = false;
    inquiry->usual_fails = false;
    for (size_t i = 0; i < inquiry->wish_count; i++) {
        size_t first = inquiry->answer->probes.count;
        probe_one(inquiry, inquiry->wishes[i], inquiry->question->mode, true);
        bool refused = !inquiry->answer->probes.items[first].worked;
        for (size_t k = 0; k < platform->evidence_count; k++)
            if ((refused || !platform->evidence[k].only_when_refused) &&
                !is_probed(inquiry, first, platform->evidence[k].mode))
                probe_one(inquiry, inquiry->wishes[i], platform->evidence[k].mode, false);
    }
}

// Nobody can be named, and that is part of the answer: the sockets and the bind still tell that the port is taken.
static void
note_no_search(struct inquiry *inquiry, const struct err *err)
{
    struct host *host = inquiry->host;

    host->complete = false;
    if (host->tier == TIER_NONE)
        host->tier = TIER_OWN;
    *LIST_ADD(inquiry->arena, &host->unseen) =
        (struct unseen){.what = STR("processes"), .reason = host_known_of(err->kind), .relevant = true};
}

static void
read_holders(struct inquiry *inquiry)
{
    struct host *host = inquiry->host;
    struct err err = {0};
    size_t count = 0;
    size_t *sockets = arena_array(inquiry->arena, inquiry->rows.count + 1, sizeof *sockets);

    for (size_t i = 0; i < inquiry->rows.count; i++) {
        size_t socket = inquiry->rows.items[i].socket;
        const struct socket_row *row = &host->sockets.items[socket];
        // Where no bind tells whether it could share the port, the options of what is left of a connection do.
        bool asked = host_could_be_held(row) || (why_is_untried(inquiry) && host_is_left_over(row));
        if (asked && !row->holders_read)
            sockets[count++] = socket;
    }
    if (count > 0 &&
        !snapshot_add_holders(inquiry->arena, host, sockets, count, PROCESS_ALL, true, inquiry->question->reach, &err))
        note_no_search(inquiry, &err);
    for (size_t i = 0; i < count; i++)
        host->sockets.items[sockets[i]].holders_read = true;

    // Their users may be known only now.
    for (size_t i = 0; i < inquiry->rows.count; i++)
        judge_row(inquiry, &inquiry->rows.items[i]);
    count = 0;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role != ROW_APART)
            sockets[count++] = inquiry->rows.items[i].socket;
    if (count > 0)
        snapshot_add_context(inquiry->arena, host, sockets, count, inquiry->question->deadline_ms);
}

static bool
socket_has_holder(const struct host *host, size_t socket)
{
    for (size_t i = 0; i < host->holdings.count; i++)
        if (host->holdings.items[i].socket == socket)
            return true;
    return false;
}

// A row with an owner that nobody has, although everything could be looked at, may be a program that ended just now.
static bool
is_settled(const struct inquiry *inquiry)
{
    if (inquiry->refusal == REFUSAL_IN_USE && !why_has_role(inquiry, ROW_MAYBE))
        return false;
    // Who may not look into every program sees sockets without one all the time.
    if (inquiry->host->tier == TIER_OWN || (inquiry->host->tier == TIER_WINDOWS && !inquiry->host->complete))
        return true;
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        const struct why_row *row = &inquiry->rows.items[i];
        if (row->role >= ROW_MAYBE && host_has_owner(why_socket(inquiry, row)) &&
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

    if (inquiry->host->kernel_ports.count == 0 && !(inquiry->question->read & WHY_READ_KERNEL_PORTS))
        (void)snapshot_add(inquiry->arena, &(struct snapshot_ask){.want = SNAPSHOT_KERNEL_PORTS}, inquiry->host,
                           &ignored);
}

static bool
keeps_and_serves(const struct inquiry *inquiry, const struct why_row *row)
{
    return row->role >= ROW_MAYBE && why_serves(why_socket(inquiry, row));
}

// Whether one program that has the port is enough, and somebody serves it.
static bool
first_may_do(const struct inquiry *inquiry)
{
    if (inquiry->question->reach != OWNER_FIRST || inquiry->question->all || inquiry->all_states)
        return false;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (keeps_and_serves(inquiry, &inquiry->rows.items[i]))
            return true;
    return false;
}

// Whether the search for who serves the port ended with the first of them, so that it stays open anyway who else has it.
static bool
first_does(struct inquiry *inquiry)
{
    if (inquiry->refusal != REFUSAL_IN_USE)
        return false;
    read_kernel_ports(inquiry);
    read_holders(inquiry);
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (keeps_and_serves(inquiry, &inquiry->rows.items[i]) &&
            !socket_has_holder(inquiry->host, inquiry->rows.items[i].socket))
            return false;
    return !inquiry->host->complete;
}

// Tables first, one bind last; more is read only where one of them calls for it.
static bool
look(struct inquiry *inquiry, struct err *err)
{
    collect_rows(inquiry);
    bool first = first_may_do(inquiry);
    if (!first && !inquiry->all_states && (why_has_role(inquiry, ROW_HARMLESS) || inquiry->question->all) &&
        !read_all_states(inquiry, err))
        return false;
    probe_all(inquiry);
    if (first && first_does(inquiry))
        return true;
    if (!inquiry->all_states && (first || inquiry->refusal != REFUSAL_NONE || inquiry->strict_fails) &&
        !read_all_states(inquiry, err))
        return false;
    if (inquiry->rows.count == 0)
        return true;
    read_kernel_ports(inquiry);
    read_holders(inquiry);
    return true;
}

bool
why_look(struct inquiry *inquiry, struct err *err)
{
    make_wishes(inquiry);
    if (!look(inquiry, err))
        return false;
    for (int waited = 0; !is_settled(inquiry) && waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
        clock_sleep_ms(SETTLE_STEP_MS);
        forget_rows(inquiry);
        inquiry->all_states = false;
        if (!read_all_states(inquiry, err))
            return false;
        probe_all(inquiry);
        if (inquiry->rows.count > 0)
            read_holders(inquiry);
    }
    return true;
}
