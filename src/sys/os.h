#ifndef MOORAGE_SYS_OS_H
#define MOORAGE_SYS_OS_H

// What system this is, and what can be seen here.

#include "base/arena.h"
#include "decode/host.h"

// Fills platform, system, name, id, boot_id, time, uid and admin of the host. What can't be told stays empty.
void
os_identify(struct arena *arena, struct host *host);

// Appends to host->abilities what this program can see here as it runs now, and what would help where it can't: one entry
// for each of sockets, holders, namespaces, redirects, services, containers, probe; on Windows http too; and neighbour where
// Windows and Linux share this machine's ports (sys/neighbour.h). Tries, rather than guesses.
void
os_read_abilities(struct arena *arena, struct host *host);

#endif
