#include "core/endpoint.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "core/endpoint_part.h"
#include "core/known.h"
#include "core/services.h"

#include <inttypes.h>

enum {
    QUOTED_COLUMNS = 48,
};

// What one argument is read with.
struct reader {
    struct arena *arena;
    const struct service_table *services;
    struct endpoint_list *out;
    struct err *err;
};

// What is given may be long and hostile; a sentence shows a safe part of it.
static struct str
quoted(struct arena *arena, struct str text)
{
    return utf8_fit(arena, utf8_display(arena, str_part(text, 0, (size_t)QUOTED_COLUMNS * 4)), QUOTED_COLUMNS, true);
}

static enum endpoint_kind
wrong(const struct reader *reader, struct str text, const char *why)
{
    struct str shown = quoted(reader->arena, text);

    err_set(reader->err, ERR_USAGE, 0, "'%.*s' %s", STR_ARG(shown), why);
    return ENDPOINT_IS_WRONG;
}

// The same, with an example that the person can type.
static enum endpoint_kind
wrong_write(const struct reader *reader, struct str text, const char *why, struct str example)
{
    struct str shown = quoted(reader->arena, text);
    struct str typed = quoted(reader->arena, example);

    err_set(reader->err, ERR_USAGE, 0, "'%.*s' %s: write %.*s", STR_ARG(shown), why, STR_ARG(typed));
    return ENDPOINT_IS_WRONG;
}

static bool
all_digits(struct str text)
{
    return text.len > 0 && str_digits(text) == text.len;
}

static bool
starts_word(struct str text)
{
    char c = text.len > 0 ? text.ptr[0] : 0;
    return ascii_is_letter(c) || c == '_';
}

