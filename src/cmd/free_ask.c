#include "cmd/free_ask.h"

#include <string.h>

#include "base/utf8.h"
#include "cmd/agree.h"
#include "cmd/inquest.h"
#include "cmd/why_text.h"
#include "core/endpoint.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/user.h"

enum {
    INPUT_LIMIT = 1 << 20,
    DEADLINE_MS = 1000, // for service managers and runtimes to tell what they have: an act may take longer than a look
    PORTS_MOST = 1000,
};

static bool
read_span(struct str text, const char *option, unsigned *out, struct err *err)
{
    int64_t ms = 0;

    if (!text.ptr)
        return true;
    if (!opt_span(text, &ms) || ms > UINT32_MAX / 2)
        return err_set(err, ERR_USAGE, 0, "--%s takes a time such as 10s or 500ms", option);
    *out = (unsigned)ms;
    return true;
}

static bool
read_allow(const struct free_options *options, unsigned *out, struct err *err)
{
    for (size_t i = 0; i < options->allow.count; i++) {
        struct str rest = options->allow.items[i];
        struct str word;
        enum plan_allow allow;
        while (str_cut(&rest, ',', &word)) {
            if (!plan_allow_parse(word, &allow))
                return err_set(
                    err, ERR_USAGE, 0,
                    "--allow takes other-user, supervisor, remote-access or system; nothing allows everything");
            *out |= allow;
        }
    }
    return true;
}

// This program itself: where it runs, and in which project.
static void
read_self(struct arena *arena, struct process *out)
{
    process_read(arena, process_self(), PROCESS_CWD | PROCESS_GIT, out);
}

// A folder as processes tell theirs: "." and what begins with "./" means the current one.
static struct str
folder_of(struct arena *arena, struct str text)
{
    struct process self;

    if (str_starts(text, STR("/")) || (text.len > 1 && text.ptr[1] == ':'))
        return text;
    read_self(arena, &self);
    while (str_starts(text, STR("./")))
        text = str_part(text, 2, SIZE_MAX);
    if (str_equal(text, STR(".")) || text.len == 0)
        return self.cwd.value;
    return str_printf(arena, "%.*s/%.*s", STR_ARG(self.cwd.value), STR_ARG(text));
}

static bool
read_only(struct arena *arena, struct str text, struct plan_only *out, struct err *err)
{
    struct str value = text;
    struct str key;

    (void)str_cut(&value, '=', &key);
    if (value.len > 0 && str_equal(key, STR("exe"))) {
        out->exe = value;
        return true;
    }
    if (value.len > 0 && str_equal(key, STR("cwd"))) {
        out->cwd = folder_of(arena, value);
        return out->cwd.len > 0 || err_set(err, ERR_SYSTEM, 0, "the current folder can't be told");
    }
    if (value.len > 0 && str_equal(key, STR("user"))) {
        out->of_user = true;
        out->uid = agree_me();
        return str_equal(value, STR("me")) || user_find(value, &out->uid) ||
               err_set(err, ERR_USAGE, 0, "there is no user '%.*s'", STR_ARG(utf8_display(arena, value)));
    }
    return err_set(err, ERR_USAGE, 0, "--only takes exe=NAME, cwd=FOLDER or user=NAME, for example --only user=me");
}

static bool
read_mine(struct arena *arena, struct plan_only *out, struct err *err)
{
    struct process self;

    read_self(arena, &self);
    if (self.cwd.known != KNOWN_YES || self.cwd.value.len == 0)
        return err_set(err, ERR_SYSTEM, 0, "--mine: the current folder can't be told");
    bool in_project = self.git_root.known == KNOWN_YES && self.git_root.value.len > 0;
    out->of_user = true;
    out->uid = agree_me();
    out->of_project = true;
    out->project = in_project ? self.git_root.value : self.cwd.value;
    return true;
}

