#ifndef MOORAGE_CMD_RANGE_SHOW_H
#define MOORAGE_CMD_RANGE_SHOW_H

// The port ranges of this machine for people and as JSON. Pure: made of a reading alone. The systems do not differ.

#include "base/json.h"
#include "cmd/command.h"
#include "core/range_use.h"
#include "decode/host.h"

#include <stddef.h>
#include <stdint.h>

// What is shown.
struct range_view {
    const struct host *host;
    struct range_uses uses;
    const size_t *inside; // sockets that serve inside a dynamic range
    size_t inside_count;
};

void
range_show_text(struct command_run *run, const struct range_view *view);

// The members "ranges", "dynamic" and "inside" of moorage.range/1.
void
range_show_json(struct command_run *run, const struct range_view *view, cJSON *document);

#endif
