#ifndef MOORAGE_SYS_NEIGHBOUR_LINUX_H
#define MOORAGE_SYS_NEIGHBOUR_LINUX_H

// For tests of sys/neighbour on a Linux that is in no WSL. Linux only.

// /proc, /run and /usr are looked for below this folder from now on; "" ends it.
void
neighbour_use_root(const char *folder);

#endif