static enum endpoint_kind
read_number(const struct reader *reader, struct str text, uint16_t *out)
{
    uint64_t value = 0;

    if (!all_digits(text))
        return wrong(reader, text, "is no port: ports are numbers from 1 to 65535");
    if (!str_to_u64(text, 10, &value) || value > UINT16_MAX)
        return wrong(reader, text, "is too high for a port: ports go from 1 to 65535");
    if (value == 0)
        return wrong(reader, text,
                     "is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
    *out = (uint16_t)value;
    return ENDPOINT_IS_PORT;
}

static enum endpoint_kind
read_range(const struct reader *reader, struct str text, struct endpoint *out)
{
    struct str rest = text;
    struct str first;

    str_cut(&rest, '-', &first);
    if (first.len == 0)
        return wrong(reader, text, "is a range without a start: a range is written 8000-8010");
    if (rest.len == 0)
        return wrong(reader, text, "is a range without an end: a range is written 8000-8010");
    if (read_number(reader, first, &out->first) != ENDPOINT_IS_PORT ||
        read_number(reader, rest, &out->last) != ENDPOINT_IS_PORT)
        return ENDPOINT_IS_WRONG;
    if (out->first > out->last)
        return wrong_write(reader, text, "runs backwards",
                           str_printf(reader->arena, "%u-%u", (unsigned)out->last, (unsigned)out->first));
    return ENDPOINT_IS_PORT;
}

static enum endpoint_kind
read_service(const struct reader *reader, struct str name, struct endpoint *out)
{
    bool tcp = false;
    bool udp = false;

    if (!services_find(reader->services, name, &out->first, &tcp, &udp))
        return ENDPOINT_IS_WORD;
    out->last = out->first;
    out->service = name;
    if (out->any_protocol && tcp != udp) {
        out->any_protocol = false;
        out->protocol = tcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    }
    return ENDPOINT_IS_PORT;
}

// A number, a range or a service's name.
static enum endpoint_kind
read_port(const struct reader *reader, struct str text, struct endpoint *out)
{
    if (starts_word(text))
        return read_service(reader, text, out);
    if (str_find_byte(text, '-') != SIZE_MAX)
        return read_range(reader, text, out);
    if (read_number(reader, text, &out->first) != ENDPOINT_IS_PORT)
        return ENDPOINT_IS_WRONG;
    out->last = out->first;
    return ENDPOINT_IS_PORT;
}

// The part before the ':' is no address. A number there comes from a container's mapping or another program's range.
static enum endpoint_kind
wrong_host(const struct reader *reader, struct str host, struct str port)
{
    if (str_equal(host, STR("0")))
        return wrong_write(reader, host, "is no address, every IPv4 address is 0.0.0.0",
                           str_printf(reader->arena, "0.0.0.0:%.*s", STR_ARG(port)));
    if (all_digits(host) && all_digits(port))
        return wrong(reader, str_printf(reader->arena, "%.*s:%.*s", STR_ARG(host), STR_ARG(port)),
                     "names two ports: of a container's mapping write the first, a range is written 8000-8010");
    if (starts_word(host))
        return wrong(reader, host, "is not this machine: moorage looks only at the ports of the machine it runs on");
    return wrong(reader, host, "is no address of a machine");
}

static enum endpoint_kind
read_host(const struct reader *reader, struct str host, struct str port, struct endpoint *out)
{
    switch (endpoint_part_host(host, out)) {
    case ENDPOINT_PART_GOOD:
        return ENDPOINT_IS_PORT;
    case ENDPOINT_PART_NO_DEVICE:
        return wrong(reader, host, "names a network interface that is not there");
    case ENDPOINT_PART_NO_ADDRESS:
        break;
    }
    return wrong_host(reader, host, port);
}

// "HOST:PORT" taken apart. `colon` tells whether there was a host.
struct split {
    struct str host;
    struct str port;
    bool colon;
};

// An address without a port is nearly right: the sentence shows the whole.
static enum endpoint_kind
wrong_no_port(const struct reader *reader, struct str text)
{
    struct address address;
    bool bare6 = !str_starts(text, STR("[")) && str_find_byte(text, ':') != SIZE_MAX;
    struct str last = str_part(text, str_find_last_byte(text, ':') + 1, SIZE_MAX);
    struct str head = str_part(text, 0, text.len - last.len - 1);
    uint64_t port = 0;

    if (!bare6)
        return wrong_write(reader, text, "names no port", str_printf(reader->arena, "%.*s:80", STR_ARG(text)));
    // "::1:80" is an address as a whole, but hardly meant so.
    if (last.len > 1 && str_to_u64(last, 10, &port) && address_parse(head, &address))
        return wrong_write(reader, text, "can be read as an address as a whole",
                           str_printf(reader->arena, "[%.*s]:%" PRIu64, STR_ARG(head), port));
    return wrong_write(reader, text, "names no port", str_printf(reader->arena, "[%.*s]:80", STR_ARG(text)));
}

static enum endpoint_kind
split_host(const struct reader *reader, struct str text, struct split *out)
{
    struct endpoint ignored = {.first = 0};
    struct address address;
    size_t last = str_find_last_byte(text, ':');

    *out = (struct split){.port = text};
    if (str_starts(text, STR("["))) {
        size_t close = str_find_byte(text, ']');
        if (close == SIZE_MAX)
            return wrong(reader, text, "lacks the ']': an IPv6 address with a port is written [::1]:80");
        out->host = str_part(text, 1, close - 1);
        out->port = str_part(text, close + 1, SIZE_MAX);
        if (out->port.len == 0)
            return wrong_no_port(reader, text);
        if (out->port.ptr[0] != ':')
            return wrong(reader, text,
                         "has something between ']' and ':': an IPv6 address with a port is written [::1]:80");
        out->port = str_part(out->port, 1, SIZE_MAX);
        out->colon = true;
        return ENDPOINT_IS_PORT;
    }
    if (address_parse(text, &address) || str_equal(text, STR("*")) || endpoint_part_is_localhost(text))
        return wrong_no_port(reader, text);
    bool scoped = str_find_byte(text, '%') != SIZE_MAX;
    if (scoped && endpoint_part_host(text, &ignored) != ENDPOINT_PART_NO_ADDRESS)
        return wrong_no_port(reader, text);
    if (last == SIZE_MAX)
        return ENDPOINT_IS_PORT;
    out->host = str_part(text, 0, last);
    out->port = str_part(text, last + 1, SIZE_MAX);
    out->colon = true;
    return ENDPOINT_IS_PORT;
}

// "udp/53", "53/udp", "udp:53": takes the protocol off `text`.
static enum endpoint_kind
split_protocol(const struct reader *reader, struct str *text, struct endpoint *out)
{
    size_t slash = str_find_byte(*text, '/');
    size_t colon = str_find_byte(*text, ':');
    size_t at = slash != SIZE_MAX ? slash : colon;
    struct str whole = *text;

    if (endpoint_part_protocol(whole, &out->protocol))
        return wrong_write(reader, whole, "names a protocol, but no port",
                           str_printf(reader->arena, "%.*s/8080", STR_ARG(whole)));
    if (at == SIZE_MAX)
        return ENDPOINT_IS_PORT;
    struct str left = str_part(whole, 0, at);
    struct str right = str_part(whole, at + 1, SIZE_MAX);
    out->any_protocol = false;
    if (endpoint_part_protocol(left, &out->protocol))
        *text = right;
    else if (slash != SIZE_MAX && endpoint_part_protocol(right, &out->protocol))
        *text = left;
    else if (slash == SIZE_MAX || str_find_byte(left, ':') != SIZE_MAX)
        out->any_protocol = true;
    else if (starts_word(left) && !(right.len > 0 && ascii_is_digit(right.ptr[0])))
        return ENDPOINT_IS_WORD; // "library/postgres"
    else if (left.len == 0 || right.len == 0)
        return wrong(reader, whole, "lacks the protocol: a port with one is written 8080/tcp");
    else
        return wrong(reader, starts_word(left) ? left : right,
                     "is no protocol that moorage knows: tcp, udp, udplite or mptcp");
    // "localhost:3000/path": a URL without its scheme.
    if (out->any_protocol && slash != SIZE_MAX)
        *text = left;
    return text->len > 0 ? ENDPOINT_IS_PORT : wrong(reader, whole, "names a protocol, but no port");
}

static enum endpoint_kind
read_item(const struct reader *reader, struct str text, struct endpoint *out)
{
    struct split split;

    *out = (struct endpoint){.any_protocol = true, .text = text};
    if (text.len == 0) {
        err_set(reader->err, ERR_USAGE, 0, "a port is missing before or after a comma");
        return ENDPOINT_IS_WRONG;
    }
    enum endpoint_kind kind = split_protocol(reader, &text, out);
    if (kind == ENDPOINT_IS_PORT)
        kind = split_host(reader, text, &split);
    if (kind != ENDPOINT_IS_PORT)
        return kind;
    if (split.colon && split.port.len == 0)
        return wrong(reader, out->text, "names no port after the ':'");
    kind = read_port(reader, split.port, out);
    bool named = split.colon && split.host.len > 0;
    if (kind == ENDPOINT_IS_WORD &&
        (!starts_word(text) || (named && endpoint_part_host(split.host, out) == ENDPOINT_PART_GOOD)))
        return wrong(reader, split.port, "is neither a port nor the name of a service");
    if (kind == ENDPOINT_IS_WORD && !out->any_protocol)
        return wrong(reader, split.port, "is neither a port nor the name of a service");
    if (kind != ENDPOINT_IS_PORT)
        return kind;
    return split.colon ? read_host(reader, split.host, split.port, out) : kind;
}

// "443/tcp", not "tcp/443".
static bool
ends_in_protocol(const struct endpoint *item)
{
    enum protocol ignored;
    size_t slash = str_find_byte(item->text, '/');

    return slash != SIZE_MAX && endpoint_part_protocol(str_part(item->text, slash + 1, SIZE_MAX), &ignored);
}

// A protocol at the very end holds for all before it that name none, as in "80,443/tcp".
static void
share_last_protocol(struct endpoint *items, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        if (!items[i].any_protocol)
            return;
    if (!ends_in_protocol(&items[count - 1]))
        return;
    for (size_t i = 0; i + 1 < count; i++) {
        items[i].any_protocol = false;
        items[i].protocol = items[count - 1].protocol;
    }
}

// What was written before the comma holds for what comes after it, as in "udp/53,5353" and "127.0.0.1:80,443".
static void
share_with_next(const struct endpoint *before, struct endpoint *item)
{
    if (item->service.len > 0 || str_find_byte(item->text, ':') != SIZE_MAX)
        return;
    if (item->any_protocol && !before->any_protocol && before->service.len == 0) {
        item->any_protocol = false;
        item->protocol = before->protocol;
    }
    item->host = before->host;
    item->address = before->address;
    item->device = before->device;
}

static void
share_parts(struct endpoint *items, size_t count)
{
    share_last_protocol(items, count);
    for (size_t i = 1; i < count; i++)
        share_with_next(&items[i - 1], &items[i]);
}

static enum endpoint_kind
read_list(const struct reader *reader, struct str text)
{
    size_t start = reader->out->count;
    size_t words = 0;
    size_t items = 0;
    struct str rest = text;
    struct str item;

    while (str_cut(&rest, ',', &item)) {
        struct endpoint endpoint;
        enum endpoint_kind kind = read_item(reader, str_trim(item), &endpoint);
        items++;
        if (kind == ENDPOINT_IS_WRONG)
            return kind;
        words += kind == ENDPOINT_IS_WORD;
        if (kind == ENDPOINT_IS_PORT)
            *LIST_ADD(reader->arena, reader->out) = endpoint;
        else if (words < items)
            return wrong(reader, str_trim(item), "is neither a port nor the name of a service");
    }
    if (words == items)
        return ENDPOINT_IS_WORD;
    if (words > 0)
        return wrong(reader, text, "holds more than ports and names of services");
    share_parts(reader->out->items + start, reader->out->count - start);
    return ENDPOINT_IS_PORT;
}

// "mongodb://localhost:27017,localhost:27018/db" names several.
static enum endpoint_kind
read_url(const struct reader *reader, struct str text)
{
    struct endpoint_part_url url;
    struct str host;

    if (!endpoint_part_read_url(text, &url))
        return wrong(reader, text, "is no URL that names a port");
    while (str_cut(&url.authority, ',', &host)) {
        struct endpoint endpoint = {.any_protocol = !url.has_protocol, .protocol = url.protocol, .text = text};
        struct str port = STR("80");
        if (endpoint_part_split(host, &host, &port)) {
            enum endpoint_kind kind = read_port(reader, port, &endpoint);
            if (kind == ENDPOINT_IS_WORD)
                return wrong(reader, port, "is no port");
            if (kind != ENDPOINT_IS_PORT)
                return kind;
        } else if (url.port != 0) {
            endpoint.first = url.port;
            endpoint.last = url.port;
        } else {
            return wrong(reader, text, "names no port, and the usual port of such a URL is not known");
        }
        if (read_host(reader, host, port, &endpoint) != ENDPOINT_IS_PORT)
            return ENDPOINT_IS_WRONG;
        *LIST_ADD(reader->arena, reader->out) = endpoint;
    }
    return ENDPOINT_IS_PORT;
}

static bool
has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}

