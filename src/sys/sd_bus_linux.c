#include "sys/sd_bus_linux.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "sys/clock.h"

#define DESTINATION "org.freedesktop.systemd1"

static bool
load(struct sd_bus_calls *out)
{
    // POSIX lets an object pointer be a function's (dlsym(3)), ISO C does not: hence the copy by bytes.
    const struct {
        void *to;
        const char *name;
    } names[] = {
        {&out->open, "sd_bus_new"},
        {&out->set_address, "sd_bus_set_address"},
        {&out->set_bus_client, "sd_bus_set_bus_client"},
        {&out->start, "sd_bus_start"},
        {&out->is_ready, "sd_bus_is_ready"},
        {&out->process, "sd_bus_process"},
        {&out->get_fd, "sd_bus_get_fd"},
        {&out->get_events, "sd_bus_get_events"},
        // Not the one that flushes: it would finish an unfinished handshake first, however long that takes.
        {&out->close, "sd_bus_close_unref"},
        {&out->new_call, "sd_bus_message_new_method_call"},
        {&out->set_auto_start, "sd_bus_message_set_auto_start"},
        {&out->append, "sd_bus_message_append_basic"},
        {&out->open_container, "sd_bus_message_open_container"},
        {&out->close_container, "sd_bus_message_close_container"},
        {&out->call, "sd_bus_call"},
        {&out->read, "sd_bus_message_read_basic"},
        {&out->enter, "sd_bus_message_enter_container"},
        {&out->leave, "sd_bus_message_exit_container"},
        {&out->skip, "sd_bus_message_skip"},
        {&out->unref, "sd_bus_message_unref"},
        {&out->fault_free, "sd_bus_error_free"},
    };
    void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *found = dlsym(handle, names[i].name);
        // The library stays loaded: it may have started things of its own by then.
        if (!found)
            return false;
        memcpy(names[i].to, &found, sizeof found);
    }
    return true;
}

static const struct sd_bus_calls *
library(void)
{
    static struct sd_bus_calls calls;
    static bool tried;
    static bool good;
    if (!tried) {
        tried = true;
        good = load(&calls);
    }
    return good ? &calls : NULL;
}

static bool
fail(struct err *err, int error, const char *what)
{
    enum err_kind kind = ERR_SYSTEM;
    if (error == EACCES || error == EPERM)
        kind = ERR_NOT_ALLOWED;
    else if (error == ENOENT || error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN)
        kind = ERR_GONE;
    else if (error == ETIMEDOUT)
        kind = ERR_TIMEOUT;
    return err_set(err, kind, (unsigned long)error, "%s: %s", what, strerror(error));
}

// Drives the handshake to its end. sd_bus_call() would do it too, but without regard to its own time limit.
static int
finish_handshake(struct sd_bus_link *link)
{
    for (;;) {
        int done = link->calls->process(link->bus, NULL);
        if (done < 0)
            return done;
        int ready = link->calls->is_ready(link->bus);
        if (ready != 0)
            return ready;
        int64_t left = link->end - clock_mono_us();
        if (left <= 0)
            return -ETIMEDOUT;
        if (done > 0)
            continue;
        int fd = link->calls->get_fd(link->bus);
        int events = link->calls->get_events(link->bus);
        if (fd < 0 || events < 0)
            return fd < 0 ? fd : events;
        struct pollfd item = {.fd = fd, .events = (short)events};
        if (poll(&item, 1, (int)((left + 999) / 1000)) < 0 && errno != EINTR)
            return -errno;
    }
}

bool
sd_bus_link_open(const char *address, bool peer, int64_t end, struct sd_bus_link *out, struct err *err)
{
    *out = (struct sd_bus_link){.end = end};
    // A list of addresses may hide another kind behind the first.
    if (strncmp(address, "unix:", 5) != 0 || strchr(address, ';'))
        return err_set(err, ERR_UNSUPPORTED, 0, "the address of the D-Bus is not one unix socket");
    out->calls = library();
    if (!out->calls)
        return err_set(err, ERR_UNSUPPORTED, 0, "libsystemd.so.0 can't be loaded");
    int result = out->calls->open(&out->bus);
    if (result >= 0)
        result = out->calls->set_address(out->bus, address);
    if (result >= 0)
        result = out->calls->set_bus_client(out->bus, !peer);
    if (result >= 0)
        result = out->calls->start(out->bus);
    if (result >= 0)
        result = finish_handshake(out);
    if (result < 0) {
        sd_bus_link_close(out);
        return fail(err, -result, "connect to the service manager");
    }
    return true;
}

void
sd_bus_link_close(struct sd_bus_link *link)
{
    if (link->bus)
        link->calls->close(link->bus);
    link->bus = NULL;
}

bool
sd_bus_link_prepare(struct sd_bus_link *link, const char *path, const char *interface_name, const char *member,
                    struct sd_bus_message **out, struct err *err)
{
    int result = link->calls->new_call(link->bus, out, DESTINATION, path, interface_name, member);
    if (result >= 0)
        link->calls->set_auto_start(*out, 0);
    return result >= 0 || fail(err, -result, member);
}

static bool
fail_remote(struct err *err, const struct sd_bus_fault *fault, int error)
{
    static const struct {
        const char *name;
        enum err_kind kind;
    } kinds[] = {
        {"org.freedesktop.systemd1.NoSuchUnit", ERR_GONE},
        {"org.freedesktop.DBus.Error.UnknownObject", ERR_GONE},
        {"org.freedesktop.DBus.Error.AccessDenied", ERR_NOT_ALLOWED},
        {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ERR_NOT_ALLOWED},
        {"org.freedesktop.systemd1.OnlyByDependency", ERR_NOT_ALLOWED},
        {"org.freedesktop.DBus.Error.ServiceUnknown", ERR_UNSUPPORTED},
        {"org.freedesktop.DBus.Error.NameHasNoOwner", ERR_UNSUPPORTED},
        {"org.freedesktop.DBus.Error.NoReply", ERR_TIMEOUT},
        {"org.freedesktop.DBus.Error.Timeout", ERR_TIMEOUT},
    };
    for (size_t i = 0; fault->name && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(fault->name, kinds[i].name) == 0)
            return err_set(err, kinds[i].kind, (unsigned long)error, "%s",
                           fault->message ? fault->message : fault->name);
    }
    return fail(err, error, "ask the service manager");
}

bool
sd_bus_link_call(struct sd_bus_link *link, struct sd_bus_message *message, struct sd_bus_message **reply,
                 struct err *err)
{
    bool good = true;
    struct sd_bus_fault fault = {NULL, NULL, 0};
    int64_t left = link->end - clock_mono_us();
    // To the library 0 means its own default, 25 s.
    int result = link->calls->call(link->bus, message, left > 0 ? (uint64_t)left : 1, &fault, reply);
    if (result < 0)
        good = fail_remote(err, &fault, -result);
    link->calls->fault_free(&fault);
    link->calls->unref(message);
    return good;
}
