#ifndef MOORAGE_SYS_TREE_LINUX_H
#define MOORAGE_SYS_TREE_LINUX_H

// All processes below this one, and their end. Linux only. Works for a subreaper, below which everything stays that was once
// started below it: when nothing is below it any more, everything has ended.
// Invariants: each process is pinned by a pidfd, and then seen again to be below us, before it gets a signal.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TREE_MOST = 4096, // looked at in one go; more come in the next
};

struct tree {
    size_t count;
    pid_t pids[TREE_MOST];
};

// The living ones below this process, but for the children `spared` (0 = none) and what is below those.
void
tree_read(struct tree *out, const pid_t *spared, size_t spared_count);

// Sends a signal to each of them; to those of the process group `group` not (0: to all). How many it could not be sent to.
size_t
tree_signal(const struct tree *tree, int number, pid_t group);

// Ends all below this process by force, however fast they make new ones, and waits until they are gone; `cgroup` (NULL = none)
// is a folder whose processes are ended as a whole first. `reap` takes notice of children that have ended. Gives how many
// were ended, and in `stubborn` how many could not be.
size_t
tree_end(const char *cgroup, const pid_t *spared, size_t spared_count, void (*reap)(void *data), void *data,
         size_t *stubborn);

#endif
