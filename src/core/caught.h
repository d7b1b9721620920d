#ifndef MOORAGE_CORE_CAUGHT_H
#define MOORAGE_CORE_CAUGHT_H

// The binds of one command, put together for telling: the same one tried again and again stands once, and each that fails is
// explained once. The systems do not differ.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "core/endpoint.h"
#include "sys/bind_catch.h"
#include "sys/bind_probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAUGHT_EXPLAINED_MOST = 16, // different binds that fail; what more there are is counted
    CAUGHT_KEPT_MOST = 256,     // different binds in all
};

// One bind, however often it was tried.
struct caught_bind {
    struct bind_try bind; // as it was tried first, with the outcome that it had last
    size_t times;
    bool listens;   // the same socket listens
    bool explained; // somebody asked why while it waited
    size_t asked;   // explained: which of the explanations it is
};

struct caught {
    struct arena *arena;
    size_t explained;
    size_t dropped; // binds that are not kept
    LIST_OF(struct caught_bind);
};

// A bind that waits and will fail: whether it is to be explained now; then that is the next explanation. An endpoint and the
// way of binding are filled for that.
bool
caught_wants(struct caught *caught, const struct bind_try *bind, struct endpoint *endpoint, enum bind_mode *mode);

// A bind that worked or failed.
void
caught_note(struct caught *caught, const struct bind_try *bind);

// Who of the command bound the same port before and has it still, as far as that was seen; NULL = nobody.
const struct bind_try *
caught_own(const struct caught *caught, const struct bind_try *failed);

// How many different binds failed.
size_t
caught_failures(const struct caught *caught);

// "SO_REUSEADDR, IPv6 only"; empty for none.
struct str
caught_options(struct arena *arena, const struct bind_try *bind);

#endif
