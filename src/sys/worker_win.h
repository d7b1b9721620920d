#ifndef MOORAGE_SYS_WORKER_WIN_H
#define MOORAGE_SYS_WORKER_WIN_H

// A call that may never come back, on a thread of its own: a query of a pipe that somebody reads from, a file of a drive
// that went away. Such a thread can't be ended safely; it is left behind. Windows only.

#include <stdbool.h>

// Runs `run(data)` on another thread. NULL where there can be no thread.
void *
worker_start(void (*run)(void *data), void *data);

// Whether it ended within this time; then the worker is given back. If not, `data` stays in use.
bool
worker_wait(void *worker, unsigned milliseconds);

// Gives back what can be of one that was waited for in vain: from now on nobody waits for it, and it may go on for ever.
void
worker_leave(void *worker);

#endif
