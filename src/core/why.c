#include "core/why.h"

#include <string.h>

#include "core/known.h"
#include "core/snapshot.h"
#include "core/suggest.h"
#include "core/why_parts.h"
#include "sys/socket_owner.h"

static const struct str kind_names[CAUSE_KIND_COUNT] = {
    [CAUSE_SOCKET_UNIT] = STR_INIT("socket-unit"),
    [CAUSE_HTTP_SYS] = STR_INIT("http-sys"),
    [CAUSE_PORTPROXY] = STR_INIT("portproxy"),
    [CAUSE_CONTAINER] = STR_INIT("container"),
    [CAUSE_RELAY] = STR_INIT("relay"),
    [CAUSE_SERVICE] = STR_INIT("service"),
    [CAUSE_INHERITED] = STR_INIT("inherited"),
    [CAUSE_REUSEPORT_GROUP] = STR_INIT("reuseport-group"),
    [CAUSE_LISTENER] = STR_INIT("listener"),
    [CAUSE_BOUND] = STR_INIT("bound"),
    [CAUSE_CONNECTION] = STR_INIT("connection"),
    [CAUSE_LINGERING] = STR_INIT("lingering"),
    [CAUSE_UNACCEPTED] = STR_INIT("unaccepted"),
    [CAUSE_KERNEL] = STR_INIT("kernel"),
    [CAUSE_HIDDEN] = STR_INIT("hidden"),
    [CAUSE_EXCLUDED_RANGE] = STR_INIT("excluded-range"),
    [CAUSE_PRIVILEGED] = STR_INIT("privileged"),
    [CAUSE_ADDRESS] = STR_INIT("address"),
    [CAUSE_DENIED] = STR_INIT("denied"),
    [CAUSE_EXHAUSTED] = STR_INIT("exhausted"),
    [CAUSE_REDIRECT] = STR_INIT("redirect"),
    [CAUSE_OTHER_NAMESPACE] = STR_INIT("other-namespace"),
    [CAUSE_DYNAMIC_RANGE] = STR_INIT("dynamic-range"),
    [CAUSE_RESERVED] = STR_INIT("reserved"),
    [CAUSE_SHARED] = STR_INIT("shared"),
    [CAUSE_OTHER_FAMILY] = STR_INIT("other-family"),
};

static const struct str lever_names[LEVER_COUNT] = {
    [LEVER_WAIT] = STR_INIT("wait"),           [LEVER_PROCESS] = STR_INIT("process"),
    [LEVER_SERVICE] = STR_INIT("service"),     [LEVER_SOCKET_UNIT] = STR_INIT("socket-unit"),
    [LEVER_CONTAINER] = STR_INIT("container"), [LEVER_SUPERVISOR] = STR_INIT("supervisor"),
    [LEVER_SOCKET] = STR_INIT("socket"),       [LEVER_SYSTEM] = STR_INIT("system"),
    [LEVER_SETTING] = STR_INIT("setting"),     [LEVER_OTHER_PORT] = STR_INIT("other-port"),
};

struct str
why_kind_name(enum cause_kind kind)
{
    return kind_names[kind];
}

struct str
why_lever_name(enum lever lever)
{
    return lever_names[lever];
}

struct str
why_harm_name(enum harm harm)
{
    static const struct str names[] = {STR_INIT("none"), STR_INIT("low"), STR_INIT("some"), STR_INIT("high")};

    return names[harm];
}

bool
why_browsers_refuse(const struct answer *answer)
{
    return answer->question.protocol == PROTOCOL_TCP && known_is_blocked_by_browsers(answer->question.endpoint.first);
}

const struct socket_row *
why_socket(const struct inquiry *inquiry, const struct why_row *row)
{
    return &inquiry->host->sockets.items[row->socket];
}

struct str
why_error(const struct inquiry *inquiry)
{
    const struct platform_value values[] = {{"result", inquiry->result},
                                            {"code", str_printf(inquiry->arena, "%lu", inquiry->code)}};

    return platform_fill(inquiry->arena, inquiry->platform->error, values, 2);
}

struct cause *
why_add_cause(struct inquiry *inquiry, enum cause_kind kind, bool blocks)
{
    struct cause *cause = LIST_ADD(inquiry->arena, &inquiry->answer->causes);

    cause->kind = kind;
    cause->blocks = blocks;
    return cause;
}

