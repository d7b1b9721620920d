#include "cmd/command.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/table.h"
#include "cmd/why_lines.h"
#include "cmd/why_text.h"
#include "cmd/words.h"
#include "core/endpoint.h"
#include "core/known.h"
#include "core/snapshot.h"
#include "core/why.h"
#include "sys/file.h"
#include "sys/net.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"
#include "sys/term.h"

enum {
    INPUT_LIMIT = 1 << 20,
    DEADLINE_MS = 300,
    SHORTEST_ERROR = 5, // digits of 10048
};

struct why_options {
    struct str on;
    struct str bind;
    struct str device;
    bool as_root;
    bool all;
    bool deep;
    bool tcp;
    bool udp;
};

#define WHY(member) offsetof(struct why_options, member)

static const struct opt why_items[] = {
    {.name = "on",
     .kind = OPT_TEXT,
     .value = "ADDRESS",
     .help = "ask for this address, not for all of them",
     .offset = WHY(on)},
    {.name = "bind",
     .kind = OPT_CHOICE,
     .value = "HOW",
     .choices = "plain|reuse|exclusive|reuseport",
     .help = "ask as a server that binds this way",
     .offset = WHY(bind)},
    {.name = "device",
     .kind = OPT_TEXT,
     .value = "NAME",
     .help = "ask for a socket bound to this network device",
     .offset = WHY(device)},
    {.name = "tcp", .letter = 't', .kind = OPT_FLAG, .help = "TCP only", .offset = WHY(tcp)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP only", .offset = WHY(udp)},
    {.name = "as-root",
     .kind = OPT_FLAG,
     .help = "judge a port that you may not use yourself by who has it",
     .offset = WHY(as_root)},
    {.name = "all",
     .letter = 'a',
     .kind = OPT_FLAG,
     .help = "look for packet rules and other network namespaces too when the port is taken",
     .offset = WHY(all)},
    {.name = "deep",
     .kind = OPT_FLAG,
     .help = "search the rare places too: descriptors in flight, io_uring, mappings",
     .offset = WHY(deep)},
};

// What an error means.
struct meaning {
    struct str error; // its name or number as it was typed; empty when it was found in a text
    struct str sentence;
};

// What is asked and what came of it.
struct inquest {
    struct command_run *run;
    struct endpoint_list endpoints;
    struct {
        LIST_OF(struct meaning);
    } meanings;
    bool portless; // an error text was given that names no port
    struct host host;
    unsigned read;          // what `host` holds of all asked ports
    enum tier tier;         // what a search for programs would use here
    struct why_index index; // of the rows in `host`
    struct why_outcomes outcomes;
};

// The path of a Unix socket: it is "in use" as a port is, but is none.
static struct str
socket_path(struct str text)
{
    size_t at = str_find(text, STR("address already in use /"));
    struct str rest = at == SIZE_MAX ? (struct str){0} : str_part(text, at + sizeof "address already in use", text.len);
    struct str path = {0};

    (void)str_word(&rest, &path);
    return path;
}

// A text without a port still says what went wrong; one with a port may be about something else than a taken one.
static bool
read_error_text(struct inquest *inquest, struct err *err)
{
    struct arena *arena = inquest->run->arena;
    struct str text;

    if (term_input_is_terminal())
        (void)term_write_error(STR("paste the error, then press Ctrl-D\n"));
    if (!file_read_input(arena, INPUT_LIMIT, &text, err))
        return false;
    struct str meaning = known_error_in(text);
    struct str path = socket_path(text);
    if (path.len)
        meaning =
            str_printf(arena,
                       "%.*s is a Unix socket, which has a path and no port: a program listens there, or one that "
                       "has ended left the file behind.",
                       STR_ARG(utf8_display(arena, str_part(path, 0, 200))));
    bool found = !path.len && endpoint_find(arena, text, &inquest->endpoints);
    if (meaning.len && (!found || !str_equal(meaning, known_error_meaning(STR("EADDRINUSE")))))
        *LIST_ADD(arena, &inquest->meanings) = (struct meaning){.sentence = meaning};
    if (found)
        return true;
    inquest->portless = true;
    if (meaning.len == 0)
        return err_set(err, ERR_FORMAT, 0,
                       "no port is named in the text on standard input; give the port itself, as in moorage 8080");
    if (!path.len)
        command_note(inquest->run,
                     STR("The text names no port: moorage lists what is taken, then moorage PORT tells about one."));
    return true;
}

static void
add_meaning(struct inquest *inquest, struct str error)
{
    if (known_error_meaning(error).len)
        *LIST_ADD(inquest->run->arena, &inquest->meanings) = (struct meaning){error, known_error_meaning(error)};
}

static bool
read_operand(struct inquest *inquest, struct str word, const struct service_table *services, struct err *err)
{
    struct arena *arena = inquest->run->arena;

    if (str_equal(word, STR("-")))
        return read_error_text(inquest, err);
    switch (endpoint_parse(arena, word, services, &inquest->endpoints, err)) {
    case ENDPOINT_IS_PORT:
        // Small numbers are ports that people ask for; errors of Windows have numbers that are typed as questions.
        if (word.len >= SHORTEST_ERROR)
            add_meaning(inquest, word);
        return true;
    case ENDPOINT_IS_MEANING:
        add_meaning(inquest, word);
        return true;
    case ENDPOINT_IS_WORD:
        word = utf8_display(arena, str_part(word, 0, 80));
        return err_set(err, ERR_USAGE, 0,
                       "'%.*s' is no port and no service name; moorage %.*s lists the ports of a "
                       "program of that name",
                       STR_ARG(word), STR_ARG(word));
    case ENDPOINT_IS_WRONG:
        break;
    }
    return false;
}

static bool
apply_options(struct inquest *inquest, struct err *err)
{
    const struct why_options *options = inquest->run->options;

    for (size_t i = 0; options->on.ptr && i < inquest->endpoints.count; i++)
        if (inquest->endpoints.items[i].host != ENDPOINT_EVERY)
            return err_set(err, ERR_USAGE, 0, "'%.*s' names an address already; leave out --on",
                           STR_ARG(utf8_display(inquest->run->arena, inquest->endpoints.items[i].text)));
    if (options->on.ptr && !endpoint_set_address(&inquest->endpoints, options->on, err))
        return false;
    if (options->device.ptr && net_device_index(options->device) == 0)
        return err_set(err, ERR_USAGE, 0, "there is no network device '%.*s' here",
                       STR_ARG(utf8_display(inquest->run->arena, str_part(options->device, 0, 40))));
    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        struct endpoint *endpoint = &inquest->endpoints.items[i];
        if (options->device.ptr)
            endpoint->device = options->device;
        if (endpoint->any_protocol && options->tcp != options->udp) {
            endpoint->any_protocol = false;
            endpoint->protocol = options->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
        }
    }
    return true;
}

