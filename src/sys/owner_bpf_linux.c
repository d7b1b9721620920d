#include "sys/owner_bpf_linux.h"

#include <string.h>

#include "base/map64.h"
#include "decode/proc_net.h"
#include "sys/clock.h"
#include "sys/owner_kernel_linux.h"
#include "sys/owner_target_linux.h"
#include "sys/owner_task_linux.h"
#include "sys/proc_net_linux.h"

enum {
    ROOM = OWNER_KERNEL_HITS, // at first
    LEFT_OVER_ASKED = 32,     // sockets whose options are asked for, with those that nobody has
    MANY = 16 << 10,          // what is looked for ahead of a question about all that listen, at most
    MAX_ROOM = 4 << 20,       // hits at most
    MAX_PORTS = 16,           // that are looked up one by one
    FEW = 256,                // files
    TRIES = 5,                // until the counts are steady
    GROWTHS = 3,              // of the room
    READY_FROM = 1024,        // sockets: memory for an answer about fewer is no matter
    READY_EACH = 256,         // bytes that it takes for each, with what is made of it later
};

struct hits {
    struct owner_hit *items;
    size_t count;
};

struct quest {
    struct owner_search *search;
    struct arena *scratch; // for what only the search needs
    struct owner_session *session;
    struct owner_target_list open; // files whose holders are not all known yet
    struct map64 files;            // from the inode to the index in it, of all that were found
    bool proved;                   // so far, the counts are what was found
};

static uint64_t
port_key(const struct socket_row *row)
{
    return (uint64_t)row->protocol << 16 | row->local_port;
}

// Whether the socket can be found by its port. The bucket of a port shows the sockets of this network namespace alone.
static bool
has_bucket(const struct owner_layout *layout, const struct socket_row *row)
{
    const bool can[] = {[PROTOCOL_TCP] = layout->tcp,
                        [PROTOCOL_UDP] = layout->udp,
                        [PROTOCOL_UDPLITE] = layout->lite,
                        [PROTOCOL_MPTCP] = layout->mptcp};
    return row->netns == 0 && row->local_port && row->protocol < sizeof can / sizeof *can && can[row->protocol];
}

// Whether the smaller program can't find it so.
static bool
is_rare(const struct owner_layout *layout, const struct socket_row *row)
{
    return row->protocol == PROTOCOL_UDPLITE || row->protocol == PROTOCOL_MPTCP ||
           (row->protocol == PROTOCOL_UDP && layout->udp_apart);
}

// Notes those of the emitted files that were not known yet. False where more were emitted than there is room for.
static bool
note_hits(struct quest *quest)
{
    struct arena *arena = quest->scratch;
    const struct owner_session *session = quest->session;
    if (session->state->count > session->room)
        return false;
    for (size_t i = 0; i < session->state->count; i++) {
        const struct owner_hit *hit = &session->hits[i];
        if (!map64_get(&quest->search->asked, hit->inode, NULL) || map64_get(&quest->files, hit->inode, NULL))
            continue;
        map64_put(arena, &quest->files, hit->inode, quest->open.count);
        *LIST_ADD(arena, &quest->open) = (struct owner_target){.file = hit->file, .inode = hit->inode};
    }
    return true;
}

// Runs the program, which emits files by their inodes.
static bool
note_files(struct quest *quest, enum owner_run run)
{
    quest->session->state->enough = 0;
    return owner_session_run(quest->session, run) && note_hits(quest);
}

// By the ports of the asked sockets, where these are few. What can't be found so stays for the others.
static void
find_by_port(struct quest *quest, const struct map64 *ports)
{
    for (size_t i = 0; i < ports->capacity; i++) {
        uint64_t key = ports->slots[i].key;
        if (!ports->slots[i].above)
            continue;
        quest->session->state->enough = 0;
        if (owner_session_run_port(quest->session, (enum protocol)(key >> 16), (uint16_t)key, false))
            note_hits(quest);
    }
}

static bool
all_found(const struct quest *quest)
{
    return quest->files.count == quest->search->asked.count;
}

// Finds the files of the asked sockets by the kernel's tables of sockets.
static void
find_in_tables(struct quest *quest)
{
    const struct owner_search *search = quest->search;
    const struct owner_layout *layout = &quest->session->layout;
    struct map64 ports = {0};
    bool tcp = false;
    bool udp = false;
    for (size_t i = 0; i < search->query->count; i++) {
        const struct socket_row *row = owner_search_row(search, i);
        if (!row->inode || !has_bucket(layout, row) || map64_get(&quest->files, row->inode, NULL))
            continue;
        tcp = tcp || (row->protocol == PROTOCOL_TCP && row->state == SOCKET_LISTEN);
        udp = udp || row->protocol == PROTOCOL_UDP;
        if (ports.count <= MAX_PORTS)
            map64_put(quest->scratch, &ports, port_key(row), i);
    }
    if (ports.count <= MAX_PORTS)
        find_by_port(quest, &ports);
    if (ports.count > MAX_PORTS && tcp && quest->session->all && layout->listen_slot)
        note_files(quest, OWNER_RUN_TCP_ALL);
    if (ports.count > MAX_PORTS && udp && quest->session->all)
        note_files(quest, OWNER_RUN_UDP_ALL);
}

