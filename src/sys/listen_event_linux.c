#include "sys/listen_event_linux.h"

#include <string.h>
#include <unistd.h>

#include "sys/late_close_linux.h"
#include "sys/listen_program_linux.h"
#include "sys/owner_kernel_linux.h"

enum {
    RING_BYTES = 4096, // a multiple of a page; a word takes 16 of them
};

// Made from sys/bpf/listen_program.c.
extern const struct bpf_image listen_program;

// The program is in its place as long as what is returned is open; -1 with what failed and its errno.
static int
put_in_place(const struct listen_event *event, const char **step, int *error)
{
    struct bpf_map maps[] = {event->state, event->ring.position};
    *step = "BPF_PROG_LOAD";
    int program = bpf_program_load(&listen_program, maps, "Dual MIT/GPL", NULL, 0, error);
    if (program < 0)
        return -1;
    *step = "BPF_RAW_TRACEPOINT_OPEN";
    int link = bpf_program_attach(program, "inet_sock_set_state", error);
    close(program);
    return link;
}

bool
listen_event_open(struct arena *arena, struct listen_event *event, struct str *why_not)
{
    struct owner_layout layout;
    const char *step = "BPF_MAP_CREATE";
    int error = 0;
    int link = -1;

    *event = (struct listen_event){.state.fd = -1, .ring.position.fd = -1, .hold = -1};
    if (!owner_kernel_takes_programs(why_not))
        return false;
    // What else it tells of may be missing.
    (void)owner_layout_read(arena, &layout, why_not);
    if (!layout.found[FIELD_SKC_NUMBER])
        return false;
    if (bpf_map_open(sizeof(struct listen_state), 1, &event->state, &error) &&
        bpf_ring_open(RING_BYTES, &event->ring, &error)) {
        ((struct listen_state *)event->state.values)->number_at = layout.at[FIELD_SKC_NUMBER];
        link = put_in_place(event, &step, &error);
    }
    if (link < 0) {
        *why_not = str_printf(arena, "%s: %s", step, strerror(error));
        listen_event_close(event);
        return false;
    }
    event->hold = late_close(link);
    return true;
}

void
listen_event_close(struct listen_event *event)
{
    if (event->hold >= 0)
        close(event->hold);
    bpf_ring_close(&event->ring);
    bpf_map_close(&event->state);
    event->hold = -1;
}

void
listen_event_add(struct listen_event *event, uint16_t port)
{
    struct listen_state *state = event->state.values;
    state->ports[port >> 6] |= (uint64_t)1 << (port & 63);
}

void
listen_event_drain(struct listen_event *event)
{
    bpf_ring_drain(&event->ring);
}
