#include "sys/owner_bpf_linux.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/map64.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/owner_session_linux.h"
#include "sys/proc_view_linux.h"
#include "sys/user.h"

enum {
    ROOM = 1024,        // hits at first
    MAX_ROOM = 4 << 20, // and at most
    MAX_PORTS = 16,     // that are looked up one by one
    TRIES = 5,          // until the counts are steady
    GROWTHS = 3,        // of the room
    LOG_SIZE = 64 << 10,
};

// A file of an asked socket.
struct target {
    uint64_t file;
    uint64_t inode;
    uint64_t refs;
    uint64_t waiters;
    size_t found; // descriptors, each once although several processes may share the table
    size_t first; // hits of it
    size_t end;
};

struct target_list {
    LIST_OF(struct target);
};

struct hits {
    struct owner_hit *items;
    size_t count;
};

struct quest {
    struct owner_search *search;
    struct owner_session *session;
    struct target_list open; // files whose holders are not all known yet
    bool by_inode;           // their addresses are not known: they are recognised by the inode
    bool proved;             // so far, the counts are what was found
};

// What the kernel has of this program is kept to its end: to load it costs more than to ask it, and some questions are several
// searches. A process that was forked from this one has one of its own.
static struct {
    struct owner_session session;
    struct owner_layout layout;
    pid_t process;
    size_t wanted; // what the set is made for
    bool laid_out;
    bool open;
    bool refused; // it could not be opened: it is not tried again
} kernel;

static bool
kernel_open(size_t room, size_t wanted)
{
    if (kernel.open && kernel.process == getpid() && kernel.session.room >= room && kernel.wanted >= wanted)
        return true;
    if (kernel.open)
        owner_session_close(&kernel.session);
    kernel.process = getpid();
    kernel.wanted = wanted;
    kernel.open = owner_session_open(&kernel.layout, room, wanted, NULL, 0, &kernel.session);
    if (!kernel.open) {
        owner_session_close(&kernel.session);
        kernel.refused = true;
    }
    return kernel.open;
}

static bool
kernel_learn(struct arena *arena, struct str *why_not)
{
    if (!kernel.laid_out)
        kernel.laid_out = owner_layout_read(arena, &kernel.layout, why_not);
    return kernel.laid_out;
}

static const struct socket_row *
asked_row(const struct owner_search *search, size_t asked)
{
    return &search->host->sockets.items[search->query->sockets[asked]];
}

// The bucket of a port shows the sockets of this network namespace alone, and of MPTCP only parts that have no file.
static bool
has_bucket(const struct owner_layout *layout, const struct socket_row *row)
{
    return row->netns == 0 && row->local_port &&
           ((row->protocol == PROTOCOL_TCP && layout->tcp) || (row->protocol == PROTOCOL_UDP && layout->udp));
}

static bool
find_by_port(struct quest *quest, uint64_t key, struct map64 *files)
{
    struct arena *arena = quest->search->arena;
    struct owner_session *session = quest->session;
    session->state->port = (uint32_t)(key & UINT16_MAX);
    if (!owner_session_run(session, key >> 16 == PROTOCOL_TCP ? OWNER_RUN_TCP : OWNER_RUN_UDP) ||
        session->state->count > session->room)
        return false;
    for (size_t i = 0; i < session->state->count; i++) {
        const struct owner_hit *hit = &session->hits[i];
        if (!map64_get(&quest->search->asked, hit->inode, NULL) || map64_get(files, hit->inode, NULL))
            continue;
        map64_put(arena, files, hit->inode, quest->open.count);
        *LIST_ADD(arena, &quest->open) = (struct target){.file = hit->file, .inode = hit->inode};
    }
    return true;
}