// The set of the sockets whose files are not known yet.
static void
want_inodes(struct quest *quest)
{
    owner_session_want_none(quest->session);
    for (size_t i = 0; i < quest->search->query->count; i++) {
        uint64_t inode = owner_search_row(quest->search, i)->inode;
        if (inode && !map64_get(&quest->files, inode, NULL))
            owner_session_want(quest->session, inode);
    }
    quest->session->state->every = 1;
}

// After a run that emitted more than there is room for; more may come until it is asked again.
static bool
make_room(struct quest *quest)
{
    size_t count = quest->session->state->count;
    return count > quest->session->room && count <= MAX_ROOM &&
           owner_kernel_open(quest->search->arena, count * 2, quest->search->asked.count, quest->session->all);
}

// Finds the files of the asked sockets. The tables do not have all: sockets of other protocols and networks are met only among the
// descriptors.
static bool
find_files(struct quest *quest)
{
    if (all_found(quest))
        return true;
    want_inodes(quest);
    find_in_tables(quest);
    for (int i = 0; i < GROWTHS && !all_found(quest); i++) {
        want_inodes(quest);
        if (note_files(quest, OWNER_RUN_INODES))
            return true;
        if (!make_room(quest))
            return false;
    }
    return all_found(quest);
}

static void
want_open(struct quest *quest)
{
    owner_session_want_none(quest->session);
    for (size_t i = 0; i < quest->open.count; i++)
        owner_session_want(quest->session, quest->open.items[i].file);
}

// One look at all descriptors of all threads, or until so many were met.
static bool
look(struct quest *quest, uint64_t enough, struct hits *out)
{
    struct owner_session *session = quest->session;
    for (int i = 0; i < GROWTHS; i++) {
        want_open(quest);
        session->state->enough = enough;
        if (!owner_session_run(session, OWNER_RUN_FILES))
            return false;
        size_t count = session->state->count;
        if (count <= session->room) {
            out->count = count;
            out->items = arena_array(quest->scratch, count, sizeof *out->items);
            memcpy(out->items, session->hits, count * sizeof *out->items);
            owner_target_sort(out->items, count);
            return true;
        }
        if (!make_room(quest))
            return false;
    }
    return false;
}

// Sorts what was met under the files that are looked for; what only got through the set by its hash is dropped.
static void
sort_hits(struct quest *quest, const struct hits *hits)
{
    struct map64 files;
    map64_reserve(quest->scratch, &files, quest->open.count);
    for (size_t i = 0; i < quest->open.count; i++)
        map64_put(quest->scratch, &files, quest->open.items[i].file, i);
    size_t end;
    for (size_t i = 0; i < hits->count; i = end) {
        uint64_t file = hits->items[i].file;
        size_t at;
        for (end = i; end < hits->count && hits->items[end].file == file;)
            end++;
        if (!map64_get(&files, file, &at))
            continue;
        quest->open.items[at].found = owner_target_count(&hits->items[i], end - i);
        quest->open.items[at].first = i;
        quest->open.items[at].end = end;
    }
}

// The counters as they are after all descriptors were looked at: they tell what was passed on meanwhile. A file that
// became another one's is dropped.
static bool
read_counts(struct quest *quest)
{
    struct owner_session *session = quest->session;
    struct owner_target_list *targets = &quest->open;
    size_t kept = 0;
    for (size_t first = 0; first < targets->count; first += session->room) {
        size_t part = targets->count - first < session->room ? targets->count - first : session->room;
        for (size_t i = 0; i < part; i++)
            session->hits[i] = (struct owner_hit){.file = targets->items[first + i].file};
        session->state->count = part;
        if (!owner_session_run(session, OWNER_RUN_COUNTS))
            return false;
        for (size_t i = 0; i < part; i++) {
            struct owner_target target = targets->items[first + i];
            target.refs = session->hits[i].refs;
            target.waiters = session->hits[i].waiters;
            if (target.inode == session->hits[i].inode)
                targets->items[kept++] = target;
        }
    }
    targets->count = kept;
    return true;
}

static bool
is_steady(const struct owner_target *target, const struct owner_target *before)
{
    return before && before->refs == target->refs && before->found == target->found;
}

// Whether sleepers explain what no descriptor does.
static bool
is_explained(const struct owner_target *target)
{
    return target->refs > target->found && target->refs - target->found <= target->waiters;
}

