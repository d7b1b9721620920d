#include "decode/proc.h"

#include "base/ascii.h"

#define MAX_MOUNTS_ON_A_PATH 256

// The next blank-separated field as a number; a negative one (-1: no such group, no such terminal) gives 0.
static bool
next_number(struct str *rest, uint64_t *out)
{
    struct str field;
    if (!str_word(rest, &field))
        return false;
    *out = 0;
    if (str_starts(field, STR("-")))
        return str_to_u64(str_part(field, 1, SIZE_MAX), 10, &(uint64_t){0});
    return str_to_u64(field, 10, out);
}

bool
proc_parse_stat(struct str text, struct proc_stat *out)
{
    // Fields 4 to 22: ppid, pgrp, session, tty_nr, tpgid, flags, ... num_threads (20), itrealvalue, starttime (22).
    uint64_t fields[23] = {0};
    uint64_t pid;
    struct str state;
    size_t open = str_find(text, STR(" ("));
    // The name may hold ") R 1 1"; all fields behind it are numbers but the state, so the last ")" ends it.
    size_t end = str_find_last_byte(text, ')');
    if (open == SIZE_MAX || end == SIZE_MAX || end < open + 2 || !str_to_u64(str_part(text, 0, open), 10, &pid))
        return false;
    struct str rest = str_part(text, end + 1, SIZE_MAX);
    if (!str_word(&rest, &state) || state.len != 1 || !ascii_is_letter(state.ptr[0]))
        return false;
    for (size_t i = 4; i <= 22; i++) {
        if (!next_number(&rest, &fields[i]))
            return false;
    }
    if (pid > UINT32_MAX || fields[4] > UINT32_MAX || fields[5] > UINT32_MAX || fields[6] > UINT32_MAX ||
        fields[7] > UINT32_MAX || fields[9] > UINT32_MAX || fields[20] > UINT32_MAX)
        return false;
    *out = (struct proc_stat){.pid = (uint32_t)pid,
                              .name = str_part(text, open + 2, end - open - 2),
                              .state = state.ptr[0],
                              .ppid = (uint32_t)fields[4],
                              .pgid = (uint32_t)fields[5],
                              .sid = (uint32_t)fields[6],
                              .tty = (uint32_t)fields[7],
                              .flags = (uint32_t)fields[9],
                              .threads = (uint32_t)fields[20],
                              .start_ticks = fields[22]};
    return true;
}

bool
proc_has_ended(const struct proc_stat *stat)
{
    return stat->state == 'Z' || stat->state == 'X';
}

// The number that stands as word `at` behind a key. The kernel escapes line ends in the name, which stands first: no line can
// be forged (proc_task_name()).
static bool
status_number(struct str text, struct str key, size_t at, unsigned base, uint64_t *out)
{
    struct str line;
    struct str word;
    while (str_cut(&text, '\n', &line)) {
        if (!str_word(&line, &word) || !str_equal(word, key))
            continue;
        for (size_t i = 0; i <= at; i++)
            if (!str_word(&line, &word))
                return false;
        return str_to_u64(word, base, out);
    }
    return false;
}

bool
proc_parse_uid(struct str text, uint32_t *uid)
{
    // Real, effective, saved, file system.
    uint64_t number;
    if (!status_number(text, STR("Uid:"), 1, 10, &number) || number > UINT32_MAX)
        return false;
    *uid = (uint32_t)number;
    return true;
}

bool
proc_parse_status(struct str text, struct proc_status *out)
{
    struct proc_status status;
    uint64_t tgid;
    if (!status_number(text, STR("Tgid:"), 0, 10, &tgid) || tgid == 0 || tgid > UINT32_MAX ||
        !proc_parse_uid(text, &status.uid) || !status_number(text, STR("CapEff:"), 0, 16, &status.capabilities))
        return false;
    status.tgid = (uint32_t)tgid;
    *out = status;
    return true;
}

bool
proc_has_inner_numbers(struct str text)
{
    uint64_t inner;
    return status_number(text, STR("NSpid:"), 1, 10, &inner);
}