// Finds the files of all asked sockets by their ports. False where not all of them can be found so.
static bool
find_files(struct quest *quest)
{
    const struct owner_search *search = quest->search;
    struct map64 ports = {0};
    struct map64 files = {0};
    for (size_t i = 0; i < search->query->count; i++) {
        const struct socket_row *row = asked_row(search, i);
        if (!row->inode)
            continue;
        if (!has_bucket(&quest->session->layout, row))
            return false;
        map64_put(search->arena, &ports, (uint64_t)row->protocol << 16 | row->local_port, i);
        if (ports.count > MAX_PORTS)
            return false;
    }
    for (size_t i = 0; i < ports.capacity; i++) {
        if (ports.slots[i].used && !find_by_port(quest, ports.slots[i].key, &files))
            return false;
    }
    return files.count == search->asked.count;
}

static void
want_inodes(struct quest *quest)
{
    owner_session_want_none(quest->session);
    for (size_t i = 0; i < quest->search->query->count; i++) {
        uint64_t inode = asked_row(quest->search, i)->inode;
        if (inode)
            owner_session_want(quest->session, inode);
    }
    quest->session->state->near_bits = UINT64_MAX;
    quest->session->state->far_bits = UINT64_MAX;
}

// By file, then by table and descriptor; what several threads share stands together.
static int
compare_hits(const void *a, const void *b)
{
    const struct owner_hit *left = a;
    const struct owner_hit *right = b;
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    if (left->table != right->table)
        return left->table < right->table ? -1 : 1;
    if (left->fd != right->fd)
        return left->fd < right->fd ? -1 : 1;
    if (left->pid != right->pid)
        return left->pid < right->pid ? -1 : 1;
    return left->tid < right->tid ? -1 : left->tid > right->tid;
}

static void
want_open(struct quest *quest)
{
    if (quest->by_inode) {
        want_inodes(quest);
        return;
    }
    owner_session_want_none(quest->session);
    for (size_t i = 0; i < quest->open.count; i++)
        owner_session_want(quest->session, quest->open.items[i].file);
}

// One look at all descriptors of all threads.
static bool
look(struct quest *quest, struct hits *out)
{
    struct owner_session *session = quest->session;
    for (int i = 0; i < GROWTHS; i++) {
        want_open(quest);
        if (!owner_session_run(session, quest->by_inode ? OWNER_RUN_INODES : OWNER_RUN_FILES))
            return false;
        size_t count = session->state->count;
        if (count <= session->room) {
            out->count = count;
            out->items = arena_array(quest->search->arena, count, sizeof *out->items);
            memcpy(out->items, session->hits, count * sizeof *out->items);
            qsort(out->items, count, sizeof *out->items, compare_hits);
            return true;
        }
        // More may come until it is asked again.
        if (count > MAX_ROOM || !kernel_open(count * 2, quest->search->asked.count))
            return false;
    }
    return false;
}

// Sorts what was met under the files that are looked for; what only got through the set by its hash is dropped.
static void
sort_hits(struct quest *quest, const struct hits *hits, struct target_list *targets)
{
    struct arena *arena = quest->search->arena;
    struct map64 files = {0};
    for (size_t i = 0; i < quest->open.count; i++)
        map64_put(arena, &files, quest->open.items[i].file, i);
    size_t end;
    for (size_t i = 0; i < hits->count; i = end) {
        const struct owner_hit *hit = &hits->items[i];
        struct target target = {.file = hit->file, .inode = hit->inode, .first = i};
        for (end = i; end < hits->count && hits->items[end].file == hit->file; end++) {
            const struct owner_hit *last = end > i ? &hits->items[end - 1] : NULL;
            target.found += !last || last->table != hits->items[end].table || last->fd != hits->items[end].fd;
        }
        target.end = end;
        size_t known;
        if (quest->by_inode && map64_get(&quest->search->asked, hit->inode, NULL)) {
            *LIST_ADD(arena, targets) = target;
        } else if (!quest->by_inode && map64_get(&files, hit->file, &known) && known < quest->open.count) {
            quest->open.items[known].found = target.found;
            quest->open.items[known].first = target.first;
            quest->open.items[known].end = target.end;
        }
    }
}

