#include "core/lease_claim.h"

#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/folder.h"
#include "sys/life.h"
#include "sys/state_dir.h"
#include "sys/user.h"

// A time of the next centuries in milliseconds. What is above it was not given by a grant, but written down so that no
// number would be left above it.
#define FENCE_MOST ((uint64_t)1 << 52)

static bool
is_this_boot(const struct lease_set *set, struct str boot)
{
    // Where the system does not tell, time that only goes forward is all there is.
    return set->boot.len == 0 || boot.len == 0 || str_equal(set->boot, boot);
}

static bool
is_over(const struct lease_set *set, const struct lease *lease)
{
    if (lease->ttl_ms == 0)
        return false;
    if (is_this_boot(set, lease->boot))
        return set->up_ms >= lease->taken_up && set->up_ms - lease->taken_up >= lease->ttl_ms;
    return set->wall_ms >= lease->taken_ms && set->wall_ms - lease->taken_ms >= lease->ttl_ms;
}

static bool
process_has_ended(const struct lease_set *set, const struct lease *lease)
{
    struct life life = {lease->pid, lease->started, lease->space};

    return !is_this_boot(set, lease->boot) || life_lasts(&life) == TRI_NO;
}

// Another user may see other file systems: only its own user is believed that a project is gone.
static bool
has_ended(struct lease_set *set, struct lease *lease)
{
    if (lease->pid && process_has_ended(set, lease)) {
        if (!lease->lasting)
            return true;
        lease->pid = 0;
    }
    return is_over(set, lease) ||
           (lease->lasting && lease->own && folder_look(set->arena, lease->project) == KNOWN_GONE);
}

static int64_t
end_of(const struct lease_set *set, const struct lease *lease)
{
    if (lease->ttl_ms == 0)
        return 0;
    if (is_this_boot(set, lease->boot))
        return set->wall_ms + (lease->taken_up + lease->ttl_ms - set->up_ms);
    return lease->taken_ms + lease->ttl_ms;
}

static bool
fits(const struct lease_claim *claim, const struct lease *lease)
{
    uint64_t key = lease->name.len ? lease_record_key(lease->project, lease->name) : 0;

    return lease->port == claim->key.port && lease->protocol == claim->key.protocol && key == claim->key.key;
}

static void
judge(struct lease_set *set, struct lease_claim *claim)
{
    struct lease *lease = &claim->lease;
    struct err err = {0};
    struct str bytes;

    claim->judged = true;
    if (!lease_book_read(set->arena, set->books[claim->book], &claim->entry, &bytes, &err)) {
        claim->ended = err.kind == ERR_GONE;
        lease->damaged = !claim->ended;
    } else {
        lease->damaged = !lease_record_parse(set->arena, bytes, lease, NULL) || !fits(claim, lease);
    }
    if (lease->damaged)
        *lease = (struct lease){.damaged = true};
    lease->protocol = claim->key.protocol;
    lease->port = claim->key.port;
    lease->owner = claim->entry.owner;
    lease->own = claim->entry.own;
    if (claim->ended || lease->damaged)
        return;
    claim->ended = has_ended(set, lease);
    lease->ends_ms = end_of(set, lease);
}

bool
lease_claim_lives(struct lease_set *set, struct lease_claim *claim)
{
    if (!claim->judged && !claim->ended)
        judge(set, claim);
    return !claim->ended;
}

void
lease_claim_sweep(struct lease_set *set, struct lease_claim *claim)
{
    if (set->access == LEASE_WRITE && (claim->entry.own || set->admin))
        (void)lease_book_remove(set->books[claim->book], &claim->entry, NULL);
}

static void
add_claim(struct lease_set *set, size_t book, const struct lease_entry *entry)
{
    struct lease_key key;

    if (!lease_record_parse_name(entry->name, &key))
        return;
    if (key.fence) {
        if (key.fence > set->fence && key.fence <= FENCE_MOST)
            set->fence = key.fence;
        if (entry->own && book == set->target)
            set->fence_name = entry->name;
        return;
    }
    struct lease_claim claim = {.key = key, .entry = *entry, .book = book};
    // What is nobody's lasts for seconds: not over a boot.
    claim.ended = key.key == 0 &&
                  (((key.boot && set->boot_short) && key.boot != set->boot_short) || key.ends <= (uint64_t)set->up_ms);
    if (claim.ended)
        lease_claim_sweep(set, &claim);
    else
        *LIST_ADD(set->arena, &set->claims) = claim;
}

