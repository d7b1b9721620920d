#include "sys/service.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "sys/sd_bus_linux.h"
#include "sys/service_link_linux.h"

#define UNIT "org.freedesktop.systemd1.Unit"

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

// TriggeredBy and Triggers: arrays of names; a timer or path unit can trigger too, and holds no port.
static void
read_trigger(struct arena *arena, struct sd_bus_link *link, const char *path, const char *property, struct str kind,
             struct str *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    struct str name;
    if (!read_property(link, path, UNIT, property, "as", &reply, err))
        return;
    if (link->calls->enter(reply, 'a', "s") > 0) {
        while (read_text(arena, link, reply, 's', &name)) {
            if (str_ends(name, kind) && out->len == 0)
                *out = name;
        }
    }
    link->calls->unref(reply);
}

// TimeoutStopUSec: "infinity" is the largest number.
static void
read_stop_time(struct sd_bus_link *link, const char *path, struct service *out, struct err *err)
{
    struct sd_bus_message *reply = NULL;
    uint64_t microseconds;
    if (!read_property(link, path, "org.freedesktop.systemd1.Service", "TimeoutStopUSec", "t", &reply, err))
        return;
    if (link->calls->read(reply, 't', &microseconds) > 0 && microseconds / 1000 <= UINT32_MAX)
        out->stop_ms = (uint32_t)(microseconds / 1000);
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
        read_trigger(arena, link, path, "TriggeredBy", STR(".socket"), &out->triggered_by, &why);
        read_stop_time(link, path, out, &why);
    }
    if (out->is_socket) {
        read_listens(arena, link, path, out, &why);
        read_trigger(arena, link, path, "Triggers", STR(".service"), &out->triggers, &why);
    }
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
    if (!sd_bus_link_prepare(link, SERVICE_LINK_PATH, SERVICE_LINK_MANAGER, "GetUnit", &call, err))
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
    if (!service_link_open(arena, user_manager, uid, deadline_ms, &link, err))
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
    if (!sd_bus_link_prepare(link, SERVICE_LINK_PATH, SERVICE_LINK_MANAGER, "ListUnitsByPatterns", &call, err))
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
    if (!service_link_open(arena, user_manager, uid, deadline_ms, &link, err) || !list_units(arena, &link, &paths, err))
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
