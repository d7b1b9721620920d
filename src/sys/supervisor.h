#ifndef MOORAGE_SYS_SUPERVISOR_H
#define MOORAGE_SYS_SUPERVISOR_H

// Questions and orders to a supervisor of many programs (supervisord, pm2) about one of its entries, over its own interface,
// never by running a program.
// Invariants: a call ends by its deadline; an order that was given stays given, and what became of it supervisor_read tells.
// Nothing is said to a unix socket on which another user listens than root or the one who is expected there.
// How the systems differ: Linux speaks over unix sockets and the loopback address; Windows has none of them.

#include "base/arena.h"
#include "base/err.h"
#include "decode/supervisor.h"

#include <stdbool.h>
#include <stdint.h>

// How the entry stands; `uid` is whose the supervisor is. ERR_GONE when nobody listens or the entry is not known,
// ERR_NOT_ALLOWED, ERR_TIMEOUT, ERR_UNSUPPORTED, ERR_SYSTEM with its words.
bool
supervisor_read(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, unsigned deadline_ms,
                struct supervisor_state *out, struct err *err);

// Starts or stops it. After ERR_TIMEOUT the order may have been taken.
bool
supervisor_order(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, bool start,
                 unsigned deadline_ms, struct err *err);

#endif
