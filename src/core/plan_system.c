#include "core/plan_system.h"
#include "core/holder_parts.h"
#include "core/plan_parts.h"
#include "core/platform.h"
#include "core/range_parts.h"
#include "core/why_parts.h"
#include "sys/http_service.h"
#include "sys/redirect.h"
#include "sys/reserved.h"
#include "sys/service.h"

enum {
    ASK_MS = 2000,
    PATIENCE_MS = 10000, // netsh
};

static bool
is_admin(const struct plan_maker *maker)
{
    return maker->goal->host->admin;
}

// --- programs behind the system's own HTTP server ---

// The service of the user: the one that its process runs, or the one that is known to serve such addresses.
static bool
find_service(const struct plan_maker *maker, const struct http_user *user, struct service *out)
{
    const struct host *host = maker->goal->host;
    struct err ignored;

    for (size_t i = 0; i < maker->cause->behind.count; i++)
        if (maker->cause->behind.items[i].pid == user->pid && maker->cause->behind.items[i].service) {
            *out = *maker->cause->behind.items[i].service;
            return true;
        }
    for (size_t i = 0; i < host->services.count; i++)
        if (str_equal_nocase(host->services.items[i].name, user->known.service)) {
            *out = host->services.items[i];
            return true;
        }
    return user->known.service.len > 0 &&
           service_read(maker->plan->arena, false, 0, user->known.service, ASK_MS, out, &ignored);
}

static const struct holder *
find_behind(const struct cause *cause, uint32_t pid)
{
    for (size_t i = 0; i < cause->behind.count; i++)
        if (cause->behind.items[i].pid == pid && cause->behind.items[i].process)
            return &cause->behind.items[i];
    return NULL;
}

static struct str
cost_of(const struct plan_maker *maker, const struct http_user *user)
{
    return str_printf(maker->plan->arena, "All that it serves through http.sys ends, not only port %u.",
                      user->url->port);
}

static void
stop_process(struct plan_maker *maker, const struct http_user *user, const struct holder *holder)
{
    struct arena *arena = maker->plan->arena;
    struct str who = plan_who(arena, holder_name(arena, holder), holder->pid);
    size_t step = maker->plan->steps.count;

    plan_add_step(maker->plan, LEVER_PROCESS, HARM_LOW, str_printf(arena, "Ask %.*s to end", STR_ARG(who)));
    plan_add_target(maker, step, holder, false);
    struct plan_step *made = &maker->plan->steps.items[step];
    for (size_t i = 0; i < made->targets.count; i++)
        made->targets.items[i].http_port = user->url->port;
    made->cost = cost_of(maker, user);
    made->precondition = str_printf(arena, "%.*s serves port %u through http.sys", STR_ARG(who), user->url->port);
    made->patience_ms = plan_patience(maker->plan, PATIENCE_MS);
}

bool
plan_http(struct plan_maker *maker)
{
    const struct cause *cause = maker->cause;
    bool all = cause->users.count > 0 && http_users_listen(maker->goal->host, maker->goal->question.endpoint.first);

    for (size_t i = 0; i < cause->users.count; i++) {
        const struct http_user *user = &cause->users.items[i];
        struct service service;
        all = all && user->url->registered &&
              (find_service(maker, user, &service) || find_behind(cause, user->pid) != NULL);
    }
    if (!all)
        return false;
    plan_guard_word(
        maker->plan, PLAN_ALLOW_SYSTEM,
        str_printf(maker->plan->arena, "%.*s; it may serve more there than this port", STR_ARG(cause->sentence)));
    for (size_t i = 0; i < cause->users.count; i++) {
        const struct http_user *user = &cause->users.items[i];
        struct service service;
        // The program of a service is nobody's own: of the others, each is looked at when it is added.
        if (find_service(maker, user, &service)) {
            plan_guard_only_holders(maker);
            plan_stop_service(maker, &service, cost_of(maker, user));
        } else {
            stop_process(maker, user, find_behind(cause, user->pid));
        }
    }
    return true;
}

bool
plan_serves_http(struct arena *arena, uint32_t pid, uint16_t port)
{
    struct host host = {0};
    struct err ignored;

    if (!http_service_read(arena, ASK_MS, &host, &ignored))
        return false;
    for (size_t i = 0; i < host.http_urls.count; i++) {
        const struct http_url *url = &host.http_urls.items[i];
        for (size_t k = 0; url->registered && url->port == port && k < url->pids.count; k++)
            if (url->pids.items[k] == pid)
                return true;
    }
    return false;
}

