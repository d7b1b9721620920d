#ifndef MOORAGE_CORE_REPORT_PARTS_H
#define MOORAGE_CORE_REPORT_PARTS_H

// What the files report*.c share. Not for others. The systems do not differ.

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "core/report.h"
#include "decode/host.h"

// The members of a container.
void
report_add_container_facts(struct arena *arena, cJSON *object, const struct container *container);

#endif
