#include "core/why_parts.h"

// What ends a cause whose holder must be left alone: it stands for somebody else, or nobody has the port at all.

static struct str
as_admin(struct inquiry *inquiry, const char *sentence)
{
    return inquiry->host->admin ? str_of(sentence)
                                : str_printf(inquiry->arena, "%s (%.*s)", sentence, STR_ARG(inquiry->platform->admin));
}

static enum harm
harm_of(struct str name)
{
    for (enum harm harm = HARM_NONE; harm <= HARM_HIGH; harm++)
        if (str_equal(name, why_harm_name(harm)))
            return harm;
    return HARM_SOME;
}

// The service of the user: the one that its process runs, or the one that is known to serve such addresses.
static struct service
service_of(const struct inquiry *inquiry, const struct cause *cause, const struct http_user *user)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; i < cause->behind.count; i++)
        if (cause->behind.items[i].pid == user->pid && cause->behind.items[i].service)
            return *cause->behind.items[i].service;
    for (size_t i = 0; i < host->services.count; i++)
        if (str_equal_nocase(host->services.items[i].name, user->known.service))
            return host->services.items[i];
    return (struct service){.manager = inquiry->platform->service_manager, .name = user->known.service};
}

void
why_end_http(struct inquiry *inquiry, struct cause *cause)
{
    struct arena *arena = inquiry->arena;

    for (size_t i = 0; i < cause->users.count; i++) {
        const struct http_user *user = &cause->users.items[i];
        struct service service = service_of(inquiry, cause, user);
        struct str name = http_user_name(arena, user);
        if (service.name.len > 0) {
            why_add_remedy(inquiry, cause, LEVER_SERVICE, harm_of(user->known.harm), "stop it",
                           str_printf(arena, "Stops %.*s (service %.*s).", STR_ARG(name), STR_ARG(service.name)))
                ->command = platform_stop_service(arena, &service);
        } else if (user->pid != 0) {
            const struct platform_value pid[] = {{"pid", str_printf(arena, "%u", user->pid)}};
            const struct platform_value pids[] = {{"pids", platform_fill(arena, inquiry->platform->end_pid, pid, 1)}};
            why_add_remedy(inquiry, cause, LEVER_PROCESS, HARM_LOW, "stop it",
                           str_printf(arena, "Asks %.*s to end.", STR_ARG(name)))
                ->command = platform_fill(arena, inquiry->platform->end, pids, 1);
        }
    }
    if (!http_users_listen(inquiry->host, inquiry->port) && !inquiry->host->admin)
        why_see_who(inquiry, cause, "see who", "Names the program behind it; that takes more rights.");
}

void
why_end_portproxy(struct inquiry *inquiry, struct cause *cause)
{
    why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_LOW, "stop it",
                   as_admin(inquiry, "Deletes the rule; the service that listens for it goes on"))
        ->by_hand = why_delete_portproxy(inquiry, cause->redirect);
}

// The name of a distribution stands behind "WSL ".
static struct str
distribution(const struct neighbour_port *port)
{
    static const struct str prefix = STR_INIT("WSL ");

    return str_starts(port->system, prefix) ? str_part(port->system, prefix.len, SIZE_MAX) : STR("");
}

static void
end_neighbour(struct inquiry *inquiry, struct cause *cause)
{
    const struct neighbour_port *port = cause->neighbour;
    struct arena *arena = inquiry->arena;
    struct str name = distribution(port);
    struct remedy *stop =
        why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_LOW, "stop it",
                       str_printf(arena, "Asks %.*s to end.", STR_ARG(why_neighbour_text(arena, port))));
    struct str in = name.len > 0 ? str_printf(arena, "wsl -d %.*s --", STR_ARG(name)) : STR("wsl --");

    // Inside of WSL the other side is Windows, whose programs can be run there.
    if (inquiry->host->wsl.len > 0)
        stop->by_hand =
            port->pid != 0 ? str_printf(arena, "taskkill.exe /PID %u", port->pid)
                           : str_printf(arena, "netstat.exe -ano -p tcp    # names the process of port %u", port->port);
    else if (port->pid != 0)
        stop->by_hand = str_printf(arena, "%.*s kill %u", STR_ARG(in), port->pid);
    else
        stop->by_hand = str_printf(arena, "%.*s ss -ltnp sport = :%u", STR_ARG(in), port->port);
}

void
why_end_relay(struct inquiry *inquiry, struct cause *cause)
{
    const struct holder *first = cause->holders.count > 0 ? &cause->holders.items[0] : NULL;
    bool of_neighbour = first && holder_is_program(inquiry->arena, first, "neighbour-relay");

    if (cause->neighbour)
        end_neighbour(inquiry, cause);
    if (first && holder_is_program(inquiry->arena, first, "editor"))
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "stop it", why_known(inquiry, first).advice);
    else if (!of_neighbour && !cause->neighbour)
        why_stop_process(inquiry, cause);
    if (of_neighbour && !cause->neighbour)
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "see who",
                       STR("Tells which Linux distributions run; the program is in one of them."))
            ->by_hand = STR("wsl --list --running");
    if (of_neighbour)
        why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_HIGH, "last way",
                       STR("Ends all of WSL, and Docker Desktop with it; only where the program is gone and the relay "
                           "has stayed."))
            ->by_hand = STR("wsl --shutdown");
}

static struct str
family_word(const struct port_range *range)
{
    return range->family == FAMILY_IPV6 ? STR("ipv6") : STR("ipv4");
}

static void
delete_range(struct inquiry *inquiry, struct cause *cause)
{
    const struct port_range *range = cause->range;

    why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_SOME, "give up",
                   as_admin(inquiry, "Takes the reservation back; whoever made it may need it"))
        ->by_hand = str_printf(inquiry->arena,
                               "netsh int %.*s delete excludedportrange protocol=%.*s startport=%u numberofports=%u",
                               STR_ARG(family_word(range)), STR_ARG(host_protocol_name(inquiry->question->protocol)),
                               range->first, range->last - range->first + 1u);
}

// Another port costs nothing. A reservation of one's own keeps the port from the next restart on. Taking the range apart
// at once cuts off whoever made it.
void
why_leave_range(struct inquiry *inquiry, struct cause *cause)
{
    struct arena *arena = inquiry->arena;
    struct remedy *keep;

    if (cause->range->administered) {
        delete_range(inquiry, cause);
        return;
    }
    keep = why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_LOW, "for good",
                          str_printf(arena, "(%.*s)", STR_ARG(inquiry->platform->admin)));
    keep->command = str_printf(arena, "moorage range reserve %u --persist", inquiry->port);
    keep->by_hand = why_fill_port(inquiry, inquiry->platform->reserve);
    if (why_range_maker_runs(inquiry) == TRI_NO)
        return;
    why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_HIGH, "last way",
                   as_admin(inquiry, "Cuts WSL, Docker and virtual machines off the network while it is done"))
        ->by_hand = str_printf(arena, "net stop winnat; %.*s; net start winnat",
                               STR_ARG(why_fill_port(inquiry, inquiry->platform->reserve)));
}

void
why_find_filter(struct inquiry *inquiry, struct cause *cause)
{
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "look on",
                   as_admin(inquiry, "Writes what Windows' filters dropped to netevents.xml"))
        ->by_hand = STR("netsh wfp show netevents");
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_SOME, "allow it",
                   STR("Let the security product allow the program or the port; switched off for a moment, it shows "
                       "whether it is the one."));
}
