// Takes ports in one process, as a program that has moorage's code in it would: pick COUNT [NAME]. A name: every lease is given
// back at once; else they end after 30 seconds. Prints the ports, one a line, once all are taken.

#include "core/pick.h"

#include <stdio.h>

#include "base/json.h"

static bool
take(struct arena *arena, struct str name, uint16_t *port)
{
    struct pick_wish wish = {.lease = {.name = name, .project = STR("/"), .ttl_ms = LEASE_BRIEF_MS}};
    struct pick_result result;
    enum pick_outcome outcome;
    struct host host;
    struct lease_set *set = NULL;

    json_use(arena);
    if (!pick_read_host(arena, &host, NULL) || !pick_ports(arena, &host, &wish, &outcome, &result, NULL) ||
        outcome != PICK_DONE)
        return false;
    *port = result.leases.items[0].port;
    bool good = name.len == 0 ||
                (lease_open(arena, LEASE_WRITE, &set, NULL) && lease_release(set, &result.leases.items[0], NULL));
    lease_close(set);
    return good;
}

int
main(int argc, char **argv)
{
    struct arena *kept = arena_open();
    uint64_t count = 0;
    bool good = argc > 1 && str_to_u64(str_of(argv[1]), 10, &count);
    uint16_t *ports = arena_array(kept, count, sizeof *ports);

    for (uint64_t i = 0; i < count && good; i++) {
        struct arena *arena = arena_open();
        good = take(arena, argc > 2 ? str_of(argv[2]) : (struct str){0}, &ports[i]);
        arena_close(arena);
    }
    for (uint64_t i = 0; i < count && good; i++)
        printf("%u\n", ports[i]);
    arena_close(kept);
    return good ? 0 : 1;
}