// One named claim a time is looked into though nobody asked, so that what has ended does not pile up.
static void
sweep_one(struct lease_set *set)
{
    uint32_t random;

    if (set->access != LEASE_WRITE || set->claims.count == 0)
        return;
    entropy_fill(&random, sizeof random);
    struct lease_claim *claim = &set->claims.items[random % set->claims.count];
    if (claim->entry.own && claim->key.key && !lease_claim_lives(set, claim))
        lease_claim_sweep(set, claim);
}

static bool
load(struct lease_set *set, struct err *err)
{
    for (size_t i = 0; i < set->book_count; i++) {
        struct lease_entry_list entries = {0};
        if (!lease_book_list(set->arena, set->books[i], &entries, err))
            return false;
        for (size_t k = 0; k < entries.count; k++)
            add_claim(set, i, &entries.items[k]);
    }
    sweep_one(set);
    return true;
}

static void
add_book(struct lease_set *set, struct lease_book *book)
{
    set->books[set->book_count++] = book;
}

// The machine's book exists where root has made it: by its own first lease, or when moorage was installed.
static bool
open_machine(struct lease_set *set)
{
    struct str folder = state_dir_machine(set->arena);
    bool makes = set->access == LEASE_WRITE && set->admin;
    struct lease_book *book = NULL;

    if (folder.len == 0 ||
        !lease_book_open(set->arena, folder, makes ? LEASE_BOOK_SHARED : LEASE_BOOK_AS_IS, &book, NULL)) {
        lease_book_close(book);
        return false;
    }
    add_book(set, book);
    return lease_book_is_writable(book);
}

// Only where it is needed is it an error that there is none.
static bool
open_own(struct lease_set *set, bool needed, struct err *err)
{
    enum lease_book_make make = needed ? LEASE_BOOK_PRIVATE : LEASE_BOOK_AS_IS;
    struct err *why = needed ? err : NULL;
    struct lease_book *book = NULL;
    struct str folder;

    if (!state_dir_path(set->arena, &folder, why))
        return !needed;
    if (!lease_book_open(set->arena, folder, make, &book, why)) {
        lease_book_close(book);
        return !needed;
    }
    add_book(set, book);
    if (!needed)
        return true;
    set->target = set->book_count - 1;
    return lease_book_is_writable(book) ||
           err_set(err, ERR_NOT_ALLOWED, 0, "keep a lease in %.*s: not allowed", STR_ARG(folder));
}

static bool
open_books(struct lease_set *set, struct err *err)
{
    int64_t end_us = clock_mono_us() + (int64_t)LEASE_WAIT_MS * 1000;
    bool shared = open_machine(set);

    if (!open_own(set, set->access == LEASE_WRITE && !shared, err))
        return false;
    for (size_t i = 0; set->access == LEASE_WRITE && i < set->book_count; i++) {
        int64_t left_ms = (end_us - clock_mono_us()) / 1000;
        if (!lease_book_lock(set->books[i], left_ms > 0 ? (unsigned)left_ms : 0, err))
            return false;
    }
    return true;
}

bool
lease_open(struct arena *arena, enum lease_access access, struct lease_set **out, struct err *err)
{
    struct lease_set *set = arena_alloc(arena, sizeof *set);
    struct user_self self = user_self();

    *out = set;
    set->arena = arena;
    set->access = access;
    set->uid = self.uid;
    set->admin = self.admin;
    set->boot = life_boot(arena);
    set->boot_short = lease_record_boot(set->boot);
    if (!open_books(set, err))
        return false;
    // The time is taken when the lock is had: who waited is not granted the past.
    set->wall_ms = clock_wall_ms();
    set->up_ms = clock_mono_us() / 1000;
    return load(set, err);
}

void
lease_close(struct lease_set *set)
{
    for (size_t i = 0; set && i < set->book_count; i++)
        lease_book_close(set->books[i]);
}