// What refers to the file and is neither known nor a passing call, which would not stay the same.
static bool
is_hidden(const struct owner_target *target, const struct owner_target *before)
{
    return target->refs > target->found && !is_explained(target) && is_steady(target, before);
}

// Notes the holders of the files that are settled and leaves the others open, to be looked at once more. `before` has what the
// last look saw of these and of others, in the same order.
static void
settle(struct quest *quest, const struct owner_target_list *seen, const struct hits *hits,
       const struct owner_target_list *before, bool last_try)
{
    size_t at = 0;
    quest->open.count = 0;
    for (size_t i = 0; i < seen->count; i++) {
        const struct owner_target *target = &seen->items[i];
        while (at < before->count && before->items[at].file != target->file)
            at++;
        const struct owner_target *last = at < before->count ? &before->items[at] : NULL;
        bool proved = target->refs == target->found;
        if (!proved && !last_try && !(is_steady(target, last) && is_explained(target))) {
            quest->open.items[quest->open.count++] =
                (struct owner_target){.file = target->file, .inode = target->inode};
            continue;
        }
        owner_target_hold(quest->search, target->inode, hits->items + target->first, target->end - target->first);
        quest->search->hidden += is_hidden(target, last);
        quest->proved = quest->proved && proved;
    }
}

// How many descriptors there can be of the files. That they were all met proves the answer as a look at all others would. Of
// very many files some are mostly met last.
static bool
count_references(struct quest *quest, uint64_t *out)
{
    *out = 0;
    if (quest->open.count > FEW)
        return true;
    if (!read_counts(quest))
        return false;
    for (size_t i = 0; i < quest->open.count; i++)
        *out += quest->open.items[i].refs;
    return true;
}

static struct owner_target_list
copy_open(struct quest *quest)
{
    struct owner_target_list copy = {.count = quest->open.count};
    copy.items = arena_array(quest->scratch, copy.count, sizeof *copy.items);
    if (copy.count)
        memcpy(copy.items, quest->open.items, copy.count * sizeof *copy.items);
    return copy;
}

// Takes over what the run that began ahead of the question found: the answer of most sockets, and of others a first look. Whether
// that is all.
static bool
take_ahead(struct quest *quest)
{
    struct owner_search *search = quest->search;
    if (search->asked.count >= READY_FROM && owner_kernel_runs_ahead())
        arena_ready(search->arena, search->asked.count * READY_EACH);
    const struct owner_session *session = owner_kernel_ahead();
    if (!session)
        return false;
    size_t proved = owner_target_take(search, quest->scratch, session, &quest->open);
    owner_task_take(search, session);
    if (proved == search->asked.count)
        return true;
    map64_reserve(quest->scratch, &quest->files, search->asked.count);
    for (size_t i = 0; i < search->query->count; i++) {
        if (search->held[i])
            map64_put(quest->scratch, &quest->files, owner_search_row(search, i)->inode, i);
    }
    for (size_t i = 0; i < quest->open.count; i++)
        map64_put(quest->scratch, &quest->files, quest->open.items[i].inode, i);
    return false;
}

static bool
search_in_kernel(struct quest *quest)
{
    struct owner_target_list before = copy_open(quest);
    uint64_t enough = 0;
    if (!find_files(quest) || !count_references(quest, &enough))
        return false;
    for (int i = 0; i < TRIES && quest->open.count; i++) {
        struct hits hits;
        // A call that is passing needs a moment to pass.
        if (i > 1)
            clock_sleep_ms(1);
        if (!look(quest, i == 0 ? enough : 0, &hits))
            return false;
        sort_hits(quest, &hits);
        if (!read_counts(quest))
            return false;
        struct owner_target_list seen = copy_open(quest);
        settle(quest, &seen, &hits, &before, i == TRIES - 1);
        owner_task_take(quest->search, quest->session);
        before = seen;
    }
    return true;
}

// Most files have one descriptor.
static size_t
room_for(size_t files)
{
    return files + files / 4 > ROOM ? files + files / 4 : ROOM;
}

// How many sockets may listen here: no more than have a place in the tables.
static size_t
most_servers(struct arena *arena)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        uint64_t tcp = 0;
        uint64_t udp = 0;
        struct str text;
        enum family family = families[i];
        if (proc_net_read_counts(arena, PROC_NET_OWN, family, &text) &&
            (!proc_net_in_use(text, PROTOCOL_TCP, family, &tcp) || !proc_net_in_use(text, PROTOCOL_UDP, family, &udp)))
            return MANY;
        most += tcp + udp;
    }
    return most < MANY ? (size_t)most : MANY;
}

void
owner_bpf_begin(struct arena *arena)
{
    size_t room = room_for(most_servers(arena));
    owner_kernel_begin(arena, room, room);
}

