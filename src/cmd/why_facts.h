#ifndef MOORAGE_CMD_WHY_FACTS_H
#define MOORAGE_CMD_WHY_FACTS_H

// The evidence about the program that has a port, as lines of an answer: command, product, start, service, container.
// Pure: made of the answer alone. The systems differ in what they tell of a program.

#include "base/arena.h"
#include "base/str.h"
#include "cmd/sheet.h"
#include "cmd/why_text.h"
#include "core/why.h"
#include "decode/host.h"

// The lines about the first holder of the cause, or about the program behind it, and the names of the others.
void
why_facts_add(const struct why_view *view, const struct cause *cause, struct sheet *sheet);

#endif