bool
free_ask_wish(const struct command_run *run, struct free_options *options, struct plan_wish *out, struct err *err)
{
    *out = (struct plan_wish){.kill = options->kill,
                              .wait = options->wait,
                              .again = run->again,
                              .timeout_given = options->timeout.ptr != NULL};
    if (!read_span(options->timeout, "timeout", &out->timeout_ms, err) ||
        !read_span(options->watch, "watch", &options->watch_ms, err) || !read_allow(options, &out->allow, err))
        return false;
    for (size_t i = 0; i < options->only.count; i++)
        if (!read_only(run->arena, options->only.items[i], &out->only, err))
            return false;
    return !options->mine || read_mine(run->arena, &out->only, err);
}

static bool
read_operand(const struct command_run *run, struct str word, const struct service_table *services,
             struct endpoint_list *out, struct err *err)
{
    struct arena *arena = run->arena;
    struct inquest inquest = inquest_begin(run);
    struct str text;

    if (str_equal(word, STR("-"))) {
        if (!file_read_input(arena, INPUT_LIMIT, &text, err))
            return false;
        inquest.endpoints = *out;
        if (inquest_add_text(&inquest, text) != INQUEST_TEXT_PORT)
            return err_set(
                err, ERR_FORMAT, 0,
                "no port is named in the text on standard input; give the port itself, as in moorage free 8080");
        *out = inquest.endpoints;
        return true;
    }
    switch (endpoint_parse(arena, word, services, out, err)) {
    case ENDPOINT_IS_PORT:
        return true;
    case ENDPOINT_IS_WRONG:
        return false;
    default:
        word = utf8_display(arena, str_part(word, 0, 80));
        return err_set(err, ERR_USAGE, 0,
                       "'%.*s' is no port; moorage %.*s lists the ports of a program of that name, each of which can "
                       "be freed",
                       STR_ARG(word), STR_ARG(word));
    }
}

static void
add_question(const struct command_run *run, const struct free_options *options, const struct endpoint *endpoint,
             uint16_t port, enum protocol protocol, struct free_questions *out)
{
    struct why_question question = {.endpoint = *endpoint,
                                    .protocol = protocol,
                                    .mode = inquest_mode(options->bind),
                                    .share = run->privacy.share,
                                    .deadline_ms = DEADLINE_MS};

    question.endpoint.first = port;
    question.endpoint.last = port;
    for (size_t i = 0; i < out->count; i++) {
        const struct endpoint *old = &out->items[i].endpoint;
        if (old->first == port && out->items[i].protocol == protocol && old->host == endpoint->host &&
            address_equal(old->address, endpoint->address) && str_equal(old->device, endpoint->device))
            return;
    }
    *LIST_ADD(run->arena, out) = question;
}

bool
free_ask_ports(const struct command_run *run, const struct free_options *options, struct free_questions *out,
               struct err *err)
{
    struct service_table services = {0};
    struct endpoint_list list = {0};
    size_t ports = 0;

