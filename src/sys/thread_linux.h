#ifndef MOORAGE_SYS_THREAD_LINUX_H
#define MOORAGE_SYS_THREAD_LINUX_H

// Threads beside the main one, to which all signals stay. Linux only.

#include <pthread.h>

// pthread_create(3) with every signal blocked in the new thread: a handler may count on interrupting who waits for it. Gives
// its error number.
int
thread_start(pthread_t *out, void *(*run)(void *), void *argument);

#endif
