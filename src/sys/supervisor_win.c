#include "sys/supervisor.h"

static bool
refuse(const struct supervisor_entry *entry, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, 0, "%.*s can't be asked on this system", STR_ARG(entry->of));
}

bool
supervisor_read(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, unsigned deadline_ms,
                struct supervisor_state *out, struct err *err)
{
    (void)arena;
    (void)uid;
    (void)deadline_ms;
    *out = (struct supervisor_state){0};
    return refuse(entry, err);
}

bool
supervisor_order(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, bool start,
                 unsigned deadline_ms, struct err *err)
{
    (void)arena;
    (void)uid;
    (void)start;
    (void)deadline_ms;
    return refuse(entry, err);
}
