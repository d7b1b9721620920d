// Runs in the kernel each time that a TCP socket changes its state, and tells moorage when one of the asked ports begins to
// listen. It reads one number, by bpf_probe_read_kernel(), and changes nothing.
// Made by clang for the target bpf and put into moorage by tools/bpf_image.py; see sys/listen_event_linux.h.

#include "sys/listen_program_linux.h"

#define IN_SECTION(name) __attribute__((section(name), used))

enum {
    TCP_LISTEN = 10, // include/net/tcp_states.h
    FORCE_WAKEUP = 2,
};

struct listen_state state IN_SECTION(".map.0.state");
char told IN_SECTION(".map.1.told");

// Helpers of the kernel have numbers (include/uapi/linux/bpf.h).
static long (*probe_read)(void *to, uint32_t size, const void *from) = (void *)113;
static long (*tell)(void *ring, const void *data, uint64_t size, uint64_t flags) = (void *)130;

// The tracepoint's own arguments: the socket, its old and its new state.
IN_SECTION("program") int listen_program(const uint64_t *context)
{
    uint16_t port = 0;
    if ((uint32_t)context[2] != TCP_LISTEN ||
        probe_read(&port, sizeof port, (const char *)context[0] + state.number_at) != 0)
        return 0;
    if (state.ports[port >> 6] >> (port & 63) & 1) {
        uint64_t record = port;
        tell(&told, &record, sizeof record, FORCE_WAKEUP);
    }
    return 0;
}
