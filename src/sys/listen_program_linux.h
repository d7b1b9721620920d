#ifndef MOORAGE_SYS_LISTEN_PROGRAM_LINUX_H
#define MOORAGE_SYS_LISTEN_PROGRAM_LINUX_H

// What moorage and its program in the kernel that hears of new listeners (sys/bpf/listen_program.c) share. Linux only; part
// of sys/socket_watch.

#include <stdint.h>

enum {
    LISTEN_PORTS = 1 << 16,
};

struct listen_state {
    uint32_t number_at; // where the port lies in a socket
    uint32_t pad;
    uint64_t ports[LISTEN_PORTS / 64]; // a bit for each that is waited for
};

#endif