// The counters as they are after all descriptors were looked at: they tell what was passed on meanwhile. A file that
// became another one's is dropped.
static bool
read_counts(struct quest *quest, struct target_list *targets)
{
    struct owner_session *session = quest->session;
    size_t kept = 0;
    for (size_t first = 0; first < targets->count; first += session->room) {
        size_t part = targets->count - first < session->room ? targets->count - first : session->room;
        for (size_t i = 0; i < part; i++)
            session->hits[i] = (struct owner_hit){.file = targets->items[first + i].file};
        session->state->count = part;
        if (!owner_session_run(session, OWNER_RUN_COUNTS))
            return false;
        for (size_t i = 0; i < part; i++) {
            struct target target = targets->items[first + i];
            target.refs = session->hits[i].refs;
            target.waiters = session->hits[i].waiters;
            if (target.inode == session->hits[i].inode)
                targets->items[kept++] = target;
        }
    }
    targets->count = kept;
    return true;
}

static void
note_holders(struct quest *quest, const struct target *target, const struct hits *hits)
{
    for (size_t i = target->first; i < target->end; i++) {
        const struct owner_hit *hit = &hits->items[i];
        const struct owner_hit *last = i > target->first ? &hits->items[i - 1] : NULL;
        if (last && last->table == hit->table && last->fd == hit->fd && last->pid == hit->pid)
            continue;
        owner_search_hold(
            quest->search, target->inode,
            (struct holding){
                .pid = hit->pid, .how = hit->tid ? HOLDING_THREAD_FD : HOLDING_FD, .fd = hit->fd, .tid = hit->tid});
    }
}

static bool
is_steady(const struct target *target, const struct target *before)
{
    return before && before->refs == target->refs && before->found == target->found;
}

// Whether sleepers explain what no descriptor does.
static bool
is_explained(const struct target *target)
{
    return target->refs > target->found && target->refs - target->found <= target->waiters;
}

// What refers to the file and is neither known nor a passing call, which would not stay the same.
static bool
is_hidden(const struct target *target, const struct target *before)
{
    return target->refs > target->found && !is_explained(target) && is_steady(target, before);
}

static const struct target *
find_target(const struct target_list *list, uint64_t file)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].file == file)
            return &list->items[i];
    }
    return NULL;
}

// Notes the holders of the files that are settled and leaves the others open, to be looked at once more.
static void
settle(struct quest *quest, const struct target_list *targets, const struct hits *hits,
       const struct target_list *before, bool last_try)
{
    struct target_list open = {0};
    for (size_t i = 0; i < targets->count; i++) {
        const struct target *target = &targets->items[i];
        const struct target *last = find_target(before, target->file);
        bool proved = target->refs == target->found;
        if (!proved && !last_try && !(is_steady(target, last) && is_explained(target))) {
            struct target again = {.file = target->file, .inode = target->inode};
            *LIST_ADD(quest->search->arena, &open) = again;
            continue;
        }
        note_holders(quest, target, hits);
        quest->search->hidden += is_hidden(target, last);
        quest->proved = quest->proved && proved;
    }
    quest->open = open;
}

static bool
search_in_kernel(struct quest *quest)
{
    struct target_list before = {0};
    want_inodes(quest);
    quest->by_inode = !find_files(quest);
    if (quest->by_inode)
        quest->open = (struct target_list){0};
    for (int i = 0; i < TRIES; i++) {
        struct hits hits;
        struct target_list met = {0};
        // A call that is passing needs a moment to pass.
        if (i > 1)
            clock_sleep_ms(1);
        if (!look(quest, &hits))
            return false;
        sort_hits(quest, &hits, &met);
        struct target_list *targets = quest->by_inode ? &met : &quest->open;
        if (!read_counts(quest, targets))
            return false;
        struct target_list seen = {0};
        for (size_t k = 0; k < targets->count; k++)
            *LIST_ADD(quest->search->arena, &seen) = targets->items[k];
        settle(quest, &seen, &hits, &before, i == TRIES - 1);
        before = seen;
        quest->by_inode = false;
        if (!quest->open.count)
            break;
    }
    return true;
}