// Asked twice is asked once.
static void
drop_doubles(struct endpoint_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct endpoint *one = &list->items[i];
        bool again = false;
        for (size_t k = 0; k < kept && !again; k++) {
            const struct endpoint *other = &list->items[k];
            again = one->first == other->first && one->last == other->last &&
                    one->any_protocol == other->any_protocol && one->protocol == other->protocol &&
                    one->host == other->host && address_equal(one->address, other->address) &&
                    str_equal(one->device, other->device);
        }
        if (!again)
            list->items[kept++] = *one;
    }
    list->count = kept;
}

static enum bind_mode
mode_of(struct str bind)
{
    static const struct {
        struct str name;
        enum bind_mode mode;
    } modes[] = {
        {STR_INIT("plain"), BIND_PLAIN},
        {STR_INIT("reuse"), BIND_REUSE},
        {STR_INIT("reuseport"), BIND_REUSEPORT},
        {STR_INIT("exclusive"), BIND_EXCLUSIVE},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_equal(bind, modes[i].name))
            return modes[i].mode;
    return BIND_USUAL;
}

// One reading for all ports; what is dear and belongs to single ports is read by why_answer where an answer calls for it.
static bool
read_host(struct inquest *inquest, struct err *err)
{
    struct snapshot_ask ask = {
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = UINT16_MAX,
        .want = SNAPSHOT_RANGES | SNAPSHOT_ADDRESSES,
    };

    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        const struct endpoint *endpoint = &inquest->endpoints.items[i];
        ask.first = endpoint->first < ask.first ? endpoint->first : ask.first;
        ask.last = endpoint->last > ask.last ? endpoint->last : ask.last;
        ask.protocols |= endpoint->any_protocol ? 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP : 1u << endpoint->protocol;
    }
    if (ask.protocols & 1u << PROTOCOL_TCP)
        ask.protocols |= 1u << PROTOCOL_MPTCP;
    if (inquest->outcomes.ports == 1)
        return snapshot_read(inquest->run->arena, &ask, &inquest->host, err);

    // For one port these are looked for only when its bind calls for them; for many, once for all.
    struct snapshot_ask listeners = {.protocols = ask.protocols, .states = ask.states, .first = 0, .last = UINT16_MAX};
    ask.states = SOCKET_STATES_ALL;
    ask.want |= SNAPSHOT_NAMESPACES | SNAPSHOT_REDIRECTS | SNAPSHOT_KERNEL_PORTS;
    inquest->read = WHY_READ_STATES | WHY_READ_LISTENERS | WHY_READ_KERNEL_PORTS;
    return snapshot_read(inquest->run->arena, &ask, &inquest->host, err) &&
           snapshot_add(inquest->run->arena, &listeners, &inquest->host, err);
}

