#include "core/range.h"

#include "base/buf.h"
#include "core/holder.h"
#include "core/platform.h"
#include "decode/range_file.h"
#include "decode/sysctl.h"

#define RESERVED "net.ipv4.ip_local_reserved_ports"
#define DYNAMIC "net.ipv4.ip_local_port_range"
#define OWN_FILE "zz-moorage.conf" // behind the files of others: the last one that sets a value counts

enum {
    FEWEST_DYNAMIC = 255, // what Windows asks for at least; fewer than that soon are too few anywhere
    UNPRIVILEGED = 1024,
    NAMED_MOST = 5,
};

// One plan while it is made.
struct planning {
    struct arena *arena;
    const struct host *host;
    const struct range_wish *wish;
    struct range_plan *plan;
    bool wanted[RANGE_FILE_PORTS]; // the ports of the wish
};

static void
add_sentence(struct arena *arena, struct str_list *list, struct str sentence)
{
    *LIST_ADD(arena, list) = sentence;
}

static struct str
spans_text(struct arena *arena, const bool *ports)
{
    return range_file_list(arena, ports);
}

static const struct port_range *
dynamic_of(const struct host *host, enum protocol protocol, enum family family)
{
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (range->kind == RANGE_DYNAMIC && (range->any_protocol || range->protocol == protocol) &&
            (range->family == FAMILY_NONE || family == FAMILY_NONE || range->family == family))
            return range;
    }
    return NULL;
}

static bool
is_reserved(const struct host *host, enum protocol protocol, uint16_t port)
{
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        bool kept = range->kind == RANGE_RESERVED || (range->kind == RANGE_EXCLUDED && range->administered);
        if (kept && (range->any_protocol || range->protocol == protocol) && port >= range->first && port <= range->last)
            return true;
    }
    return false;
}

static bool
serves(const struct socket_row *row)
{
    return row->netns == 0 && (row->state == SOCKET_LISTEN || row->state == SOCKET_UNCONN);
}

// "node (pid 40) on 8080"
static void
add_name(struct planning *planning, size_t socket, struct buf *out, size_t *count)
{
    const struct host *host = planning->host;
    const struct socket_row *row = &host->sockets.items[socket];
    const struct process *process = NULL;

    for (size_t i = 0; i < host->holdings.count && !process; i++)
        if (host->holdings.items[i].socket == socket)
            process = host_process(host, host->holdings.items[i].pid);
    if (++*count > NAMED_MOST)
        return;
    buf_addf(out, "%s%u", out->len ? ", " : "", row->local_port);
    if (process)
        buf_addf(out, " (%.*s, pid %u)", STR_ARG(process->name), process->pid);
}

// The servers whose ports would be given away to clients from now on.
static void
refuse_moved_over(struct planning *planning)
{
    const struct range_span *span = &planning->wish->spans.items[0];
    bool seen[RANGE_FILE_PORTS] = {false};
    struct buf names = {.arena = planning->arena};
    size_t count = 0;

    for (size_t i = 0; i < planning->host->sockets.count; i++) {
        const struct socket_row *row = &planning->host->sockets.items[i];
        const struct port_range *now = dynamic_of(planning->host, row->protocol, row->local.family);
        uint16_t port = row->local_port;
        bool covered = now && port >= now->first && port <= now->last;
        if (!serves(row) || port < span->first || port > span->last || covered || seen[port] ||
            is_reserved(planning->host, row->protocol, port))
            continue;
        seen[port] = true;
        add_name(planning, i, &names, &count);
    }
    if (count == 0)
        return;
    struct str rest = count > NAMED_MOST ? str_printf(planning->arena, " and %zu more", count - NAMED_MOST) : STR("");
    add_sentence(
        planning->arena, &planning->plan->refusals,
        str_printf(planning->arena,
                   "Programs serve on ports of the new range, and clients would be given them at their next restart: "
                   "%.*s%.*s. Reserve these first: moorage range reserve %.*s",
                   STR_ARG(buf_str(&names)), STR_ARG(rest), STR_ARG(spans_text(planning->arena, seen))));
}

