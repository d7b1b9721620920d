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

// The number behind a word of the line: "startport=8072".
static uint64_t
number_of(struct str line, struct str word)
{
    size_t at = str_find(line, word);
    struct str rest = str_part(line, at == SIZE_MAX ? line.len : at + word.len, SIZE_MAX);
    struct str number;
    uint64_t value = 0;

    return str_word(&rest, &number) && str_to_u64(number, 10, &value) ? value : 0;
}

// What netsh deletes is in no later reading; what it adds comes by the script.
static void
delete_named(struct str line)
{
    struct host *host = fake_host_edit();
    uint64_t listen = number_of(line, STR("listenport="));
    uint64_t first = number_of(line, STR("startport="));
    enum family family = str_find(line, STR("ipv6")) != SIZE_MAX ? FAMILY_IPV6 : FAMILY_IPV4;
    size_t kept = 0;

    if (str_find(line, STR(" delete ")) == SIZE_MAX)
        return;
    for (size_t i = 0; i < host->redirects.count; i++)
        if (host->redirects.items[i].first != listen)
            host->redirects.items[kept++] = host->redirects.items[i];
    host->redirects.count = kept;
    kept = 0;
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (range->kind != RANGE_EXCLUDED || range->first != first || range->family != family)
            host->ranges.items[kept++] = *range;
    }
    host->ranges.count = kept;
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
    if (str_equal(act->target, STR("netsh")))
        delete_named(act->after);
    fake_host_act(str_printf(fake.arena, "set %.*s %.*s", STR_ARG(act->target), STR_ARG(act->after)));
    return true;
}
