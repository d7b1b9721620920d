#include "sys/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/unix_table.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sd_bus_linux.h"

#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT "org.freedesktop.systemd1.Unit"
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

static bool
open_manager(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms, struct sd_bus_link *out,
             struct err *err)
{
    struct str address = {NULL, 0};
    bool peer = false;
    *out = (struct sd_bus_link){.bus = NULL};
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    return find_manager(arena, user_manager, uid, &address, &peer, err) &&
           sd_bus_link_open(address.ptr, peer, end, out, err);
}

// The next value of a reply as text; false when it is of another type.
static bool
read_text(struct arena *arena, const struct sd_bus_link *link, struct sd_bus_message *message, char type,
          struct str *out)
{
    const char *text = NULL;
    if (link->calls->read(message, type, &text) <= 0 || !text)
        return false;
    *out = str_copy(arena, str_of(text));
    return true;
}

// Asks for one property and steps into its value, which must be of type `type`. A property that is not there is no error of
// the whole: older managers have fewer of them.
static bool
read_property(struct sd_bus_link *link, const char *path, const char *interface_name, const char *name,
              const char *type, struct sd_bus_message **reply, struct err *err)
{
    struct sd_bus_message *call = NULL;
    if (!sd_bus_link_prepare(link, path, "org.freedesktop.DBus.Properties", "Get", &call, err))
        return false;
    if (link->calls->append(call, 's', interface_name) < 0 || link->calls->append(call, 's', name) < 0) {
        link->calls->unref(call);
        return err_set(err, ERR_SYSTEM, ENOMEM, "ask the service manager: %s", strerror(ENOMEM));
    }
    if (!sd_bus_link_call(link, call, reply, err))
        return false;
    if (link->calls->enter(*reply, 'v', type) > 0)
        return true;
    link->calls->unref(*reply);
    *reply = NULL;
    return err_set(err, ERR_FORMAT, 0, "the service manager's %s is of another type", name);
}

static bool
read_text_property(struct arena *arena, struct sd_bus_link *link, const char *path, const char *interface_name,
                   const char *name, struct str *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    if (!read_property(link, path, interface_name, name, "s", &reply, err))
        return false;
    read_text(arena, link, reply, 's', out);
    link->calls->unref(reply);
    return true;
}

static void
read_main_pid(struct sd_bus_link *link, const char *path, struct service *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    uint32_t pid;
    if (!read_property(link, path, "org.freedesktop.systemd1.Service", "MainPID", "u", &reply, err))
        return;
    if (link->calls->read(reply, 'u', &pid) > 0)
        out->main_pid = pid;
    link->calls->unref(reply);
}

// TriggeredBy: array of names; a timer or path unit can trigger too, and holds no port.
static void
read_trigger(struct arena *arena, struct sd_bus_link *link, const char *path, struct service *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    struct str name;
    if (!read_property(link, path, UNIT, "TriggeredBy", "as", &reply, err))
        return;
    if (link->calls->enter(reply, 'a', "s") > 0) {
        while (read_text(arena, link, reply, 's', &name)) {
            if (str_ends(name, STR(".socket")) && out->triggered_by.len == 0)
                out->triggered_by = name;
        }
    }
    link->calls->unref(reply);
}

// Listen: array of (kind, address): ("Stream", "[::]:631"), ("Datagram", "/run/x").
static void
read_listens(struct arena *arena, struct sd_bus_link *link, const char *path, struct service *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    struct buf listens = {.arena = arena};
    if (!read_property(link, path, "org.freedesktop.systemd1.Socket", "Listen", "a(ss)", &reply, err))
        return;
    if (link->calls->enter(reply, 'a', "(ss)") > 0) {
        struct str kind;
        struct str address;
        while (link->calls->enter(reply, 'r', "ss") > 0) {
            bool good = read_text(arena, link, reply, 's', &kind) && read_text(arena, link, reply, 's', &address);
            if (!good || link->calls->leave(reply) < 0)
                break;
            if (listens.len > 0)
                buf_add_byte(&listens, ' ');
            buf_add(&listens, address);
        }
    }
    out->listens = buf_str(&listens);
    link->calls->unref(reply);
}

// Fills what core needs to know of the unit at this object path. False only when the manager stopped answering.
static bool
read_unit(struct arena *arena, struct sd_bus_link *link, const char *path, struct service *out, struct err *err)
{
    struct str enabled = {NULL, 0};
    struct err why = {.kind = ERR_NONE};
    if (!read_text_property(arena, link, path, UNIT, "Id", &out->name, &why) || why.kind == ERR_TIMEOUT) {
        if (err)
            *err = why;
        return false;
    }
    out->is_socket = str_ends(out->name, STR(".socket"));
    read_text_property(arena, link, path, UNIT, "Description", &out->description, &why);
    read_text_property(arena, link, path, UNIT, "ActiveState", &out->state, &why);
    read_text_property(arena, link, path, UNIT, "UnitFileState", &enabled, &why);
    out->at_boot = str_equal(enabled, STR("enabled"));
    if (str_ends(out->name, STR(".service"))) {
        read_main_pid(link, path, out, &why);
        read_text_property(arena, link, path, "org.freedesktop.systemd1.Service", "Restart", &out->restart, &why);
        read_trigger(arena, link, path, out, &why);
    }
    if (out->is_socket)
        read_listens(arena, link, path, out, &why);
    if (why.kind == ERR_TIMEOUT) {
        if (err)
            *err = why;
        return false;
    }
    return true;
}