// --- what netsh takes away ---

static void
guard_setting(struct plan_maker *maker)
{
    plan_guard_only_holders(maker);
    if (!is_admin(maker))
        plan_refuse(maker->plan, (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                                       .sentence = STR("changing settings of the system takes more "
                                                                       "rights")});
}

// `is` names what is taken away for who looks again right before; `undo` are the words that put it back.
static void
add_words(struct plan_maker *maker, struct str sentence, struct str cost, struct str is, struct str words,
          struct str undo)
{
    struct arena *arena = maker->plan->arena;
    struct plan_step *step = plan_add_step(maker->plan, LEVER_SYSTEM, HARM_SOME, sentence);

    step->setting = (struct range_act){STR(RANGE_TARGET_NETSH), is, words};
    step->cost = cost;
    step->needs_admin = true;
    step->precondition = str_printf(arena, "it is there as it was: %.*s", STR_ARG(is));
    step->by_hand = str_printf(arena, "netsh %.*s", STR_ARG(words));
    step->patience_ms = PATIENCE_MS;
    step->undo = (struct plan_undo){.possible = true,
                                    .command = str_printf(arena, "netsh %.*s", STR_ARG(undo)),
                                    .sentence = STR("Puts back what stood there."),
                                    .setting = {.target = STR(RANGE_TARGET_NETSH), .after = undo}};
}

// "0.0.0.0:8080", "[::1]:80", "*:80"
static bool
cut_side(struct str side, struct str *place, struct str *port)
{
    size_t colon = str_find_last_byte(side, ':');

    if (colon == SIZE_MAX || colon == 0)
        return false;
    *place = str_part(side, 0, colon);
    *port = str_part(side, colon + 1, SIZE_MAX);
    if (str_starts(*place, STR("[")) && str_ends(*place, STR("]")))
        *place = str_part(*place, 1, place->len - 2);
    return place->len > 0 && port->len > 0;
}

// "v4tov4 0.0.0.0:8080 -> 172.20.0.2:80": a name with a blank in it makes more words, and is left alone.
static bool
delete_rule(struct plan_maker *maker, const struct redirect *rule)
{
    struct arena *arena = maker->plan->arena;
    struct str rest = rule->rule;
    struct str word[5] = {{0}};
    struct str listen;
    struct str listen_port;
    struct str to;
    struct str to_port;
    size_t count = 0;

    while (count < 5 && str_word(&rest, &word[count]))
        count++;
    if (count != 4 || !cut_side(word[1], &listen, &listen_port) || !cut_side(word[3], &to, &to_port))
        return false;
    struct str key = str_printf(arena, "%.*s listenport=%.*s listenaddress=%.*s", STR_ARG(word[0]),
                                STR_ARG(listen_port), STR_ARG(listen));
    add_words(maker, str_printf(arena, "Delete the portproxy rule %.*s", STR_ARG(rule->rule)),
              STR("Nothing is sent on any more; whoever made the rule may need it."), rule->rule,
              str_printf(arena, "interface portproxy delete %.*s", STR_ARG(key)),
              str_printf(arena, "interface portproxy add %.*s connectport=%.*s connectaddress=%.*s", STR_ARG(key),
                         STR_ARG(to_port), STR_ARG(to)));
    return true;
}

static bool
is_rule_in_the_way(const struct plan_maker *maker, const struct redirect *rule)
{
    const struct redirect *first = maker->cause->redirect;

    // Where every address is asked for, each rule of the port is in the way.
    return str_equal(rule->rule, first->rule) ||
           (maker->goal->question.endpoint.address.family == FAMILY_NONE && str_equal(rule->source, first->source) &&
            rule->first == first->first);
}

bool
plan_portproxy(struct plan_maker *maker)
{
    const struct host *host = maker->goal->host;
    bool good = maker->cause->redirect != NULL;

    for (size_t i = 0; good && i < host->redirects.count; i++)
        if (is_rule_in_the_way(maker, &host->redirects.items[i]) &&
            !plan_has_setting(maker->plan, host->redirects.items[i].rule))
            good = delete_rule(maker, &host->redirects.items[i]);
    if (!good)
        return false;
    plan_guard_word(
        maker->plan, PLAN_ALLOW_SYSTEM,
        str_printf(maker->plan->arena, "%.*s; the rule is a setting of the system", STR_ARG(maker->cause->sentence)));
    guard_setting(maker);
    return true;
}

