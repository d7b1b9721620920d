#include "core/why_parts.h"

// Two sockets on one port: which of them gets what comes in, and by which options the first one keeps the second one out.

// The asked bind that overlaps with the socket.
static const struct bind_wish *
wish_beside(const struct inquiry *inquiry, const struct socket_row *socket)
{
    for (size_t i = 0; i < inquiry->wish_count; i++)
        if (conflict_overlaps(&inquiry->wishes[i], socket))
            return &inquiry->wishes[i];
    return &inquiry->wishes[0];
}

// What comes in goes to the socket whose address fits best: one address before all of them.
struct str
why_say_shared(struct inquiry *inquiry, struct cause *cause)
{
    const struct socket_row *socket = &inquiry->host->sockets.items[cause->sockets.items[0]];
    const struct bind_wish *wish = wish_beside(inquiry, socket);
    const char *does = socket->state == SOCKET_UNCONN ? "receives on" : "listens on";
    struct str who = why_who(inquiry, cause);
    struct str where = why_where(inquiry, cause);
    bool asked_all = address_is_any(wish->address);

    if (cause->neighbour)
        who = str_printf(inquiry->arena, "%.*s, by way of %.*s,",
                         STR_ARG(why_neighbour_text(inquiry->arena, cause->neighbour)), STR_ARG(who));

    if (asked_all && !address_is_any(socket->local)) {
        if (address_is_loopback(socket->local))
            why_note(inquiry, cause,
                     STR("A client on this computer that connects to localhost may reach that one instead of yours."));
        return str_printf(inquiry->arena,
                          "%.*s %s %.*s too, and gets what comes for that address: one address wins "
                          "over all of them",
                          STR_ARG(who), does, STR_ARG(where));
    }
    if (!asked_all && address_is_any(socket->local))
        return str_printf(inquiry->arena,
                          "%.*s %s %.*s too; a server on %.*s would take from it what comes for that address",
                          STR_ARG(who), does, STR_ARG(where), STR_ARG(address_format(inquiry->arena, wish->address)));
    return str_printf(inquiry->arena, "%.*s %s %.*s too; both would share the port", STR_ARG(who), does,
                      STR_ARG(where));
}

// How the bind with this option ended where the asked one was refused; NULL: it was not tried there.
static const struct probe *
probe_of(const struct inquiry *inquiry, enum bind_mode mode)
{
    const struct answer *answer = inquiry->answer;
    const struct probe *refused = NULL;

    for (size_t i = 0; i < answer->probes.count; i++) {
        const struct probe *probe = &answer->probes.items[i];
        if (!refused && !probe->worked && probe->code == inquiry->code)
            refused = probe;
        if (refused && str_equal(probe->bind, bind_mode_name(mode)) && address_equal(probe->address, refused->address))
            return probe;
    }
    return NULL;
}

static bool
is_of_other_user(const struct inquiry *inquiry, const struct cause *cause)
{
    const struct process *process = cause->holders.count > 0 ? cause->holders.items[0].process : NULL;

    return process && process->uid_known && process->uid != inquiry->uid;
}

static bool
is_of_same_user(const struct inquiry *inquiry, const struct cause *cause)
{
    const struct process *process = cause->holders.count > 0 ? cause->holders.items[0].process : NULL;

    return process && process->uid_known && process->uid == inquiry->uid;
}

// Why a server that sets SO_REUSEPORT is kept out all the same, where the kernel tells the options of what keeps it out.
void
why_note_reuseport(struct inquiry *inquiry, struct cause *cause)
{
    if (!cause->blocks || inquiry->question->mode != BIND_REUSEPORT)
        return;
    for (size_t i = 0; i < cause->sockets.count; i++) {
        const struct socket_row *socket = &inquiry->host->sockets.items[cause->sockets.items[i]];
        if (why_is_connection(socket) || socket->reuse_port == TRI_UNKNOWN)
            continue;
        if (socket->reuse_port == TRI_NO)
            why_note(inquiry, cause,
                     STR("It has not set SO_REUSEPORT, so no other server can share the port with it."));
        else if (socket->uid_known && socket->uid != inquiry->uid)
            why_note(inquiry, cause,
                     STR("It has set SO_REUSEPORT too, but shares the port only with programs of its own user."));
        else
            continue;
        return;
    }
}

// Evidence that only Windows gives: what forbids a bind beside a socket are that socket's options and its user.
void
why_note_options(struct inquiry *inquiry, struct cause *cause)
{
    const struct probe *reuse = probe_of(inquiry, BIND_REUSE);

    if (!cause->blocks || cause->sockets.count == 0)
        return;
    if (inquiry->refusal == REFUSAL_FORBIDDEN && is_of_same_user(inquiry, cause))
        why_note(inquiry, cause,
                 STR("It has the port for itself alone (SO_EXCLUSIVEADDRUSE); that, not a missing right, is what error "
                     "10013 means here."));
    else if (inquiry->refusal == REFUSAL_FORBIDDEN && is_of_other_user(inquiry, cause))
        why_note(inquiry, cause,
                 STR("It runs as another user, and Windows lets nobody else bind an address of its port; that, not a "
                     "missing right, is what error 10013 means here."));
    else if (inquiry->refusal == REFUSAL_FORBIDDEN)
        why_note(inquiry, cause,
                 STR("It has the port for itself alone (SO_EXCLUSIVEADDRUSE) or runs as another user; that, not a "
                     "missing right, is what error 10013 means here."));
    if (inquiry->platform->rules->reuse_takes_over && reuse && reuse->worked && inquiry->question->mode != BIND_REUSE &&
        inquiry->question->protocol == PROTOCOL_TCP)
        why_note(inquiry, cause,
                 STR("It lets others in that set SO_REUSEADDR, as a bind showed: these can take connections from it."));
}
