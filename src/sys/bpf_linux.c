#include "sys/bpf_linux.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// More than any program of ours has.
#define MAX_CODE 4096
#define LOADED_AGAIN 5

static int
call(enum bpf_cmd command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static uint64_t
address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

bool
bpf_map_open(size_t size, size_t count, struct bpf_map *map, int *error)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
                           .key_size = sizeof(uint32_t),
                           .value_size = (uint32_t)size,
                           .max_entries = (uint32_t)count,
                           .map_flags = BPF_F_MMAPABLE};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *map = (struct bpf_map){.fd = -1};
    int fd = call(BPF_MAP_CREATE, &attr);
    if (fd < 0) {
        *error = errno;
        return false;
    }
    map->size = (size * count + page - 1) / page * page;
    map->values = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map->values == MAP_FAILED) {
        *error = errno;
        *map = (struct bpf_map){.fd = -1};
        close(fd);
        return false;
    }
    map->fd = fd;
    return true;
}

void
bpf_map_close(struct bpf_map *map)
{
    if (map->fd < 0)
        return;
    munmap(map->values, map->size);
    close(map->fd);
    *map = (struct bpf_map){.fd = -1};
}

bool
bpf_ring_open(size_t size, struct bpf_ring *ring, int *error)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = (uint32_t)size};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ring = (struct bpf_ring){.position.fd = -1};
    int fd = call(BPF_MAP_CREATE, &attr);
    // The first page is the reader's; the second the writer's, and may not be mapped to be written.
    void *ours = fd < 0 ? MAP_FAILED : mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *theirs = ours == MAP_FAILED ? MAP_FAILED : mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);
    if (theirs == MAP_FAILED) {
        *error = errno;
        if (ours != MAP_FAILED)
            munmap(ours, page);
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ring = (struct bpf_ring){.position = {.fd = fd, .values = ours, .size = page}, .written = theirs};
    return true;
}

void
bpf_ring_close(struct bpf_ring *ring)
{
    if (ring->position.fd < 0)
        return;
    munmap(ring->written, ring->position.size);
    bpf_map_close(&ring->position);
    ring->written = NULL;
}

void
bpf_ring_drain(struct bpf_ring *ring)
{
    uint64_t *read = ring->position.values;
    __atomic_store_n(read, __atomic_load_n(ring->written, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

// The code with the numbers of the maps in it.
static void
fill_in(const struct bpf_image *image, const struct bpf_map *maps, struct bpf_insn *code)
{
    memcpy(code, image->code, image->count * sizeof *code);
    for (size_t i = 0; i < image->map_uses; i++)
        code[image->maps[i].at].imm = maps[image->maps[i].map].fd;
}

int
bpf_program_load(const struct bpf_image *image, const struct bpf_map *maps, const char *license, char *log,
                 size_t log_size, int *error)
{
    struct bpf_insn code[MAX_CODE];
    union bpf_attr types = {.btf = address(image->types), .btf_size = (uint32_t)image->types_size};
    if (image->count > MAX_CODE) {
        *error = E2BIG;
        return -1;
    }
    fill_in(image, maps, code);
    int types_fd = call(BPF_BTF_LOAD, &types);
    if (types_fd < 0) {
        *error = errno;
        return -1;
    }
    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
                           .insns = address(code),
                           .insn_cnt = (uint32_t)image->count,
                           .license = address(license),
                           .prog_btf_fd = (uint32_t)types_fd,
                           .func_info_rec_size = sizeof *image->functions,
                           .func_info = address(image->functions),
                           .func_info_cnt = (uint32_t)image->function_count,
                           .log_level = log ? 1 : 0,
                           .log_size = log ? (uint32_t)log_size : 0,
                           .log_buf = address(log)};
    memcpy(attr.prog_name, "moorage", sizeof "moorage");
    // The kernel gives up in the middle when a signal waits for this process (EAGAIN, kernel/bpf/verifier.c).
    int program = call(BPF_PROG_LOAD, &attr);
    for (int again = 0; program < 0 && errno == EAGAIN && again < LOADED_AGAIN; again++)
        program = call(BPF_PROG_LOAD, &attr);
    if (program < 0)
        *error = errno;
    close(types_fd);
    return program;
}

int
bpf_program_attach(int program, const char *tracepoint, int *error)
{
    union bpf_attr attr = {.raw_tracepoint = {.name = address(tracepoint), .prog_fd = (uint32_t)program}};
    int fd = call(BPF_RAW_TRACEPOINT_OPEN, &attr);
    if (fd < 0)
        *error = errno;
    return fd;
}

bool
bpf_program_run(int program, int *error)
{
    union bpf_attr attr = {.test.prog_fd = (uint32_t)program};
    if (call(BPF_PROG_TEST_RUN, &attr) == 0)
        return true;
    *error = errno;
    return false;
}
