#ifndef MOORAGE_SYS_LATE_CLOSE_LINUX_H
#define MOORAGE_SYS_LATE_CLOSE_LINUX_H

// File descriptors that are dear to close, closed by the kernel in its own time. Linux only.
// A program that leaves a tracepoint has every processor stopped for that: the process that closes it, also by ending,
// waits for half a millisecond and more. What an io_uring(7) has registered is closed after the ring by a worker of the kernel.

// Takes the descriptor, and gives one to be closed in its place, which takes it along: a ring's, or the same where rings
// are not allowed.
int
late_close(int fd);

#endif
