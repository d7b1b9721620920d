// A stand-in for systemd on a bus: systemd ADDRESS, and its units as lines on standard input, until that ends:
//
//     service NAME PID TRIGGERED-BY STOP    (TRIGGERED-BY may be -; STOP: term = asks PID to end, hang = does nothing,
//                                            deny = refuses)
//     socket NAME PID LISTEN TRIGGERS
//
// It says "ready", then what is ordered: "stop NAME", "start NAME". PID must be a child of the test that started it.

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/bus_calls_linux.h"

enum {
    UNITS = 8,
};

static struct unit {
    char kind[16];
    char name[64];
    int pid;
    char other[64];
    char last[64];
    bool started;
    bool stopped;
} units[UNITS];

static size_t unit_count;

static bool
lives(const struct unit *unit)
{
    char path[64];
    char state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", unit->pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

static struct unit *
find(const char *name)
{
    for (size_t i = 0; i < unit_count; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

static struct unit *
of_path(const char *path)
{
    size_t index = (size_t)strtoul(path + strlen("/u/"), NULL, 10);
    return strncmp(path, "/u/", 3) == 0 && index < unit_count ? &units[index] : NULL;
}

static const char *
state_of(const struct unit *unit)
{
    if (unit->started)
        return "active";
    // Whoever holds its socket goes on.
    if (unit->stopped && strcmp(unit->kind, "socket") == 0)
        return "inactive";
    return lives(unit) ? (unit->stopped ? "deactivating" : "active") : "inactive";
}

static int
answer_property(struct sd_bus_message *message)
{
    const char *interface_name;
    const char *name;
    struct unit *unit = of_path(bus_calls.path(message));
    if (bus_calls.read(message, "ss", &interface_name, &name) < 0 || !unit)
        return -EINVAL;
    bool socket = strcmp(unit->kind, "socket") == 0;
    if (strcmp(name, "Id") == 0)
        return bus_calls.reply(message, "v", "s", unit->name);
    if (strcmp(name, "Description") == 0)
        return bus_calls.reply(message, "v", "s", "A stand-in");
    if (strcmp(name, "ActiveState") == 0)
        return bus_calls.reply(message, "v", "s", state_of(unit));
    if (strcmp(name, "UnitFileState") == 0)
        return bus_calls.reply(message, "v", "s", "enabled");
    if (strcmp(name, "Restart") == 0)
        return bus_calls.reply(message, "v", "s", "always");
    if (strcmp(name, "MainPID") == 0)
        return bus_calls.reply(message, "v", "u", (uint32_t)(lives(unit) ? unit->pid : 0));
    if (strcmp(name, "TimeoutStopUSec") == 0)
        return bus_calls.reply(message, "v", "t", (uint64_t)20000000);
    if (strcmp(name, "TriggeredBy") == 0)
        return bus_calls.reply(message, "v", "as", 1, unit->other);
    if (socket && strcmp(name, "Listen") == 0)
        return bus_calls.reply(message, "v", "a(ss)", 1, "Stream", unit->other);
    if (socket && strcmp(name, "Triggers") == 0)
        return bus_calls.reply(message, "v", "as", 1, unit->last);
    return bus_calls.reply_error(message, "org.freedesktop.DBus.Error.UnknownProperty", "no %s", name);
}

static int
answer_order(struct sd_bus_message *message, bool stop)
{
    const char *name;
    const char *mode;
    if (bus_calls.read(message, "ss", &name, &mode) < 0)
        return -EINVAL;
    struct unit *unit = find(name);
    if (!unit)
        return bus_calls.reply_error(message, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
    if (stop && strcmp(unit->last, "deny") == 0)
        return bus_calls.reply_error(message, "org.freedesktop.DBus.Error.AccessDenied", "Not for you.");
    printf("%s %s\n", stop ? "stop" : "start", name);
    fflush(stdout);
    unit->stopped = stop;
    unit->started = !stop;
    if (stop && strcmp(unit->last, "hang") != 0 && lives(unit))
        kill(unit->pid, SIGTERM);
    return bus_calls.reply(message, "o", "/org/freedesktop/systemd1/job/1");
}

static int
answer_unit(struct sd_bus_message *message)
{
    char path[32];
    const char *name;
    if (bus_calls.read(message, "s", &name) < 0)
        return -EINVAL;
    struct unit *unit = find(name);
    if (!unit)
        return bus_calls.reply_error(message, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
    snprintf(path, sizeof path, "/u/%zu", (size_t)(unit - units));
    return bus_calls.reply(message, "o", path);
}

// One socket unit at most is told.
static int
answer_list(struct sd_bus_message *message)
{
    char path[32];
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(units[i].kind, "socket") != 0)
            continue;
        snprintf(path, sizeof path, "/u/%zu", i);
        return bus_calls.reply(message, "a(ssssssouso)", 1, units[i].name, "", "loaded", "active", "running", "", path,
                               (uint32_t)0, "", "/");
    }
    return bus_calls.reply(message, "a(ssssssouso)", 0);
}

static int
answer(struct sd_bus_message *message, void *data, void *error)
{
    const char *member = bus_calls.member(message);
    (void)data;
    (void)error;
    if (!member)
        return 0;
    if (strcmp(member, "GetUnit") == 0)
        return answer_unit(message);
    if (strcmp(member, "Get") == 0)
        return answer_property(message);
    if (strcmp(member, "ListUnitsByPatterns") == 0)
        return answer_list(message);
    if (strcmp(member, "StopUnit") == 0 || strcmp(member, "StartUnit") == 0)
        return answer_order(message, strcmp(member, "StopUnit") == 0);
    return 0;
}

int
main(int argc, char **argv)
{
    struct sd_bus *bus;
    char line[512];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (unit_count < UNITS && fgets(line, sizeof line, stdin)) {
        struct unit *unit = &units[unit_count];
        unit_count +=
            sscanf(line, "%15s %63s %d %63s %63s", unit->kind, unit->name, &unit->pid, unit->other, unit->last) == 5;
    }
    if (argc != 2 || !load_bus_calls() || bus_calls.create(&bus) < 0 || bus_calls.set_address(bus, argv[1]) < 0 ||
        bus_calls.set_bus_client(bus, 1) < 0 || bus_calls.start(bus) < 0 ||
        bus_calls.add_fallback(bus, NULL, "/", answer, NULL) < 0 ||
        bus_calls.request_name(bus, "org.freedesktop.systemd1", 0) < 0) {
        puts("unsupported");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (bus_calls.process(bus, NULL) >= 0)
        bus_calls.wait(bus, 100000);
    return 0;
}
