#include "sys/fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAKE_SWITCHES = 16,     // of one test
    FAKE_FUNCTIONS = 64,    // that sys has
    FAKE_LARGEST = 1 << 28, // bytes of a document
};

struct fake_function {
    const char *name;
    size_t calls;
};

struct fake_variable {
    const char *name;
    const char *value;
};

struct fake_failure {
    const char *function;
    enum err_kind kind;
};

// The act that happened, and when.
struct fake_act {
    struct str name;
    int64_t at_us;
};

static struct {
    struct arena *arena; // NULL: not loaded yet
    struct host host;
    struct script script;
    bool *done; // of each step of the script
    struct {
        LIST_OF(struct fake_act);
    } acts;
    struct {
        LIST_OF(uint32_t);
    } ended; // processes, each time that one of that number ended
    int64_t elapsed_us;
    struct err broken; // why the document can't be used
    size_t calls;
    size_t fail_at; // counted as `calls`
    enum err_kind fail_kind;
    struct fake_function functions[FAKE_FUNCTIONS];
    struct fake_failure failures[FAKE_SWITCHES];
    struct fake_variable variables[FAKE_SWITCHES];
    struct buf *out;
    struct buf *error;
} fake;

static unsigned loads;

static bool
read_document(struct arena *arena, const char *path, struct str *text, struct err *err)
{
    struct buf buf = {.arena = arena};
    FILE *file = fopen(path, "rb");
    size_t got = 1;

    if (!file)
        return err_set(err, ERR_GONE, 0, "open %s: it can't be read", path);
    while (got > 0 && buf.len < FAKE_LARGEST) {
        got = fread(buf_room(&buf, 65536), 1, 65536, file);
        buf.len += got;
    }
    fclose(file);
    *text = buf_str(&buf);
    return true;
}

// The arena stays for good: what was read from an earlier host may still be looked at.
static void
start_anew(void)
{
    struct arena *arena = fake.arena ? fake.arena : arena_open();
    loads++;
    memset(&fake, 0, sizeof fake);
    fake.arena = arena;
    fake.host.platform = STR("fake");
}

// A hand-written host need not say how its holders were found.
static void
settle_tier(struct host *host)
{
    if (host->tier != TIER_NONE)
        return;
    host->tier = TIER_FAKE;
    host->complete = true;
    for (size_t i = 0; i < host->unseen.count; i++)
        host->complete = host->complete && !host->unseen.items[i].relevant;
}

bool
fake_host_load(struct str json, struct err *err)
{
    start_anew();
    if (!snapshot_parse(fake.arena, json, &fake.host, &fake.script, err)) {
        fake.host = (struct host){0};
        fake.script = (struct script){0};
        return false;
    }
    settle_tier(&fake.host);
    fake.done = arena_array(fake.arena, fake.script.count, sizeof *fake.done);
    return true;
}

// The first look at a host that no test loaded.
static void
load_named(void)
{
    const char *path = getenv("MOORAGE_FAKE_HOST");
    struct err err = {0};
    struct str text = {0};

    if (fake.arena)
        return;
    start_anew();
    if (!path)
        return;
    struct arena *arena = arena_open();
    bool good = read_document(arena, path, &text, &err) && fake_host_load(text, &err);
    arena_close(arena);
    if (!good) {
        err_prefix(&err, "the host in %s", path);
        fake.broken = err;
    }
}

void
fake_host_fail(size_t nth, enum err_kind kind)
{
    fake.fail_at = nth ? fake.calls + nth : 0;
    fake.fail_kind = kind;
}

void
fake_host_fail_each(const char *function, enum err_kind kind)
{
    for (size_t i = 0; i < FAKE_SWITCHES; i++) {
        struct fake_failure *failure = &fake.failures[i];
        if (failure->function && strcmp(failure->function, function) != 0)
            continue;
        *failure = (struct fake_failure){function, kind};
        return;
    }
}

size_t
fake_host_calls(const char *function)
{
    if (!function)
        return fake.calls;
    for (size_t i = 0; i < FAKE_FUNCTIONS && fake.functions[i].name; i++)
        if (strcmp(fake.functions[i].name, function) == 0)
            return fake.functions[i].calls;
    return 0;
}

void
fake_host_environment(const char *name, const char *value)
{
    for (size_t i = 0; i < FAKE_SWITCHES; i++) {
        if (fake.variables[i].name && strcmp(fake.variables[i].name, name) != 0)
            continue;
        fake.variables[i] = (struct fake_variable){name, value};
        return;
    }
}

const char *
fake_host_variable(const char *name)
{
    for (size_t i = 0; i < FAKE_SWITCHES && fake.variables[i].name; i++)
        if (strcmp(fake.variables[i].name, name) == 0)
            return fake.variables[i].value;
    return getenv(name);
}

void
fake_host_capture(struct buf *out, struct buf *error)
{
    fake.out = out;
    fake.error = error;
}

