#include "core/report_lease.h"

static void
add_time(struct arena *arena, cJSON *object, const char *key, int64_t ms)
{
    json_add_str_or_null(arena, object, key, ms ? report_time(arena, ms) : (struct str){0});
}

void
report_add_lease(struct arena *arena, cJSON *object, const struct lease *lease, const struct report_privacy *privacy)
{
    bool share = privacy->share;

    json_add_str(arena, object, "protocol", host_protocol_name(lease->protocol));
    json_add_int(object, "port", lease->port);
    json_add_str_or_null(arena, object, "name", lease->name);
    json_add_str_or_null(arena, object, "project", share ? (struct str){0} : lease->project);
    json_add_str_or_null(arena, object, "user", share ? (struct str){0} : lease->user);
    json_add_int(object, "uid", lease->owner);
    json_add_bool(object, "own", lease->own);
    json_add_bool(object, "lasting", lease->lasting);
    if (lease->pid) {
        json_add_int(object, "pid", lease->pid);
        json_add_u64(arena, object, "process_start", lease->started);
    } else {
        json_add_null(object, "pid");
        json_add_null(object, "process_start");
    }
    json_add_str_or_null(arena, object, "boot", lease->boot);
    add_time(arena, object, "taken", lease->taken_ms);
    add_time(arena, object, "ends", lease->ends_ms);
    json_add_str_or_null(arena, object, "token", lease->own && !share ? lease->token : (struct str){0});
    json_add_u64(arena, object, "fence", lease->fence);
    json_add_bool(object, "damaged", lease->damaged);
}
