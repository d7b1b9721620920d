#ifndef MOORAGE_CMD_WHY_TEXT_H
#define MOORAGE_CMD_WHY_TEXT_H

// The answer to "why can't I bind this port" for people: the verdict first, then the evidence, then what to do. Pure: made
// of the answer alone. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "cmd/sheet.h"
#include "core/report.h"
#include "core/why.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

struct why_view {
    struct arena *arena;
    const struct host *host;
    const struct report_privacy *privacy;
    size_t width; // 0: unlimited
    bool colour;
};

// The verdict's line and all that belongs to it.
void
why_text_answer(const struct why_view *view, const struct answer *answer, struct buf *out);

// The verdict's line, and in `sheet` the evidence of what blocks, without what could be done about it.
void
why_text_evidence(const struct why_view *view, const struct answer *answer, struct buf *out, struct sheet *sheet);

// "free", "taken", "reserved", "not allowed", "not local", "unknown"
struct str
why_text_verdict(const struct answer *answer);

// Who or what keeps the port: "node (pid 41233)"; of a free one what is worth telling, mostly nothing. Safe to print.
struct str
why_text_who(const struct why_view *view, const struct answer *answer);

// Whether the answer has something to tell besides its verdict, the port's range and missing rights: who has it, a
// redirect, another one who shares it, a bind that works only with SO_REUSEADDR.
bool
why_text_is_remarkable(const struct answer *answer);

#endif