enum owner_bpf
owner_bpf_find(struct owner_search *search)
{
    struct quest quest = {.search = search, .session = &kernel.session, .proved = true};
    struct str why_not;
    if (!owner_bpf_is_allowed(NULL) || !kernel_learn(search->arena, &why_not) ||
        !kernel_open(ROOM, search->asked.count) || !search_in_kernel(&quest))
        return OWNER_BPF_REFUSED;
    if (search->hidden || owner_search_count_open(search))
        return OWNER_BPF_OPEN;
    return quest.proved ? OWNER_BPF_PROVED : OWNER_BPF_EXPLAINED;
}

// Whether the kernel has bpf_loop().
static bool
has_loops(void)
{
    struct utsname names;
    uint64_t major;
    uint64_t minor;
    struct str head;
    if (uname(&names) != 0)
        return false;
    struct str rest = str_of(names.release);
    if (!str_cut(&rest, '.', &head) || !str_to_u64(head, 10, &major))
        return false;
    size_t digits = 0;
    while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
        digits++;
    return major > 5 || (major == 5 && str_to_u64(str_part(rest, 0, digits), 10, &minor) && minor >= 17);
}

bool
owner_bpf_is_allowed(struct str *why_not)
{
    struct str ignored = {0};
    struct str *why = why_not ? why_not : &ignored;
    const char *most = getenv("MOORAGE_TIER");
    if (most && strcmp(most, "proc") == 0) {
        *why = STR("MOORAGE_TIER is set to proc");
        return false;
    }
    if (sizeof(void *) != 8) {
        *why = STR("only on 64-bit kernels");
        return false;
    }
    if (!user_self().looks_into_kernel) {
        *why = STR("CAP_BPF and CAP_PERFMON are missing");
        return false;
    }
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
        *why = STR("this kernel does not tell its types (/sys/kernel/btf/vmlinux)");
        return false;
    }
    if (!has_loops()) {
        *why = STR("it takes Linux 5.17 or later");
        return false;
    }
    if (kernel.refused) {
        *why = STR("it was refused before");
        return false;
    }
    // The kernel counts processes as its first pid namespace does.
    if (proc_view_is_inside() || !proc_view_has_own_numbers()) {
        *why = STR("processes have other numbers in this container");
        return false;
    }
    return true;
}

// The last line of the kernel's log that says something of the program, not of the work that it was.
static struct str
reason_in(struct arena *arena, const char *log)
{
    struct str rest = str_of(log);
    struct str reason = {0};
    size_t end;
    while ((end = str_find_byte(rest, '\n')) != SIZE_MAX) {
        struct str line = str_part(rest, 0, end);
        if (line.len && memcmp(line.ptr, "processed", line.len < 9 ? line.len : 9) != 0)
            reason = line;
        rest = str_part(rest, end + 1, SIZE_MAX);
    }
    return str_copy(arena, reason);
}

bool
owner_bpf_try(struct arena *arena, struct str *why_not)
{
    struct owner_session session;
    struct str lockdown;
    char *log = arena_alloc(arena, LOG_SIZE);
    if (!owner_bpf_is_allowed(why_not) || !kernel_learn(arena, why_not))
        return false;
    bool good =
        owner_session_open(&kernel.layout, 1, 1, NULL, 0, &session) && owner_session_run(&session, OWNER_RUN_FILES);
    owner_session_close(&session);
    if (good)
        return true;
    int error = session.error;
    const char *step = session.step;
    if (owner_session_open(&kernel.layout, 1, 1, log, LOG_SIZE, &session))
        log[0] = '\0';
    owner_session_close(&session);
    struct str reason = reason_in(arena, log);
    if (file_read(arena, "/sys/kernel/security/lockdown", 256, false, &lockdown, NULL) &&
        str_find(lockdown, STR("[confidentiality]")) != SIZE_MAX)
        reason = STR("the kernel is locked down (lockdown=confidentiality)");
    *why_not = str_printf(arena, "%s: %s%s%.*s", step, error ? strerror(error) : "not all could be read",
                          reason.len ? ", " : "", STR_ARG(reason));
    return false;
}
