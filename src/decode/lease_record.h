#ifndef MOORAGE_DECODE_LEASE_RECORD_H
#define MOORAGE_DECODE_LEASE_RECORD_H

// A lease as it stands in a book: the name of its entry, which tells all that must be known of most leases without opening
// any, and the entry's content, one line of JSON. Both were written by other programs, maybe of users who mean harm.
// The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// The name of an entry.
//
//     21340-tcp-b3ce41f0aa0d7712     of a name: the key is a hash of project and name
//     21341-tcp-0-51a8e6d2-90233411  of nobody: boot and time by its clock (milliseconds) at which it ends
//     fence-1764190000123            no lease: the highest fencing number that this user has given
struct lease_key {
    enum protocol protocol;
    uint16_t port;
    uint64_t key;   // 0: of nobody
    uint32_t boot;  // 0: unknown
    uint64_t ends;  // of nobody
    uint64_t fence; // not 0: it is no lease
};

bool
lease_record_parse_name(struct str name, struct lease_key *out);

struct str
lease_record_format_name(struct arena *arena, const struct lease_key *key);

// The key of a name in a project, never 0.
uint64_t
lease_record_key(struct str project, struct str name);

// A boot id in short, never 0 unless it is empty.
uint32_t
lease_record_boot(struct str boot);

// The content. Owner, user and what can be judged only now (ends_ms, own, damaged) stay as they are. Texts view `text` or
// live in the arena.
bool
lease_record_parse(struct arena *arena, struct str text, struct lease *out, struct err *err);

struct str
lease_record_format(struct arena *arena, const struct lease *lease);

#endif