void
proc_split_command(struct arena *arena, struct str text, struct str_list *out)
{
    size_t filler = 0;
    while (filler < text.len && text.ptr[text.len - 1 - filler] == '\0')
        filler++;
    // One NUL ends the last argument, two mean that the last one is empty; more are what a longer title left behind.
    if (filler > 2)
        text.len -= filler;
    else if (filler)
        text.len--;
    if (!text.len)
        return;
    struct str argument;
    while (str_cut(&text, '\0', &argument))
        *LIST_ADD(arena, out) = argument;
}

struct str
proc_tty_name(struct arena *arena, uint32_t device)
{
    // The kernel's new_encode_dev(): 12 bits of major number in the middle of 20 bits of minor number.
    uint32_t major = device >> 8 & 0xfff;
    uint32_t minor = (device & 0xff) | (device >> 12 & 0xfff00);
    if (!device)
        return (struct str){0};
    if (major >= 136 && major <= 143)
        return str_printf(arena, "pts/%u", minor + (major - 136) * 256);
    if (major == 4)
        return minor < 64 ? str_printf(arena, "tty%u", minor) : str_printf(arena, "ttyS%u", minor - 64);
    if (major == 5 && minor == 1)
        return STR("console");
    if (major == 188)
        return str_printf(arena, "ttyUSB%u", minor);
    if (major == 204 && minor >= 64 && minor < 80)
        return str_printf(arena, "ttyAMA%u", minor - 64);
    if (major == 229)
        return str_printf(arena, "hvc%u", minor);
    return str_printf(arena, "%u:%u", major, minor);
}

bool
proc_parse_boot_time(struct str text, int64_t *seconds)
{
    struct str line;
    struct str word;
    uint64_t number;
    while (str_cut(&text, '\n', &line)) {
        if (!str_word(&line, &word) || !str_equal(word, STR("btime")))
            continue;
        if (!str_word(&line, &word) || !str_to_u64(word, 10, &number) || number > INT64_MAX / 1000000)
            return false;
        *seconds = (int64_t)number;
        return true;
    }
    return false;
}

bool
proc_parse_threads(struct str text, uint64_t *count)
{
    struct str word = {0};
    struct str running;
    for (int i = 0; i < 4; i++)
        if (!str_word(&text, &word))
            return false;
    return str_cut(&word, '/', &running) && str_to_u64(word, 10, count);
}

bool
proc_parse_link(struct str link, struct str kind, uint64_t *inode)
{
    struct str number = str_part(link, kind.len + 2, SIZE_MAX);
    if (!str_starts(link, kind) || !str_starts(str_part(link, kind.len, SIZE_MAX), STR(":[")) || !number.len ||
        number.ptr[number.len - 1] != ']')
        return false;
    return str_to_u64(str_part(number, 0, number.len - 1), 10, inode);
}

bool
proc_parse_in_flight(struct str fdinfo, uint64_t *count)
{
    struct str line;
    struct str word;
    while (str_cut(&fdinfo, '\n', &line)) {
        if (str_word(&line, &word) && str_equal(word, STR("scm_fds:")))
            return str_word(&line, &word) && str_to_u64(word, 10, count);
    }
    return false;
}

bool
proc_ring_begin(struct str fdinfo, struct proc_ring *out)
{
    struct str line;
    struct str word;
    while (str_cut(&fdinfo, '\n', &line)) {
        if (!str_word(&line, &word) || !str_equal(word, STR("UserFiles:")))
            continue;
        *out = (struct proc_ring){.rest = fdinfo};
        return str_word(&line, &word) && str_to_u64(word, 10, &out->expected);
    }
    return false;
}

