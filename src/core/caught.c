#include "core/caught.h"

#include "base/buf.h"
#include "sys/net.h"

static bool
is_same(const struct bind_try *a, const struct bind_try *b)
{
    return a->protocol == b->protocol && a->port == b->port && address_equal(a->address, b->address) &&
           a->v6only == b->v6only && a->reuse_addr == b->reuse_addr && a->reuse_port == b->reuse_port &&
           a->device == b->device && a->elsewhere == b->elsewhere && a->is_listen == b->is_listen;
}

// Those that fail stand once, whoever tries; those that work stand once for each program.
static struct caught_bind *
find(struct caught *caught, const struct bind_try *bind, bool fails)
{
    for (size_t i = 0; i < caught->count; i++) {
        struct caught_bind *known = &caught->items[i];
        bool failed = known->bind.outcome != BIND_WORKED;
        if (failed == fails && is_same(&known->bind, bind) &&
            (fails || (known->bind.pid == bind->pid && known->bind.got == bind->got)))
            return known;
    }
    return NULL;
}

static struct caught_bind *
add(struct caught *caught, const struct bind_try *bind)
{
    if (caught->count >= CAUGHT_KEPT_MOST) {
        caught->dropped++;
        return NULL;
    }
    struct caught_bind *made = LIST_ADD(caught->arena, caught);
    made->bind = *bind;
    return made;
}

// The bind behind which the listen stands, if that was seen.
static struct caught_bind *
find_bind_of(struct caught *caught, const struct bind_try *listen)
{
    for (size_t i = 0; i < caught->count; i++) {
        struct caught_bind *known = &caught->items[i];
        if (known->bind.outcome == BIND_WORKED && known->bind.pid == listen->pid &&
            known->bind.protocol == listen->protocol && known->bind.got == listen->port &&
            address_equal(known->bind.address, listen->address))
            return known;
    }
    return NULL;
}

bool
caught_wants(struct caught *caught, const struct bind_try *bind, struct endpoint *endpoint, enum bind_mode *mode)
{
    struct caught_bind *known = find(caught, bind, true);

    // Nobody can be named for a port of another namespace, nor for "any port" but by counting them all.
    if (bind->elsewhere || bind->port == 0 || caught->explained >= CAUGHT_EXPLAINED_MOST || (known && known->explained))
        return false;
    if (!known && !(known = add(caught, bind)))
        return false;
    known->explained = true;
    known->asked = caught->explained++;
    *endpoint = (struct endpoint){
        .first = bind->port,
        .last = bind->port,
        .protocol = bind->protocol,
        .host = ENDPOINT_ADDRESS,
        .address = bind->address,
        .device = bind->device ? net_device_name(caught->arena, bind->device) : (struct str){0},
    };
    endpoint->text = address_format_port(caught->arena, bind->address, bind->port);
    *mode = bind->reuse_port ? BIND_REUSEPORT : bind->reuse_addr ? BIND_REUSE : BIND_PLAIN;
    return true;
}

void
caught_note(struct caught *caught, const struct bind_try *bind)
{
    bool failed = bind->outcome == BIND_FAILED;
    struct caught_bind *known = bind->is_listen && !failed ? find_bind_of(caught, bind) : find(caught, bind, failed);

    if (!known && !(known = add(caught, bind)))
        return;
    if (bind->is_listen && !failed) {
        known->listens = true;
        known->times += known->times == 0;
        return;
    }
    known->bind.outcome = bind->outcome;
    known->bind.got = bind->got;
    if (bind->code)
        known->bind.code = bind->code;
    known->times++;
}

const struct bind_try *
caught_own(const struct caught *caught, const struct bind_try *failed)
{
    for (size_t i = 0; i < caught->count; i++) {
        const struct bind_try *bind = &caught->items[i].bind;
        if (bind->outcome == BIND_WORKED && bind->got == failed->port && !bind->elsewhere &&
            host_same_ports(bind->protocol, failed->protocol))
            return bind;
    }
    return NULL;
}

size_t
caught_failures(const struct caught *caught)
{
    size_t failures = 0;

    for (size_t i = 0; i < caught->count; i++)
        failures += caught->items[i].bind.outcome == BIND_FAILED && caught->items[i].times > 0;
    return failures;
}

struct str
caught_options(struct arena *arena, const struct bind_try *bind)
{
    struct buf out = {.arena = arena};
    const struct {
        bool is;
        const char *name;
    } options[] = {
        {bind->reuse_addr, "SO_REUSEADDR"},
        {bind->reuse_port, "SO_REUSEPORT"},
        {bind->v6only, "IPV6_V6ONLY"},
        {bind->device != 0, "SO_BINDTODEVICE"},
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].is)
            buf_addf(&out, "%s%s", out.len ? ", " : "", options[i].name);
    return buf_str(&out);
}
