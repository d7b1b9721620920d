#ifndef MOORAGE_CMD_WHY_LINES_H
#define MOORAGE_CMD_WHY_LINES_H

// The answers to one or many questions, for people: one port in full; many ports a line each, details of the taken
// ones, and a count. On a terminal many are told in short. Pure. The systems do not differ.

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "cmd/why_text.h"
#include "core/why.h"

#include <stdbool.h>
#include <stddef.h>

// One answer, or why there is none.
struct why_outcome {
    struct answer answer; // valid unless `failed`
    bool failed;
    struct err err;
    bool beside;  // UDP of a bare number: TCP decides
    size_t asked; // which of the questions it belongs to: ports of different ranges never share a line
};

// In the order of the questions; ports upwards within each, TCP before UDP.
struct why_outcomes {
    LIST_OF(struct why_outcome);
    size_t ports; // how many were asked for
};

void
why_lines_print(const struct why_view *view, const struct why_outcomes *outcomes, struct buf *out);

#endif
