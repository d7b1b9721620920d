#ifndef MOORAGE_DECODE_PROC_H
#define MOORAGE_DECODE_PROC_H

// The text files under /proc that tell about processes. Every process can choose parts of them (its name, its command line,
// names of files), so nothing is taken from a place that such text could move.
// Only Linux has these. Sources: the proc_pid_*(5) manual pages, fs/proc/ of the kernel.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Bits of proc_stat.flags (include/linux/sched.h).
#define PROC_FLAG_FORKNOEXEC 0x00000040u
#define PROC_FLAG_KTHREAD 0x00200000u

struct proc_stat {
    uint32_t pid;
    struct str name; // the bytes between the first "(" and the last ")"
    char state;      // a letter (task_state_array in fs/proc/array.c)
    uint32_t ppid;
    uint32_t pgid; // 0 = unknown (the kernel says -1 for a process that is ending)
    uint32_t sid;  // the same
    uint32_t tty;  // device number of the controlling terminal, 0 = none
    uint32_t flags;
    uint32_t threads;
    uint64_t start_ticks; // clock ticks since the system started
};

// /proc/PID/stat; `name` is a view into `text`.
bool
proc_parse_stat(struct str text, struct proc_stat *out);

// Whether the process or thread ended and only waits to be taken notice of. A process may have living threads even so.
bool
proc_has_ended(const struct proc_stat *stat);

// The effective user id out of /proc/PID/status.
bool
proc_parse_uid(struct str text, uint32_t *uid);

// Out of /proc/TID/status: the process that the thread belongs to, and what it may do (capabilities(7), bit 1 << number).
struct proc_status {
    uint32_t tgid;
    uint32_t uid; // effective
    uint64_t capabilities;
};

bool
proc_parse_status(struct str text, struct proc_status *out);

// Whether the process of this /proc/PID/status lives in a pid namespace within the one whose /proc this is: then it has a
// number in each from there on (NSpid, proc_pid_status(5)).
bool
proc_has_inner_numbers(struct str text);

// /proc/PID/cmdline as separate arguments, views into `text`. A process that wrote its own title there
// (setproctitle(3bsd)) gives one argument; the filler that this leaves behind it is dropped.
void
proc_split_command(struct arena *arena, struct str text, struct str_list *out);

// The terminal with this device number as it is named under /dev: "pts/3", "tty1", "ttyS0", "console"; "MAJOR:MINOR" for
// others; empty for 0. Numbers: Documentation/admin-guide/devices.txt of the kernel.
struct str
proc_tty_name(struct arena *arena, uint32_t device);

// When the system started, in seconds since 1970 UTC, out of /proc/stat.
bool
proc_parse_boot_time(struct str text, int64_t *seconds);

// How many threads the system has, out of /proc/loadavg ("0.20 0.18 0.12 1/80 11206").
bool
proc_parse_threads(struct str text, uint64_t *count);

// The number in a link such as "socket:[99123]" or "net:[4026531840]", when `kind` ("socket") stands before it.
bool
proc_parse_link(struct str link, struct str kind, uint64_t *inode);

// How many descriptors wait in a unix socket, out of its fdinfo ("scm_fds: 1"); false when it does not say.
bool
proc_parse_in_flight(struct str fdinfo, uint64_t *count);

// The registered files of an io_uring, out of its fdinfo.
struct proc_ring {
    struct str rest;   // lines not looked at yet
    uint64_t expected; // number of slots
};

// False when the text has no "UserFiles:" line: the ring is busy, or the kernel does not tell.
bool
proc_ring_begin(struct str fdinfo, struct proc_ring *out);

// The name of the next registered file ("socket:[99123]"), empty on kernels that can't tell it; false after the last one.
bool
proc_ring_next(struct proc_ring *ring, struct str *name);

// Whether the name is all that older kernels (6.12 is one) tell of a registered socket: its protocol ("TCPv6").
bool
proc_ring_protocol(struct str name, enum protocol *out);

// One line of /proc/PID/maps: what is mapped; empty for memory without a name. False for what is no such line.
bool
proc_parse_map(struct str line, struct str *name);

// One line of /proc/locks: a lock that somebody has.
struct proc_lock {
    uint32_t pid;
    uint32_t major;
    uint32_t minor;
    uint64_t inode;
};

// False for those who wait ("->") and for what is no such line.
bool
proc_parse_lock(struct str line, struct proc_lock *out);

// One line of /proc/PID/mountinfo.
struct proc_mount {
    uint64_t id;
    uint64_t parent; // id of the mount that it lies on
    uint32_t major;
    uint32_t minor;
    struct str root;    // what of the file system is mounted; escaped like `point`
    struct str point;   // as in the file: blanks and the like are escaped as \040
    struct str type;    // "ext4", "fuse.sshfs"
    struct str options; // of the super block
};

bool
proc_parse_mount(struct str line, struct proc_mount *out);

// A path of that file as it is. The kernel writes blank, tab, line end and backslash as \\ooo (mangle() in
// fs/proc_namespace.c).
struct str
proc_mount_path(struct arena *arena, struct str escaped);

// The mount on which an absolute path lies, by text alone: no symbolic link is followed and nothing is touched. Mounts are
// followed from the root as a walk along the path would meet them, so that hidden ones don't count. False when there is no
// mount at "/".
bool
proc_find_mount(struct str mountinfo, struct str path, struct proc_mount *out);

// How many steps up from `path` (on `mount`) one may go before leaving the mount.
size_t
proc_mount_depth(const struct proc_mount *mount, struct str path);

// Whether files of this type live on this machine, so that reading one can't wait for a network or for another program.
// A list of the known local ones: what is not on it (nfs, cifs, fuse, 9p, autofs and all that will come) is not local.
bool
proc_mount_is_local(struct str type);

#endif
