#include "core/run.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "core/snapshot.h"
#include "sys/life.h"
#include "sys/pinned.h"
#include "sys/process.h"

static struct lease_wish
lease_wish_of(struct arena *arena, const struct run_wish *wish)
{
    struct lease_wish lease = {.protocol = PROTOCOL_TCP, .pid = process_self()};

    if (wish->name.len) {
        lease.name = wish->name;
        lease.project = wish->project;
        lease.lasting = true;
    } else {
        lease.name = str_printf(arena, "run-%u", process_self());
        lease.project = wish->project;
    }
    return lease;
}

bool
run_take_port(struct arena *arena, const struct run_wish *wish, struct run_port *out, struct err *err)
{
    struct pick_wish pick = {.lease = lease_wish_of(arena, wish), .count = 1, .port = wish->port, .unkept = true};
    struct pick_result result = {0};
    enum pick_outcome outcome;
    struct host host;

    *out = (struct run_port){.port = wish->port};
    // What is known of the host is for a choice: a port that was asked for need not be wise, but it is tried for both families.
    if (!pick_read_host(arena, &host, err)) {
        if (wish->port == 0)
            return false;
        host.ipv6 = true;
        *err = (struct err){0};
    }
    if (!pick_ports(arena, &host, &pick, &outcome, &result, err))
        return false;
    out->lease = result.held;
    out->sentence = result.sentence;
    out->not_kept = result.not_kept;
    switch (outcome) {
    case PICK_DONE:
        out->lease = result.leases.items[0];
        out->outcome = RUN_PORT_TAKEN;
        break;
    case PICK_NONE:
        out->outcome = RUN_PORT_NONE;
        break;
    case PICK_TAKEN:
        out->outcome = RUN_PORT_WHY;
        break;
    case PICK_BUSY:
        out->outcome = RUN_PORT_BUSY;
        break;
    case PICK_FOREIGN:
        out->outcome = RUN_PORT_NONE;
        out->sentence = str_printf(arena, "port %u is kept for somebody else: moorage lease who %u tells for whom",
                                   out->lease.port, out->lease.port);
        break;
    }
    out->port = out->lease.port;
    return true;
}

bool
run_keep_port(struct arena *arena, const struct run_wish *wish, uint16_t port, struct run_port *out, struct err *err)
{
    struct lease_wish lease = lease_wish_of(arena, wish);
    struct lease_set *set = NULL;

    if (!lease_open(arena, LEASE_WRITE, &set, err))
        return false;
    bool good = lease_grant(set, &lease, port, &out->lease, err);
    lease_close(set);
    if (good) {
        out->outcome = RUN_PORT_TAKEN;
        out->port = port;
    }
    return good;
}

void
run_give_back(struct arena *arena, const struct run_port *port)
{
    struct lease_set *set = NULL;

    if (port->outcome != RUN_PORT_TAKEN || port->not_kept.len || port->lease.lasting ||
        !lease_open(arena, LEASE_WRITE, &set, NULL))
        return;
    // Not given back, it ends with this process.
    (void)lease_release(set, &port->lease, NULL);
    lease_close(set);
}

// A lease may have been tied to any process by hand: only a run of ours is ended.
static bool
is_run(struct arena *arena, const struct lease *lease, const struct pinned *pin)
{
    struct process process;

    struct life life = {lease->pid, lease->started, lease->space};
    process_read(arena, lease->pid, PROCESS_COMMAND | PROCESS_EXE, &process);
    struct str name = str_base_name(process.exe.value);
    // The number may mean another process by now, or in another namespace.
    if (process.known != KNOWN_YES || life_lasts(&life) != TRI_YES || !pinned_lives(pin) ||
        !(str_starts(name, STR("moorage")) || str_starts(process.name, STR("moorage"))))
        return false;
    for (size_t i = 1; i < process.command.count; i++)
        if (str_equal(process.command.items[i], STR("run")))
            return true;
    return false;
}

// Asked again, a run ends hard what is still left below it. The end of the run itself is also that of all below it.
static bool
end_run(const struct pinned *pin, unsigned patience_ms, struct err *err)
{
    static const enum pinned_word words[] = {PINNED_END, PINNED_END, PINNED_KILL};
    const struct pinned *const list[] = {pin};
    struct err refused = {0};

    for (size_t i = 0; i < sizeof words / sizeof *words && pinned_lives(pin); i++) {
        if (pinned_send(pin, words[i], &refused))
            pinned_wait(list, 1, patience_ms);
        else if (words[i] == PINNED_KILL && refused.kind != ERR_GONE)
            return err_set(err, refused.kind, refused.os, "%s", refused.text);
    }
    return !pinned_lives(pin) ||
           err_set(err, ERR_TIMEOUT, 0, "the run that has the name (process %u) did not end", pin->pid);
}

bool
run_replace(struct arena *arena, const struct lease *lease, unsigned patience_ms, struct err *err)
{
    struct pinned pin = PINNED_NONE;
    struct err refused = {0};

    if (!pinned_open(lease->pid, false, &pin, &refused))
        // Ended meanwhile: that is what was asked for.
        return refused.kind == ERR_GONE || err_set(err, refused.kind, refused.os, "%s", refused.text);
    bool good = is_run(arena, lease, &pin)
                    ? end_run(&pin, patience_ms, err)
                    : err_set(err, ERR_NOT_ALLOWED, 0,
                              "process %u, which has the name, is no run of moorage: it is left alone", lease->pid);
    pinned_close(&pin);
    return good;
}

// ---- the command ----

static struct str
fill_word(struct arena *arena, struct str word, uint16_t port)
{
    static const struct str marks[] = {STR_INIT("{port}"), STR_INIT("__PORT__")};
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < word.len;) {
        size_t step = 0;
        for (size_t m = 0; m < sizeof marks / sizeof *marks && !step; m++)
            if (str_starts(str_part(word, i, SIZE_MAX), marks[m]))
                step = marks[m].len;
        if (step)
            buf_addf(&out, "%u", (unsigned)port);
        else
            buf_add_byte(&out, word.ptr[i]);
        i += step ? step : 1;
    }
    return buf_str(&out);
}

void
run_fill_in(struct arena *arena, const struct str_list *command, uint16_t port, struct str_list *out)
{
    for (size_t i = 0; i < command->count; i++)
        *LIST_ADD(arena, out) = fill_word(arena, command->items[i], port);
}

bool
run_is_variable(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!ascii_is_letter(c) && c != '_' && (i == 0 || !ascii_is_digit(c)))
            return false;
    }
    return name.len > 0;
}