void
why_note(struct inquiry *inquiry, struct cause *cause, struct str sentence)
{
    if (sentence.len > 0)
        *LIST_ADD(inquiry->arena, &cause->notes) = sentence;
}

// The host lacks every family that was asked for: nothing was tried at all.
static bool
nothing_tried(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->answer->probes.count; i++)
        if (refusal_of(&inquiry->answer->probes.items[i]) != REFUSAL_UNSUPPORTED)
            return false;
    return true;
}

// With SO_REUSEADDR on both sides a bind beside a bound socket works, and the listen() after it fails: such a port can't
// be used although the bind works.
static bool
bound_in_the_way(const struct inquiry *inquiry)
{
    if (!inquiry->platform->rules->bound_stops_listen || inquiry->question->protocol == PROTOCOL_UDP ||
        inquiry->question->protocol == PROTOCOL_UDPLITE)
        return false;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role != ROW_APART &&
            why_socket(inquiry, &inquiry->rows.items[i])->state == SOCKET_BOUND)
            return true;
    return false;
}

static bool
somebody_serves(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role >= ROW_MAYBE && why_serves(why_socket(inquiry, &inquiry->rows.items[i])))
            return true;
    return why_has_role(inquiry, ROW_BLOCKS);
}

// A socket, a range or a program of the system beside this one may have it; what nothing explains is a filter's work.
static enum why_verdict
verdict_of_forbidden(const struct inquiry *inquiry)
{
    const struct port_range *range = why_range(inquiry, RANGE_EXCLUDED);

    if (why_has_role(inquiry, ROW_BLOCKS) || why_http_has_range(inquiry, range))
        return WHY_TAKEN;
    if (range)
        return WHY_RESERVED;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (why_explains(inquiry, &inquiry->rows.items[i]))
            return WHY_TAKEN;
    return why_neighbour(inquiry) ? WHY_TAKEN : WHY_NOT_ALLOWED;
}

static enum why_verdict
verdict_of(const struct inquiry *inquiry)
{
    switch (inquiry->refusal) {
    case REFUSAL_NONE:
        return bound_in_the_way(inquiry) ? WHY_TAKEN : WHY_FREE;
    case REFUSAL_IN_USE:
        return WHY_TAKEN;
    case REFUSAL_NOT_LOCAL:
        return WHY_NOT_LOCAL;
    case REFUSAL_FORBIDDEN:
        return verdict_of_forbidden(inquiry);
    case REFUSAL_NO_RIGHT:
    case REFUSAL_BY_RULE:
        // Options that can't be seen count against the port only where somebody serves.
        return somebody_serves(inquiry) ? WHY_TAKEN : inquiry->question->as_root ? WHY_FREE : WHY_NOT_ALLOWED;
    default:
        return why_has_role(inquiry, ROW_BLOCKS) ? WHY_TAKEN : WHY_UNKNOWN;
    }
}

// The HTTP server of the system keeps the whole port, although its socket may have one address alone.
static void
widen_http(struct inquiry *inquiry)
{
    if (inquiry->refusal != REFUSAL_FORBIDDEN || !why_http_has_range(inquiry, why_range(inquiry, RANGE_EXCLUDED)))
        return;
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (why_socket(inquiry, &inquiry->rows.items[i])->owner_pid == HOST_SYSTEM_PID)
            inquiry->rows.items[i].role = ROW_BLOCKS;
}

static void
judge(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    bool tried = !nothing_tried(inquiry);

    widen_http(inquiry);
    if (tried)
        answer->verdict = verdict_of(inquiry);
    else
        answer->verdict = why_has_role(inquiry, ROW_BLOCKS) ? WHY_TAKEN : WHY_UNKNOWN;
    // Without the right to try, the tables answer.
    answer->proved = tried && !why_is_untried(inquiry);
    answer->bindable = answer->verdict == WHY_FREE;
    inquiry->taken = answer->verdict == WHY_TAKEN;
}

static void
say_unseen(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    const struct host *host = inquiry->host;

    answer->tier = host->tier != TIER_NONE                ? host->tier
                   : inquiry->question->tier != TIER_NONE ? inquiry->question->tier
                                                          : socket_owner_tier();
    answer->complete = true;
    if (inquiry->rows.count == 0 || host->tier == TIER_NONE)
        return;
    answer->complete = host->complete;
    for (size_t i = 0; i < host->unseen.count; i++)
        if (host->unseen.items[i].relevant)
            *LIST_ADD(inquiry->arena, &answer->unseen) = host->unseen.items[i];
}

