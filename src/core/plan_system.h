#ifndef MOORAGE_CORE_PLAN_SYSTEM_H
#define MOORAGE_CORE_PLAN_SYSTEM_H

// The levers that are the system's own and need a word, --allow system: who is behind its HTTP server, rules that listen for
// somebody else, ranges that are kept from everybody. Part of the making of a plan (core/plan_parts.h), and what is looked at
// again right before such a step is done.
// How the systems differ: only Windows has causes of these kinds.

#include "core/plan_parts.h"

// Each adds the steps that end the cause, and what speaks against them. False where there are none: nobody can be told, or
// what has the port is not to be taken away.
bool
plan_http(struct plan_maker *maker);
bool
plan_portproxy(struct plan_maker *maker);
bool
plan_excluded_range(struct plan_maker *maker);

// Whether this process serves the port by way of the system's HTTP server now.
bool
plan_serves_http(struct arena *arena, uint32_t pid, uint16_t port);

// Whether what a SYSTEM step takes away (setting->before names it) is there, as it was.
enum tri
plan_setting_is_there(struct arena *arena, const struct range_act *setting);

#endif
