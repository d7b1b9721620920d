#include "core/lease.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "core/lease_claim.h"
#include "decode/lease_record.h"
#include "sys/entropy.h"
#include "sys/life.h"
#include "sys/user.h"

enum {
    NAME_LONGEST = 64,
    TOKEN_BYTES = 16,
    DURABLE_MS = 10 * 60 * 1000,
};

static bool
is_name_byte(char c, bool first)
{
    return ascii_is_letter_or_digit(c) || (!first && (c == '.' || c == '_' || c == '-'));
}

bool
lease_check_name(struct str name, struct err *err)
{
    bool good = name.len > 0 && name.len <= NAME_LONGEST;
    uint64_t number;

    for (size_t i = 0; i < name.len && good; i++)
        good = is_name_byte(name.ptr[i], i == 0);
    if (good && str_to_u64(name, 10, &number))
        return err_set(err, ERR_USAGE, 0, "'%.*s' is a number; a name for a port is a word, such as web",
                       STR_ARG(name));
    return good || err_set(err, ERR_USAGE, 0,
                           "a name for a port is up to %d letters, digits, '.', '_' and '-', such as web or api-2",
                           NAME_LONGEST);
}

void
lease_mark(struct lease_set *set, enum protocol protocol, bool *ports)
{
    for (size_t i = 0; i < set->claims.count; i++) {
        const struct lease_claim *claim = &set->claims.items[i];
        if (!claim->ended && host_same_ports(claim->key.protocol, protocol))
            ports[claim->key.port] = true;
    }
}

bool
lease_find(struct lease_set *set, enum protocol protocol, struct str project, struct str name, struct lease *out)
{
    uint64_t key = lease_record_key(project, name);

    for (size_t i = 0; i < set->claims.count; i++) {
        struct lease_claim *claim = &set->claims.items[i];
        if (!claim->entry.own || claim->key.key != key || !host_same_ports(claim->key.protocol, protocol) ||
            !lease_claim_lives(set, claim))
            continue;
        *out = claim->lease;
        // The key of a damaged one still tells whose it is.
        if (out->damaged) {
            out->name = name;
            out->project = project;
        }
        if (str_equal(out->name, name) && str_equal(out->project, project))
            return true;
    }
    return false;
}

bool
lease_at(struct lease_set *set, enum protocol protocol, uint16_t port, struct lease *out)
{
    for (size_t i = 0; i < set->claims.count; i++) {
        struct lease_claim *claim = &set->claims.items[i];
        if (claim->key.port != port || !host_same_ports(claim->key.protocol, protocol) ||
            !lease_claim_lives(set, claim))
            continue;
        *out = claim->lease;
        out->user = user_name(set->arena, out->owner);
        return true;
    }
    return false;
}

// Above all that was given so far: the time, unless the clock was set back.
static bool
next_fence(struct lease_set *set, uint64_t *out, struct err *err)
{
    uint64_t now = (uint64_t)set->wall_ms;
    uint64_t fence = now > set->fence ? now : set->fence + 1;
    struct str name = lease_record_format_name(set->arena, &(struct lease_key){.fence = fence});

    // Counted before it is used: whoever is killed between has used up a number, no more.
    if (!lease_book_rename(set->books[set->target], set->fence_name, name, err))
        return false;
    set->fence = fence;
    set->fence_name = name;
    *out = fence;
    return true;
}

static struct str
make_token(struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES];

    entropy_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = digits[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return str_copy(arena, (struct str){text, sizeof text});
}

static void
start_time(const struct lease_set *set, struct lease *lease)
{
    lease->taken_ms = set->wall_ms;
    lease->taken_up = set->up_ms;
    lease->boot = set->boot;
    lease->ends_ms = lease->ttl_ms ? lease->taken_ms + lease->ttl_ms : 0;
}

static struct lease_key
key_of(const struct lease *lease)
{
    struct lease_key key = {.protocol = lease->protocol, .port = lease->port};

    if (lease->name.len) {
        key.key = lease_record_key(lease->project, lease->name);
    } else {
        key.boot = lease_record_boot(lease->boot);
        key.ends = (uint64_t)(lease->taken_up + lease->ttl_ms);
    }
    return key;
}

// Writes the lease down, in the place of a claim to its port where there is one.
static bool
keep(struct lease_set *set, const struct lease *lease, struct lease_claim *before, struct err *err)
{
    struct lease_key key = key_of(lease);
    struct str name = lease_record_format_name(set->arena, &key);
    size_t target = before ? before->book : set->target;
    struct str bytes = lease_record_format(set->arena, lease);
    // What ends with a process or within minutes need not outlive a loss of power.
    bool long_lived = lease->name.len && (lease->ttl_ms == 0 || lease->ttl_ms >= DURABLE_MS);
    bool durable = lease->lasting || (lease->pid == 0 && long_lived);

    if (!lease_book_write(set->books[target], name, bytes, durable, err))
        return false;
    if (before && !str_equal(before->entry.name, name))
        (void)lease_book_remove(set->books[target], &before->entry, NULL);
    struct lease_claim *claim = before ? before : LIST_ADD(set->arena, &set->claims);
    *claim = (struct lease_claim){.key = key, .book = target, .judged = true, .lease = *lease};
    claim->entry = (struct lease_entry){
        .owner = lease->owner,
        .own = true,
        .folder = lease_book_own_folder(set->books[target]),
        .name = name,
    };
    return true;
}

// What stands at the port: the claim that this wish may replace, or NULL; false when the port is somebody else's.
static bool
clear_port(struct lease_set *set, const struct lease_wish *wish, uint16_t port, struct lease_claim **mine,
           struct err *err)
{
    uint64_t key = wish->name.len ? lease_record_key(wish->project, wish->name) : 0;