bool
fake_host_print(struct str text, bool error)
{
    struct buf *capture = error ? fake.error : fake.out;
    FILE *stream = error ? stderr : stdout;

    if (capture) {
        buf_add(capture, text);
        return true;
    }
    return fwrite(text.ptr ? text.ptr : "", 1, text.len, stream) == text.len && fflush(stream) == 0;
}

static void
count_call(const char *function)
{
    fake.calls++;
    for (size_t i = 0; i < FAKE_FUNCTIONS; i++) {
        struct fake_function *known = &fake.functions[i];
        if (known->name && strcmp(known->name, function) != 0)
            continue;
        known->name = function;
        known->calls++;
        return;
    }
}

bool
fake_host_call(const char *function, struct err *err)
{
    enum err_kind kind = ERR_NONE;

    load_named();
    count_call(function);
    if (fake.broken.kind != ERR_NONE) {
        if (err)
            *err = fake.broken;
        return false;
    }
    for (size_t i = 0; i < FAKE_SWITCHES && fake.failures[i].function; i++)
        if (strcmp(fake.failures[i].function, function) == 0)
            kind = fake.failures[i].kind;
    if (fake.fail_at != 0 && fake.calls == fake.fail_at)
        kind = fake.fail_kind;
    return kind == ERR_NONE || err_set(err, kind, 0, "%s: made to fail", function);
}

enum known
fake_host_call_known(const char *function)
{
    struct err err = {0};
    return fake_host_call(function, &err) ? KNOWN_YES : host_known_of(err.kind);
}

bool
fake_host_refuse(enum known known, const char *what, struct err *err)
{
    switch (known) {
    case KNOWN_YES:
        return true;
    case KNOWN_NOT_ALLOWED:
        return err_set(err, ERR_NOT_ALLOWED, 0, "%s: not allowed", what);
    case KNOWN_GONE:
        return err_set(err, ERR_GONE, 0, "%s: it is not there", what);
    case KNOWN_TIMEOUT:
        return err_set(err, ERR_TIMEOUT, 0, "%s: no answer in time", what);
    default:
        return err_set(err, ERR_UNSUPPORTED, 0, "%s: this host does not have it", what);
    }
}

// "tcp 0.0.0.0:8080"
static bool
row_is_listed(const struct str_list *names, const struct socket_row *row)
{
    struct str name = str_printf(fake.arena, "%.*s %.*s", STR_ARG(host_protocol_name(row->protocol)),
                                 STR_ARG(address_format_port(fake.arena, row->local, row->local_port)));

    return str_list_has(names, name);
}

// What a recorded bind said of a port does not hold once a socket of the port went away.
static void
forget_probes(struct host *host, const struct socket_row *row)
{
    size_t kept = 0;
    for (size_t i = 0; i < host->probes.count; i++) {
        const struct probe *probe = &host->probes.items[i];
        if (!host_same_ports(probe->protocol, row->protocol) || probe->port != row->local_port)
            host->probes.items[kept++] = *probe;
    }
    host->probes.count = kept;
}

// Takes out the sockets that `gone` marks.
static void
drop_sockets(struct host *host, const bool *gone)
{
    size_t *moved = arena_array(fake.arena, host->sockets.count, sizeof *moved);
    size_t rows = 0;
    size_t holdings = 0;

    for (size_t i = 0; i < host->sockets.count; i++) {
        struct socket_row row = host->sockets.items[i];
        moved[i] = gone[i] ? SIZE_MAX : rows;
        if (gone[i])
            forget_probes(host, &row);
        else
            host->sockets.items[rows++] = row;
    }
    host->sockets.count = rows;
    for (size_t i = 0; i < host->holdings.count; i++) {
        struct holding holding = host->holdings.items[i];
        holding.socket = moved[holding.socket];
        if (holding.socket != SIZE_MAX)
            host->holdings.items[holdings++] = holding;
    }
    host->holdings.count = holdings;
}

static void
remove_sockets(struct host *host, const struct str_list *names)
{
    bool *gone = arena_array(fake.arena, host->sockets.count, sizeof *gone);

    for (size_t i = 0; i < host->sockets.count; i++)
        gone[i] = row_is_listed(names, &host->sockets.items[i]);
    drop_sockets(host, gone);
}

static void
end_process(struct host *host, uint32_t pid)
{
    bool *gone = arena_array(fake.arena, host->sockets.count, sizeof *gone);
    size_t kept = 0;

    for (size_t i = 0; i < host->holdings.count; i++)
        if (host->holdings.items[i].pid == pid)
            gone[host->holdings.items[i].socket] = true;
    for (size_t i = 0; i < host->holdings.count; i++) {
        struct holding holding = host->holdings.items[i];
        if (holding.pid == pid)
            continue;
        gone[holding.socket] = false;
        host->holdings.items[kept++] = holding;
    }
    host->holdings.count = kept;
    drop_sockets(host, gone);
    kept = 0;
    for (size_t i = 0; i < host->processes.count; i++)
        if (host->processes.items[i].pid != pid)
            host->processes.items[kept++] = host->processes.items[i];
    if (kept < host->processes.count)
        *LIST_ADD(fake.arena, &fake.ended) = pid;
    host->processes.count = kept;
}