bool
proc_ring_next(struct proc_ring *ring, struct str *name)
{
    // "    0: socket:[99123]"; empty slots have no line, and older kernels print "<none>" for them.
    struct str line;
    struct str slot;
    uint64_t number;
    struct str before = ring->rest;
    if (!str_cut(&ring->rest, '\n', &line) || !str_word(&line, &slot) || !str_ends(slot, STR(":")) ||
        !str_to_u64(str_part(slot, 0, slot.len - 1), 10, &number) || number >= ring->expected) {
        ring->rest = before;
        return false;
    }
    *name = str_trim(line);
    return true;
}

bool
proc_ring_protocol(struct str name, enum protocol *out)
{
    // The name of the kernel's struct proto.
    static const struct {
        const char *name;
        enum protocol protocol;
    } names[] = {{"TCP", PROTOCOL_TCP},     {"TCPv6", PROTOCOL_TCP},        {"UDP", PROTOCOL_UDP},
                 {"UDPv6", PROTOCOL_UDP},   {"UDP-Lite", PROTOCOL_UDPLITE}, {"UDPLITEv6", PROTOCOL_UDPLITE},
                 {"MPTCP", PROTOCOL_MPTCP}, {"MPTCPv6", PROTOCOL_MPTCP}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_equal(name, str_of(names[i].name))) {
            *out = names[i].protocol;
            return true;
        }
    }
    return false;
}

bool
proc_parse_map(struct str line, struct str *name)
{
    // address, permissions, offset, device, inode, name
    struct str word;
    for (size_t i = 0; i < 5; i++) {
        if (!str_word(&line, &word))
            return false;
    }
    *name = str_trim(line);
    return true;
}

// "8:1"; in hexadecimal digits in one of the files.
static bool
parse_device(struct str text, unsigned base, uint32_t *major, uint32_t *minor)
{
    struct str head;
    uint64_t first;
    uint64_t second;
    if (!str_cut(&text, ':', &head) || !str_to_u64(head, base, &first) || !str_to_u64(text, base, &second) ||
        first > UINT32_MAX || second > UINT32_MAX)
        return false;
    *major = (uint32_t)first;
    *minor = (uint32_t)second;
    return true;
}

bool
proc_parse_lock(struct str line, struct proc_lock *out)
{
    // number: kind mode access pid major:minor:inode start end
    struct str fields[6];
    uint64_t pid;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!str_word(&line, &fields[i]))
            return false;
    }
    size_t colon = str_find_last_byte(fields[5], ':');
    if (colon == SIZE_MAX || !str_to_u64(fields[4], 10, &pid) || pid > UINT32_MAX ||
        !str_to_u64(str_part(fields[5], colon + 1, SIZE_MAX), 10, &out->inode) ||
        !parse_device(str_part(fields[5], 0, colon), 16, &out->major, &out->minor))
        return false;
    out->pid = (uint32_t)pid;
    return true;
}

bool
proc_parse_mount(struct str line, struct proc_mount *out)
{
    // id parent device root point options [optional fields] - type source options
    struct str fields[6];
    struct str word;
    *out = (struct proc_mount){0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!str_word(&line, &fields[i]))
            return false;
    }
    if (!str_to_u64(fields[0], 10, &out->id) || !str_to_u64(fields[1], 10, &out->parent) ||
        !parse_device(fields[2], 10, &out->major, &out->minor) || !str_starts(fields[4], STR("/")))
        return false;
    out->root = fields[3];
    out->point = fields[4];
    do {
        if (!str_word(&line, &word))
            return false;
    } while (!str_equal(word, STR("-")));
    // The source may be empty, so that two blanks stand together: fields are cut at single blanks from here on.
    line = str_part(line, 1, SIZE_MAX);
    return str_cut(&line, ' ', &out->type) && out->type.len && str_cut(&line, ' ', &word) &&
           str_cut(&line, ' ', &out->options);
}

// The byte at `*at` of an escaped mount point (\040), and moves `*at` behind it.
static char
next_byte(struct str point, size_t *at)
{
    uint64_t byte;
    if (point.ptr[*at] == '\\' && *at + 3 < point.len && str_to_u64(str_part(point, *at + 1, 3), 8, &byte) &&
        byte < 256) {
        *at += 4;
        return (char)(unsigned char)byte;
    }
    return point.ptr[(*at)++];
}

