#include "sys/owner_layout_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "decode/btf.h"
#include "decode/btf_cache.h"
#include "sys/file.h"
#include "sys/owner_cache_linux.h"

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"
#define KERNEL_NOTES "/sys/kernel/notes"
#define NOTES_LIMIT (64u << 10)
#define TYPES_LIMIT (64u << 20)
#define FIELD_WISH(name, type, member) {type, member, false, 0, 0, 0, 0},

enum {
    WISH_TCP_SLOT = FIELD_COUNT,
    WISH_UDP_SLOT,
    WISH_REUSE_ADDR,
    WISH_REUSE_PORT,
    WISH_UPID,
    WISH_LISTEN_SLOT,
    WISH_COUNT,
    MAX_OFFSET = 1 << 20, // of any member of any structure of the kernel
};

static bool
has_all(const struct owner_layout *layout, enum owner_field first, enum owner_field last)
{
    for (size_t i = first; i <= last; i++) {
        if (!layout->found[i])
            return false;
    }
    return true;
}

// Bits are counted from the low end of the number, as machines do that have the little end first. False where that is not
// so, and for what reaches beyond one byte.
static bool
take_bits(const struct btf_wish *wish, struct owner_bits *bits)
{
    const uint16_t one = 1;
    bool little = *(const unsigned char *)&one == 1;
    if (!little || !wish->found || !wish->bits || wish->bit + wish->bits > 8 || wish->offset >= MAX_OFFSET)
        return false;
    *bits = (struct owner_bits){wish->offset, ((1u << wish->bits) - 1) << wish->bit};
    return true;
}

static void
take(const struct btf_wish *wishes, struct owner_layout *layout)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        layout->found[i] = wishes[i].found && wishes[i].bits == 0 && wishes[i].offset < MAX_OFFSET;
        layout->at[i] = layout->found[i] ? wishes[i].offset : 0;
    }
    layout->tcp_slot = wishes[WISH_TCP_SLOT].size;
    layout->udp_slot = wishes[WISH_UDP_SLOT].size;
    layout->whole = has_all(layout, FIELD_TASK_TASKS, FIELD_SKC_NET) &&
                    (layout->found[FIELD_FILE_REF] || layout->found[FIELD_FILE_COUNT]);
    bool ports = has_all(layout, FIELD_SKC_NUMBER, FIELD_NET_IPV4);
    layout->flat = !layout->found[FIELD_BUCKET_BHASH2];
    layout->tcp = ports && layout->tcp_slot && has_all(layout, FIELD_IPV4_DEATH_ROW, FIELD_BUCKET_NODE) &&
                  (layout->flat ? layout->found[FIELD_BUCKET_OWNERS]
                                : has_all(layout, FIELD_BUCKET_BHASH2, FIELD_BUCKET2_OWNERS));
    layout->flags = layout->found[FIELD_SKC_COOKIE] && take_bits(&wishes[WISH_REUSE_ADDR], &layout->reuse_addr) &&
                    take_bits(&wishes[WISH_REUSE_PORT], &layout->reuse_port);
    layout->rows = layout->tcp && layout->found[FIELD_SKC_COOKIE] &&
                   has_all(layout, FIELD_SKC_FAMILY, FIELD_QUEUE_LENGTH) &&
                   layout->found[FIELD_SKC_LOCAL6] == layout->found[FIELD_SKC_PEER6];
    layout->listen_slot =
        layout->tcp && has_all(layout, FIELD_HASH_LISTEN, FIELD_LISTEN_SLOT_HEAD) ? wishes[WISH_LISTEN_SLOT].size : 0;
    layout->upid_size = has_all(layout, FIELD_TASK_NUMBERS, FIELD_NUMBER_SPACE) ? wishes[WISH_UPID].size : 0;
    layout->tasks =
        layout->upid_size && has_all(layout, FIELD_TASK_NAME, FIELD_SPACE_INODE) && layout->found[FIELD_NET_SPACE];
    bool by_socket = has_all(layout, FIELD_SKC_PROTOCOL, FIELD_PROTOCOL_TABLE);
    layout->udp_apart = !layout->found[FIELD_IPV4_UDP_TABLE];
    layout->udp = ports && layout->udp_slot && has_all(layout, FIELD_UDP_HASH, FIELD_UDP_SLOT_HEAD) &&
                  (by_socket || !layout->udp_apart);
    layout->mptcp =
        layout->tcp && layout->found[FIELD_ICSK_ULP] && has_all(layout, FIELD_ICSK_ULP_DATA, FIELD_PART_SOCKET);
    layout->lite = layout->udp && by_socket;
    layout->spaces =
        layout->tcp && layout->udp && !layout->udp_apart && has_all(layout, FIELD_NET_LIST, FIELD_SPACE_KIND);
}

