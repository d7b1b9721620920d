#include "core/endpoint.h"

#include "base/buf.h"
#include "core/endpoint_scan.h"

enum {
    MOST_FOUND = 16,
    NEAR_LINES = 12, // how far from the line that failed the line with the port may stand
};

// What the line of a failed bind says, in small letters.
static const struct str failures[] = {
    STR_INIT("in use"),
    STR_INIT("eaddrinuse"),
    STR_INIT("addrinuse"),
    STR_INIT("eaddrnotavail"),
    STR_INIT("already allocated"),
    STR_INIT("already running"),
    STR_INIT("already bound"),
    STR_INIT("failed to bind"),
    STR_INIT("cannot bind"),
    STR_INIT("can't bind"),
    STR_INIT("could not bind"),
    STR_INIT("couldn't bind"),
    STR_INIT("unable to bind"),
    STR_INIT("bind:"),
    STR_INIT("bind("),
    STR_INIT("bind to "),
    STR_INIT("bind for "),
    STR_INIT("bind on "),
    STR_INIT("bind failed"),
    STR_INIT("bindexception"),
    STR_INIT("error binding"),
    STR_INIT("failed to listen"),
    STR_INIT("cannot listen"),
    STR_INIT("can't listen"),
    STR_INIT("could not listen"),
    STR_INIT("unable to listen"),
    STR_INIT("listening socket"),
    STR_INIT("listen eacces"),
    STR_INIT("eacces"),
    STR_INIT("10048"),
    STR_INIT("10013"),
    STR_INIT("access permissions"),
    STR_INIT("only one usage"),
    STR_INIT("ports are not available"),
    STR_INIT("cannot assign requested"),
    STR_INIT("can't assign requested"),
    STR_INIT("listen tcp"),
    STR_INIT("listen udp"),
    STR_INIT("port is taken"),
};

// What a line that does not speak of the failure itself must say to be about the server's address.
static const struct str hints[] = {
    STR_INIT("port"), STR_INIT("listen"),     STR_INIT("start"),
    STR_INIT("serv"), STR_INIT("running"),    STR_INIT("address"),
    STR_INIT("bind"), STR_INIT("connector["), STR_INIT("protocolhandler ["),
};

struct line {
    struct str text;  // as printed
    struct str small; // in small letters
    bool failed;
};

struct finder {
    struct arena *arena;
    struct endpoint_list *out;
    size_t before;
    bool named[MOST_FOUND];
    struct {
        LIST_OF(struct line);
    } lines;
};

// Where the terminal sequence that starts at `at` ends (ECMA-48: CSI, OSC, and short escapes with intermediate bytes).
static size_t
skip_escape(struct str text, size_t at)
{
    size_t i = at + 1;
    char kind = i < text.len ? text.ptr[i] : '\n';

    if (kind == ']') {
        while (i < text.len && text.ptr[i] != '\a' && text.ptr[i] != '\033' && text.ptr[i] != '\n')
            i++;
        return i < text.len && text.ptr[i] == '\a' ? i + 1 : i;
    }
    if (kind == '[')
        for (i++; i < text.len && text.ptr[i] >= ' ' && text.ptr[i] < '@';)
            i++;
    else
        while (i < text.len && text.ptr[i] >= ' ' && text.ptr[i] < '0')
            i++;
    return i < text.len && text.ptr[i] != '\n' ? i + 1 : i;
}

// Without colours, and with one kind of line end.
static struct str
plain(struct arena *arena, struct str text)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] == '\033') {
            i = skip_escape(text, i);
            continue;
        }
        char c = text.ptr[i++];
        buf_add_byte(&out, c == '\r' ? '\n' : c == '\0' ? ' ' : c);
    }
    return buf_str(&out);
}

static bool
has_any(struct str text, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_find(text, words[i]) != SIZE_MAX)
            return true;
    return false;
}

