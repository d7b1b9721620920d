#include "core/entry.h"

#include "core/holder_parts.h"

bool
entry_is_known(const struct supervisor_entry *entry)
{
    return entry->name.known == KNOWN_YES && entry->name.value.len > 0;
}

// Where supervisorctl looks without being told (supervisor/options.py), and Debian's own place.
static bool
is_usual_place(struct str api)
{
    static const struct str places[] = {STR_INIT("/run/supervisor.sock"), STR_INIT("/var/run/supervisor.sock"),
                                        STR_INIT("/run/supervisord.sock"), STR_INIT("/var/run/supervisord.sock")};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (str_equal(places[i], api))
            return true;
    return false;
}

struct str
entry_command(struct arena *arena, const struct supervisor_entry *entry, const char *verb)
{
    static const struct str socket = STR_INIT("/rpc.sock");
    struct str name = entry->name.value;
    struct str api = entry->api;

    if (str_equal(entry->of, STR("pm2"))) {
        struct str folder = str_part(api, 0, api.len - (str_ends(api, socket) ? socket.len : 0));
        return str_ends(folder, STR("/.pm2"))
                   ? str_printf(arena, "pm2 %s %.*s", verb, STR_ARG(name))
                   : str_printf(arena, "PM2_HOME=%.*s pm2 %s %.*s", STR_ARG(folder), verb, STR_ARG(name));
    }
    if (is_usual_place(api))
        return str_printf(arena, "supervisorctl %s %.*s", verb, STR_ARG(name));
    return str_printf(arena, "supervisorctl -s %s%.*s %s %.*s", str_starts(api, STR("/")) ? "unix://" : "http://",
                      STR_ARG(api), verb, STR_ARG(name));
}

const struct process *
entry_supervisor(struct arena *arena, const struct holder *holder)
{
    if (!holder->process || !entry_is_known(&holder->process->entry))
        return NULL;
    for (size_t i = 0; i < holder->ancestry.count; i++) {
        const struct process *process = holder->ancestry.items[i];
        if (holder_is(arena, process, "supervisor-of-many"))
            return process;
        if (holder_is_beyond(arena, process))
            break;
    }
    return NULL;
}