static struct str
first_missing(struct arena *arena, const struct btf_wish *wishes)
{
    for (size_t i = 0; i <= FIELD_SKC_NET; i++) {
        if (!wishes[i].found)
            return str_printf(arena, "this kernel has no %s in its %s", wishes[i].member, wishes[i].type);
    }
    return STR("this kernel counts the references to a file in a way that is not known here");
}

// To map the file costs a tenth of reading it, but only newer kernels can.
static bool
look_up(struct arena *arena, struct btf_wish *wishes, struct str *why_not)
{
    struct stat facts;
    struct err err = {0};
    struct str bytes;
    int fd = open(KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *why_not = str_printf(arena, "open %s: %s", KERNEL_TYPES, strerror(errno));
        return false;
    }
    bool sized = fstat(fd, &facts) == 0 && facts.st_size > 0 && facts.st_size < TYPES_LIMIT;
    void *map = sized ? mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED && !file_read(arena, KERNEL_TYPES, TYPES_LIMIT, false, &bytes, &err)) {
        *why_not = str_copy(arena, str_of(err.text));
        return false;
    }
    if (map != MAP_FAILED)
        bytes = (struct str){map, (size_t)facts.st_size};
    bool good = btf_find(arena, bytes, wishes, WISH_COUNT);
    if (map != MAP_FAILED)
        munmap(map, (size_t)facts.st_size);
    if (!good)
        *why_not = STR("the type information of this kernel is of a kind that is not known here");
    return good;
}

// Names the kernel by the notes in it, its build id among them; empty where that can't be told.
static struct str
key_of_kernel(struct arena *arena)
{
    struct str notes;
    struct stat facts;
    uint8_t sum[SHA256_SIZE];
    struct buf key = {.arena = arena};
    if (!file_read(arena, KERNEL_NOTES, NOTES_LIMIT, false, &notes, NULL) || notes.len == 0 ||
        stat(KERNEL_TYPES, &facts) != 0)
        return (struct str){0};
    sha256(notes, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        buf_addf(&key, "%02x", (unsigned)sum[i]);
    buf_addf(&key, " %lld", (long long)facts.st_size);
    return buf_str(&key);
}

// The same from where root has kept it, or kept for the next time.
static bool
look_up_kept(struct arena *arena, struct btf_wish *wishes, struct str *why_not)
{
    struct str text;
    struct btf_wish kept[WISH_COUNT];
    const char *folder = owner_cache_folder();
    struct str key = folder ? key_of_kernel(arena) : (struct str){0};
    memcpy(kept, wishes, sizeof kept);
    if (key.len && owner_cache_read(arena, folder, &text) && btf_cache_read(arena, text, key, kept, WISH_COUNT)) {
        memcpy(wishes, kept, sizeof kept);
        return true;
    }
    if (!look_up(arena, wishes, why_not))
        return false;
    if (key.len)
        owner_cache_write(folder, btf_cache_write(arena, key, wishes, WISH_COUNT));
    return true;
}

bool
owner_layout_read(struct arena *arena, struct owner_layout *layout, struct str *why_not)
{
    struct btf_wish wishes[WISH_COUNT] = {
        OWNER_FIELDS(FIELD_WISH)[WISH_TCP_SLOT] = {.type = "inet_bind_hashbucket"},
        [WISH_UDP_SLOT] = {.type = "udp_hslot"},
        [WISH_REUSE_ADDR] = {.type = "sock_common", .member = "skc_reuse"},
        [WISH_REUSE_PORT] = {.type = "sock_common", .member = "skc_reuseport"},
        [WISH_UPID] = {.type = "upid"},
        [WISH_LISTEN_SLOT] = {.type = "inet_listen_hashbucket"},
    };
    *layout = (struct owner_layout){0};
    if (!look_up_kept(arena, wishes, why_not))
        return false;
    take(wishes, layout);
    if (!layout->whole)
        *why_not = first_missing(arena, wishes);
    return layout->whole;
}
