#ifndef MOORAGE_SYS_BPF_LINUX_H
#define MOORAGE_SYS_BPF_LINUX_H

// Programs in the kernel by bpf(2) alone: libbpf's start costs more than all that moorage asks. Linux only.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An instruction that takes a map.
struct bpf_use {
    uint32_t at;  // index of the instruction
    uint32_t map; // index of the map
};

// Where a function begins, and the number of its type.
struct bpf_function {
    uint32_t at;
    uint32_t type;
};

// A program as tools/bpf_image.py makes it when moorage is built.
struct bpf_image {
    const uint64_t *code;
    size_t count; // of instructions
    const struct bpf_use *maps;
    size_t map_uses;
    const struct bpf_function *functions;
    size_t function_count;
    const unsigned char *types;
    size_t types_size;
};

// An array that the kernel and this program both see.
struct bpf_map {
    int fd; // -1 = closed
    void *values;
    size_t size; // of all, in bytes
};

// `count` zeroed values of `size` bytes (a multiple of 8). False with the errno in `error`.
bool
bpf_map_open(size_t size, size_t count, struct bpf_map *map, int *error);

void
bpf_map_close(struct bpf_map *map);

// Words from a program to this one, in order; its fd can be polled.
struct bpf_ring {
    struct bpf_map position; // a map as others are; its value is how far this program has read
    uint64_t *written;       // how far the other one has written
};

// `size` is a power of two and whole pages. False with the errno in `error`.
bool
bpf_ring_open(size_t size, struct bpf_ring *ring, int *error);

void
bpf_ring_close(struct bpf_ring *ring);

// Takes all words, unread.
void
bpf_ring_drain(struct bpf_ring *ring);

// Gives the kernel the program, to be run on demand or attached; -1 with the errno in `error`. The file descriptor is the caller's.
// `license` is what the kernel wants to know, since it lets only programs of some licenses read its memory. With `log`
// (of `log_size` bytes, may be NULL) the kernel writes there why it refuses.
int
bpf_program_load(const struct bpf_image *image, const struct bpf_map *maps, const char *license, char *log,
                 size_t log_size, int *error);

// Has it run at each event of a raw tracepoint, as long as the file descriptor that is returned is open; -1 with the errno in
// `error`.
int
bpf_program_attach(int program, const char *tracepoint, int *error);

// Runs it once. False with the errno in `error`.
bool
bpf_program_run(int program, int *error);

#endif
