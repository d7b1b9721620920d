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

// The living ones below this process. One reading takes its time: what makes new ones faster may be missed.
void
tree_read(struct tree *out);

// Whether nothing at all is below this process; certain, for a subreaper: whatever lives below it has a child of it above itself.
// Children that have ended and were not waited for count as well.
bool
tree_is_empty(void);

// Sends a signal to each of them; to those of the process group `group` not (0: to all). How many it could not be sent to.
size_t
tree_signal(const struct tree *tree, int number, pid_t group);

// Ends all below this process by force, however fast they make new ones, and waits until they are gone; `cgroup` (NULL = none)
// is a folder whose processes are ended as a whole. `reap` takes notice of children that have ended. Gives how many were ended,
// as far as they were seen, and in `stubborn` how many could not be.
size_t
tree_end(const char *cgroup, void (*reap)(void *data), void *data, size_t *stubborn);

#endif
