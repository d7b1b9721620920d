#include "base/buf.h"
#include "core/snapshot.h"
#include "core/why_parts.h"

// The HTTP server that is part of Windows (http.sys) listens for many programs at once, as process 4, System. Its own name
// explains nothing: who is behind it stands in its URLs.

enum {
    PIDS_MOST = 8
};

// Where the URLs can't be read, all that the system serves is taken for them but what has a name of its own (file sharing).
static bool
serves_http(const struct inquiry *inquiry)
{
    struct known_cause known = known_find(inquiry->question->protocol, inquiry->port, STR("system"));

    switch (inquiry->host->http_known) {
    case KNOWN_YES:
        return http_users_listen(inquiry->host, inquiry->port);
    case KNOWN_NOT_ASKED:
    case KNOWN_UNSUPPORTED:
        return false;
    default:
        return known.id.len == 0 || str_equal(known.id, STR("http-sys"));
    }
}

bool
why_leads_http(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    (void)holders;
    return socket->owner_pid == HOST_SYSTEM_PID && why_serves(socket) && serves_http(inquiry);
}

bool
why_joins_http(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    (void)lead;
    return why_leads_http(inquiry, row, NULL);
}

bool
why_http_has_range(const struct inquiry *inquiry, const struct port_range *range)
{
    return range && range->first == range->last && !range->administered &&
           http_users_listen(inquiry->host, inquiry->port);
}

void
why_read_http_users(struct inquiry *inquiry)
{
    struct host *host = inquiry->host;
    uint32_t pids[PIDS_MOST];
    size_t count = 0;

    for (size_t i = 0; i < host->http_urls.count; i++) {
        const struct http_url *url = &host->http_urls.items[i];
        for (size_t k = 0; url->port == inquiry->port && k < url->pids.count && count < PIDS_MOST; k++)
            pids[count++] = url->pids.items[k];
    }
    if (count > 0)
        snapshot_add_processes(inquiry->arena, host, pids, count, inquiry->question->deadline_ms);
}

static void
add_behind(struct inquiry *inquiry, struct cause *cause, uint32_t pid)
{
    for (size_t i = 0; i < cause->behind.count; i++)
        if (cause->behind.items[i].pid == pid)
            return;
    holder_describe(inquiry->arena, inquiry->host, pid, LIST_ADD(inquiry->arena, &cause->behind));
}

static struct str
users_text(struct inquiry *inquiry, const struct cause *cause)
{
    struct buf out = {.arena = inquiry->arena};

    for (size_t i = 0; i < cause->users.count; i++) {
        struct str name = http_user_name(inquiry->arena, &cause->users.items[i]);
        if (i > 0)
            buf_add_c(&out, i + 1 == cause->users.count ? " and " : ", ");
        buf_add(&out, name.len > 0 ? name : STR("a program that can't be named"));
    }
    return buf_str(&out);
}

static void
note_user(struct inquiry *inquiry, struct cause *cause, const struct http_user *user)
{
    struct str more = user->urls > 1 ? str_printf(inquiry->arena, " and %zu more", user->urls - 1) : STR("");

    if (user->url->registered && user->url->owner.len > 0)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "It serves %.*s%.*s for the queue %.*s.", STR_ARG(user->url->url),
                            STR_ARG(more), STR_ARG(user->url->owner)));
    else if (user->url->registered)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "It serves %.*s%.*s.", STR_ARG(user->url->url), STR_ARG(more)));
    else
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "%.*s is reserved%s%.*s.", STR_ARG(user->url->url),
                            user->url->owner.len > 0 ? " for " : "", STR_ARG(user->url->owner)));
    why_note(inquiry, cause, user->known.advice);
}

void
why_say_http(struct inquiry *inquiry, struct cause *cause)
{
    struct str where =
        cause->sockets.count > 0 ? why_where(inquiry, cause) : str_printf(inquiry->arena, "*:%u", inquiry->port);
    bool listen = http_users_listen(inquiry->host, inquiry->port);

    http_users_find(inquiry->arena, inquiry->host, inquiry->port, &cause->users);
    for (size_t i = 0; i < cause->users.count; i++)
        if (cause->users.items[i].pid != 0)
            add_behind(inquiry, cause, cause->users.items[i].pid);
    struct str users = users_text(inquiry, cause);
    if (listen)
        cause->sentence = str_printf(inquiry->arena, "%.*s has %.*s through http.sys, the HTTP server inside Windows",
                                     STR_ARG(users), STR_ARG(where));
    else
        cause->sentence = str_printf(inquiry->arena, "http.sys, the HTTP server inside Windows, has %.*s%s%.*s",
                                     STR_ARG(where), users.len > 0 ? ", most likely for " : "", STR_ARG(users));
    for (size_t i = 0; i < cause->users.count; i++)
        note_user(inquiry, cause, &cause->users.items[i]);
    if (!listen)
        why_note(inquiry, cause, STR("Which program is behind it only an administrator may see."));
}
