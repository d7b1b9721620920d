#include "cmd/command.h"

#include "base/json.h"
#include "base/table.h"
#include "base/utf8.h"
#include "cmd/table.h"
#include "cmd/take.h"
#include "cmd/words.h"
#include "core/lease.h"
#include "core/project.h"
#include "core/report_lease.h"
#include "sys/clock.h"
#include "sys/life.h"
#include "sys/os.h"

struct lease_options {
    int64_t ttl_ms;
    struct str pid; // "": the program that called this one
    struct str port;
    struct str token;
    struct take_choice choice;
};

#define LEASE(member) offsetof(struct lease_options, member)

// A time that was not given; 0 is one that nobody means.
static const struct lease_options preset = {.ttl_ms = -1};

// As a lease is asked for: 0 = no time was given.
static int64_t
ttl_of(const struct lease_options *options)
{
    return options->ttl_ms > 0 ? options->ttl_ms : 0;
}

static const struct opt lease_items[] = {
    {.name = "ttl",
     .kind = OPT_SPAN,
     .value = "TIME",
     .help = "take, renew: it ends after this time (30s, 10m, 2h, 7d), not with the project's folder",
     .offset = LEASE(ttl_ms)},
    {.name = "pid",
     .kind = OPT_TEXT,
     .value = "PID",
     .help = "take: it ends with this process; without a PID, with the one that called moorage",
     .offset = LEASE(pid),
     .optional_value = true},
    {.name = "port", .kind = OPT_TEXT, .value = "PORT", .help = "take: this port and no other", .offset = LEASE(port)},
    {.name = "range",
     .letter = 'r',
     .kind = OPT_TEXT,
     .value = "A-B",
     .help = "take: only from these ports",
     .offset = LEASE(choice.range)},
    {.name = "near",
     .kind = OPT_TEXT,
     .value = "PORT",
     .help = "take: the nearest one to this port, above it first",
     .offset = LEASE(choice.near_port)},
    {.name = "target",
     .kind = OPT_TEXT,
     .value = "SYSTEMS",
     .help = "take: wise on these systems too: linux,windows,macos",
     .offset = LEASE(choice.targets)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "for UDP, not TCP", .offset = LEASE(choice.udp)},
    {.name = "token",
     .kind = OPT_TEXT,
     .value = "TOKEN",
     .help = "renew, release: only if it is still the grant that has this token",
     .offset = LEASE(token)},
};

static bool
read_number(struct str text, uint64_t most, const char *what, struct arena *arena, uint64_t *out, struct err *err)
{
    if (str_to_u64(text, 10, out) && *out > 0 && *out <= most)
        return true;
    return err_set(err, ERR_USAGE, 0, "%s must be a number from 1 to %llu, not '%.*s'", what, (unsigned long long)most,
                   STR_ARG(utf8_display(arena, str_part(text, 0, 40))));
}

static int
fail_usage(struct err *err, const char *sentence)
{
    err_set(err, ERR_USAGE, 0, "%s", sentence);
    return EXIT_USAGE;
}

static bool
read_process(struct command_run *run, uint32_t *pid, struct err *err)
{
    const struct lease_options *options = run->options;
    uint64_t number = 0;

    *pid = 0;
    if (!options->pid.ptr)
        return true;
    if (options->pid.len == 0)
        number = life_parent();
    else if (!read_number(options->pid, UINT32_MAX, "--pid", run->arena, &number, err))
        return false;
    *pid = (uint32_t)number;
    return *pid != 0 || err_set(err, ERR_GONE, 0, "the program that called moorage can't be told; name it: --pid PID");
}

static int
lease_take(struct command_run *run, struct err *err)
{
    const struct lease_options *options = run->options;
    struct pick_wish wish = {.count = 1, .lease = {.ttl_ms = ttl_of(options)}};
    uint64_t port = 0;

    if (run->operands.count != 2)
        return fail_usage(err, "take a lease for which name? For example: moorage lease take web");
    if ((options->port.ptr && !read_number(options->port, UINT16_MAX, "--port", run->arena, &port, err)) ||
        !read_process(run, &wish.lease.pid, err) || !take_read_choice(run->arena, &options->choice, &wish, err) ||
        !take_read_name(run->arena, run->operands.items[1], &wish, err))
        return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    wish.port = (uint16_t)port;
    wish.lease.lasting = wish.lease.ttl_ms == 0 && wish.lease.pid == 0;
    return take_ports(run, &wish, "moorage.lease/1", true, err);
}

static struct str
lasts_cell(const struct command_run *run, const struct lease *lease)
{
    struct arena *arena = run->arena;

    if (lease->damaged)
        return STR("damaged: moorage lease release PORT");
    if (lease->pid)
        return str_printf(arena, "process %u", lease->pid);
    return lease->lasting ? STR("kept") : STR("for a time");
}

