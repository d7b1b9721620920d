#include "cmd/take.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/inquest.h"
#include "cmd/words.h"
#include "core/project.h"
#include "core/report_lease.h"
#include "core/tenant.h"
#include "sys/os.h"
#include "sys/user.h"

// What is found out and said about one taking.
struct taking {
    struct command_run *run;
    const struct pick_wish *wish;
    enum pick_outcome outcome;
    struct pick_result result;
    struct inquest inquest;
    bool asked; // the inquest was held
};

static bool
read_port(struct str text, uint16_t *port)
{
    uint64_t number;

    if (!str_to_u64(text, 10, &number) || number == 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool
read_range(struct arena *arena, struct str text, struct pick_wish *wish, struct err *err)
{
    struct str rest = text;
    struct str first;

    if (str_cut(&rest, '-', &first) && read_port(first, &wish->first) && read_port(rest, &wish->last) &&
        wish->first <= wish->last)
        return true;
    return err_set(err, ERR_USAGE, 0, "--range must be two ports, as in 8000-8999, not '%.*s'",
                   STR_ARG(utf8_display(arena, str_part(text, 0, 40))));
}

static bool
read_targets(struct arena *arena, struct str text, unsigned *targets, struct err *err)
{
    static const struct {
        struct str name;
        enum pick_target target;
    } known[] = {
        {STR_INIT("linux"), PICK_TARGET_LINUX},
        {STR_INIT("windows"), PICK_TARGET_WINDOWS},
        {STR_INIT("macos"), PICK_TARGET_MACOS},
    };
    struct str word;

    while (str_cut(&text, ',', &word)) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && !str_equal_nocase(known[i].name, str_trim(word)))
            i++;
        if (i == sizeof known / sizeof *known)
            return err_set(err, ERR_USAGE, 0, "--target knows linux, windows and macos, not '%.*s'",
                           STR_ARG(utf8_display(arena, str_part(word, 0, 40))));
        *targets |= (unsigned)known[i].target;
    }
    return true;
}

bool
take_read_choice(struct arena *arena, const struct take_choice *choice, struct pick_wish *wish, struct err *err)
{
    wish->lease.protocol = choice->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    if (choice->near_port.ptr && !read_port(choice->near_port, &wish->beside))
        return err_set(err, ERR_USAGE, 0, "--near must be a port from 1 to 65535, not '%.*s'",
                       STR_ARG(utf8_display(arena, str_part(choice->near_port, 0, 40))));
    return (!choice->range.ptr || read_range(arena, choice->range, wish, err)) &&
           read_targets(arena, choice->targets, &wish->targets, err);
}

bool
take_read_name(struct arena *arena, struct str name, struct pick_wish *wish, struct err *err)
{
    uint16_t port;

    if (read_port(name, &port))
        return err_set(err, ERR_USAGE, 0, "%u is a port and no name; a port near it: moorage pick --near %u", port,
                       port);
    wish->lease.name = name;
    return lease_check_name(name, err) && project_find(arena, &wish->lease.project, err);
}

static bool
hold_inquest(struct taking *taking, const struct lease *lease, struct err *err)
{
    struct arena *arena = taking->run->arena;

    taking->inquest = inquest_begin(taking->run);
    *LIST_ADD(arena, &taking->inquest.endpoints) = (struct endpoint){
        .first = lease->port,
        .last = lease->port,
        .protocol = lease->protocol,
    };
    taking->asked = inquest_answer(&taking->inquest, err);
    return taking->asked;
}

// The port of the name is taken. By its own server, or by what is left of its connections: then the name has it back. By a
// stranger: the whole why.
static bool
judge_taken(struct taking *taking, struct err *err)
{
    const struct lease *held = &taking->result.held;

    if (!hold_inquest(taking, held, err))
        return false;
    const struct why_outcome *outcome = &taking->inquest.outcomes.items[0];
    if (outcome->failed) {
        *err = outcome->err;
        return false;
    }
    if (!held->name.len || !(outcome->answer.bindable || tenant_is_own(taking->run->arena, held, &outcome->answer)))
        return true;
    taking->outcome = PICK_DONE;
    taking->result.already = true;
    *LIST_ADD(taking->run->arena, &taking->result.leases) = *held;
    return true;
}

