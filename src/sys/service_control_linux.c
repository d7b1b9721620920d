#include "sys/service_control.h"

#include <errno.h>
#include <string.h>

#include "sys/sd_bus_linux.h"
#include "sys/service_link_linux.h"

// StopUnit(in s name, in s mode, out o job): "replace" takes back a job that contradicts this one, as systemctl does.
static bool
order(struct arena *arena, bool user_manager, uint32_t uid, const char *member, struct str unit, unsigned deadline_ms,
      struct err *err)
{
    struct sd_bus_link link;
    struct sd_bus_message *call = NULL;
    struct sd_bus_message *reply = NULL;
    bool good = false;
    if (!service_link_open(arena, user_manager, uid, deadline_ms, &link, err) ||
        !sd_bus_link_prepare(&link, SERVICE_LINK_PATH, SERVICE_LINK_MANAGER, member, &call, err))
        goto out;
    if (link.calls->append(call, 's', str_c(arena, unit)) < 0 || link.calls->append(call, 's', "replace") < 0) {
        link.calls->unref(call);
        err_set(err, ERR_GONE, 0, "%.*s can't be the name of a unit", STR_ARG(unit));
        goto out;
    }
    good = sd_bus_link_call(&link, call, &reply, err);
    if (good)
        link.calls->unref(reply);
out:
    sd_bus_link_close(&link);
    return good;
}

bool
service_control_stop(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                     struct err *err)
{
    return order(arena, user_manager, uid, "StopUnit", unit, deadline_ms, err) ||
           err_prefix(err, "stop %.*s", STR_ARG(unit));
}

bool
service_control_start(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                      struct err *err)
{
    return order(arena, user_manager, uid, "StartUnit", unit, deadline_ms, err) ||
           err_prefix(err, "start %.*s", STR_ARG(unit));
}

bool
service_control_progress(struct str unit, unsigned deadline_ms, struct service_progress *out)
{
    (void)unit;
    (void)deadline_ms;
    *out = (struct service_progress){.pending = false};
    return false;
}
