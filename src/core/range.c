#include "core/range.h"

#include "base/buf.h"
#include "core/plan_parts.h"
#include "core/range_parts.h"
#include "decode/range_file.h"
#include "decode/sysctl.h"

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
    struct plan *plan;
    bool wanted[RANGE_FILE_PORTS]; // the ports of the wish
};

void
range_refuse(struct plan *plan, struct str sentence)
{
    plan_refuse(plan, (struct plan_refusal){.kind = PLAN_REFUSED_ALWAYS, .sentence = sentence});
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
add_name(const struct host *host, size_t socket, struct buf *out, size_t *count)
{
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

void
range_refuse_servers(struct plan *plan, const struct host *host, struct range_span span)
{
    struct arena *arena = plan->arena;
    bool seen[RANGE_FILE_PORTS] = {false};
    struct buf names = {.arena = arena};
    size_t count = 0;

    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        const struct port_range *now = dynamic_of(host, row->protocol, row->local.family);
        uint16_t port = row->local_port;
        bool covered = now && port >= now->first && port <= now->last;
        if (!serves(row) || port < span.first || port > span.last || covered || seen[port] ||
            is_reserved(host, row->protocol, port))
            continue;
        seen[port] = true;
        add_name(host, i, &names, &count);
    }
    if (count == 0)
        return;
    struct str rest = count > NAMED_MOST ? str_printf(arena, " and %zu more", count - NAMED_MOST) : STR("");
    range_refuse(
        plan,
        str_printf(arena,
                   "Programs serve on ports of the new range, and clients would be given them at their next restart: "
                   "%.*s%.*s. Reserve these first: moorage range reserve %.*s",
                   STR_ARG(buf_str(&names)), STR_ARG(rest), STR_ARG(range_file_list(arena, seen))));
}

static void
check_move(struct planning *planning)
{
    const struct range_span *span = &planning->wish->spans.items[0];

    if (span->first < UNPRIVILEGED)
        range_refuse(planning->plan,
                     str_printf(planning->arena, "Ports below %d belong to the system's services.", UNPRIVILEGED));
    if (span->last - span->first + 1 < FEWEST_DYNAMIC)
        range_refuse(planning->plan,
                     str_printf(planning->arena, "Fewer than %d ports for all outgoing connections are too few.",
                                FEWEST_DYNAMIC));
    range_refuse_servers(planning->plan, planning->host, *span);
}

static bool
read_setting(struct planning *planning, struct str target, struct str *now, struct err *err)
{
    return range_act_read(planning->arena, target, now, err);
}

static struct plan_step *
add_step(struct plan *plan, struct range_act setting, struct str sentence, struct str by_hand)
{
    struct plan_step *step = plan_add_step(plan, LEVER_SETTING, HARM_LOW, sentence);

    step->goal = SIZE_MAX;
    step->setting = setting;
    step->by_hand = by_hand;
    step->needs_admin = true;
    step->precondition = setting.before.len ? STR("the setting is still as it is now") : STR("it is still empty");
    step->undo.setting = (struct range_act){setting.target, str_trim(setting.after), setting.before};
    return step;
}

// The running system's setting.
struct plan_step *
range_add_setting(struct plan *plan, struct str name, struct str before, struct str after)
{
    struct str shown = after.len ? after : STR("nothing");

    return add_step(plan, (struct range_act){name, before, after},
                    str_printf(plan->arena, "Set %.*s to %.*s", STR_ARG(name), STR_ARG(shown)),
                    str_printf(plan->arena, "sysctl -w %.*s=\"%.*s\"", STR_ARG(name), STR_ARG(after)));
}

struct plan_step *
range_add_words(struct plan *plan, struct str words, struct str sentence)
{
    struct plan_step *step = add_step(plan, (struct range_act){STR(RANGE_TARGET_NETSH), (struct str){0}, words},
                                      sentence, str_printf(plan->arena, "netsh %.*s", STR_ARG(words)));

    step->precondition = STR("nobody has the ports");
    step->undo.setting = (struct range_act){0};
    return step;
}

// The file that sets it at the next start.
struct plan_step *
range_add_file(struct plan *plan, struct str path, struct str before, struct str after)
{
    struct str sentence =
        str_printf(plan->arena, after.len ? "Write %.*s, for after a restart" : "Remove %.*s, of which nothing is left",
                   STR_ARG(path));
    struct plan_step *step = add_step(plan, (struct range_act){path, before, after}, sentence, (struct str){0});

    step->precondition = before.len ? STR("the file is as it was") : STR("there is no such file");
    return step;
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
    const struct range_wish *wish = planning->wish;
    struct plan *plan = planning->plan;
    // Only netsh tells protocols apart.
    bool one = wish->tcp != wish->udp && plan->steps.count > 0 &&
               str_equal(plan->steps.items[0].setting.target, STR(RANGE_TARGET_NETSH));
    struct str line = str_printf(planning->arena, "moorage range %s %.*s%s%s", words, STR_ARG(ports),
                                 !one        ? ""
                                 : wish->tcp ? " --tcp"
                                             : " --udp",
                                 wish->persist ? " --persist" : "");

    for (size_t i = 0; i < plan->steps.count; i++) {
        struct plan_undo *undo = &plan->steps.items[i].undo;
        undo->possible = undo->setting.target.len > 0;
        undo->command = line;
        undo->sentence = STR("what stood there is put back");
    }
}

static void
plan_file(struct planning *planning, struct str path, struct str before, struct str after)
{
    if (!str_equal(before, str_trim(after)))
        range_add_file(planning->plan, path, before, after);
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

    if (!read_setting(planning, STR(RANGE_TARGET_RESERVED), &now, err) || !read_setting(planning, path, &text, err))
        return false;
    range_file_parse(text, &file);
    struct str value = change_ports(planning, now, reserve, changed);
    if (!str_equal(now, value))
        range_add_setting(planning->plan, STR(RANGE_TARGET_RESERVED), now, value);
    bool changed_own[RANGE_FILE_PORTS] = {false};
    struct str own = change_ports(planning, file.reserved, reserve, planning->wish->persist ? changed : changed_own);
    if (planning->wish->persist) {
        file.reserved = own;
        plan_file(planning, path, text, range_file_format(arena, &file, value));
    } else if (reserve && planning->plan->steps.count) {
        plan_note(planning->plan, STR("It holds until the next restart; --persist makes it last."));
    } else if (!reserve && !str_equal(own, file.reserved)) {
        plan_note(
            planning->plan,
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

    if (!read_setting(planning, STR(RANGE_TARGET_DYNAMIC), &now, err) || !read_setting(planning, path, &text, err))
        return false;
    range_file_parse(text, &file);
    if (!before || before->first != span->first || before->last != span->last)
        range_add_setting(planning->plan, STR(RANGE_TARGET_DYNAMIC), now,
                          str_printf(arena, "%u %u", span->first, span->last));
    if (planning->wish->persist) {
        bool ports[RANGE_FILE_PORTS] = {false};
        struct str value;
        if (!read_setting(planning, STR(RANGE_TARGET_RESERVED), &value, err))
            return false;
        range_file_mark(value, ports);
        file.dynamic_first = span->first;
        file.dynamic_last = span->last;
        plan_file(planning, path, text, range_file_format(arena, &file, range_file_list(arena, ports)));
    } else if (planning->plan->steps.count) {
        plan_note(planning->plan, STR("It holds until the next restart; --persist makes it last."));
    }
    if (planning->plan->steps.count && before)
        say_undo(planning, "dynamic", str_printf(arena, "%u-%u", before->first, before->last));
    return true;
}

// A reservation of a port that somebody has would keep him from coming back.
static void
refuse_served(struct planning *planning)
{
    const struct host *host = planning->host;
    struct buf names = {.arena = planning->arena};
    bool seen[RANGE_FILE_PORTS] = {false};
    size_t count = 0;

    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (!serves(row) || !planning->wanted[row->local_port] || seen[row->local_port])
            continue;
        seen[row->local_port] = true;
        add_name(host, i, &names, &count);
    }
    if (count)
        range_refuse(planning->plan,
                     str_printf(planning->arena,
                                "Windows reserves only ports that nobody has, and these are in use: %.*s. Free them "
                                "first, then reserve them, then start the programs again.",
                                STR_ARG(buf_str(&names))));
}

// What netsh does for one range, protocol and family.
static struct str
netsh_words(struct planning *planning, enum range_deed deed, const struct range_span *span, enum family family,
            bool tcp)
{
    static const char *const verbs[] = {
        [RANGE_RESERVE] = "add excludedportrange protocol=",
        [RANGE_RELEASE] = "delete excludedportrange protocol=",
        [RANGE_MOVE] = "set dynamicport ",
    };
    bool moves = deed == RANGE_MOVE;

    return str_printf(planning->arena, "interface ipv%d %s%s %s=%u %s=%u store=%s", (int)family, verbs[deed],
                      tcp ? "tcp" : "udp", moves ? "start" : "startport", span->first, moves ? "num" : "numberofports",
                      span->last - span->first + 1u, planning->wish->persist ? "persistent" : "active");
}

static void
plan_netsh_span(struct planning *planning, const struct range_span *span, enum family family, bool tcp)
{
    static const char *const deeds[] = {
        [RANGE_RESERVE] = "Reserve",
        [RANGE_RELEASE] = "Release",
        [RANGE_MOVE] = "Make the dynamic range",
    };
    static const enum range_deed opposites[] = {
        [RANGE_RESERVE] = RANGE_RELEASE,
        [RANGE_RELEASE] = RANGE_RESERVE,
        [RANGE_MOVE] = RANGE_MOVE,
    };
    struct arena *arena = planning->arena;
    enum range_deed deed = planning->wish->deed;
    struct str words = netsh_words(planning, deed, span, family, tcp);
    const struct port_range *now = dynamic_of(planning->host, tcp ? PROTOCOL_TCP : PROTOCOL_UDP, family);
    struct range_span back = *span;

    if (deed == RANGE_MOVE && now)
        back = (struct range_span){now->first, now->last};
    struct plan_step *step = range_add_words(planning->plan, words,
                                             str_printf(arena, "%s %u-%u for %s over IPv%d", deeds[deed], span->first,
                                                        span->last, tcp ? "TCP" : "UDP", (int)family));
    if (deed != RANGE_MOVE || now)
        step->undo.setting = (struct range_act){.target = STR(RANGE_TARGET_NETSH),
                                                .after = netsh_words(planning, opposites[deed], &back, family, tcp)};
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
range_plan_make(struct arena *arena, const struct host *host, const struct range_wish *wish, struct plan *out,
                struct err *err)
{
    struct planning *planning = arena_alloc(arena, sizeof *planning);
    struct str folder = range_act_folder(arena);

    *planning = (struct planning){.arena = arena, .host = host, .wish = wish, .plan = out};
    *out = (struct plan){.arena = arena};
    for (size_t i = 0; i < wish->spans.count; i++)
        for (uint32_t port = wish->spans.items[i].first; port <= wish->spans.items[i].last; port++)
            planning->wanted[port] = true;
    if (wish->deed == RANGE_MOVE)
        check_move(planning);
    struct str path = str_printf(arena, "%.*s/" OWN_FILE, STR_ARG(folder));
    bool good = true;
    if (folder.len == 0)
        plan_netsh(planning);
    else
        good = wish->deed == RANGE_MOVE ? plan_move(planning, path, err) : plan_list(planning, path, err);
    for (size_t i = 0; i < out->steps.count && wish->deed == RANGE_MOVE; i++)
        out->steps.items[i].harm = HARM_SOME;
    return good;
}

struct str
range_plan_undo(const struct plan *plan)
{
    return plan->steps.count ? plan->steps.items[0].undo.command : (struct str){0};
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
bool
range_is_so(struct arena *arena, const struct range_act *setting)
{
    bool wanted[RANGE_FILE_PORTS] = {false};
    bool found[RANGE_FILE_PORTS] = {false};
    struct str now;

    if (!range_act_read(arena, setting->target, &now, NULL))
        return false;
    if (str_equal(setting->target, STR(RANGE_TARGET_DYNAMIC)))
        return same_range(now, setting->after);
    if (!str_equal(setting->target, STR(RANGE_TARGET_RESERVED)))
        return str_equal(now, str_trim(setting->after));
    range_file_mark(setting->after, wanted);
    range_file_mark(now, found);
    return str_equal(range_file_list(arena, wanted), range_file_list(arena, found));
}

bool
range_set(struct arena *arena, const struct range_act *setting, bool *needless, struct err *err)
{
    bool words = str_equal(setting->target, STR(RANGE_TARGET_NETSH));

    *needless = !words && range_is_so(arena, setting);
    if (*needless)
        return true;
    if (!range_act_do(arena, setting, err))
        return false;
    return words || range_is_so(arena, setting) ||
           err_set(err, ERR_SYSTEM, 0, "set %.*s: the system took the value and did something else",
                   STR_ARG(setting->target));
}