// The programs that have the ports of a range are searched once, not for each port.
static bool
find_holders(struct inquest *inquest, struct err *err)
{
    const struct why_options *options = inquest->run->options;
    struct host *host = &inquest->host;
    size_t *sockets = arena_array(inquest->run->arena, host->sockets.count + 1, sizeof *sockets);
    size_t count = 0;

    if (inquest->outcomes.ports == 1)
        return true;
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        bool asked = false;
        for (size_t e = 0; e < inquest->endpoints.count && !asked; e++)
            asked = inquest->endpoints.items[e].first <= row->local_port &&
                    row->local_port <= inquest->endpoints.items[e].last;
        if (asked && row->netns == 0)
            sockets[count++] = i;
    }
    return count == 0 ||
           snapshot_add_holders(inquest->run->arena, host, sockets, count, PROCESS_ALL, true, options->deep, err);
}

static void
answer_one(struct inquest *inquest, size_t asked, uint16_t port, enum protocol protocol, bool beside)
{
    const struct why_options *options = inquest->run->options;
    struct why_outcome *outcome = LIST_ADD(inquest->run->arena, &inquest->outcomes);
    struct why_question question = {
        .endpoint = inquest->endpoints.items[asked],
        .protocol = protocol,
        .mode = mode_of(options->bind),
        .as_root = options->as_root,
        .all = options->all,
        .deep = options->deep,
        .read = inquest->read,
        .index = &inquest->index,
        .tier = inquest->tier,
        .deadline_ms = DEADLINE_MS,
    };

    question.endpoint.first = port;
    question.endpoint.last = port;
    outcome->beside = beside;
    outcome->asked = asked;
    outcome->failed = !why_answer(inquest->run->arena, &inquest->host, &question, &outcome->answer, &outcome->err);
}

static void
answer_all(struct inquest *inquest)
{
    inquest->tier = socket_owner_tier();
    why_index_make(inquest->run->arena, &inquest->host, &inquest->index);
    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        struct endpoint endpoint = inquest->endpoints.items[i];
        for (uint32_t port = endpoint.first; port <= endpoint.last; port++) {
            answer_one(inquest, i, (uint16_t)port, endpoint.any_protocol ? PROTOCOL_TCP : endpoint.protocol, false);
            if (endpoint.any_protocol)
                answer_one(inquest, i, (uint16_t)port, PROTOCOL_UDP, true);
        }
    }
}

static int
exit_code(const struct inquest *inquest)
{
    int code = inquest->portless ? EXIT_UNKNOWN : EXIT_GOOD;

    for (size_t i = 0; i < inquest->outcomes.count; i++) {
        const struct why_outcome *outcome = &inquest->outcomes.items[i];
        if (outcome->beside)
            continue;
        if (outcome->failed || outcome->answer.verdict == WHY_UNKNOWN)
            code = code == EXIT_BAD ? EXIT_BAD : EXIT_UNKNOWN;
        else if (!outcome->answer.bindable)
            code = EXIT_BAD;
    }
    return code;
}

static void
print_json(struct inquest *inquest)
{
    struct command_run *run = inquest->run;
    cJSON *document = report_begin(run->arena, "moorage.why/1", &inquest->host, &run->privacy);
    cJSON *asked = json_add_array(document, "asked");

    for (size_t i = 0; i < inquest->outcomes.count; i++)
        if (!inquest->outcomes.items[i].failed)
            report_add_answer(run->arena, asked, &inquest->host, &inquest->outcomes.items[i].answer, &run->privacy);
    cJSON *meanings = json_add_array(document, "meanings");
    for (size_t i = 0; i < inquest->meanings.count; i++) {
        cJSON *meaning = json_append_object(meanings);
        json_add_str(run->arena, meaning, "error", inquest->meanings.items[i].error);
        json_add_str(run->arena, meaning, "sentence", inquest->meanings.items[i].sentence);
    }
    command_json(run, document);
}