static void
check_move(struct planning *planning)
{
    const struct range_span *span = &planning->wish->spans.items[0];
    struct str_list *refusals = &planning->plan->refusals;

    if (span->first < UNPRIVILEGED)
        add_sentence(planning->arena, refusals,
                     str_printf(planning->arena, "Ports below %d belong to the system's services.", UNPRIVILEGED));
    if (span->last - span->first + 1 < FEWEST_DYNAMIC)
        add_sentence(planning->arena, refusals,
                     str_printf(planning->arena, "Fewer than %d ports for all outgoing connections are too few.",
                                FEWEST_DYNAMIC));
    refuse_moved_over(planning);
}

static bool
read_setting(struct planning *planning, struct str target, struct str *now, struct err *err)
{
    return range_act_read(planning->arena, target, now, err);
}

static void
add_step(struct planning *planning, struct str target, struct str before, struct str after, struct str sentence,
         struct str by_hand)
{
    struct range_step *step = LIST_ADD(planning->arena, &planning->plan->steps);

    *step = (struct range_step){
        .lever = LEVER_SETTING,
        .harm = planning->wish->deed == RANGE_MOVE ? HARM_SOME : HARM_LOW,
        .sentence = sentence,
        .by_hand = by_hand,
        .needs_admin = true,
        .act = {.target = target, .before = before, .after = after},
    };
    step->precondition = before.len ? STR("the setting is still as it is now") : STR("it is still empty");
}

// The running system's setting.
static void
add_setting_step(struct planning *planning, const char *name, struct str before, struct str after)
{
    struct arena *arena = planning->arena;
    struct str shown = after.len ? after : STR("nothing");

    if (str_equal(before, after))
        return;
    add_step(planning, str_of(name), before, after, str_printf(arena, "Set %s to %.*s", name, STR_ARG(shown)),
             str_printf(arena, "sysctl -w %s=\"%.*s\"", name, STR_ARG(after)));
}

// The file that sets it at the next start.
static void
add_file_step(struct planning *planning, struct str path, struct str before, struct str after)
{
    struct arena *arena = planning->arena;

    if (str_equal(before, str_trim(after)))
        return;
    add_step(planning, path, before, after,
             str_printf(arena, after.len ? "Write %.*s, for after a restart" : "Remove %.*s, of which nothing is left",
                        STR_ARG(path)),
             (struct str){0});
    planning->plan->steps.items[planning->plan->steps.count - 1].precondition =
        before.len ? STR("the file is as it was") : STR("there is no such file");
}

// Ports of the list that the wish changes; what does not change need not be taken back.
static struct str
change_ports(struct planning *planning, struct str list, bool reserve, bool *changed)
{
    bool ports[RANGE_FILE_PORTS] = {false};

    range_file_mark(list, ports);
    for (uint32_t port = 1; port < RANGE_FILE_PORTS; port++) {
        if (!planning->wanted[port] || ports[port] == reserve)
            continue;
        ports[port] = reserve;
        changed[port] = true;
    }
    return range_file_list(planning->arena, ports);
}

static void
say_undo(struct planning *planning, const char *words, struct str ports)
{
    planning->plan->undo = str_printf(planning->arena, "moorage range %s %.*s%s", words, STR_ARG(ports),
                                      planning->wish->persist ? " --persist" : "");
}

static bool
plan_list(struct planning *planning, struct str path, struct err *err)
{
    struct arena *arena = planning->arena;
    bool reserve = planning->wish->deed == RANGE_RESERVE;
    bool changed[RANGE_FILE_PORTS] = {false};
    struct range_file file;
    struct str now;
    struct str text;

    if (!read_setting(planning, STR(RESERVED), &now, err) || !read_setting(planning, path, &text, err))
        return false;
    range_file_parse(text, &file);
    struct str value = change_ports(planning, now, reserve, changed);
    add_setting_step(planning, RESERVED, now, value);
    bool changed_own[RANGE_FILE_PORTS] = {false};
    struct str own = change_ports(planning, file.reserved, reserve, planning->wish->persist ? changed : changed_own);
    if (planning->wish->persist) {
        file.reserved = own;
        add_file_step(planning, path, text, range_file_format(arena, &file, value));
    } else if (reserve && planning->plan->steps.count) {
        add_sentence(arena, &planning->plan->notes, STR("It holds until the next restart; --persist makes it last."));
    } else if (!reserve && !str_equal(own, file.reserved)) {
        add_sentence(
            arena, &planning->plan->notes,
            str_printf(arena, "%.*s reserves it again at the next restart; --persist ends that too.", STR_ARG(path)));
    }
    if (planning->plan->steps.count)
        say_undo(planning, reserve ? "release" : "reserve", range_file_list(arena, changed));
    return true;
}

