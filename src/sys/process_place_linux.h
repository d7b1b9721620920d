#ifndef MOORAGE_SYS_PROCESS_PLACE_LINUX_H
#define MOORAGE_SYS_PROCESS_PLACE_LINUX_H

// Files of one process under /proc, and the files that its paths lead to, opened so that nothing waits and nothing changes.
// The folder /proc/PID is held open: what is read through it is of one and the same process, or fails once that is gone,
// even if the number is given to another process meanwhile. Linux only; part of sys/process.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"
#include "decode/proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_place {
    int folder;        // /proc/PID, or /proc/PID/task/TID where the first thread has ended
    bool ended;        // no thread runs any more
    struct str mounts; // its mountinfo
    struct str root;   // its root folder as this program sees it
    enum known known;  // whether these two could be read
    bool same_root;    // its root folder is the one of this program, in the same mount namespace
};

// What an errno of a look at a process means.
enum known
process_place_known(int error);

// A file below `folder`, at most `limit` bytes of it; a longer one is cut. On failure `error` has the errno. Only for files of
// /proc and for regular files that were opened before.
bool
process_place_read(struct arena *arena, int folder, const char *name, size_t limit, struct str *out, int *error);

// What the link `name` below `folder` says, without following it.
bool
process_place_link(struct arena *arena, int folder, const char *name, struct str *out, int *error);

// The folder of a thread of the process whose folder this is that still runs; -1 if there is none.
int
process_place_open_thread(struct arena *arena, int folder);

// Reads what is needed to judge the paths of the process whose folder is open in place->folder.
void
process_place_begin(struct arena *arena, struct process_place *place);

// Whether `path` (as a link of the process said it) lies on a file system of this machine, judged by text alone, and where.
// `inside` gets the path as the process itself sees it.
bool
process_place_is_local(const struct process_place *place, struct str path, struct proc_mount *mount,
                       struct str *inside);

// Opens a path by openat2(2) as a mere place (O_PATH): neither a FIFO nor a device is touched. Symbolic links are refused, and
// with `stay` other mounts too. -1 and errno; ENOSYS before Linux 5.6.
int
process_place_open(int folder, const char *path, bool stay);

// The content of a small regular file that was opened by process_place_open(); KNOWN_UNSUPPORTED for anything else.
enum known
process_place_content(struct arena *arena, int fd, size_t limit, struct str *out);

#endif