// "21340 is kept for web in ~/src/shop; drop: moorage lease release web"
static struct str
kept_sentence(const struct taking *taking, const struct lease *lease)
{
    struct arena *arena = taking->run->arena;
    struct str holder = words_lease(arena, lease, &taking->run->privacy);
    struct str name = words_shell(arena, lease->name);

    if (lease->lasting)
        return str_printf(arena, "%u is kept for %.*s; drop: moorage lease release %.*s", lease->port, STR_ARG(holder),
                          STR_ARG(name));
    if (lease->pid)
        return str_printf(arena, "%u is kept for %.*s until process %u ends", lease->port, STR_ARG(holder), lease->pid);
    return str_printf(arena, "%u is kept for %.*s for %.*s", lease->port, STR_ARG(holder),
                      STR_ARG(words_span(arena, lease->ttl_ms)));
}

static void
print_ports(struct taking *taking, bool details)
{
    struct command_run *run = taking->run;

    for (size_t i = 0; i < taking->result.leases.count; i++) {
        const struct lease *lease = &taking->result.leases.items[i];
        buf_addf(&run->out, "%u", lease->port);
        if (details)
            buf_addf(&run->out, " %.*s %llu %.*s", STR_ARG(lease->name), (unsigned long long)lease->fence,
                     STR_ARG(lease->token));
        buf_add_byte(&run->out, '\n');
    }
}

static struct str
problem_sentence(const struct taking *taking)
{
    struct arena *arena = taking->run->arena;
    const struct lease *held = &taking->result.held;
    struct str name = utf8_display(arena, taking->wish->lease.name);
    struct str holder = words_lease(arena, held, &taking->run->privacy);

    switch (taking->outcome) {
    case PICK_DONE:
        break;
    case PICK_NONE:
        return taking->result.sentence;
    case PICK_TAKEN:
        if (held->name.len)
            return str_printf(arena, "%u is kept for %.*s, but something else has it:", held->port, STR_ARG(holder));
        return str_printf(arena, "%u can't be had:", held->port);
    case PICK_BUSY:
        return str_printf(arena, "%.*s is in use: process %u has port %u by this name", STR_ARG(name), held->pid,
                          held->port);
    case PICK_FOREIGN:
        return str_printf(arena, "%u is kept for %.*s", held->port, STR_ARG(holder));
    }
    return (struct str){0};
}

static void
print_json(const struct taking *taking, const char *schema)
{
    struct command_run *run = taking->run;
    struct host host = {0};
    struct str problem = problem_sentence(taking);

    os_identify(run->arena, &host);
    cJSON *document = report_begin(run->arena, schema, &host, &run->privacy);
    cJSON *leases = json_add_array(document, "leases");
    for (size_t i = 0; i < taking->result.leases.count; i++)
        report_add_lease(run->arena, json_append_object(leases), &taking->result.leases.items[i], &run->privacy);
    json_add_bool(document, "kept", taking->outcome == PICK_DONE && taking->result.not_kept.len == 0);
    json_add_bool(document, "already", taking->result.already);
    if (problem.len)
        json_add_str(run->arena, document, "problem", problem);
    else
        json_add_null(document, "problem");
    cJSON *asked = json_add_array(document, "asked");
    if (taking->asked && taking->outcome != PICK_DONE)
        inquest_report(&taking->inquest, asked, &run->privacy);
    command_json(run, document);
}

static void
print_text(struct taking *taking, bool details)
{
    struct command_run *run = taking->run;
    struct buf why = {.arena = run->arena};

    print_ports(taking, details);
    if (taking->outcome != PICK_DONE) {
        command_note(run, problem_sentence(taking));
        if (!taking->asked || run->common.quiet)
            return;
        inquest_print(&taking->inquest, run, &why);
        buf_add(run->notes, buf_str(&why));
        return;
    }
    for (size_t i = 0; i < taking->result.leases.count; i++)
        if (taking->result.leases.items[i].name.len)
            command_note(run, kept_sentence(taking, &taking->result.leases.items[i]));
    if (taking->result.not_kept.len)
        command_note(run, str_printf(run->arena, "nothing keeps others from it: %.*s",
                                     STR_ARG(utf8_display(run->arena, taking->result.not_kept))));
}

int
take_ports(struct command_run *run, const struct pick_wish *wish, const char *schema, bool details, struct err *err)
{
    struct taking taking = {.run = run, .wish = wish};
    struct host host;

    if (!pick_read_host(run->arena, &host, err) ||
        !pick_ports(run->arena, &host, wish, &taking.outcome, &taking.result, err) ||
        (taking.outcome == PICK_TAKEN && !judge_taken(&taking, err)))
        return EXIT_UNKNOWN;
    for (size_t i = 0; i < taking.result.leases.count; i++)
        taking.result.leases.items[i].user = user_name(run->arena, taking.result.leases.items[i].owner);
    if (run->common.json)
        print_json(&taking, schema);
    else
        print_text(&taking, details);
    return taking.outcome == PICK_DONE ? EXIT_GOOD : EXIT_BAD;
}
