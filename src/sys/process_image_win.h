#ifndef MOORAGE_SYS_PROCESS_IMAGE_WIN_H
#define MOORAGE_SYS_PROCESS_IMAGE_WIN_H

// What a program file says of itself (version resource) and what the system says of its signature, without asking any
// network: neither lists of revoked certificates nor certificates that are missing are fetched. Part of sys/process. Windows
// only; one thread uses it.

#include "base/arena.h"
#include "decode/host.h"

// Fills out->company, product, signer and signature from out->exe. A file is read once in a run, and for two seconds at most.
void
process_image_read(struct arena *arena, struct process *out);

#endif
