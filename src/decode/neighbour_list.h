#ifndef MOORAGE_DECODE_NEIGHBOUR_LIST_H
#define MOORAGE_DECODE_NEIGHBOUR_LIST_H

// Who listens on the other system that shares this one's ports (Windows and the Linux distributions of its WSL), as a
// program over there printed it: `moorage list --json`, or a small shell script where moorage is not installed.
// Invariant: the text is hostile, as any text from another system: nothing of it is followed or run.
// The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>

// The script that tells who listens in a Linux distribution, for `sh -c`. It needs /proc, cat, ls and tr (busybox has
// them), and it runs moorage instead where that is installed. It reads and changes nothing.
struct str
neighbour_list_script(void);

// Appends what was printed to host->neighbour_ports. `system` names the other side. Two distributions of WSL 2 share their
// ports, and each knows only its own programs: a port that is there already without its program gets it, and one whose
// program nobody has seen stands for WSL as a whole. ERR_FORMAT for what is neither document nor answer of the script.
bool
neighbour_list_parse(struct arena *arena, struct str text, struct str system, struct host *host, struct err *err);

#endif