void
owner_bpf_prepare(struct arena *arena)
{
    (void)owner_kernel_open(arena, ROOM, OWNER_KERNEL_WANTED, false);
}

// One port may have many sockets: the connections to its server.
static bool
asks_many_ports(const struct owner_search *search)
{
    uint32_t ports[MAX_PORTS];
    size_t count = 0;
    for (size_t i = 0; i < search->query->count; i++) {
        const struct socket_row *row = owner_search_row(search, i);
        uint32_t port = (uint32_t)row->protocol << 16 | row->local_port;
        size_t k = 0;
        while (k < count && ports[k] != port)
            k++;
        if (k == MAX_PORTS)
            return true;
        if (k == count)
            ports[count++] = port;
    }
    return false;
}

static bool
asks_rare(const struct owner_search *search)
{
    const struct owner_layout *layout = owner_kernel_layout(search->arena);
    for (size_t i = 0; layout && i < search->query->count; i++)
        if (is_rare(layout, owner_search_row(search, i)))
            return true;
    return false;
}

enum owner_bpf
owner_bpf_find(struct owner_search *search)
{
    size_t asked = search->asked.count;
    struct quest quest = {.search = search, .scratch = arena_open(), .proved = true};
    bool good = take_ahead(&quest);
    if (!good) {
        bool all = asks_many_ports(search) || asks_rare(search) || owner_task_can(search->query);
        quest.session = owner_kernel_open(search->arena, room_for(asked), asked, all);
        if (!quest.files.capacity)
            map64_reserve(quest.scratch, &quest.files, asked);
        LIST_RESERVE(quest.scratch, &quest.open, asked);
        good = quest.session && search_in_kernel(&quest);
    }
    arena_close(quest.scratch);
    if (!good)
        return OWNER_BPF_REFUSED;
    if (search->hidden || owner_search_count_open(search))
        return OWNER_BPF_OPEN;
    return quest.proved ? OWNER_BPF_PROVED : OWNER_BPF_EXPLAINED;
}

static enum tri
tri_of(bool is)
{
    return is ? TRI_YES : TRI_NO;
}

static void
read_flags_of(struct owner_search *search, struct owner_session *session, uint64_t key, const struct map64 *cookies)
{
    const struct owner_layout *layout = &session->layout;
    if (!owner_session_run_port(session, (enum protocol)(key >> 16), (uint16_t)key, true))
        return;
    for (size_t i = 0; i < session->state->count && i < session->room; i++) {
        size_t socket;
        if (!map64_get(cookies, session->hits[i].inode, &socket))
            continue;
        struct socket_row *row = &search->host->sockets.items[socket];
        row->reuse_addr = tri_of(session->hits[i].fd & layout->reuse_addr.mask);
        row->reuse_port = tri_of(session->hits[i].fd >> 8 & layout->reuse_port.mask);
    }
}

// Nobody has these any more, so that no search asks for them; their options count beside those of the others on the port. Of very
// many the first tell enough.
static void
add_left_over(const struct owner_search *search, const struct owner_layout *layout, const struct map64 *ports,
              struct map64 *cookies)
{
    const struct host *host = search->host;
    for (size_t i = 0; i < host->sockets.count && cookies->count < LEFT_OVER_ASKED; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->cookie && host_is_left_over(row) && has_bucket(layout, row) && map64_get(ports, port_key(row), NULL) &&
            !map64_get(cookies, row->cookie, NULL))
            map64_put(search->arena, cookies, row->cookie, i);
    }
}

void
owner_bpf_read_flags(struct owner_search *search)
{
    struct map64 ports = {0};
    struct map64 cookies = {0};
    const struct owner_layout *layout = asks_many_ports(search) ? NULL : owner_kernel_layout(search->arena);
    bool rare = false;
    if (!layout || !layout->flags)
        return;
    for (size_t i = 0; i < search->query->count; i++) {
        const struct socket_row *row = owner_search_row(search, i);
        if (!row->cookie || !has_bucket(layout, row))
            continue;
        rare = rare || is_rare(layout, row);
        map64_put(search->arena, &cookies, row->cookie, search->query->sockets[i]);
        map64_put(search->arena, &ports, port_key(row), i);
    }
    add_left_over(search, layout, &ports, &cookies);
    struct owner_session *session = ports.count ? owner_kernel_open(search->arena, ROOM, cookies.count, rare) : NULL;
    if (!session)
        return;
    owner_session_want_none(session);
    for (size_t i = 0; i < cookies.capacity; i++) {
        if (cookies.slots[i].above)
            owner_session_want(session, cookies.slots[i].key);
    }
    for (size_t i = 0; i < ports.capacity; i++) {
        if (ports.slots[i].above)
            read_flags_of(search, session, ports.slots[i].key, &cookies);
    }
}