static void
split_lines(struct finder *finder, struct str text)
{
    struct str all = plain(finder->arena, text);
    struct str small = str_lower(finder->arena, all);
    struct str rest = all;
    struct str text_line;

    while (str_cut(&rest, '\n', &text_line)) {
        if (text_line.len == 0)
            continue;
        struct line *line = LIST_ADD(finder->arena, &finder->lines);
        line->text = text_line;
        line->small = str_part(small, (size_t)(text_line.ptr - all.ptr), text_line.len);
        line->failed = has_any(line->small, failures, sizeof failures / sizeof *failures);
    }
}

// Two addresses that the same port was asked on become the narrowest way to say both.
static void
widen(struct endpoint *have, const struct endpoint *more)
{
    bool same = have->host == more->host && address_equal(have->address, more->address);
    bool local = have->host == ENDPOINT_LOCALHOST || address_is_loopback(have->address);
    bool more_local = more->host == ENDPOINT_LOCALHOST || address_is_loopback(more->address);

    if (same)
        return;
    have->host = local && more_local ? ENDPOINT_LOCALHOST : ENDPOINT_EVERY;
    have->address = address_any(FAMILY_NONE);
}

static void
add(struct finder *finder, const struct endpoint *found, bool named)
{
    for (size_t i = finder->before; i < finder->out->count; i++) {
        struct endpoint *have = &finder->out->items[i];
        bool *have_named = &finder->named[i - finder->before];
        bool other_protocol =
            !have->any_protocol && !found->any_protocol && !host_same_ports(have->protocol, found->protocol);
        if (have->first != found->first || have->last != found->last || other_protocol)
            continue;
        if (have->any_protocol && !found->any_protocol) {
            have->any_protocol = false;
            have->protocol = found->protocol;
        }
        if (*have_named && named)
            widen(have, found);
        if (!*have_named && named) {
            have->host = found->host;
            have->address = found->address;
            have->device = found->device;
            *have_named = true;
        }
        return;
    }
    size_t count = finder->out->count - finder->before;
    if (count >= MOST_FOUND)
        return;
    finder->named[count] = named;
    *LIST_ADD(finder->arena, finder->out) = *found;
}

static void
scan_line(struct finder *finder, const struct line *line)
{
    struct endpoint_scan scan = {.line = line->text, .strong = line->failed};
    struct endpoint found;
    bool named = false;

    while (endpoint_scan_next(&scan, &found, &named))
        add(finder, &found, named);
}

static bool
found_any(const struct finder *finder)
{
    return finder->out->count > finder->before;
}

static bool
is_hint(const struct line *line)
{
    return has_any(line->small, hints, sizeof hints / sizeof *hints);
}

// The lines around each failed one.
static void
scan_near(struct finder *finder)
{
    size_t next = 0;

    for (size_t i = 0; i < finder->lines.count; i++) {
        size_t from = i > NEAR_LINES ? i - NEAR_LINES : 0;
        if (!finder->lines.items[i].failed)
            continue;
        for (next = from > next ? from : next; next < finder->lines.count && next <= i + NEAR_LINES; next++)
            if (is_hint(&finder->lines.items[next]))
                scan_line(finder, &finder->lines.items[next]);
    }
}

// The lines that speak of the failure, then those around them, then all that are about a server's address. A text
// without any failure is taken as it is.
static bool
scan_lines(struct finder *finder)
{
    size_t failed = 0;

    for (size_t i = 0; i < finder->lines.count; i++) {
        failed += finder->lines.items[i].failed;
        if (finder->lines.items[i].failed)
            scan_line(finder, &finder->lines.items[i]);
    }
    if (!found_any(finder))
        scan_near(finder);
    for (size_t i = 0; !found_any(finder) && failed > 0 && i < finder->lines.count; i++)
        if (is_hint(&finder->lines.items[i]))
            scan_line(finder, &finder->lines.items[i]);
    for (size_t i = 0; failed == 0 && i < finder->lines.count; i++)
        scan_line(finder, &finder->lines.items[i]);
    return found_any(finder);
}

bool
endpoint_find(struct arena *arena, struct str text, struct endpoint_list *out)
{
    struct finder finder = {.arena = arena, .out = out, .before = out->count};

    split_lines(&finder, text);
    return scan_lines(&finder);
}