static struct service
blank_service(bool user_manager, uint32_t uid)
{
    return (struct service){.manager = user_manager ? STR("systemd --user") : STR("systemd"),
                            .uid = user_manager ? uid : 0};
}

// GetUnit, not LoadUnit: that would read unit files and keep the unit in memory.
static bool
find_unit(struct arena *arena, struct sd_bus_link *link, struct str unit, struct str *path, struct err *err)
{
    struct sd_bus_message *call = NULL;
    struct sd_bus_message *reply = NULL;
    if (!sd_bus_link_prepare(link, MANAGER_PATH, MANAGER, "GetUnit", &call, err))
        return false;
    if (link->calls->append(call, 's', str_c(arena, unit)) < 0) {
        link->calls->unref(call);
        return err_set(err, ERR_GONE, 0, "%.*s can't be the name of a unit", STR_ARG(unit));
    }
    if (!sd_bus_link_call(link, call, &reply, err))
        return false;
    bool good = read_text(arena, link, reply, 'o', path) ||
                err_set(err, ERR_FORMAT, 0, "the service manager did not tell where the unit is");
    link->calls->unref(reply);
    return good;
}

bool
service_read(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
             struct service *out, struct err *err)
{
    struct sd_bus_link link;
    struct str path = {NULL, 0};
    bool good = false;
    struct service found = blank_service(user_manager, uid);
    if (!open_manager(arena, user_manager, uid, deadline_ms, &link, err))
        goto out;
    if (!find_unit(arena, &link, unit, &path, err) || !read_unit(arena, &link, path.ptr, &found, err))
        goto out;
    *out = found;
    good = true;
out:
    sd_bus_link_close(&link);
    return good;
}

bool
service_of_process(struct arena *arena, uint32_t pid, unsigned deadline_ms, struct service_list *out, struct err *err)
{
    (void)arena;
    (void)deadline_ms;
    (void)out;
    return err_set(err, ERR_UNSUPPORTED, 0, "services of process %u: its control group tells them", pid);
}

// ListUnitsByPatterns(as states, as patterns) -> a(ssssssouso): the object path is the seventh.
static bool
list_units(struct arena *arena, struct sd_bus_link *link, struct str_list *paths, struct err *err)
{
    const struct sd_bus_calls *calls = link->calls;
    struct sd_bus_message *call = NULL;
    struct sd_bus_message *reply = NULL;
    struct str path;
    if (!sd_bus_link_prepare(link, MANAGER_PATH, MANAGER, "ListUnitsByPatterns", &call, err))
        return false;
    // Only an active socket unit holds sockets.
    if (calls->open_container(call, 'a', "s") < 0 || calls->append(call, 's', "active") < 0 ||
        calls->close_container(call) < 0 || calls->open_container(call, 'a', "s") < 0 ||
        calls->append(call, 's', "*.socket") < 0 || calls->close_container(call) < 0) {
        calls->unref(call);
        return err_set(err, ERR_SYSTEM, ENOMEM, "ask the service manager: %s", strerror(ENOMEM));
    }
    if (!sd_bus_link_call(link, call, &reply, err))
        return false;
    bool good = calls->enter(reply, 'a', "(ssssssouso)") >= 0;
    while (good && calls->enter(reply, 'r', "ssssssouso") > 0) {
        good = calls->skip(reply, "ssssss") >= 0 && read_text(arena, link, reply, 'o', &path) &&
               calls->skip(reply, "uso") >= 0 && calls->leave(reply) >= 0;
        if (good)
            *LIST_ADD(arena, paths) = path;
    }
    calls->unref(reply);
    return good || err_set(err, ERR_FORMAT, 0, "the service manager's list of units is of another type");
}

bool
service_list_sockets(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms,
                     struct service_list *out, struct err *err)
{
    struct sd_bus_link link;
    struct str_list paths = {.count = 0};
    bool good = false;
    if (!open_manager(arena, user_manager, uid, deadline_ms, &link, err) || !list_units(arena, &link, &paths, err))
        goto out;
    for (size_t i = 0; i < paths.count; i++) {
        struct err why = {.kind = ERR_NONE};
        struct service unit = blank_service(user_manager, uid);
        if (read_unit(arena, &link, paths.items[i].ptr, &unit, &why)) {
            *LIST_ADD(arena, out) = unit;
        } else if (why.kind == ERR_TIMEOUT) {
            if (err)
                *err = why;
            goto out;
        }
    }
    good = true;
out:
    sd_bus_link_close(&link);
    return good;
}
