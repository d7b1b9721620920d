#include "core/snapshot.h"
#include "core/why_parts.h"

// Ranges of ports: those that the system keeps from everybody, those that it hands out, those that it hands out to nobody.

static bool
is_asked_family(const struct inquiry *inquiry, const struct port_range *range)
{
    for (size_t i = 0; i < inquiry->wish_count; i++)
        if (range->family == FAMILY_NONE || range->family == (enum family)inquiry->wishes[i].address.family)
            return true;
    return false;
}

const struct port_range *
why_range(const struct inquiry *inquiry, enum range_kind kind)
{
    const struct host *host = inquiry->host;
    const struct port_range *found = NULL;

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (range->kind != kind || inquiry->port < range->first || range->last < inquiry->port ||
            !(range->any_protocol || host_same_ports(range->protocol, inquiry->question->protocol)) ||
            !is_asked_family(inquiry, range))
            continue;
        // A range that somebody made on purpose may lie over one of a driver; the latter is what refuses a bind.
        if (!found || (found->administered && !range->administered))
            found = range;
    }
    return found;
}

static void
add_privileged(struct inquiry *inquiry)
{
    const struct port_range *range = why_range(inquiry, RANGE_PRIVILEGED);

    if (!range || inquiry->refusal != REFUSAL_NO_RIGHT)
        return;
    struct cause *cause =
        why_add_cause(inquiry, CAUSE_PRIVILEGED, !inquiry->answer->bindable && !inquiry->question->as_root);
    cause->sentence = str_printf(inquiry->arena, "ports below %u need a right that you don't have", range->last + 1u);
    cause->range = range;
    why_note(inquiry, cause,
             str_printf(inquiry->arena, "Set by %.*s; root and programs with CAP_NET_BIND_SERVICE may use them.",
                        STR_ARG(range->source)));
}

// These ranges fall where the dynamic range lies, so one that begins low takes ports that people choose.
static void
note_low_dynamic(struct inquiry *inquiry, struct cause *cause)
{
    enum {
        USUAL_FIRST = 49152, // RFC 6335, and what Windows sets
    };
    const struct port_range *dynamic = why_range(inquiry, RANGE_DYNAMIC);

    if (!dynamic || dynamic->first >= USUAL_FIRST)
        return;
    why_note(inquiry, cause,
             str_printf(inquiry->arena,
                        "Such ranges are taken from the ports for outgoing connections, which begin at %u here instead "
                        "of the usual %u.",
                        dynamic->first, USUAL_FIRST));
}

// Whether the network of virtual machines runs, as far as the service manager tells.
enum tri
why_range_maker_runs(struct inquiry *inquiry)
{
    const struct service *service = NULL;
    struct host *host = inquiry->host;

    snapshot_add_services(inquiry->arena, host, &inquiry->platform->range_maker, 1, inquiry->question->deadline_ms);
    for (size_t i = 0; i < host->services.count; i++)
        if (str_equal_nocase(host->services.items[i].name, inquiry->platform->range_maker))
            service = &host->services.items[i];
    if (service)
        return str_equal(service->state, STR("active")) ? TRI_YES : TRI_NO;
    return host->services_known == KNOWN_YES ? TRI_NO : TRI_UNKNOWN;
}

// What usually lies behind a range that nobody made on purpose: the network of virtual machines takes blocks of ports when
// it starts, a different one each time.
static struct str
maker_of(struct inquiry *inquiry, const struct port_range *range)
{
    if (range->administered)
        return STR("an administrator or an installer, on purpose; it stays until it is deleted");
    if (why_range_maker_runs(inquiry) == TRI_NO)
        return STR(
            "a program or driver that asked for it; the service WinNAT, which takes such ranges for Hyper-V, WSL "
            "and Docker, does not run");
    return STR("Hyper-V, WSL or Docker; the range may move at the next restart");
}

static void
add_excluded(struct inquiry *inquiry)
{
    const struct port_range *range = why_range(inquiry, RANGE_EXCLUDED);
    struct arena *arena = inquiry->arena;

    if (!range || inquiry->refusal != REFUSAL_FORBIDDEN || why_http_has_range(inquiry, range))
        return;
    struct cause *cause = why_add_cause(inquiry, CAUSE_EXCLUDED_RANGE, true);
    cause->range = range;
    cause->maker = maker_of(inquiry, range);
    cause->sentence = range->first == range->last
                          ? str_printf(arena, "%.*s keeps port %u from every program",
                                       STR_ARG(inquiry->platform->title), range->first)
                          : str_printf(arena, "%.*s keeps the ports %u-%u from every program",
                                       STR_ARG(inquiry->platform->title), range->first, range->last);
    if (!range->administered)
        note_low_dynamic(inquiry, cause);
}

// A range that keeps nobody who names the port from using it.
static void
add_kept(struct inquiry *inquiry)
{
    const struct port_range *excluded = inquiry->refusal == REFUSAL_NONE ? why_range(inquiry, RANGE_EXCLUDED) : NULL;
    const struct port_range *reserved = why_range(inquiry, RANGE_RESERVED);
    const struct port_range *dynamic = why_range(inquiry, RANGE_DYNAMIC);
    struct cause *cause;

    if (excluded)
        reserved = excluded;
    if (reserved) {
        cause = why_add_cause(inquiry, CAUSE_RESERVED, false);
        cause->range = reserved;
        cause->sentence =
            str_printf(inquiry->arena,
                       "port %u is reserved (%.*s): the system gives it to nobody, a program that names it may use it",
                       inquiry->port, STR_ARG(reserved->source));
    } else if (dynamic) {
        cause = why_add_cause(inquiry, CAUSE_DYNAMIC_RANGE, false);
        cause->range = dynamic;
        cause->sentence = str_printf(
            inquiry->arena, "port %u is in the range for outgoing connections (%u-%u): any program may be given it",
            inquiry->port, dynamic->first, dynamic->last);
    }
}

// Every port of the dynamic range has a socket: connects and binds that name no port fail everywhere.
static void
add_exhausted(struct inquiry *inquiry)
{
    const struct port_range *dynamic = why_range(inquiry, RANGE_DYNAMIC);
    struct bind_wish wish = inquiry->wishes[0];
    struct probe probe;

    if (!dynamic || inquiry->answer->bindable || !inquiry->taken)
        return;
    // With SO_REUSEADDR the kernel would hand out a port that others have too.
    wish.port = 0;
    wish.mode = BIND_PLAIN;
    bind_probe(inquiry->arena, &wish, &probe);
    if (refusal_of(&probe) != REFUSAL_IN_USE)
        return;
    struct cause *cause = why_add_cause(inquiry, CAUSE_EXHAUSTED, true);
    cause->range = dynamic;
    cause->sentence = str_printf(inquiry->arena, "no port of the range %u-%u for outgoing connections is left",
                                 dynamic->first, dynamic->last);
    why_note(
        inquiry, cause,
        str_printf(inquiry->arena, "A bind that names no port was tried and fails too (%.*s).", STR_ARG(probe.result)));
}

void
why_find_range_causes(struct inquiry *inquiry)
{
    add_privileged(inquiry);
    add_excluded(inquiry);
    add_exhausted(inquiry);
    add_kept(inquiry);
}
