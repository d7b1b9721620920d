#include "sys/socket_watch.h"

#include "sys/clock.h"
#include "sys/socket_table.h"

struct socket_watch {
    const struct socket_watch_ask *asks;
    size_t count;
};

struct socket_watch *
socket_watch_open(struct arena *arena, const struct socket_watch_ask *asks, size_t count)
{
    struct socket_watch *watch = arena_alloc(arena, sizeof *watch);

    *watch = (struct socket_watch){asks, count};
    return watch;
}

void
socket_watch_close(struct socket_watch *watch)
{
    (void)watch;
}

void
socket_watch_arm(struct socket_watch *watch, unsigned told)
{
    (void)watch;
    (void)told;
}

unsigned
socket_watch_told(const struct socket_watch *watch)
{
    (void)watch;
    return 0;
}

bool
socket_watch_try(struct arena *arena, struct str *why_not)
{
    (void)arena;
    *why_not = STR("Windows tells nothing by itself");
    return false;
}

bool
socket_watch_find(struct socket_watch *watch, size_t index, struct socket_row *row)
{
    const struct socket_watch_ask *ask = &watch->asks[index];
    struct arena *arena = arena_open();
    struct socket_query query = {
        .protocols = 1u << ask->protocol,
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = ask->port,
        .last = ask->port,
    };
    struct host host = {0};
    bool found = false;

    (void)socket_table_read(arena, &query, &host, NULL);
    for (size_t i = 0; i < host.sockets.count && !found; i++)
        if (host_covers(&host.sockets.items[i], ask->address)) {
            *row = host.sockets.items[i];
            // Their text ends with the arena.
            row->device_name = (struct str){0};
            row->owner_service = (struct str){0};
            found = true;
        }
    arena_close(arena);
    return found;
}

// A reading of the tables takes about a millisecond: a pause that is too short would do nothing else.
bool
socket_watch_pause(struct socket_watch *watch, int64_t microseconds)
{
    enum {
        LEAST_MS = 10,
    };
    int64_t milliseconds = microseconds / 1000;

    (void)watch;
    clock_sleep_ms(milliseconds < LEAST_MS ? LEAST_MS : (unsigned)milliseconds);
    return false;
}