    *mine = NULL;
    for (size_t i = 0; i < set->claims.count; i++) {
        struct lease_claim *claim = &set->claims.items[i];
        if (claim->key.port != port || !host_same_ports(claim->key.protocol, wish->protocol))
            continue;
        bool lives = lease_claim_lives(set, claim);
        if (!lives)
            lease_claim_sweep(set, claim);
        else if (claim->entry.own && key != 0 && claim->key.key == key)
            *mine = claim;
        else
            return err_set(err, ERR_GONE, 0, "port %u is kept for somebody else", port);
    }
    return true;
}

static bool
bind_to_process(struct lease *lease, uint32_t pid, struct err *err)
{
    struct life life;

    if (pid == 0)
        return true;
    if (!life_of(pid, &life, err))
        return false;
    lease->pid = pid;
    lease->started = life.started;
    lease->space = life.space;
    return true;
}

// A lasting promise is not ended by a process that uses it for a while, and who makes a process's lease lasting does not take it
// from the process.
static void
inherit(struct lease *lease, const struct lease *before)
{
    lease->lasting = lease->lasting || before->lasting;
    if (lease->pid == 0) {
        lease->pid = before->pid;
        lease->started = before->started;
        lease->space = before->space;
    }
}

bool
lease_grant(struct lease_set *set, const struct lease_wish *wish, uint16_t port, struct lease *out, struct err *err)
{
    struct lease_claim *mine;
    struct lease other;

    *out = (struct lease){
        .protocol = wish->protocol,
        .port = port,
        .name = wish->name,
        .project = wish->project,
        .owner = set->uid,
        .own = true,
        .lasting = wish->lasting,
        .ttl_ms = wish->ttl_ms,
    };
    if (wish->name.len && lease_find(set, wish->protocol, wish->project, wish->name, &other) && other.port != port)
        return err_set(err, ERR_GONE, 0, "%.*s has port %u already", STR_ARG(wish->name), other.port);
    if (!clear_port(set, wish, port, &mine, err) || !bind_to_process(out, wish->pid, err) ||
        !next_fence(set, &out->fence, err))
        return false;
    if (mine && !mine->lease.damaged)
        inherit(out, &mine->lease);
    if (out->lasting)
        out->ttl_ms = 0;
    out->token = make_token(set->arena);
    start_time(set, out);
    return keep(set, out, mine, err);
}

static struct lease_claim *
claim_of(struct lease_set *set, const struct lease *lease)
{
    for (size_t i = 0; i < set->claims.count; i++) {
        struct lease_claim *claim = &set->claims.items[i];
        if (claim->key.port == lease->port && claim->key.protocol == lease->protocol &&
            claim->entry.owner == lease->owner && lease_claim_lives(set, claim) &&
            (lease->damaged ? claim->lease.damaged : lease_is_same(&claim->lease, lease)))
            return claim;
    }
    return NULL;
}

static bool
fail_gone(const struct lease *lease, struct err *err)
{
    return err_set(err, ERR_GONE, 0, "the lease of port %u has ended meanwhile", lease->port);
}

bool
lease_renew(struct lease_set *set, struct lease *lease, int64_t ttl_ms, struct err *err)
{
    struct lease_claim *claim = claim_of(set, lease);
    struct lease renewed = *lease;

    if (!claim || lease->damaged)
        return fail_gone(lease, err);
    if (!claim->entry.own)
        return err_set(err, ERR_NOT_ALLOWED, 0, "the lease of port %u is another user's", lease->port);
    if (ttl_ms)
        renewed.ttl_ms = ttl_ms;
    start_time(set, &renewed);
    if (!keep(set, &renewed, claim, err))
        return false;
    *lease = renewed;
    return true;
}

bool
lease_release(struct lease_set *set, const struct lease *lease, struct err *err)
{
    struct lease_claim *claim = claim_of(set, lease);

    if (!claim)
        return fail_gone(lease, err);
    if (!lease_book_remove(set->books[claim->book], &claim->entry, err))
        return false;
    claim->judged = true;
    claim->ended = true;
    return true;
}

static int
compare(const void *a, const void *b)
{
    const struct lease *one = a;
    const struct lease *other = b;

    if (one->port != other->port)
        return one->port < other->port ? -1 : 1;
    return (int)one->protocol - (int)other->protocol;
}

bool
lease_list(struct lease_set *set, bool others, struct lease_list *out, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < set->claims.count; i++) {
        struct lease_claim *claim = &set->claims.items[i];
        if (!others && !claim->entry.own)
            continue;
        if (!lease_claim_lives(set, claim)) {
            lease_claim_sweep(set, claim);
            continue;
        }
        struct lease *lease = LIST_ADD(set->arena, out);
        *lease = claim->lease;
        lease->user = user_name(set->arena, lease->owner);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare);
    return true;
}

bool
lease_is_same(const struct lease *a, const struct lease *b)
{
    return a->protocol == b->protocol && a->port == b->port && a->fence == b->fence && str_equal(a->token, b->token);
}

void
lease_read_host(struct arena *arena, struct host *host)
{
    struct lease_set *set = NULL;
    struct lease_list list = {0};
    struct err err = {0};

    host->leases_known = KNOWN_YES;
    if (!lease_open(arena, LEASE_READ, &set, &err) || !lease_list(set, true, &list, &err))
        host->leases_known = host_known_of(err.kind);
    for (size_t i = 0; i < list.count; i++)
        *LIST_ADD(arena, &host->leases) = list.items[i];
    lease_close(set);
}