struct str
proc_mount_path(struct arena *arena, struct str escaped)
{
    char *path = arena_alloc(arena, escaped.len + 1);
    size_t length = 0;
    for (size_t at = 0; at < escaped.len;)
        path[length++] = next_byte(escaped, &at);
    return (struct str){path, length};
}

// How many bytes of `path` are the (escaped) mount point; SIZE_MAX if the path does not lie below it.
static size_t
covered(struct str point, struct str path)
{
    size_t at = 0;
    size_t used = 0;
    if (str_equal(point, STR("/")))
        return str_starts(path, STR("/")) ? 0 : SIZE_MAX;
    while (at < point.len) {
        if (used == path.len || next_byte(point, &at) != path.ptr[used])
            return SIZE_MAX;
        used++;
    }
    return used == path.len || path.ptr[used] == '/' ? used : SIZE_MAX;
}

// The mount on whose top the root of the file stands; what is listed must have it, or nothing can be told (a process that
// was put into a folder by chroot(2)).
static bool
find_root(struct str mountinfo, struct proc_mount *out)
{
    struct str line;
    struct proc_mount mount;
    bool found = false;
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount) || !str_equal(mount.point, STR("/")))
            continue;
        // Mounts may lie on one another here: the one below is the parent of the one above.
        if (!found || (mount.id == out->parent && mount.id != mount.parent))
            *out = mount;
        found = true;
    }
    return found;
}

// The first mount that somebody meets who walks down `path` from the top of `from`.
static bool
step_down(struct str mountinfo, struct str path, const struct proc_mount *from, struct proc_mount *out)
{
    struct str line;
    struct proc_mount mount;
    size_t nearest = SIZE_MAX;
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount) || mount.parent != from->id || mount.id == from->id)
            continue;
        size_t length = covered(mount.point, path);
        if (length < nearest) {
            nearest = length;
            *out = mount;
        }
    }
    return nearest != SIZE_MAX;
}

bool
proc_find_mount(struct str mountinfo, struct str path, struct proc_mount *out)
{
    struct proc_mount mount;
    struct proc_mount next;
    if (!str_starts(path, STR("/")) || !find_root(mountinfo, &mount))
        return false;
    // The text may be forged in a test or torn while it was read: parents that go in a circle must not hold us.
    for (size_t i = 0; i < MAX_MOUNTS_ON_A_PATH; i++) {
        if (!step_down(mountinfo, path, &mount, &next)) {
            *out = mount;
            return true;
        }
        mount = next;
    }
    return false;
}

size_t
proc_mount_depth(const struct proc_mount *mount, struct str path)
{
    size_t start = covered(mount->point, path);
    struct str rest = str_part(path, start, SIZE_MAX);
    struct str step;
    size_t depth = 0;
    while (str_cut(&rest, '/', &step))
        depth += step.len > 0;
    return depth;
}

bool
proc_mount_is_local(struct str type)
{
    static const struct str local[] = {
        STR_INIT("ext4"),  STR_INIT("xfs"),      STR_INIT("btrfs"),   STR_INIT("overlay"),  STR_INIT("tmpfs"),
        STR_INIT("ramfs"), STR_INIT("rootfs"),   STR_INIT("ext3"),    STR_INIT("ext2"),     STR_INIT("zfs"),
        STR_INIT("f2fs"),  STR_INIT("bcachefs"), STR_INIT("vfat"),    STR_INIT("exfat"),    STR_INIT("ntfs3"),
        STR_INIT("jfs"),   STR_INIT("reiserfs"), STR_INIT("nilfs2"),  STR_INIT("squashfs"), STR_INIT("erofs"),
        STR_INIT("udf"),   STR_INIT("iso9660"),  STR_INIT("hfsplus"), STR_INIT("ubifs"),
    };
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        if (str_equal(type, local[i]))
            return true;
    }
    return false;
}