// Several words, and no list that was written with blanks ("80, 443").
static bool
is_phrase(struct str text)
{
    for (size_t i = 1; i < text.len; i++)
        if ((text.ptr[i] == ' ' || text.ptr[i] == '\n') && text.ptr[i - 1] != ',' && text.ptr[i - 1] != ' ')
            return !ascii_is_digit(text.ptr[0]);
    return false;
}

static enum endpoint_kind
read_argument(const struct reader *reader, struct str text)
{
    bool phrase = is_phrase(text);

    // An error message that was pasted as a whole.
    if (phrase && endpoint_find(reader->arena, text, reader->out))
        return ENDPOINT_IS_PORT;
    if (known_error_meaning(text).len > 0 && !all_digits(text))
        return ENDPOINT_IS_MEANING;
    if (has_control(text))
        return wrong(reader, text, "is no port: ports are numbers from 1 to 65535");
    if (phrase && starts_word(text))
        return ENDPOINT_IS_WORD;
    if (str_find(text, STR("://")) != SIZE_MAX)
        return read_url(reader, text);
    return read_list(reader, text);
}

enum endpoint_kind
endpoint_parse(struct arena *arena, struct str text, const struct service_table *services, struct endpoint_list *out,
               struct err *err)
{
    struct reader reader = {.arena = arena, .services = services, .out = out, .err = err};
    size_t before = out->count;
    struct str trimmed = str_trim(text);

