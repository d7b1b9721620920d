#include "sys/bind_catch.h"

#include "base/buf.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/fake_host.h"

// A recording holds what a command does as raw bytes by the name "command" and its words, one thing a line:
//     bind 41233 node tcp 0.0.0.0:3000 reuse EADDRINUSE     (or "ok"; "plain", "reuseport", "v6only" as well)
//     wait 1500                                             (milliseconds)
//     say Error: listen EADDRINUSE                          (on error output)
//     blind Operation not permitted                         (first of all: binds are not seen, and why)
//     exit 1
struct bind_catch {
    struct arena *arena;
    struct str rest;
    struct str why_not;
    struct buf said;
    int code;
    uint64_t numbers;
    bool waiting; // a bind that will fail was told; it failed
    struct bind_try now;
};

static const struct raw_bytes *
find_command(struct arena *arena, const struct str_list *command)
{
    const struct host *recorded = fake_host();
    struct buf name = {.arena = arena};

    buf_add_c(&name, "command");
    for (size_t i = 0; i < command->count; i++)
        buf_addf(&name, " %.*s", STR_ARG(command->items[i]));
    for (size_t i = 0; i < recorded->raw.count; i++)
        if (str_equal(recorded->raw.items[i].name, buf_str(&name)))
            return &recorded->raw.items[i];
    return NULL;
}

bool
bind_catch_start(struct arena *arena, const struct str_list *command, bool apart, struct bind_catch **out, int *code,
                 struct err *err)
{
    const struct raw_bytes *raw = find_command(arena, command);
    struct bind_catch *bound = arena_alloc(arena, sizeof *bound);

    (void)apart; // nothing is run
    *code = BECOME_CANT_RUN;
    if (!fake_host_call("bind_catch_start", err))
        return false;
    *code = BECOME_NOT_FOUND;
    if (!raw)
        return err_set(err, ERR_GONE, 0, "run %.*s: there is no such program", STR_ARG(command->items[0]));
    *bound = (struct bind_catch){.arena = arena, .rest = raw->bytes, .said = {.arena = arena}};
    if (str_starts(bound->rest, STR("blind "))) {
        struct str line;
        (void)str_cut(&bound->rest, '\n', &line);
        bound->why_not = str_part(line, sizeof "blind " - 1, SIZE_MAX);
    }
    *out = bound;
    return true;
}

bool
bind_catch_sees(const struct bind_catch *bound, struct str *why_not)
{
    if (why_not)
        *why_not = bound->why_not;
    return bound->why_not.len == 0;
}

static bool
read_place(struct str place, struct bind_try *out)
{
    size_t colon = str_find_last_byte(place, ':');
    struct str host = str_part(place, 0, colon);
    uint64_t port = 0;

    if (str_starts(host, STR("[")))
        host = str_part(host, 1, host.len - 2);
    if (colon == SIZE_MAX || !address_parse(host, &out->address) ||
        !str_to_u64(str_part(place, colon + 1, SIZE_MAX), 10, &port))
        return false;
    out->port = (uint16_t)port;
    return true;
}

static unsigned long
code_of(struct str word)
{
    static const struct {
        struct str name;
        unsigned long code;
    } codes[] = {{STR_INIT("EADDRINUSE"), 98}, {STR_INIT("EACCES"), 13}, {STR_INIT("EADDRNOTAVAIL"), 99}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_equal(word, codes[i].name))
            return codes[i].code;
    return 0;
}

static void
read_bind(struct bind_catch *bound, struct str line, struct bind_try *out)
{
    struct str word[4] = {0};
    uint64_t pid = 0;

    for (size_t i = 0; i < 4; i++)
        (void)str_word(&line, &word[i]);
    (void)str_to_u64(word[0], 10, &pid);
    *out = (struct bind_try){.number = ++bound->numbers, .pid = (uint32_t)pid, .outcome = BIND_WORKED};
    for (size_t i = 0; i < word[1].len && i < sizeof out->program - 1; i++)
        out->program[i] = word[1].ptr[i];
    (void)host_protocol_parse(word[2], &out->protocol);
    (void)read_place(word[3], out);
    for (struct str more; str_word(&line, &more);) {
        out->reuse_addr |= str_equal(more, STR("reuse"));
        out->reuse_port |= str_equal(more, STR("reuseport"));
        out->v6only |= str_equal(more, STR("v6only"));
        out->elsewhere |= str_equal(more, STR("elsewhere"));
        out->code = code_of(more);
    }
    out->got = out->code ? 0 : out->port;
    if (out->code)
        out->outcome = BIND_WILL_FAIL;
}

// Whether the line is something to tell of.
static bool
do_line(struct bind_catch *bound, struct str line, struct bind_try *bind)
{
    struct str word;
    uint64_t number = 0;

    if (!str_word(&line, &word))
        return false;
    if (str_equal(word, STR("bind"))) {
        read_bind(bound, line, bind);
        return true;
    }
    line = str_trim(line);
    if (str_equal(word, STR("say")))
        buf_addf(&bound->said, "%.*s\n", STR_ARG(line));
    if (str_to_u64(line, 10, &number) && str_equal(word, STR("wait")))
        clock_sleep_ms((unsigned)number);
    if (str_equal(word, STR("exit")))
        bound->code = (int)number;
    return false;
}

enum catch_event
bind_catch_next(struct bind_catch *bound, unsigned ms, struct bind_try *bind)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);
    struct str line;

    if (bound->waiting) {
        bound->waiting = false;
        *bind = bound->now;
        bind->outcome = BIND_FAILED;
        return CATCH_DONE;
    }
    while (str_cut(&bound->rest, '\n', &line)) {
        if (do_line(bound, line, bind)) {
            bound->waiting = bind->outcome == BIND_WILL_FAIL;
            bound->now = *bind;
            return bound->waiting ? CATCH_TRY : CATCH_DONE;
        }
        if (clock_mono_us() >= end_us)
            return CATCH_TIME;
    }
    return CATCH_ENDED;
}

int
bind_catch_code(const struct bind_catch *bound)
{
    return bound->code;
}

struct str
bind_catch_text(const struct bind_catch *bound)
{
    return (struct str){bound->said.ptr, bound->said.len};
}

void
bind_catch_end(struct bind_catch *bound)
{
    (void)bound;
}
