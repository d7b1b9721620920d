#include "cmd/inquest.h"

#include "base/utf8.h"
#include "cmd/words.h"
#include "core/known.h"
#include "core/snapshot.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

enum {
    DEADLINE_MS = 300,
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

struct inquest
inquest_begin(const struct command_run *run)
{
    return (struct inquest){.arena = run->arena, .share = run->privacy.share};
}

enum bind_mode
inquest_mode(struct str bind)
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

void
inquest_add_meaning(struct inquest *inquest, struct str error)
{
    if (known_error_meaning(error).len)
        *LIST_ADD(inquest->arena, &inquest->meanings) = (struct inquest_meaning){error, known_error_meaning(error)};
}

// A text without a port still says what went wrong; one with a port may be about something else than a taken one.
enum inquest_text
inquest_add_text(struct inquest *inquest, struct str text)
{
    struct arena *arena = inquest->arena;
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
        *LIST_ADD(arena, &inquest->meanings) = (struct inquest_meaning){.sentence = meaning};
    if (found)
        return INQUEST_TEXT_PORT;
    inquest->portless = true;
    return path.len ? INQUEST_TEXT_PATH : meaning.len ? INQUEST_TEXT_MEANING : INQUEST_TEXT_NOTHING;
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
        ask.protocols |= endpoint->any_protocol ? host_port_sharers(PROTOCOL_TCP) | host_port_sharers(PROTOCOL_UDP)
                                                : host_port_sharers(endpoint->protocol);
    }
    if (inquest->outcomes.ports == 1)
        return snapshot_read(inquest->arena, &ask, &inquest->host, err);

    // For one port these are looked for only when its bind calls for them; for many, once for all.
    struct snapshot_ask listeners = {.protocols = ask.protocols, .states = ask.states, .first = 0, .last = UINT16_MAX};
    ask.states = SOCKET_STATES_ALL;
    ask.no_tcp_elsewhere = !(ask.protocols & (1u << PROTOCOL_TCP | 1u << PROTOCOL_MPTCP));
    ask.want |= SNAPSHOT_NAMESPACES | SNAPSHOT_REDIRECTS | SNAPSHOT_KERNEL_PORTS;
    inquest->read = WHY_READ_STATES | WHY_READ_LISTENERS | WHY_READ_KERNEL_PORTS;
    return snapshot_read(inquest->arena, &ask, &inquest->host, err) &&
           snapshot_add(inquest->arena, &listeners, &inquest->host, err);
}

// The rows of the asked ports, of this network or of the others that were read.
static size_t
asked_rows(const struct inquest *inquest, bool elsewhere, size_t *out)
{
    const struct host *host = &inquest->host;
    size_t count = 0;

    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        bool asked = false;
        for (size_t e = 0; e < inquest->endpoints.count && !asked; e++)
            asked = inquest->endpoints.items[e].first <= row->local_port &&
                    row->local_port <= inquest->endpoints.items[e].last;
        if (asked && (row->netns != 0) == elsewhere)
            out[count++] = i;
    }
    return count;
}

// The programs that have the ports of a range are searched once, not for each port.
static bool
find_holders(struct inquest *inquest, struct err *err)
{
    struct host *host = &inquest->host;
    size_t *sockets = arena_array(inquest->arena, host->sockets.count + 1, sizeof *sockets);
    struct err ignored;

    if (inquest->outcomes.ports == 1)
        return true;
    size_t count = asked_rows(inquest, false, sockets);
    size_t elsewhere = asked_rows(inquest, true, sockets + count);
    // Where the search ends with the first that is found, these must not be it.
    if (inquest->reach != OWNER_FIRST)
        return snapshot_add_holders(inquest->arena, host, sockets, count + elsewhere, PROCESS_ALL, true, inquest->reach,
                                    err);
    (void)snapshot_add_holders(inquest->arena, host, sockets + count, elsewhere, PROCESS_ALL, true, OWNER_ALL,
                               &ignored);
    return snapshot_add_holders(inquest->arena, host, sockets, count, PROCESS_ALL, true, inquest->reach, err);
}

