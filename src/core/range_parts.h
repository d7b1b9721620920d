#ifndef MOORAGE_CORE_RANGE_PARTS_H
#define MOORAGE_CORE_RANGE_PARTS_H

// What the files range.c and range_back.c share. Not for others. The systems differ as in core/range.h.

#include "core/range.h"

#define RANGE_TARGET_RESERVED "net.ipv4.ip_local_reserved_ports"
#define RANGE_TARGET_DYNAMIC "net.ipv4.ip_local_port_range"
#define RANGE_TARGET_NETSH "netsh"

// A step for a setting of the running system, for the file that sets it at the next start, and for words of netsh, which have
// no undo yet.
struct plan_step *
range_add_setting(struct plan *plan, struct str name, struct str before, struct str after);
struct plan_step *
range_add_file(struct plan *plan, struct str path, struct str before, struct str after);
struct plan_step *
range_add_words(struct plan *plan, struct str words, struct str sentence);

void
range_refuse(struct plan *plan, struct str sentence);

// Refuses a dynamic range that would give the ports of programs that serve now to clients.
void
range_refuse_servers(struct plan *plan, const struct host *host, struct range_span span);

// Whether the setting means already what is to stand there: a list may be written in several ways. Not for words.
bool
range_is_so(struct arena *arena, const struct range_act *setting);

#endif
