#ifndef MOORAGE_SYS_NEIGHBOUR_H
#define MOORAGE_SYS_NEIGHBOUR_H

// Another system on the same machine that shares this one's ports: Windows and the Linux distributions of its WSL.
// Invariant: only what already runs is asked (no distribution is started); everything ends by the deadline.
// How the systems differ: a Linux in WSL asks Windows by way of moorage.exe, which WSL runs as if it were a program of its
// own; Windows asks the running distributions by wsl.exe. Elsewhere there is no neighbour: ERR_UNSUPPORTED.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>

// Fills host->wsl and host->wsl_networking; both stay empty where there is no WSL. Cheap: reads files and the environment.
void
neighbour_identify(struct arena *arena, struct host *host);

// Appends to host->neighbour_ports who listens over there, on any port, and sets host->neighbours_known.
bool
neighbour_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err);

#endif