static void
print_text(struct inquest *inquest)
{
    struct command_run *run = inquest->run;
    struct why_view view = {run->arena, &inquest->host, &run->privacy, run->width, run->colour};

    why_lines_print(&view, &inquest->outcomes, &run->out);
    for (size_t i = 0; i < inquest->meanings.count; i++) {
        if (run->out.len)
            buf_add_byte(&run->out, '\n');
        words_fold(&run->out, inquest->meanings.items[i].sentence, 0, run->width);
        buf_add_byte(&run->out, '\n');
    }
}

// What was not seen could be what is looked for: say how much that is, and what would show it.
static void
say_unseen(struct inquest *inquest)
{
    const struct command_run *run = inquest->run;
    size_t most = 0;

    for (size_t i = 0; i < inquest->outcomes.count; i++) {
        const struct why_outcome *outcome = &inquest->outcomes.items[i];
        bool nameless = false;
        if (outcome->failed) {
            command_note(run, utf8_display(run->arena, str_of(outcome->err.text)));
            continue;
        }
        for (size_t c = 0; c < outcome->answer.causes.count; c++) {
            const struct cause *cause = &outcome->answer.causes.items[c];
            nameless = nameless || (cause->blocks && cause->sockets.count && cause->holders.count == 0 &&
                                    cause->kind != CAUSE_LINGERING && cause->kind != CAUSE_UNACCEPTED);
        }
        if (nameless && !outcome->answer.complete && outcome->answer.unseen.count > most)
            most = outcome->answer.unseen.count;
    }
    if (most == 0)
        return;
    struct str programs = words_count(run->arena, most, "program", "programs");
    struct str see = inquest->host.admin ? STR("moorage doctor tells why")
                                         : str_printf(run->arena, "sudo %.*s shows all", STR_ARG(run->again));
    command_note(run, str_printf(run->arena, "%.*s may not be looked into: %.*s", STR_ARG(programs), STR_ARG(see)));
}

static int
why_run(struct command_run *run, struct err *err)
{
    struct inquest inquest = {.run = run};
    struct service_table services = {0};

    if (run->operands.count == 0) {
        err_set(err, ERR_USAGE, 0, "which port? For example: moorage why 8080");
        return EXIT_USAGE;
    }
    command_services(run->arena, &services);
    for (size_t i = 0; i < run->operands.count; i++)
        if (!read_operand(&inquest, run->operands.items[i], &services, err))
            return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    if (!apply_options(&inquest, err))
        return EXIT_USAGE;
    drop_doubles(&inquest.endpoints);
    for (size_t i = 0; i < inquest.endpoints.count; i++)
        inquest.outcomes.ports += inquest.endpoints.items[i].last - inquest.endpoints.items[i].first + 1u;
    if (!read_host(&inquest, err) || !find_holders(&inquest, err))
        return EXIT_UNKNOWN;
    answer_all(&inquest);
    if (run->common.json)
        print_json(&inquest);
    else
        print_text(&inquest);
    say_unseen(&inquest);
    return exit_code(&inquest);
}

const struct command command_why = {
    .name = "why",
    .aliases = "who explain status",
    .usage = "[OPTION]... PORT...",
    .summary = "why a port can't be used, who has it and what to do",
    .about =
        "Tells whether a server could use the port now, by trying it for a moment, and if not, who or what keeps it "
        "and what ends that with the least harm. A PORT is 8080, 8000-8010, udp/53, 127.0.0.1:80, [::1]:80, "
        "localhost:3000, a URL or a service name; - reads the error text of another program from standard input "
        "and finds the port in it; the name or number of an error (EADDRINUSE, 10048) is explained.",
    .examples = "moorage 8080\twhy can't 8080 be used?\n"
                "moorage 8080 3000-3010\tseveral ports, a line each\n"
                "moorage 80 --on ::1\tone address only\n"
                "npm start 2>&1 | moorage -\tthe port that the error is about\n"
                "moorage -q 8080 && ./server\tthe exit code is the answer: 0 = you can use it\n",
    .options = OPT_TABLE(why_items),
    .options_size = sizeof(struct why_options),
    .run = why_run,
};