static void
answer_one(struct inquest *inquest, size_t asked, uint16_t port, enum protocol protocol, bool beside)
{
    struct why_outcome *outcome = LIST_ADD(inquest->arena, &inquest->outcomes);
    struct why_question question = {
        .endpoint = inquest->endpoints.items[asked],
        .protocol = protocol,
        .mode = inquest->mode,
        .v6only = inquest->v6only,
        .share = inquest->share,
        .as_root = inquest->as_root,
        .all = inquest->all,
        .reach = inquest->reach,
        .read = inquest->read,
        .index = &inquest->index,
        .tier = inquest->tier,
        .deadline_ms = DEADLINE_MS,
    };

    question.endpoint.first = port;
    question.endpoint.last = port;
    outcome->beside = beside;
    outcome->asked = asked;
    outcome->failed = !why_answer(inquest->arena, &inquest->host, &question, &outcome->answer, &outcome->err);
}

static void
answer_all(struct inquest *inquest)
{
    inquest->tier = socket_owner_tier();
    why_index_make(inquest->arena, &inquest->host, &inquest->index);
    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        struct endpoint endpoint = inquest->endpoints.items[i];
        for (uint32_t port = endpoint.first; port <= endpoint.last; port++) {
            answer_one(inquest, i, (uint16_t)port, endpoint.any_protocol ? PROTOCOL_TCP : endpoint.protocol, false);
            if (endpoint.any_protocol)
                answer_one(inquest, i, (uint16_t)port, PROTOCOL_UDP, true);
        }
    }
}

bool
inquest_answer(struct inquest *inquest, struct err *err)
{
    drop_doubles(&inquest->endpoints);
    for (size_t i = 0; i < inquest->endpoints.count; i++)
        inquest->outcomes.ports += inquest->endpoints.items[i].last - inquest->endpoints.items[i].first + 1u;
    if (!read_host(inquest, err) || !find_holders(inquest, err))
        return false;
    answer_all(inquest);
    return true;
}

int
inquest_exit(const struct inquest *inquest)
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

void
inquest_print(const struct inquest *inquest, const struct command_run *run, struct buf *out)
{
    struct why_view view = {inquest->arena, &inquest->host, &run->privacy, run->width, run->colour};

    why_lines_print(&view, &inquest->outcomes, out);
    for (size_t i = 0; i < inquest->meanings.count; i++) {
        if (out->len)
            buf_add_byte(out, '\n');
        words_fold(out, inquest->meanings.items[i].sentence, 0, run->width);
        buf_add_byte(out, '\n');
    }
}

void
inquest_report(const struct inquest *inquest, cJSON *asked, const struct report_privacy *privacy)
{
    for (size_t i = 0; i < inquest->outcomes.count; i++)
        if (!inquest->outcomes.items[i].failed)
            report_add_answer(inquest->arena, asked, &inquest->host, &inquest->outcomes.items[i].answer, privacy);
}

void
inquest_report_meanings(const struct inquest *inquest, cJSON *document)
{
    cJSON *meanings = json_add_array(document, "meanings");

    for (size_t i = 0; i < inquest->meanings.count; i++) {
        cJSON *meaning = json_append_object(meanings);
        json_add_str(inquest->arena, meaning, "error", inquest->meanings.items[i].error);
        json_add_str(inquest->arena, meaning, "sentence", inquest->meanings.items[i].sentence);
    }
}

// Those that no list shows have no number: how many they are is not known.
static size_t
count_listed(const struct answer *answer)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->unseen.count; i++)
        count += answer->unseen.items[i].pid != 0;
    return count;
}

// What was not seen could be what is looked for: say how much that is, and what would show it.
void
inquest_say_unseen(const struct inquest *inquest, const struct command_run *run)
{
    size_t most = 0;
    size_t listed = 0;
    // Another program on the line is not to be started with more rights just to be told who has a port.
    struct str again = run->again;

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
        if (!nameless || outcome->answer.complete || outcome->answer.unseen.count <= most)
            continue;
        most = outcome->answer.unseen.count;
        listed = count_listed(&outcome->answer);
        if (run->behind.count > 0)
            again = str_printf(run->arena, "moorage why %u", outcome->answer.question.endpoint.first);
    }
    if (most == 0)
        return;
    command_note(run, str_printf(run->arena, "%.*s: %.*s", STR_ARG(words_unseen(run->arena, listed)),
                                 STR_ARG(words_who_sees(run->arena, &inquest->host, again))));
}
