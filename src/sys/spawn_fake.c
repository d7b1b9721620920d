#include "sys/spawn.h"

#include "base/buf.h"
#include "sys/fake_host.h"

// A recording holds what a program printed as raw bytes by the name "spawn" and its command line.
bool
spawn_read(struct arena *arena, const struct str *argv, size_t argc, unsigned deadline_ms, size_t limit,
           struct spawn_answer *out, struct err *err)
{
    const struct host *recorded = fake_host();
    struct buf name = {.arena = arena};

    (void)deadline_ms;
    if (!fake_host_call("spawn_read", err))
        return false;
    buf_add_c(&name, "spawn");
    for (size_t i = 0; i < argc; i++)
        buf_addf(&name, " %.*s", STR_ARG(argv[i]));
    for (size_t i = 0; i < recorded->raw.count; i++) {
        const struct raw_bytes *raw = &recorded->raw.items[i];
        if (!str_equal(raw->name, buf_str(&name)))
            continue;
        *out = (struct spawn_answer){.out = raw->bytes};
        return raw->bytes.len <= limit ||
               err_set(err, ERR_FORMAT, 0, "run %.*s: it prints more than %zu bytes", STR_ARG(argv[0]), limit);
    }
    return err_set(err, ERR_GONE, 0, "run %.*s: there is no such program", STR_ARG(argv[0]));
}
