#ifndef MOORAGE_SYS_SID_WIN_H
#define MOORAGE_SYS_SID_WIN_H

// Security identifiers (SIDs), which Windows has where others have user numbers, as numbers that stand for them within one
// run: 0 is the system itself, below 1000 are its own accounts (services, window managers), from 1000 on are people's.
// The same SID gets the same number in each run, but for the rare case that two share one. Windows only.
// A name is never asked for over a network: that of an account of another machine is known only of who is logged on here.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// The number of a SID (PSID).
uint32_t
sid_number(void *sid);

// The number of the user that a token (HANDLE) is of, and what the logon session of the token tells of a name, for sid_name().
bool
sid_of_token(void *token, uint32_t *number);

// The name of the account with this number, without its domain; the SID as text ("S-1-5-21-...") where it has no name that
// can be told here; the number where no SID got it.
struct str
sid_name(struct arena *arena, uint32_t number);

// The number of the account of this machine that has this name.
bool
sid_find(struct arena *arena, struct str name, uint32_t *number);

#endif