static bool
plan_move(struct planning *planning, struct str path, struct err *err)
{
    struct arena *arena = planning->arena;
    const struct range_span *span = &planning->wish->spans.items[0];
    const struct port_range *before = dynamic_of(planning->host, PROTOCOL_TCP, FAMILY_NONE);
    struct range_file file;
    struct str now;
    struct str text;

    if (!read_setting(planning, STR(DYNAMIC), &now, err) || !read_setting(planning, path, &text, err))
        return false;
    range_file_parse(text, &file);
    if (!before || before->first != span->first || before->last != span->last)
        add_setting_step(planning, DYNAMIC, now, str_printf(arena, "%u %u", span->first, span->last));
    if (planning->wish->persist) {
        bool ports[RANGE_FILE_PORTS] = {false};
        struct str value;
        if (!read_setting(planning, STR(RESERVED), &value, err))
            return false;
        range_file_mark(value, ports);
        file.dynamic_first = span->first;
        file.dynamic_last = span->last;
        add_file_step(planning, path, text, range_file_format(arena, &file, range_file_list(arena, ports)));
    } else if (planning->plan->steps.count) {
        add_sentence(arena, &planning->plan->notes, STR("It holds until the next restart; --persist makes it last."));
    }
    if (planning->plan->steps.count && before)
        say_undo(planning, "dynamic", str_printf(arena, "%u-%u", before->first, before->last));
    return true;
}

// A reservation of a port that somebody has would keep him from coming back.
static void
refuse_served(struct planning *planning)
{
    struct buf names = {.arena = planning->arena};
    bool seen[RANGE_FILE_PORTS] = {false};
    size_t count = 0;

    for (size_t i = 0; i < planning->host->sockets.count; i++) {
        const struct socket_row *row = &planning->host->sockets.items[i];
        if (!serves(row) || !planning->wanted[row->local_port] || seen[row->local_port])
            continue;
        seen[row->local_port] = true;
        add_name(planning, i, &names, &count);
    }
    if (count)
        add_sentence(planning->arena, &planning->plan->refusals,
                     str_printf(planning->arena,
                                "Windows reserves only ports that nobody has, and these are in use: %.*s. Free them "
                                "first, then reserve them, then start the programs again.",
                                STR_ARG(buf_str(&names))));
}

static void
add_netsh(struct planning *planning, struct str words, struct str what)
{
    add_step(planning, STR("netsh"), (struct str){0}, words, what,
             str_printf(planning->arena, "netsh %.*s", STR_ARG(words)));
    planning->plan->steps.items[planning->plan->steps.count - 1].precondition = STR("nobody has the ports");
}

static void
plan_netsh_span(struct planning *planning, const struct range_span *span, enum family family, bool tcp)
{
    static const char *const verbs[] = {
        [RANGE_RESERVE] = "add excludedportrange",
        [RANGE_RELEASE] = "delete excludedportrange",
        [RANGE_MOVE] = "set dynamicport",
    };
    static const char *const deeds[] = {
        [RANGE_RESERVE] = "Reserve",
        [RANGE_RELEASE] = "Release",
        [RANGE_MOVE] = "Make the dynamic range",
    };
    struct arena *arena = planning->arena;
    enum range_deed deed = planning->wish->deed;
    const char *protocol = tcp ? "tcp" : "udp";
    struct str place = deed == RANGE_MOVE ? STR(" ") : STR(" protocol=");

    add_netsh(planning,
              str_printf(arena, "interface ipv%d %s%.*s%s %s=%u %s=%u store=%s", (int)family, verbs[deed],
                         STR_ARG(place), protocol, deed == RANGE_MOVE ? "start" : "startport", span->first,
                         deed == RANGE_MOVE ? "num" : "numberofports", span->last - span->first + 1u,
                         planning->wish->persist ? "persistent" : "active"),
              str_printf(arena, "%s %u-%u for %s over IPv%d", deeds[deed], span->first, span->last, tcp ? "TCP" : "UDP",
                         (int)family));
}

