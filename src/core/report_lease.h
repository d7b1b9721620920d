#ifndef MOORAGE_CORE_REPORT_LEASE_H
#define MOORAGE_CORE_REPORT_LEASE_H

// Leases as JSON shows them: in moorage.lease/1, moorage.pick/1, moorage.why/1 and others. The systems do not differ.

#include "base/arena.h"
#include "base/json.h"
#include "core/report.h"
#include "decode/host.h"

// The fields of a lease, added to `object`. The token is shown only of one's own.
void
report_add_lease(struct arena *arena, cJSON *object, const struct lease *lease, const struct report_privacy *privacy);

#endif