// "ipv4 tcp 8072-8171"
static struct str
range_name(struct arena *arena, const struct port_range *range)
{
    return str_printf(arena, "%s %.*s %u-%u", range->family == FAMILY_IPV6 ? "ipv6" : "ipv4",
                      STR_ARG(host_protocol_name(range->protocol)), range->first, range->last);
}

// What netsh is told, behind its name; `verb` is "delete" or "add".
static struct str
range_words(struct arena *arena, const struct port_range *range, const char *verb)
{
    return str_printf(arena, "interface %s %s excludedportrange protocol=%.*s startport=%u numberofports=%u",
                      range->family == FAMILY_IPV6 ? "ipv6" : "ipv4", verb,
                      STR_ARG(host_protocol_name(range->protocol)), range->first, range->last - range->first + 1u);
}

static void
delete_range(struct plan_maker *maker, const struct port_range *range)
{
    struct arena *arena = maker->plan->arena;
    struct str name = range_name(arena, range);
    const char *family = range->family == FAMILY_IPV6 ? "ipv6" : "ipv4";

    add_words(maker,
              str_printf(arena, "Give up the reservation of the ports %u-%u (%s)", range->first, range->last, family),
              STR("Whoever made it may need it."), name, range_words(arena, range, "delete"),
              range_words(arena, range, "add"));
}

static bool
keeps_port(const struct plan_maker *maker, const struct port_range *range)
{
    const struct why_question *question = &maker->goal->question;
    enum family asked = (enum family)question->endpoint.address.family;

    return range->kind == RANGE_EXCLUDED && range->first <= question->endpoint.first &&
           question->endpoint.first <= range->last &&
           (range->any_protocol || host_same_ports(range->protocol, question->protocol)) &&
           (asked == FAMILY_NONE || range->family == FAMILY_NONE || range->family == asked);
}

// The steps by hand, which do more harm than moorage does for a port.
static bool
refuse_range(struct plan_maker *maker)
{
    const struct cause *cause = maker->cause;

    for (size_t i = 0; i < cause->remedies.count; i++) {
        const struct remedy *remedy = &cause->remedies.items[i];
        if (remedy->lever != LEVER_SYSTEM || remedy->by_hand.len == 0)
            continue;
        plan_refuse(maker->plan, (struct plan_refusal){.kind = PLAN_REFUSED_NO_HELP,
                                                       .sentence = str_printf(maker->plan->arena,
                                                                              "%.*s; only what was reserved on "
                                                                              "purpose can be given up",
                                                                              STR_ARG(cause->sentence)),
                                                       .alternative = str_printf(maker->plan->arena, "%.*s    # %.*s",
                                                                                 STR_ARG(remedy->by_hand),
                                                                                 STR_ARG(remedy->sentence))});
        return true;
    }
    return false;
}

bool
plan_excluded_range(struct plan_maker *maker)
{
    const struct host *host = maker->goal->host;

    // One that a driver took while it started is its own to give back: netsh does not delete it.
    for (size_t i = 0; i < host->ranges.count; i++)
        if (keeps_port(maker, &host->ranges.items[i]) && !host->ranges.items[i].administered)
            return refuse_range(maker);
    for (size_t i = 0; i < host->ranges.count; i++)
        if (keeps_port(maker, &host->ranges.items[i]))
            delete_range(maker, &host->ranges.items[i]);
    plan_guard_word(
        maker->plan, PLAN_ALLOW_SYSTEM,
        str_printf(maker->plan->arena, "%.*s; somebody did that on purpose", STR_ARG(maker->cause->sentence)));
    guard_setting(maker);
    return true;
}

// --- right before ---

static bool
has_rule(const struct host *host, struct str name)
{
    for (size_t i = 0; i < host->redirects.count; i++)
        if (str_equal(host->redirects.items[i].rule, name))
            return true;
    return false;
}

static bool
has_range(struct arena *arena, const struct host *host, struct str name)
{
    for (size_t i = 0; i < host->ranges.count; i++)
        if (host->ranges.items[i].kind == RANGE_EXCLUDED && str_equal(range_name(arena, &host->ranges.items[i]), name))
            return true;
    return false;
}

enum tri
plan_setting_is_there(struct arena *arena, const struct range_act *setting)
{
    struct host host = {0};
    struct err ignored;
    bool rule = str_find(setting->before, STR(" -> ")) != SIZE_MAX;

    if (rule ? !redirect_read(arena, &host, &ignored) : !reserved_read(arena, &host, &ignored))
        return TRI_UNKNOWN;
    return (rule ? has_rule(&host, setting->before) : has_range(arena, &host, setting->before)) ? TRI_YES : TRI_NO;
}
