#include "sys/range_act.h"

#include "base/list.h"
#include "sys/fake_host.h"

// What was set since the host was loaded; what was not is as the host's ranges say, which the caller knows.

static struct {
    struct arena *arena;
    unsigned loads; // of the fake host that the values belong to
    struct {
        LIST_OF(struct range_act);
    } done;
} fake;

static void
begin(void)
{
    if (!fake.arena)
        fake.arena = arena_open();
    if (fake.loads != fake_host_load_count())
        fake.done.count = 0;
    fake.loads = fake_host_load_count();
}

struct str
range_act_folder(struct arena *arena)
{
    (void)arena;
    return str_equal(fake_host()->platform, STR("windows")) ? (struct str){0} : STR("/etc/sysctl.d");
}

bool
range_act_read(struct arena *arena, struct str target, struct str *out, struct err *err)
{
    const char *value = fake_host_variable(str_c(arena, target));

    *out = str_of(value);
    if (!fake_host_call("range_act_read", err))
        return false;
    begin();
    for (size_t i = 0; i < fake.done.count; i++)
        if (str_equal(fake.done.items[i].target, target))
            *out = str_trim(str_copy(arena, fake.done.items[i].after));
    return true;
}

bool
range_act_do(struct arena *arena, const struct range_act *act, struct err *err)
{
    struct str now;

    if (!fake_host_call("range_act_do", err) || !range_act_read(arena, act->target, &now, err))
        return false;
    if (!str_equal(act->target, STR("netsh")) && !str_equal(now, str_trim(act->before)))
        return err_set(err, ERR_GONE, 0, "set %.*s: somebody else has changed it meanwhile", STR_ARG(act->target));
    *LIST_ADD(fake.arena, &fake.done) =
        (struct range_act){str_copy(fake.arena, act->target), (struct str){0}, str_copy(fake.arena, act->after)};
    fake_host_act(str_printf(fake.arena, "set %.*s %.*s", STR_ARG(act->target), STR_ARG(act->after)));
    return true;
}