static void
plan_netsh(struct planning *planning)
{
    const struct range_wish *wish = planning->wish;
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    const struct port_range *before = dynamic_of(planning->host, PROTOCOL_TCP, FAMILY_IPV4);

    if (wish->deed == RANGE_RESERVE)
        refuse_served(planning);
    for (size_t i = 0; i < wish->spans.count; i++)
        for (size_t f = 0; f < sizeof families / sizeof *families; f++)
            for (int udp = 0; udp < 2; udp++)
                if (wish->tcp == wish->udp || (udp ? wish->udp : wish->tcp))
                    plan_netsh_span(planning, &wish->spans.items[i], families[f], !udp);
    if (wish->deed != RANGE_MOVE)
        say_undo(planning, wish->deed == RANGE_RESERVE ? "release" : "reserve",
                 spans_text(planning->arena, planning->wanted));
    else if (before)
        say_undo(planning, "dynamic", str_printf(planning->arena, "%u-%u", before->first, before->last));
}

bool
range_plan_make(struct arena *arena, const struct host *host, const struct range_wish *wish, struct range_plan *out,
                struct err *err)
{
    struct planning *planning = arena_alloc(arena, sizeof *planning);
    struct str folder = range_act_folder(arena);

    *planning = (struct planning){.arena = arena, .host = host, .wish = wish, .plan = out};
    *out = (struct range_plan){0};
    for (size_t i = 0; i < wish->spans.count; i++)
        for (uint32_t port = wish->spans.items[i].first; port <= wish->spans.items[i].last; port++)
            planning->wanted[port] = true;
    if (wish->deed == RANGE_MOVE)
        check_move(planning);
    if (folder.len == 0) {
        plan_netsh(planning);
        return true;
    }
    struct str path = str_printf(arena, "%.*s/" OWN_FILE, STR_ARG(folder));
    return wish->deed == RANGE_MOVE ? plan_move(planning, path, err) : plan_list(planning, path, err);
}

// The kernel writes a tab where a blank was written.
static bool
same_range(struct str a, struct str b)
{
    uint16_t first[2];
    uint16_t last[2];

    return sysctl_parse_range(a, &first[0], &last[0]) && sysctl_parse_range(b, &first[1], &last[1]) &&
           first[0] == first[1] && last[0] == last[1];
}

// The kernel may take a value and still not mean it as it was written.
static bool
is_so(struct arena *arena, const struct range_step *step)
{
    bool wanted[RANGE_FILE_PORTS] = {false};
    bool found[RANGE_FILE_PORTS] = {false};
    struct str now;

    if (str_equal(step->act.target, STR("netsh")))
        return true;
    if (!range_act_read(arena, step->act.target, &now, NULL))
        return false;
    if (str_equal(step->act.target, STR(DYNAMIC)))
        return same_range(now, step->act.after);
    if (!str_equal(step->act.target, STR(RESERVED)))
        return str_equal(now, str_trim(step->act.after));
    range_file_mark(step->act.after, wanted);
    range_file_mark(now, found);
    return str_equal(range_file_list(arena, wanted), range_file_list(arena, found));
}

bool
range_plan_run(struct arena *arena, struct range_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        struct range_step *step = &plan->steps.items[i];
        if (!range_act_do(arena, &step->act, err))
            return false;
        if (!is_so(arena, step))
            return err_set(err, ERR_SYSTEM, 0, "set %.*s: the system took the value and did something else",
                           STR_ARG(step->act.target));
        step->done = true;
    }
    return true;
}