static struct str
ends_cell(const struct command_run *run, const struct lease *lease)
{
    return lease->ends_ms
               ? str_printf(run->arena, "in %.*s", STR_ARG(words_span(run->arena, lease->ends_ms - clock_wall_ms())))
               : (struct str){0};
}

static void
print_leases(struct command_run *run, const struct lease_list *list)
{
    static const struct table_column columns[] = {
        {.title = STR_INIT("PORT"), .right = true, .ink = INK_STRONG},
        {.title = STR_INIT("PROTO")},
        {.title = STR_INIT("NAME"), .shrinks = true, .ink = INK_NAME},
        {.title = STR_INIT("USER"), .shrinks = true},
        {.title = STR_INIT("LASTS"), .shrinks = true},
        {.title = STR_INIT("ENDS"), .ink = INK_DIM},
        {.title = STR_INIT("PROJECT"), .shrinks = true},
    };
    struct table table = {.arena = run->arena, .columns = columns, .column_count = sizeof columns / sizeof *columns};

    for (size_t i = 0; i < list->count; i++) {
        const struct lease *lease = &list->items[i];
        struct str cells[] = {
            str_printf(run->arena, "%u", lease->port),
            host_protocol_name(lease->protocol),
            utf8_display(run->arena, lease->name),
            run->privacy.share ? (struct str){0} : utf8_display(run->arena, lease->user),
            lasts_cell(run, lease),
            ends_cell(run, lease),
            run->privacy.share ? (struct str){0} : words_path(run->arena, lease->project, &run->privacy),
        };
        // Cut by blanks, a line of a pipe must have all its columns.
        for (size_t c = 0; c < table.column_count; c++)
            if (cells[c].len == 0 && run->width == 0)
                cells[c] = STR("-");
        table_add(&table, cells);
    }
    table_print(&table, &run->out, run->width, true, run->colour);
}

static void
print_json(struct command_run *run, const struct lease_list *list, const struct err *problem)
{
    struct host host = {0};

    os_identify(run->arena, &host);
    cJSON *document = report_begin(run->arena, "moorage.lease/1", &host, &run->privacy);
    cJSON *leases = json_add_array(document, "leases");
    for (size_t i = 0; i < list->count; i++)
        report_add_lease(run->arena, json_append_object(leases), &list->items[i], &run->privacy);
    if (problem)
        json_add_str(run->arena, document, "problem", str_of(problem->text));
    else
        json_add_null(document, "problem");
    command_json(run, document);
}

static int
lease_show(struct command_run *run, struct err *err)
{
    struct lease_set *set = NULL;
    struct lease_list list = {0};

    bool good = lease_open(run->arena, LEASE_READ, &set, err) && lease_list(set, true, &list, err);
    lease_close(set);
    if (!good)
        return EXIT_UNKNOWN;
    if (run->common.json)
        print_json(run, &list, NULL);
    else if (list.count)
        print_leases(run, &list);
    else
        command_note(run, STR("no port is kept for anybody; moorage pick NAME keeps one"));
    return list.count ? EXIT_GOOD : EXIT_BAD;
}

static int
lease_who(struct command_run *run, struct err *err)
{
    struct lease_set *set = NULL;
    struct lease_list all = {0};
    struct lease_list found = {0};
    uint64_t port;

    if (run->operands.count != 2)
        return fail_usage(err, "whose is which port? For example: moorage lease who 21340");
    if (!read_number(run->operands.items[1], UINT16_MAX, "the port", run->arena, &port, err))
        return EXIT_USAGE;
    bool good = lease_open(run->arena, LEASE_READ, &set, err) && lease_list(set, true, &all, err);
    lease_close(set);
    if (!good)
        return EXIT_UNKNOWN;
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].port == port)
            *LIST_ADD(run->arena, &found) = all.items[i];
    if (run->common.json)
        print_json(run, &found, NULL);
    else if (found.count)
        print_leases(run, &found);
    else
        command_note(run, str_printf(run->arena, "port %u is kept for nobody", (unsigned)port));
    return found.count ? EXIT_GOOD : EXIT_BAD;
}

// What NAME or PORT means, among the leases of this user. False: there is none, and why.
static bool
find_meant(struct command_run *run, struct lease_set *set, struct lease *out, struct err *err)
{
    const struct lease_options *options = run->options;
    enum protocol protocol = options->choice.udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    struct str word = run->operands.items[1];
    struct str project;
    uint64_t port;
    bool found;

    if (str_to_u64(word, 10, &port)) {
        found = port > 0 && port <= UINT16_MAX && lease_at(set, protocol, (uint16_t)port, out);
        if (!found)
            return err_set(err, ERR_GONE, 0, "port %llu (%.*s) is kept for nobody", (unsigned long long)port,
                           STR_ARG(words_protocol(protocol)));
    } else {
        if (!lease_check_name(word, err) || !project_find(run->arena, &project, err))
            return false;
        found = lease_find(set, protocol, project, word, out);
        if (!found)
            return err_set(err, ERR_GONE, 0, "no port (%.*s) is kept for %.*s in %.*s",
                           STR_ARG(words_protocol(protocol)), STR_ARG(word),
                           STR_ARG(words_path(run->arena, project, &run->privacy)));
    }
    if (options->token.ptr && !str_equal(options->token, out->token))
        return err_set(err, ERR_GONE, 0, "port %u was given to somebody else meanwhile: this token is no longer good",
                       out->port);
    return true;
}