    if (run->operands.count == 0)
        return err_set(err, ERR_USAGE, 0, "which port? For example: moorage free 8080");
    command_services(&services);
    for (size_t i = 0; i < run->operands.count; i++)
        if (!read_operand(run, run->operands.items[i], &services, &list, err))
            return false;
    if (options->on.ptr && !endpoint_set_address(&list, options->on, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        ports += list.items[i].last - list.items[i].first + 1u;
    if (ports > PORTS_MOST)
        return err_set(err, ERR_USAGE, 0, "%zu ports are too many to free at once; %d is the most", ports, PORTS_MOST);
    for (size_t i = 0; i < list.count; i++) {
        struct endpoint *endpoint = &list.items[i];
        if (endpoint->any_protocol && options->tcp != options->udp) {
            endpoint->any_protocol = false;
            endpoint->protocol = options->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
        }
        for (uint32_t port = endpoint->first; port <= endpoint->last; port++) {
            enum protocol protocol = endpoint->any_protocol ? PROTOCOL_TCP : endpoint->protocol;
            size_t before = out->count;
            add_question(run, options, endpoint, (uint16_t)port, protocol, out);
            if (endpoint->any_protocol)
                add_question(run, options, endpoint, (uint16_t)port, PROTOCOL_UDP, out);
            if (endpoint->any_protocol && out->count == before + 2)
                *LIST_ADD(run->arena, &out->pairs) = before;
        }
    }
    return true;
}

static bool
has_holder(const struct plan_goal *goal, uint32_t pid)
{
    for (size_t i = 0; i < goal->answer.causes.count; i++)
        for (size_t k = 0; goal->answer.causes.items[i].blocks && k < goal->answer.causes.items[i].holders.count; k++)
            if (goal->answer.causes.items[i].holders.items[k].pid == pid)
                return true;
    return false;
}

static bool
same_holders(const struct plan_goal *a, const struct plan_goal *b)
{
    for (size_t i = 0; i < a->answer.causes.count; i++)
        for (size_t k = 0; a->answer.causes.items[i].blocks && k < a->answer.causes.items[i].holders.count; k++)
            if (!has_holder(b, a->answer.causes.items[i].holders.items[k].pid))
                return false;
    return true;
}

static bool
is_taken(const struct plan_goal *goal)
{
    return !goal->failed && !goal->done && goal->answer.verdict == WHY_TAKEN;
}

// TCP and UDP of one port are two things; where different programs have them, only the person knows which is meant.
static bool
is_ambiguous(const struct plan_goal *tcp, const struct plan_goal *udp)
{
    if (!is_taken(tcp) || !is_taken(udp))
        return false;
    return !same_holders(tcp, udp) || !same_holders(udp, tcp);
}

static struct str
who_has(const struct command_run *run, const struct plan_goal *goal)
{
    struct why_view view = {run->arena, goal->host, &run->privacy, 0, false};

    return why_text_who(&view, &goal->answer);
}

// 't', 'u', 'b', or 0.
static char
choose(struct command_run *run, const struct free_options *options, const struct plan_goal *tcp,
       const struct plan_goal *udp)
{
    struct arena *arena = run->arena;
    uint16_t port = tcp->question.endpoint.first;
    struct str said = str_printf(arena, "Port %u is taken twice: TCP by %.*s, UDP by %.*s.", port,
                                 STR_ARG(who_has(run, tcp)), STR_ARG(who_has(run, udp)));

    if (options->yes || options->dry_run || !agree_is_possible(run)) {
        command_note(run, str_printf(arena, "%.*s Say which: tcp/%u or udp/%u, or both.", STR_ARG(said), port, port));
        return 0;
    }
    struct str answer = agree_read(run, str_printf(arena, "%.*s Which is meant? [tcp/udp/both/N] ", STR_ARG(said)));
    char first = answer.len > 0 ? answer.ptr[0] : 0;
    if (first == 't' || first == 'T')
        return 't';
    if (first == 'u' || first == 'U')
        return 'u';
    return first == 'b' || first == 'B' ? 'b' : 0;
}

// A bare number means the one that is taken; where neither is, it is about TCP.
static void
drop_other(const struct plan_goal *tcp, const struct plan_goal *udp, bool *drop_tcp, bool *drop_udp)
{
    *drop_tcp = !tcp->done && !is_taken(tcp) && is_taken(udp);
    *drop_udp = !udp->done && !is_taken(udp);
}

bool
free_ask_protocols(struct command_run *run, const struct free_options *options, const struct plan *plan,
                   struct free_questions *questions, bool *undecided)
{
    bool *dropped = arena_array(run->arena, questions->count + 1, sizeof *dropped);
    size_t kept = 0;

    *undecided = false;
    for (size_t i = 0; i < questions->pairs.count && !*undecided; i++) {
        size_t tcp = questions->pairs.items[i];
        if (!is_ambiguous(&plan->goals.items[tcp], &plan->goals.items[tcp + 1])) {
            drop_other(&plan->goals.items[tcp], &plan->goals.items[tcp + 1], &dropped[tcp], &dropped[tcp + 1]);
            continue;
        }
        char choice = choose(run, options, &plan->goals.items[tcp], &plan->goals.items[tcp + 1]);
        *undecided = choice == 0;
        dropped[tcp] = choice == 'u';
        dropped[tcp + 1] = choice == 't';
    }
    for (size_t i = 0; i < questions->count; i++)
        if (!dropped[i])
            questions->items[kept++] = questions->items[i];
    bool changed = kept < questions->count;
    questions->count = kept;
    return changed && !*undecided;
}