static uint32_t
lingering_seconds(const struct answer *answer)
{
    uint32_t seconds = 0;

    for (size_t i = 0; i < answer->causes.count; i++)
        if (answer->causes.items[i].kind == CAUSE_LINGERING && answer->causes.items[i].seconds > seconds)
            seconds = answer->causes.items[i].seconds;
    return seconds;
}

// A bind that works may work for few: who binds in a stricter way must know what stands in the way and for how long.
static void
warn_of_strict(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    const struct platform_words *words = &inquiry->platform->words;
    bool udp = inquiry->question->protocol == PROTOCOL_UDP || inquiry->question->protocol == PROTOCOL_UDPLITE;
    uint32_t seconds = lingering_seconds(answer);
    const struct platform_value values[] = {{"seconds", str_printf(inquiry->arena, "%u", seconds)}};

    if (!answer->bindable || inquiry->refusal != REFUSAL_NONE)
        return;
    if (inquiry->usual_fails)
        answer->plain_warning = words->only_odd;
    else if (inquiry->strict_fails)
        answer->plain_warning = platform_fill(inquiry->arena,
                                              udp           ? words->only_shared
                                              : seconds > 0 ? words->only_after
                                                            : words->only_usual,
                                              values, 1);
}

static size_t
find_suggestion(struct inquiry *inquiry, uint16_t *out)
{
    enum protocol protocol = inquiry->question->protocol;
    struct err ignored;
    struct snapshot_ask ask = {
        .protocols = 1u << host_port_space(protocol),
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = 0,
        .last = 65535,
    };

    if (!(inquiry->question->read & WHY_READ_LISTENERS)) {
        if (suggest_unused(inquiry->host, protocol, inquiry->port, out, 1) > 0)
            return 1;
        // Without the other rows a suggestion is still proved by its own bind.
        (void)snapshot_add(inquiry->arena, &ask, inquiry->host, &ignored);
    }
    return suggest_ports(inquiry->host, protocol, inquiry->port, out, 1);
}

static void
add_suggestions(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    uint16_t port;

    if (!answer->bindable && answer->verdict != WHY_NOT_LOCAL && find_suggestion(inquiry, &port) > 0)
        *LIST_ADD(inquiry->arena, &answer->suggest) = port;
}

// Blocking causes first; within each half the order of finding is the contract's precedence.
static void
order_causes(struct inquiry *inquiry)
{
    struct answer *answer = inquiry->answer;
    struct cause *sorted = arena_array(inquiry->arena, answer->causes.count + 1, sizeof *sorted);
    size_t count = 0;

    for (int half = 0; half < 2; half++)
        for (size_t i = 0; i < answer->causes.count; i++)
            if (answer->causes.items[i].blocks == (half == 0))
                sorted[count++] = answer->causes.items[i];
    if (count > 0)
        memcpy(answer->causes.items, sorted, count * sizeof *sorted);
}

bool
why_answer(struct arena *arena, struct host *host, const struct why_question *question, struct answer *out,
           struct err *err)
{
    struct inquiry inquiry = {
        .arena = arena,
        .host = host,
        .question = question,
        .answer = out,
        .platform = platform_of(host),
        .port = question->endpoint.first,
        .uid = host->uid,
        .all_states = (question->read & WHY_READ_STATES) != 0,
    };
    struct err ignored;

    *out = (struct answer){.question = *question};
    if (!why_look(&inquiry, err))
        return false;
    if (host->ranges.count == 0)
        (void)snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_RANGES}, host, &ignored);
    if (host->leases_known == KNOWN_NOT_ASKED)
        (void)snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_LEASES}, host, &ignored);
    out->lease = host_lease(host, question->protocol, inquiry.port);
    why_read_beyond(&inquiry);
    judge(&inquiry);
    say_unseen(&inquiry);
    why_find_socket_causes(&inquiry);
    why_find_system_causes(&inquiry);
    order_causes(&inquiry);
    warn_of_strict(&inquiry);
    add_suggestions(&inquiry);
    for (size_t i = 0; i < out->causes.count; i++)
        why_add_remedies(&inquiry, &out->causes.items[i]);
    return true;
}