    if (trimmed.len == 0) {
        err_set(err, ERR_USAGE, 0, "the port is empty: ports are numbers from 1 to 65535, such as 8080");
        return ENDPOINT_IS_WRONG;
    }
    enum endpoint_kind kind = read_argument(&reader, trimmed);
    if (kind != ENDPOINT_IS_PORT)
        out->count = before;
    return kind;
}

bool
endpoint_set_address(struct endpoint_list *list, struct str text, struct err *err)
{
    struct endpoint host = {.host = ENDPOINT_EVERY};
    struct str inner = str_trim(text);
    bool bracketed = str_starts(inner, STR("[")) && str_ends(inner, STR("]"));

    if (bracketed)
        inner = str_part(inner, 1, inner.len - 2);
    enum endpoint_part_answer answer = inner.len > 0 ? endpoint_part_host(inner, &host) : ENDPOINT_PART_NO_ADDRESS;
    if (answer != ENDPOINT_PART_GOOD) {
        struct arena *arena = arena_open();
        struct str shown = quoted(arena, text);
        err_set(err, ERR_USAGE, 0, "'%.*s' %s", STR_ARG(shown),
                answer == ENDPOINT_PART_NO_DEVICE
                    ? "names a network interface that is not there"
                    : "is no address of this machine: write one such as 127.0.0.1 or ::1, localhost, or * for all");
        arena_close(arena);
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].host = host.host;
        list->items[i].address = host.address;
        if (host.device.len > 0)
            list->items[i].device = host.device;
    }
    return true;
}
