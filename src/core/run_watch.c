#include "core/run.h"

#include "base/buf.h"
#include "core/lookup.h"
#include "core/snapshot.h"
#include "sys/process.h"
#include "sys/socket_owner.h"

// What is listening and who may be it, as one number that changes when a listener or a program comes or goes.
static uint64_t
sum_of(const struct host *host, const uint32_t *pids, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += lookup_mix(1, pids[i]);

    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        sum += lookup_mix(lookup_mix(row->cookie, row->inode), (uint64_t)row->local_port << 32 | row->owner_pid);
    }
    return sum + 1;
}

// Which sockets the command's programs have, by looking into these alone.
static void
find_own(struct arena *arena, struct host *host, const uint32_t *pids, size_t count, bool *own)
{
    size_t *sockets = arena_array(arena, host->sockets.count + 1, sizeof *sockets);

    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    for (size_t i = 0; i < count; i++) {
        struct owner_query query = {.sockets = sockets, .count = host->sockets.count, .pid = pids[i]};
        (void)socket_owner_find(arena, &query, host, NULL);
    }
    for (size_t i = 0; i < host->holdings.count; i++)
        for (size_t k = 0; k < count; k++)
            own[host->holdings.items[i].socket] |= host->holdings.items[i].pid == pids[k];
}

static struct str
name_stranger(struct arena *arena, struct host *host, size_t socket)
{
    struct holder_list holders = {0};

    if (!snapshot_add_holders(arena, host, &socket, 1, PROCESS_COMMAND | PROCESS_EXE, false, OWNER_ALL, NULL))
        return (struct str){0};
    holder_find(arena, host, &socket, 1, &holders);
    if (holders.count == 0)
        return (struct str){0};
    struct str name = holder_name(arena, &holders.items[0]);
    return str_printf(arena, "%.*s (pid %u)", STR_ARG(name), holders.items[0].pid);
}

static void
note_own(struct arena *arena, struct run_watch *watch, const struct socket_row *row)
{
    struct socket_row *kept = LIST_ADD(arena, &watch->own);

    *kept = *row;
    kept->device_name = str_copy(arena, row->device_name);
    kept->owner_service = (struct str){0};
}

bool
run_look(struct arena *arena, struct run_watch *watch, const uint32_t *pids, size_t count, struct err *err)
{
    struct arena *scratch = arena_open();
    struct snapshot_ask ask = {.protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .last = UINT16_MAX};
    struct host host = {0};
    bool good = snapshot_add(scratch, &ask, &host, err);
    uint64_t sum = good ? sum_of(&host, pids, count) : 0;

    if (good && !(watch->looked && sum == watch->seen_rows)) {
        bool *own = arena_array(scratch, host.sockets.count + 1, sizeof *own);
        size_t stranger = SIZE_MAX;
        bool at_port = false;
        find_own(scratch, &host, pids, count, own);
        watch->own.count = 0;
        for (size_t i = 0; i < host.sockets.count; i++) {
            bool asked = host.sockets.items[i].local_port == watch->port;
            at_port |= asked && own[i];
            if (asked && !own[i])
                stranger = i;
        }
        for (size_t i = 0; i < host.sockets.count; i++)
            if (own[i] && (host.sockets.items[i].local_port == watch->port) == at_port)
                note_own(arena, watch, &host.sockets.items[i]);
        watch->seen = at_port                ? RUN_SEEN_OWN
                      : stranger != SIZE_MAX ? RUN_SEEN_STRANGER
                      : watch->own.count     ? RUN_SEEN_OTHER
                                             : RUN_SEEN_NOTHING;
        if (watch->seen == RUN_SEEN_STRANGER)
            watch->stranger = str_copy(arena, name_stranger(scratch, &host, stranger));
        watch->seen_rows = sum;
        watch->looked = true;
    }
    arena_close(scratch);
    return good;
}

struct str
run_places(struct arena *arena, const struct run_watch *watch)
{
    struct buf out = {.arena = arena};
    bool four = false;
    bool six = false;

    for (size_t i = 0; i < watch->own.count; i++) {
        const struct socket_row *row = &watch->own.items[i];
        bool both = row->local.family == FAMILY_IPV6 && address_is_any(row->local) && row->v6only != TRI_YES;
        struct str place = both ? str_printf(arena, "*:%u", (unsigned)row->local_port)
                                : address_format_port(arena, row->local, row->local_port);
        four |= both || row->local.family == FAMILY_IPV4 || address_is_mapped(row->local, NULL);
        six |= row->local.family == FAMILY_IPV6 && !address_is_mapped(row->local, NULL);
        // The sockets of a group that shares a port say the same.
        if (str_find(buf_str(&out), place) == SIZE_MAX)
            buf_addf(&out, "%s%.*s", out.len ? " and " : "", STR_ARG(place));
    }
    if (four != six)
        buf_addf(&out, ", only %s", four ? "IPv4" : "IPv6");
    return buf_str(&out);
}
