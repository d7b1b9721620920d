#include "base/ascii.h"
#include "core/wait.h"

#include "base/utf8.h"
#include "core/endpoint_part.h"
#include "sys/net.h"

enum {
    SHOWN_COLUMNS = 60,
    HOST_LONGEST = 253, // of a name, RFC 1035 section 2.3.4
};

static struct str
shown(struct arena *arena, struct str text)
{
    return utf8_fit(arena, utf8_display(arena, str_part(text, 0, (size_t)SHOWN_COLUMNS * 4)), SHOWN_COLUMNS, true);
}

// What may be a name or an address of a machine; whether it is one shows when it is called.
static bool
is_host(struct str host)
{
    struct address ignored;

    if (address_parse(host, &ignored))
        return true;
    return str_is_plain(host, STR(".-_")) && host.len > 0 && host.len <= HOST_LONGEST &&
           ascii_is_letter_or_digit(host.ptr[0]) && !str_to_u64(host, 10, &(uint64_t){0});
}

static bool
is_of_this_machine(struct wait *wait, struct address address)
{
    struct host host = {0};
    struct err ignored;

    if (address_is_any(address) || address_is_loopback(address))
        return true;
    if (!net_read_addresses(wait->arena, &host, &ignored))
        return false;
    for (size_t i = 0; i < host.addresses.count; i++)
        if (address_equal(host.addresses.items[i].address, address))
            return true;
    return false;
}

static bool
add_target(struct wait *wait, const struct wait_target *target, struct err *err)
{
    if (wait->targets.count >= WAIT_MOST)
        return err_set(err, ERR_USAGE, 0, "more than %d ports can't be waited for at once", WAIT_MOST);
    *LIST_ADD(wait->arena, &wait->targets) = *target;
    return true;
}

static bool
add_endpoint(struct wait *wait, const struct endpoint *endpoint, struct str text, struct str path, struct err *err)
{
    struct wait_target target = {
        .text = text,
        .endpoint = *endpoint,
        .protocol = endpoint->any_protocol ? PROTOCOL_TCP : endpoint->protocol,
        .path = path,
    };
    bool datagram = target.protocol == PROTOCOL_UDP || target.protocol == PROTOCOL_UDPLITE;

    if (path.len && datagram)
        return err_set(err, ERR_USAGE, 0, "HTTP is spoken over TCP, not over UDP");
    if (endpoint->host == ENDPOINT_ADDRESS && endpoint->device.len == 0 &&
        !is_of_this_machine(wait, endpoint->address)) {
        target.host = address_format(wait->arena, endpoint->address);
        if (datagram)
            return err_set(err, ERR_USAGE, 0, "UDP of another machine can't be waited for: nothing answers a greeting");
    }
    for (uint32_t port = endpoint->first; port <= endpoint->last; port++) {
        target.port = (uint16_t)port;
        target.endpoint.first = target.port;
        target.endpoint.last = target.port;
        if (!add_target(wait, &target, err))
            return false;
    }
    return true;
}

// "db:5432", "tcp://db:5432", "http://shop.example/x". False without an error when it is nothing like that.
static bool
read_remote(struct wait *wait, struct str word, const struct service_table *services, struct wait_target *out)
{
    struct endpoint_part_url url = {.authority = word};
    struct str port = {0};
    uint64_t number = 0;
    bool tcp;
    bool udp;

    (void)endpoint_part_read_url(word, &url);
    bool has_port = endpoint_part_split(url.authority, &out->host, &port);
    if (!is_host(out->host) || (url.has_protocol && url.protocol != PROTOCOL_TCP))
        return false;
    if (!has_port)
        number = url.port;
    else if (!str_to_u64(port, 10, &number) && services_find(services, port, &out->port, &tcp, &udp))
        number = out->port;
    if (number == 0 || number > UINT16_MAX)
        return false;
    out->port = (uint16_t)number;
    out->host = str_copy(wait->arena, out->host);
    return true;
}

bool
wait_add(struct wait *wait, struct str word, struct str path, const struct service_table *services, struct err *err)
{
    struct endpoint_list found = {0};
    struct wait_target remote = {.text = word, .path = path, .protocol = PROTOCOL_TCP};
    enum endpoint_kind kind = endpoint_parse(wait->arena, word, services, &found, err);

    if (kind == ENDPOINT_IS_PORT) {
        for (size_t i = 0; i < found.count; i++)
            if (!add_endpoint(wait, &found.items[i], word, path, err))
                return false;
        return true;
    }
    if (read_remote(wait, word, services, &remote)) {
        if (err)
            *err = (struct err){0};
        return add_target(wait, &remote, err);
    }
    if (kind == ENDPOINT_IS_WRONG)
        return false;
    struct str name = shown(wait->arena, word);
    return err_set(err, ERR_USAGE, 0, "'%.*s' names no port: write one such as 8080 or %.*s:5432", STR_ARG(name),
                   STR_ARG(is_host(word) ? name : STR("db")));
}

// The path and query of a URL, which a request asks for; what stands behind '#' is the browser's own.
static struct str
path_of(struct str url)
{
    struct str rest = str_part(url, str_find(url, STR("://")) + 3, SIZE_MAX);
    size_t slash = str_find_byte(rest, '/');
    struct str path = slash == SIZE_MAX ? STR("/") : str_part(rest, slash, SIZE_MAX);

    return str_part(path, 0, str_find_byte(path, '#'));
}

bool
wait_add_url(struct wait *wait, struct str url, struct err *err)
{
    return wait_add(wait, url, path_of(url), NULL, err);
}

bool
wait_read_path(struct arena *arena, struct str text, struct str *path, bool *is_url, struct err *err)
{
    *is_url = false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return err_set(err, ERR_USAGE, 0, "--http takes a path without blanks, such as health");
    if (str_starts(text, STR("https://")))
        return err_set(err, ERR_USAGE, 0,
                       "moorage does not speak TLS: wait for the port alone, or give an http:// URL");
    if (str_starts(text, STR("http://"))) {
        *is_url = true;
        *path = path_of(text);
        return true;
    }
    // "/health" comes so from Git Bash.
    if (text.len > 2 && text.ptr[1] == ':' && (text.ptr[2] == '/' || text.ptr[2] == '\\')) {
        struct str name = shown(arena, str_base_name(text));
        return err_set(err, ERR_USAGE, 0, "--http got a path of this machine, as Git Bash makes one: write --http %.*s",
                       STR_ARG(name));
    }
    *path = str_starts(text, STR("/")) ? text : str_printf(arena, "/%.*s", STR_ARG(text));
    return true;
}

bool
wait_read_by(struct str text, struct wait_by *by, struct err *err)
{
    uint64_t pid = 0;

    if (str_starts(text, STR("exe=")) && text.len > sizeof "exe=" - 1) {
        by->exe = str_part(text, sizeof "exe=" - 1, SIZE_MAX);
        return true;
    }
    if (str_starts(text, STR("pid=")))
        text = str_part(text, sizeof "pid=" - 1, SIZE_MAX);
    if (!str_to_u64(text, 10, &pid) || pid == 0 || pid > UINT32_MAX)
        return err_set(err, ERR_USAGE, 0, "--by takes the number of a process or exe=NAME");
    by->pid = (uint32_t)pid;
    return true;
}