static struct str
done_sentence(struct command_run *run, const struct lease *lease, bool released)
{
    struct str holder = words_lease(run->arena, lease, &run->privacy);

    if (released)
        return str_printf(run->arena, "%u is no longer kept for %.*s", lease->port, STR_ARG(holder));
    if (!lease->ends_ms)
        return str_printf(run->arena, "%u is kept for %.*s, which has no end by time", lease->port, STR_ARG(holder));
    return str_printf(run->arena, "%u is kept for %.*s for %.*s more", lease->port, STR_ARG(holder),
                      STR_ARG(words_span(run->arena, lease->ttl_ms)));
}

// That there is no such lease is an answer, not an error.
static int
fail_gone(struct command_run *run, struct err *err)
{
    struct err problem = *err;

    if (err->kind != ERR_GONE)
        return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    *err = (struct err){0};
    if (run->common.json)
        print_json(run, &(struct lease_list){0}, &problem);
    else
        command_note(run, str_of(problem.text));
    return EXIT_BAD;
}

static int
lease_change(struct command_run *run, bool release, struct err *err)
{
    const struct lease_options *options = run->options;
    struct lease_set *set = NULL;
    struct lease_list list = {0};
    struct lease lease = {0};
    int code = EXIT_UNKNOWN;

    if (run->operands.count != 2)
        return fail_usage(err, release ? "release which lease? For example: moorage lease release web"
                                       : "renew which lease? For example: moorage lease renew web");
    if (!lease_open(run->arena, LEASE_WRITE, &set, err))
        goto out;
    if (!find_meant(run, set, &lease, err)) {
        code = fail_gone(run, err);
        goto out;
    }
    if (!(release ? lease_release(set, &lease, err) : lease_renew(set, &lease, ttl_of(options), err)))
        goto out;
    code = EXIT_GOOD;
    *LIST_ADD(run->arena, &list) = lease;
    if (run->common.json)
        print_json(run, &list, NULL);
    else
        command_note(run, done_sentence(run, &lease, release));
out:
    lease_close(set);
    return code;
}

static int
lease_run(struct command_run *run, struct err *err)
{
    struct str word = run->operands.count ? run->operands.items[0] : STR("list");

    if (((const struct lease_options *)run->options)->ttl_ms == 0)
        return fail_usage(err, "a lease that ends at once keeps nothing: --ttl needs more than 0");
    if (str_equal(word, STR("list")) || str_equal(word, STR("ls")))
        return lease_show(run, err);
    if (str_equal(word, STR("take")))
        return lease_take(run, err);
    if (str_equal(word, STR("renew")))
        return lease_change(run, false, err);
    if (str_equal(word, STR("release")) || str_equal(word, STR("drop")))
        return lease_change(run, true, err);
    if (str_equal(word, STR("who")))
        return lease_who(run, err);
    err_set(err, ERR_USAGE, 0, "'%.*s' is nothing that lease does: it knows take, renew, release, list and who",
            STR_ARG(utf8_display(run->arena, str_part(word, 0, 40))));
    return EXIT_USAGE;
}

const struct command command_lease = {
    .name = "lease",
    .usage = "[OPTION]... [list | take NAME | renew NAME | release NAME | who PORT]",
    .summary = "ports that are kept for names",
    .about =
        "Keeps ports for names, on this machine. `take` picks a port as `moorage pick NAME` does and prints it with "
        "the "
        "name, the number of the grant, which rises with each, and a token that names this grant alone. It is kept "
        "until it "
        "is released or the project's folder is gone; with --ttl, for a time; with --pid, as long as a process lives. "
        "`renew` "
        "lets the time begin anew. `release` takes a name of this project or a port. `list` shows what is kept for "
        "whom, `who` tells it of a port. Any number of programs may take ports at once: no two get the same.",
    .examples = "moorage lease take web\ta port for web in this project\n"
                "moorage lease take db --ttl 1h\tfor an hour\n"
                "moorage lease take test --pid $$\tas long as this shell lives\n"
                "moorage lease release web\tgive it up\n"
                "moorage lease who 21340\twhose is it?\n",
    .options = OPT_TABLE(lease_items),
    .options_size = sizeof(struct lease_options),
    .preset = &preset,
    .run = lease_run,
};
