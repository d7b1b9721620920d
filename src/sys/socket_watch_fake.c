#include "sys/socket_watch.h"

#include "sys/fake_host.h"

struct socket_watch {
    const struct socket_watch_ask *asks;
    size_t count;
    int64_t tells_us; // at this time it tells of a change, once; 0 = never
};

struct socket_watch *
socket_watch_open(struct arena *arena, const struct socket_watch_ask *asks, size_t count)
{
    struct socket_watch *watch = arena_alloc(arena, sizeof *watch);

    *watch = (struct socket_watch){.asks = asks, .count = count};
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
    const char *tells = fake_host_variable("MOORAGE_FAKE_TELLS");
    uint64_t number = 0;

    if (tells && told & SOCKET_WATCH_OPENS && str_to_u64(str_of(tells), 10, &number))
        watch->tells_us = (int64_t)number;
}

unsigned
socket_watch_told(const struct socket_watch *watch)
{
    return watch->tells_us ? SOCKET_WATCH_OPENS : 0;
}

bool
socket_watch_try(struct arena *arena, struct str *why_not)
{
    (void)arena;
    *why_not = STR("a recording tells nothing by itself");
    return false;
}

bool
socket_watch_find(struct socket_watch *watch, size_t index, struct socket_row *row)
{
    const struct socket_watch_ask *ask = &watch->asks[index];
    const struct host *recorded = fake_host();

    if (!fake_host_call("socket_watch_find", NULL))
        return false;
    for (size_t i = 0; i < recorded->sockets.count; i++) {
        const struct socket_row *one = &recorded->sockets.items[i];
        if (one->netns != 0 || !host_same_ports(one->protocol, ask->protocol) || one->local_port != ask->port ||
            (one->state != SOCKET_LISTEN && one->state != SOCKET_UNCONN) || !host_covers(one, ask->address))
            continue;
        *row = *one;
        return true;
    }
    return false;
}

// No look takes time here, so that a pause takes some always.
bool
socket_watch_pause(struct socket_watch *watch, int64_t microseconds)
{
    int64_t now_us = fake_host_elapsed_us();
    int64_t pause = microseconds > 0 ? microseconds : 1;
    bool tells = watch->tells_us > now_us && watch->tells_us - now_us <= pause;

    fake_host_pass_us(tells ? watch->tells_us - now_us : pause);
    return tells;
}
