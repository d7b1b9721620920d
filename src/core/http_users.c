#include "core/http_users.h"

#include "core/holder.h"

// The part of a URL that names who it is for, after host and port: "/wsman/" of "http://+:5985/wsman/".
static struct str
path_of(struct str url)
{
    size_t slashes = str_find(url, STR("://"));
    struct str rest = slashes == SIZE_MAX ? url : str_part(url, slashes + 3, SIZE_MAX);
    size_t slash = str_find_byte(rest, '/');

    return slash == SIZE_MAX ? STR("/") : str_part(rest, slash, SIZE_MAX);
}

static bool
same_user(const struct http_url *a, const struct http_url *b)
{
    if (a->pids.count > 0 && b->pids.count > 0)
        return a->pids.items[0] == b->pids.items[0];
    return a->pids.count == b->pids.count && str_equal_nocase(a->owner, b->owner);
}

static struct http_user *
user_of(struct http_users *users, const struct http_url *url)
{
    for (size_t i = 0; i < users->count; i++)
        if (same_user(users->items[i].url, url))
            return &users->items[i];
    return NULL;
}

static void
add_user(struct arena *arena, const struct host *host, const struct http_url *url, struct http_users *out)
{
    struct http_user *user = user_of(out, url);

    if (user) {
        user->urls++;
        if (user->known.title.len == 0)
            user->known = known_http_user(url->port, path_of(url->url), user->process ? user->process->name : STR(""));
        return;
    }
    user = LIST_ADD(arena, out);
    *user = (struct http_user){.url = url, .urls = 1, .pid = url->pids.count > 0 ? url->pids.items[0] : 0};
    user->process = user->pid != 0 ? host_process(host, user->pid) : NULL;
    user->known = known_http_user(url->port, path_of(url->url), user->process ? user->process->name : STR(""));
}

void
http_users_find(struct arena *arena, const struct host *host, uint16_t port, struct http_users *out)
{
    bool listen = http_users_listen(host, port);

    *out = (struct http_users){0};
    for (size_t i = 0; i < host->http_urls.count; i++) {
        const struct http_url *url = &host->http_urls.items[i];
        if (url->port == port && (url->registered || (!listen && host->http_known != KNOWN_YES)))
            add_user(arena, host, url, out);
    }
}

bool
http_users_listen(const struct host *host, uint16_t port)
{
    for (size_t i = 0; i < host->http_urls.count; i++)
        if (host->http_urls.items[i].port == port && host->http_urls.items[i].registered)
            return true;
    return false;
}

struct str
http_user_name(struct arena *arena, const struct http_user *user)
{
    if (user->known.title.len > 0)
        return user->known.title;
    if (user->process) {
        struct holder holder = {.pid = user->pid, .process = user->process};
        return str_printf(arena, "%.*s (pid %u)", STR_ARG(holder_name(arena, &holder)), (unsigned)user->pid);
    }
    if (user->pid != 0)
        return str_printf(arena, "pid %u", (unsigned)user->pid);
    if (user->url->registered && user->url->owner.len > 0)
        return str_printf(arena, "the queue %.*s", STR_ARG(user->url->owner));
    return user->url->owner;
}
