#ifndef MOORAGE_CORE_LEASE_CLAIM_H
#define MOORAGE_CORE_LEASE_CLAIM_H

// What the files lease*.c share: the books while they are open, and the claims that stand in them. Not for others.
// A claim is judged by the name of its entry where that is enough, else by its content, once. The systems do not differ.

#include "base/arena.h"
#include "base/list.h"
#include "core/lease.h"
#include "decode/lease_record.h"
#include "sys/lease_book.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEASE_BOOKS = 2, // the machine's and the user's own, locked in this order
};

struct lease_claim {
    struct lease_key key;
    struct lease_entry entry;
    size_t book; // that it stands in
    bool judged; // `ended` and `lease` are known
    bool ended;
    struct lease lease; // of one that has not ended
};

struct lease_set {
    struct arena *arena;
    enum lease_access access;
    struct lease_book *books[LEASE_BOOKS];
    size_t book_count;
    size_t target; // that new claims go to
    struct {
        LIST_OF(struct lease_claim);
    } claims;
    uint32_t uid;
    bool admin;
    int64_t wall_ms; // when it was opened
    int64_t up_ms;   // the same by the clock that only goes forward
    struct str boot;
    uint32_t boot_short;
    uint64_t fence;        // the highest fencing number that stands in any book
    struct str fence_name; // the own entry of it in the target; empty = none
};

// Whether the claim still counts; its content is read where its name does not tell.
bool
lease_claim_lives(struct lease_set *set, struct lease_claim *claim);

// Removes an ended claim where this user may.
void
lease_claim_sweep(struct lease_set *set, struct lease_claim *claim);

#endif
