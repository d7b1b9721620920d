#ifndef MOORAGE_TEST_SYS_SERVICE_STUB_LINUX_H
#define MOORAGE_TEST_SYS_SERVICE_STUB_LINUX_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus_calls_linux.h"
#include "sys/clock.h"
#include "tap.h"

// A stand-in for systemd: answers the calls that moorage makes, on a bus or at a socket of its own.

struct property {
    const char *path;
    const char *name;
    const char *value;
};

static bool stopped; // nginx.service, by an order

static const struct property properties[] = {
    {"/u/nginx", "Id", "nginx.service"},        {"/u/nginx", "Description", "A web server"},
    {"/u/nginx", "ActiveState", "active"},      {"/u/nginx", "UnitFileState", "enabled"},
    {"/u/nginx", "Restart", "on-failure"},      {"/u/socket", "Id", "nginx.socket"},
    {"/u/socket", "Description", "Its door"},   {"/u/socket", "ActiveState", "active"},
    {"/u/socket", "UnitFileState", "disabled"}, {"/u/old", "Id", "old.service"},
    {"/u/half", "Id", "half.service"},
};

static inline int
answer_property(struct sd_bus_message *message)
{
    const char *interface_name;
    const char *name;
    const char *path = bus_calls.path(message);
    if (bus_calls.read(message, "ss", &interface_name, &name) < 0)
        return -EINVAL;
    if (stopped && strcmp(path, "/u/nginx") == 0 && strcmp(name, "ActiveState") == 0)
        return bus_calls.reply(message, "v", "s", "inactive");
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        if (strcmp(properties[i].path, path) == 0 && strcmp(properties[i].name, name) == 0)
            return bus_calls.reply(message, "v", "s", properties[i].value);
    }
    if (strcmp(path, "/u/half") == 0)
        return 1; // no reply, ever
    if (strcmp(path, "/u/nginx") == 0 && strcmp(name, "MainPID") == 0)
        return bus_calls.reply(message, "v", "u", (uint32_t)4711);
    if (strcmp(path, "/u/nginx") == 0 && strcmp(name, "TimeoutStopUSec") == 0)
        return bus_calls.reply(message, "v", "t", (uint64_t)90000000);
    if (strcmp(path, "/u/old") == 0 && strcmp(name, "TimeoutStopUSec") == 0)
        return bus_calls.reply(message, "v", "t", UINT64_MAX);
    if (strcmp(path, "/u/socket") == 0 && strcmp(name, "Triggers") == 0)
        return bus_calls.reply(message, "v", "as", 1, "nginx.service");
    if (strcmp(path, "/u/nginx") == 0 && strcmp(name, "TriggeredBy") == 0)
        return bus_calls.reply(message, "v", "as", 2, "nginx.timer", "nginx.socket");
    if (strcmp(path, "/u/socket") == 0 && strcmp(name, "Listen") == 0)
        return bus_calls.reply(message, "v", "a(ss)", 2, "Stream", "[::]:80", "Datagram", "/run/x");
    if (strcmp(path, "/u/old") == 0 && strcmp(name, "MainPID") == 0)
        return bus_calls.reply(message, "v", "s", "many");
    return bus_calls.reply_error(message, "org.freedesktop.DBus.Error.UnknownProperty", "no %s", name);
}

static inline int
answer_unit(struct sd_bus_message *message)
{
    static const char *const known[][2] = {{"nginx.service", "/u/nginx"},
                                           {"nginx.socket", "/u/socket"},
                                           {"old.service", "/u/old"},
                                           {"half.service", "/u/half"}};
    const char *name;
    if (bus_calls.read(message, "s", &name) < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i][0], name) == 0)
            return bus_calls.reply(message, "o", known[i][1]);
    }
    if (strcmp(name, "slow.service") == 0)
        return 1;
    if (strcmp(name, "denied.service") == 0)
        return bus_calls.reply_error(message, "org.freedesktop.DBus.Error.AccessDenied", "not for you");
    if (strcmp(name, "odd.service") == 0)
        return bus_calls.reply(message, "s", "no path");
    return bus_calls.reply_error(message, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
}

