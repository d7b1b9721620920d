#include "sys/service_link_linux.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/unix_table.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TABLE_LIMIT (32u << 20)

// Whether a connection at `path` exists that somebody accepted. Both D-Bus daemons are socket units: a listening socket alone
// may be systemd's, and connecting to it would start the daemon.
static bool
bus_runs(struct arena *arena, struct str path)
{
    struct str table;
    struct unix_row row;
    if (!file_read(arena, "/proc/net/unix", TABLE_LIMIT, true, &table, NULL))
        return false;
    while (unix_table_next(&table, &row)) {
        if (row.connected &&
            (str_equal(row.path, path) || (str_starts(row.path, STR("/var/run/")) && str_ends(row.path, path))))
            return true;
    }
    return false;
}

static bool
exists(struct str path)
{
    return access(path.ptr, F_OK) == 0;
}

// A manager's own socket needs no bus in between, and it is there only while the manager runs; that of the system is for
// root alone. `peer` tells whether it is one.
static bool
find_manager(struct arena *arena, bool user_manager, uint32_t uid, struct str *address, bool *peer, struct err *err)
{
    struct str named = str_of(getenv("DBUS_SYSTEM_BUS_ADDRESS"));
    struct str own =
        user_manager ? str_printf(arena, "/run/user/%u/systemd/private", uid) : STR("/run/systemd/private");
    struct str bus = user_manager ? str_printf(arena, "/run/user/%u/bus", uid) : STR("/run/dbus/system_bus_socket");
    if (!user_manager && named.len > 0) {
        *address = named;
        *peer = false;
        return true;
    }
    // sd_booted(3)
    if (!exists(STR("/run/systemd/system")))
        return err_set(err, ERR_UNSUPPORTED, 0, "this system was not started by systemd");
    *peer = (user_manager || geteuid() == 0) && exists(own);
    if (!*peer && !bus_runs(arena, bus)) {
        if (user_manager && !exists(str_printf(arena, "/run/user/%u", uid)) && errno == ENOENT)
            return err_set(err, ERR_GONE, 0, "user %u has no service manager now", uid);
        return err_set(err, ERR_UNSUPPORTED, 0, "no D-Bus runs at %.*s", STR_ARG(bus));
    }
    *address = str_printf(arena, "unix:path=%.*s", STR_ARG(*peer ? own : bus));
    return true;
}

bool
service_link_open(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms, struct sd_bus_link *out,
                  struct err *err)
{
    struct str address = {NULL, 0};
    bool peer = false;
    *out = (struct sd_bus_link){.bus = NULL};
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    return find_manager(arena, user_manager, uid, &address, &peer, err) &&
           sd_bus_link_open(address.ptr, peer, end, out, err);
}