static void
put_service(struct host *host, const struct service *service)
{
    for (size_t i = 0; i < host->services.count; i++) {
        struct service *old = &host->services.items[i];
        if (old->uid != service->uid || !str_equal(old->manager, service->manager) ||
            !str_equal(old->name, service->name))
            continue;
        *old = *service;
        return;
    }
    *LIST_ADD(fake.arena, &host->services) = *service;
}

// A process, a service or a probe that is there already is replaced.
static void
add_rows(struct host *host, const struct host *add)
{
    size_t first = host->sockets.count;

    for (size_t i = 0; i < add->sockets.count; i++)
        *LIST_ADD(fake.arena, &host->sockets) = add->sockets.items[i];
    for (size_t i = 0; i < add->holdings.count; i++) {
        struct holding *holding = LIST_ADD(fake.arena, &host->holdings);
        *holding = add->holdings.items[i];
        holding->socket += first;
    }
    for (size_t i = 0; i < add->processes.count; i++) {
        struct process *process = (struct process *)host_process(host, add->processes.items[i].pid);
        process = process ? process : LIST_ADD(fake.arena, &host->processes);
        *process = add->processes.items[i];
    }
    for (size_t i = 0; i < add->services.count; i++)
        put_service(host, &add->services.items[i]);
    for (size_t i = 0; i < add->api_answers.count; i++)
        *LIST_ADD(fake.arena, &host->api_answers) = add->api_answers.items[i];
    for (size_t i = 0; i < add->probes.count; i++)
        *LIST_ADD(fake.arena, &host->probes) = add->probes.items[i];
}

static bool
step_is_due(const struct script_step *step)
{
    int64_t since = 0;
    size_t i = 0;

    if (step->after_act.len > 0) {
        while (i < fake.acts.count && !str_equal(fake.acts.items[i].name, step->after_act))
            i++;
        if (i == fake.acts.count)
            return false;
        since = fake.acts.items[i].at_us;
    }
    return fake.elapsed_us - since >= (int64_t)step->after_ms * 1000;
}

struct host *
fake_host_edit(void)
{
    (void)fake_host();
    return &fake.host;
}

const struct host *
fake_host(void)
{
    load_named();
    for (size_t i = 0; i < fake.script.count; i++) {
        const struct script_step *step = &fake.script.items[i];
        if (fake.done[i] || !step_is_due(step))
            continue;
        fake.done[i] = true;
        remove_sockets(&fake.host, &step->remove);
        for (size_t k = 0; k < step->end.count; k++)
            end_process(&fake.host, step->end.items[k]);
        add_rows(&fake.host, &step->add);
    }
    return &fake.host;
}

unsigned
fake_host_load_count(void)
{
    load_named();
    return loads;
}

void
fake_host_act(struct str act)
{
    load_named();
    for (size_t i = 0; i < fake.acts.count; i++)
        if (str_equal(fake.acts.items[i].name, act))
            return;
    *LIST_ADD(fake.arena, &fake.acts) = (struct fake_act){str_copy(fake.arena, act), fake.elapsed_us};
}

void
fake_host_act_of(const char *verb, uint32_t pid)
{
    load_named();
    fake_host_act(str_printf(fake.arena, "%s %u", verb, (unsigned)pid));
}

void
fake_host_drop(const struct socket_row *row)
{
    (void)fake_host();
    bool *gone = arena_array(fake.arena, fake.host.sockets.count, sizeof *gone);
    for (size_t i = 0; i < fake.host.sockets.count; i++) {
        const struct socket_row *one = &fake.host.sockets.items[i];
        gone[i] = one->protocol == row->protocol && one->state == row->state && one->local_port == row->local_port &&
                  one->remote_port == row->remote_port && address_equal(one->local, row->local) &&
                  address_equal(one->remote, row->remote);
    }
    drop_sockets(&fake.host, gone);
}

bool
fake_host_is_over(struct str act)
{
    (void)fake_host();
    for (size_t i = 0; i < fake.script.count; i++)
        if (!fake.done[i] && str_equal(fake.script.items[i].after_act, act))
            return false;
    return true;
}

bool
fake_host_awaits(struct str act)
{
    load_named();
    for (size_t i = 0; i < fake.script.count; i++)
        if (str_equal(fake.script.items[i].after_act, act))
            return true;
    return false;
}

void
fake_host_end(uint32_t pid)
{
    (void)fake_host();
    end_process(&fake.host, pid);
}

size_t
fake_host_generation(uint32_t pid)
{
    size_t count = 0;

    (void)fake_host();
    for (size_t i = 0; i < fake.ended.count; i++)
        count += fake.ended.items[i] == pid;
    return count;
}

void
fake_host_set_service(const struct service *service)
{
    (void)fake_host();
    put_service(&fake.host, service);
}

int64_t
fake_host_elapsed_us(void)
{
    return fake.elapsed_us;
}

void
fake_host_pass_us(int64_t microseconds)
{
    load_named();
    fake.elapsed_us += microseconds;
}