// StopUnit and StartUnit.
static inline int
answer_order(struct sd_bus_message *message, bool stop)
{
    const char *name;
    const char *mode;
    if (bus_calls.read(message, "ss", &name, &mode) < 0)
        return -EINVAL;
    if (strcmp(name, "slow.service") == 0)
        return 1;
    if (strcmp(name, "denied.service") == 0)
        return bus_calls.reply_error(message, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                                     "Interactive authentication required.");
    if (strcmp(name, "nginx.service") != 0 || strcmp(mode, "replace") != 0)
        return bus_calls.reply_error(message, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
    stopped = stop;
    return bus_calls.reply(message, "o", "/org/freedesktop/systemd1/job/17");
}

static inline int
answer(struct sd_bus_message *message, void *data __attribute__((unused)), void *error __attribute__((unused)))
{
    const char *member = bus_calls.member(message);
    if (!member)
        return 0;
    if (strcmp(member, "GetUnit") == 0)
        return answer_unit(message);
    if (strcmp(member, "Get") == 0)
        return answer_property(message);
    if (strcmp(member, "StopUnit") == 0 || strcmp(member, "StartUnit") == 0)
        return answer_order(message, strcmp(member, "StopUnit") == 0);
    if (strcmp(member, "ListUnitsByPatterns") == 0)
        return bus_calls.reply(message, "a(ssssssouso)", 2, "nginx.socket", "Its door", "loaded", "active", "running",
                               "", "/u/socket", (uint32_t)0, "", "/", "gone.socket", "", "loaded", "active", "running",
                               "", "/u/gone", (uint32_t)0, "", "/");
    return 0;
}

static inline void
serve(struct sd_bus *bus)
{
    while (bus_calls.process(bus, NULL) >= 0)
        bus_calls.wait(bus, 100000);
}

// What a test started, to be ended with it.
struct stand_in {
    char folder[32];
    struct str bus; // path of the bus
    pid_t pids[2];
};

static inline void
end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static inline void
end(struct stand_in *stand_in)
{
    for (size_t i = 0; i < 2; i++) {
        if (stand_in->pids[i] > 0) {
            kill(stand_in->pids[i], SIGKILL);
            waitpid(stand_in->pids[i], NULL, 0);
        }
    }
    unlink(stand_in->bus.ptr);
    rmdir(stand_in->folder);
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

// Whether somebody listens at the path within two seconds.
static inline bool
wait_for_listener(struct str path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    for (int i = 0; i < 400; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (good)
            return true;
        clock_sleep_ms(5);
    }
    return false;
}

// A bus of its own and the stand-in on it. False when there is no dbus-daemon.
static inline bool
start_bus(struct arena *arena, struct stand_in *out, bool with_manager)
{
    int ready[2];
    char byte;
    *out = (struct stand_in){.folder = "/tmp/moorage-bus-XXXXXX"};
    CHECK(mkdtemp(out->folder));
    out->bus = str_printf(arena, "%s/bus", out->folder);
    struct str address = str_printf(arena, "unix:path=%s", out->bus.ptr);
    fflush(stdout);
    out->pids[0] = fork();
    if (out->pids[0] == 0) {
        end_with_parent();
        // It complains about limits that it can't raise.
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(quiet, STDERR_FILENO);
        execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", address.ptr,
               (char *)NULL);
        _exit(127);
    }
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address.ptr, 1);
    if (!wait_for_listener(out->bus))
        return false;
    if (!with_manager)
        return true;
    CHECK(pipe(ready) == 0);
    out->pids[1] = fork();
    if (out->pids[1] == 0) {
        struct sd_bus *bus;
        end_with_parent();
        if (bus_calls.create(&bus) < 0 || bus_calls.set_address(bus, address.ptr) < 0 ||
            bus_calls.set_bus_client(bus, 1) < 0 || bus_calls.start(bus) < 0 ||
            bus_calls.add_fallback(bus, NULL, "/", answer, NULL) < 0 ||
            bus_calls.request_name(bus, "org.freedesktop.systemd1", 0) < 0)
            _exit(1);
        if (write(ready[1], "", 1) == 1)
            serve(bus);
        _exit(0);
    }
    close(ready[1]);
    bool good = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    return good;
}

static inline void
open_usual(struct arena *arena, struct stand_in *out)
{
    if (!load_bus_calls())
        SKIP("no libsystemd.so.0 here");
    if (!start_bus(arena, out, true)) {
        end(out);
        SKIP("no dbus-daemon here");
    }
}

#endif
