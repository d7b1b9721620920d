#include "core/endpoint_scan.h"

#include "base/ascii.h"
#include "core/endpoint_part.h"

#include <string.h>

enum {
    LONGEST_HOST = 100,
    LOWEST_BARE_IPV6_PORT = 80, // "fe80::1:2" is an address, "::1:3000" an address and a port
};

// The word "port" as error messages in other languages have it.
static const struct str port_words[] = {
    STR_INIT("port"), STR_INIT("puerto"), STR_INIT("porta"), STR_INIT("端口"), STR_INIT("порт"), STR_INIT("ポート"),
};

// Error numbers that stand where a port could: EADDRINUSE of Linux, macOS and Windows, and Windows' WSAEACCES.
static const uint16_t error_numbers[] = {98, 48, 10048, 10013};

// Endings of source files: what stands before a line number, not before a port.
static const struct str source_endings[] = {
    STR_INIT(".js"),  STR_INIT(".mjs"),  STR_INIT(".cjs"), STR_INIT(".ts"),   STR_INIT(".tsx"),
    STR_INIT(".jsx"), STR_INIT(".py"),   STR_INIT(".go"),  STR_INIT(".rs"),   STR_INIT(".rb"),
    STR_INIT(".php"), STR_INIT(".java"), STR_INIT(".kt"),  STR_INIT(".cs"),   STR_INIT(".c"),
    STR_INIT(".cc"),  STR_INIT(".cpp"),  STR_INIT(".h"),   STR_INIT(".ex"),   STR_INIT(".erl"),
    STR_INIT(".pl"),  STR_INIT(".sh"),   STR_INIT(".yml"), STR_INIT(".yaml"), STR_INIT(".conf"),
};

// The words before "somehost:8080" that make it an address.
static const struct str address_words[] = {
    STR_INIT("use"),     STR_INIT("to"),   STR_INIT("on"),     STR_INIT("for"),
    STR_INIT("address"), STR_INIT("bind"), STR_INIT("listen"),
};

static char
byte_at(struct str s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\n';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool
starts_nocase(struct str text, size_t at, struct str what)
{
    return at < text.len && str_equal_nocase(str_part(text, at, what.len), what);
}

// A port number that starts at `at` and ends there as a number does; gives where it ends, 0 if there is none.
static size_t
read_number(struct str line, size_t at, uint16_t *out)
{
    size_t end = at;
    uint64_t value = 0;

    while (ascii_is_digit(byte_at(line, end)))
        end++;
    char next = byte_at(line, end);
    if (ascii_is_letter(next) || next == '_' || (next == '.' && ascii_is_digit(byte_at(line, end + 1))))
        return 0;
    if (!str_to_u64(str_part(line, at, end - at), 10, &value) || value == 0 || value > UINT16_MAX)
        return 0;
    *out = (uint16_t)value;
    return end;
}

// A port or a range of ports.
static size_t
read_ports(struct str line, size_t at, struct endpoint *out)
{
    size_t end = read_number(line, at, &out->first);

    out->last = out->first;
    if (end == 0 || byte_at(line, end) != '-' || !ascii_is_digit(byte_at(line, end + 1)))
        return end;
    size_t range_end = read_number(line, end + 1, &out->last);
    if (range_end == 0 || out->last < out->first) {
        out->last = out->first;
        return end;
    }
    return range_end;
}

// The word that ends before `at`, without quotes and punctuation around it.
static struct str
word_before(struct str line, size_t at)
{
    size_t lowest = at > LONGEST_HOST ? at - LONGEST_HOST : 0;
    size_t end = at;

    while (end > lowest && strchr(" \t'\"`(),<", line.ptr[end - 1]))
        end--;
    size_t start = end;
    while (start > lowest && !strchr(" \t'\"`(),<>=", line.ptr[start - 1]))
        start--;
    return str_part(line, start, end - start);
}

// "53/udp" behind the number, or "udp 0.0.0.0:53" before it.
static void
read_protocol(struct str line, size_t start, size_t end, struct endpoint *out)
{
    struct str behind = str_part(line, end + 1, 3);
    bool slash = byte_at(line, end) == '/' && !ascii_is_letter(byte_at(line, end + 4));

    out->any_protocol = !(slash && endpoint_part_protocol(behind, &out->protocol)) &&
                        !endpoint_part_protocol(word_before(line, start), &out->protocol);
}

static bool
is_host_byte(char c)
{
    return ascii_is_letter_or_digit(c) || (c && strchr("._:%*-", c));
}

static bool
is_known_address_word(struct str word)
{
    for (size_t i = 0; i < sizeof address_words / sizeof *address_words; i++)
        if (str_equal_nocase(word, address_words[i]))
            return true;
    return false;
}

// A name that is no address, in a line about a failed bind: "Failed to bind to myhost:8080".
static bool
is_named_host(const struct endpoint_scan *scan, struct str host, size_t start)
{
    if (!scan->strong || host.len == 0 || !ascii_is_letter(host.ptr[0]) || str_find_byte(host, ':') != SIZE_MAX)
        return false;
    for (size_t i = 0; i < sizeof source_endings / sizeof *source_endings; i++)
        if (str_ends(host, source_endings[i]))
            return false;
    return start > 0 && is_blank(scan->line.ptr[start - 1]) && is_known_address_word(word_before(scan->line, start));
}

// The host in line[start, colon), as far as it says that a port follows.
static bool
read_host(const struct endpoint_scan *scan, size_t start, size_t colon, size_t end, struct endpoint *out, bool *named)
{
    struct str line = scan->line;
    struct str host = str_part(line, start, colon - start);
    bool url = start >= 3 && str_equal(str_part(line, start - 3, 3), STR("://"));
    bool more = byte_at(line, end) == ':' && ascii_is_digit(byte_at(line, end + 1));

    *named = true;
    if (host.len == 0 || str_equal(host, STR("JVM_Bind"))) {
        *named = false;
        return (scan->strong || url) && !more &&
               (start == 0 || strchr(" \t'\"`(=,<>/[", line.ptr[start - 1]) || host.len);
    }
    if (endpoint_part_host(host, out) == ENDPOINT_PART_GOOD) {
        bool v6 = out->host == ENDPOINT_ADDRESS && out->address.family == FAMILY_IPV6;
        bool any6 = v6 && address_is_any(out->address);
        return !v6 || (!more && (any6 || out->first >= LOWEST_BARE_IPV6_PORT));
    }
    *out = (struct endpoint){.first = out->first, .last = out->last};
    *named = false;
    return !more && ((url && scan->strong) || is_named_host(scan, host, start));
}

// "HOST:PORT", "[HOST]:PORT", ":PORT"; `colon` is where the ':' stands.
static bool
scan_host_port(struct endpoint_scan *scan, size_t colon, struct endpoint *out, bool *named)
{
    struct str line = scan->line;
    size_t lowest = colon > LONGEST_HOST ? colon - LONGEST_HOST : 0;
    bool bracket = byte_at(line, colon + 1) == '[';
    size_t start = colon;
    size_t end = read_ports(line, colon + 1 + bracket, out);

    if (end == 0 || (bracket && byte_at(line, end) != ']'))
        return false;
    if (colon > 0 && line.ptr[colon - 1] == ']') {
        while (start > lowest && line.ptr[start - 1] != '[')
            start--;
        if (start == lowest ||
            endpoint_part_host(str_part(line, start, colon - 1 - start), out) != ENDPOINT_PART_GOOD ||
            start == colon - 1)
            return false;
        *named = true;
        start--;
    } else {
        while (start > lowest && is_host_byte(line.ptr[start - 1]))
            start--;
        if (!read_host(scan, start, colon, end, out, named))
            return false;
    }
    read_protocol(line, start, end, out);
    out->text = str_part(line, start, end - start);
    // A container's mapping goes on with the address inside: "0.0.0.0:8080:172.17.0.2:80/tcp".
    scan->at = end;
    while (byte_at(line, end) == ':' && (is_host_byte(byte_at(line, scan->at)) || byte_at(line, scan->at) == '/') &&
           ascii_is_digit(byte_at(line, end + 1)))
        scan->at++;
    return true;
}

// What may stand between the word port and the number.
static size_t
skip_to_number(struct str line, size_t at)
{
    static const struct str fillers[] = {STR_INIT("number"), STR_INIT("no."), STR_INIT("tcp/"), STR_INIT("udp/"),
                                         STR_INIT("tcp"),    STR_INIT("udp"), STR_INIT("htons")};
    size_t limit = at + 20;

    while (at < limit && !ascii_is_digit(byte_at(line, at))) {
        size_t step = byte_at(line, at) && strchr(" \t:=#'\"`([<-/", byte_at(line, at)) ? 1 : 0;
        for (size_t i = 0; step == 0 && i < sizeof fillers / sizeof *fillers; i++)
            if (starts_nocase(line, at, fillers[i]))
                step = fillers[i].len;
        if (step == 0)
            return SIZE_MAX;
        at += step;
    }
    return ascii_is_digit(byte_at(line, at)) ? at : SIZE_MAX;
}

// The length of the word port at `at`, 0 if it is not there or only a part of another word ("import", "portable").
static size_t
port_word(struct str line, size_t at)
{
    char before = at > 0 ? line.ptr[at - 1] : ' ';

    for (size_t i = 0; i < sizeof port_words / sizeof *port_words; i++) {
        bool latin = ascii_is_letter(port_words[i].ptr[0]);
        if (!starts_nocase(line, at, port_words[i]))
            continue;
        size_t length = port_words[i].len;
        if (latin && (ascii_is_digit(before) || (ascii_is_letter(before) && !(line.ptr[at] == 'P' && before >= 'a'))))
            return 0;
        if (latin && (byte_at(line, at + length) == 's' || byte_at(line, at + length) == 'S'))
            length++;
        if (!latin || !ascii_is_letter(byte_at(line, at + length)))
            return length;
    }
    return 0;
}

static bool
scan_port_word(struct endpoint_scan *scan, size_t at, size_t length, struct endpoint *out, bool *named)
{
    struct str line = scan->line;
    size_t start = skip_to_number(line, at + length);
    size_t end = start == SIZE_MAX ? 0 : read_ports(line, start, out);

    if (end == 0 || (byte_at(line, end) == ':' && ascii_is_digit(byte_at(line, end + 1))))
        return false;
    // "127.0.0.1" port 3000
    struct str host = word_before(line, at);
    bool is_host = host.len > 0 && !str_equal(host, STR("*")) && !str_equal(host, STR("+"));
    *named = is_host && endpoint_part_host(host, out) == ENDPOINT_PART_GOOD;
    if (!*named)
        *out = (struct endpoint){.first = out->first, .last = out->last};
    read_protocol(line, at, end, out);
    if (out->any_protocol)
        read_protocol(line, start, end, out);
    out->text = str_part(line, start, end - start);
    scan->at = end;
    return true;
}

// ('127.0.0.1', 8000); `comma` is where the ',' stands.
static bool
scan_pair(struct endpoint_scan *scan, size_t comma, struct endpoint *out, bool *named)
{
    struct str line = scan->line;
    size_t open = comma > 0 ? comma - 1 : 0;
    size_t lowest = comma > LONGEST_HOST ? comma - LONGEST_HOST : 0;
    size_t number = comma + 1;

    if (comma < 2 || (line.ptr[open] != '\'' && line.ptr[open] != '"'))
        return false;
    char quote = line.ptr[open];
    while (open > lowest && line.ptr[open - 1] != quote)
        open--;
    if (open == lowest)
        return false;
    struct str host = str_part(line, open, comma - 1 - open);
    while (is_blank(byte_at(line, number)) && number < line.len)
        number++;
    size_t end = read_number(line, number, &out->first);
    if (end == 0 || endpoint_part_host(host, out) != ENDPOINT_PART_GOOD || byte_at(line, end) == ':')
        return false;
    out->last = out->first;
    out->any_protocol = true;
    out->text = str_part(line, number, end - number);
    *named = host.len > 0;
    scan->at = end;
    return true;
}

static bool
is_error_number(uint16_t number)
{
    for (size_t i = 0; i < sizeof error_numbers / sizeof *error_numbers; i++)
        if (error_numbers[i] == number)
            return true;
    return false;
}

// "8080/tcp", "3000 is already in use", "Failed to bind to [9200]".
static bool
scan_number(struct endpoint_scan *scan, size_t at, struct endpoint *out)
{
    static const struct str verbs[] = {STR_INIT(" is already in use"), STR_INIT(" already in use"),
                                       STR_INIT(" is in use"), STR_INIT(" is already allocated"),
                                       STR_INIT(" is taken")};
    struct str line = scan->line;
    char before = at > 0 ? line.ptr[at - 1] : ' ';
    size_t end = read_ports(line, at, out);
    bool good = false;

    if (end == 0 || !strchr(" \t'\"`([<,=/", before))
        return false;
    read_protocol(line, at, end, out);
    good = !out->any_protocol && byte_at(line, end) == '/';
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        good = good || starts_nocase(line, end, verbs[i]);
    good = good ||
           (before == '[' && byte_at(line, end) == ']' && at >= 9 && starts_nocase(line, at - 9, STR("bind to [")));
    if (!good || is_error_number(out->first))
        return false;
    out->text = str_part(line, at, end - at);
    scan->at = end;
    return true;
}

// "Port already in use: 1099"
static bool
scan_in_use(struct endpoint_scan *scan, size_t at, struct endpoint *out)
{
    size_t number = at + sizeof "in use" - 1;

    while (byte_at(scan->line, number) == ':' || byte_at(scan->line, number) == ' ')
        number++;
    size_t end = read_number(scan->line, number, &out->first);
    if (end == 0 || byte_at(scan->line, number - 1) != ' ' || is_error_number(out->first) ||
        byte_at(scan->line, end) == ':' || byte_at(scan->line, end) == '/')
        return false;
    out->last = out->first;
    out->any_protocol = true;
    out->text = str_part(scan->line, number, end - number);
    scan->at = end;
    return true;
}

// Tomcat's name of what listens, which ends in the port: Connector["http-nio-8080"], ProtocolHandler ["ajp-nio-127.0.0.1-8009"],
// Connector[HTTP/1.1-8080]; `bracket` is where the '[' stands.
static bool
scan_connector(struct endpoint_scan *scan, size_t bracket, struct endpoint *out, bool *named)
{
    static const size_t longest = sizeof "ProtocolHandler ";
    size_t from = bracket > longest ? bracket - longest : 0;
    struct str before = str_trim(str_part(scan->line, from, bracket - from));
    size_t start = bracket + 1;

    if (!str_ends(before, STR("Connector")) && !str_ends(before, STR("ProtocolHandler")))
        return false;
    if (byte_at(scan->line, start) == '"')
        start++;
    struct str name = str_part(scan->line, start, LONGEST_HOST);
    size_t close = str_find_byte(name, ']');
    if (close == SIZE_MAX)
        return false;
    name = str_part(name, 0, close);
    if (str_ends(name, STR("\"")))
        name.len--;
    size_t dash = str_find_last_byte(name, '-');
    if (dash == SIZE_MAX || read_number(scan->line, start + dash + 1, &out->first) != start + name.len)
        return false;
    out->last = out->first;
    struct str host = str_part(name, 0, dash);
    host = str_part(host, str_find_last_byte(host, '-') + 1, SIZE_MAX);
    *named = str_find_byte(host, '/') == SIZE_MAX && endpoint_part_host(host, out) == ENDPOINT_PART_GOOD &&
             out->host == ENDPOINT_ADDRESS;
    if (!*named)
        *out = (struct endpoint){.first = out->first, .last = out->last};
    out->any_protocol = false;
    out->protocol = PROTOCOL_TCP;
    out->text = str_part(name, dash + 1, SIZE_MAX);
    scan->at = start + name.len;
    return true;
}

static bool
scan_at(struct endpoint_scan *scan, size_t at, struct endpoint *out, bool *named)
{
    struct str line = scan->line;
    char c = line.ptr[at];
    char next = byte_at(line, at + 1);

    *out = (struct endpoint){.any_protocol = true};
    *named = false;
    if (c == ':' && (ascii_is_digit(next) || next == '['))
        return scan_host_port(scan, at, out, named);
    if (c == ',')
        return scan_pair(scan, at, out, named);
    if (c == '[')
        return scan_connector(scan, at, out, named);
    if (ascii_is_digit(c))
        return (at == 0 || !ascii_is_digit(line.ptr[at - 1])) && scan_number(scan, at, out);
    if ((c == 'i' || c == 'I') && starts_nocase(line, at, STR("in use")))
        return scan->strong && scan_in_use(scan, at, out);
    if (c == 'p' || c == 'P' || (unsigned char)c >= 0x80) {
        size_t length = port_word(line, at);
        return length > 0 && scan_port_word(scan, at, length, out, named);
    }
    return false;
}

bool
endpoint_scan_next(struct endpoint_scan *scan, struct endpoint *out, bool *named)
{
    while (scan->at < scan->line.len) {
        size_t at = scan->at++;
        if (scan_at(scan, at, out, named))
            return true;
    }
    return false;
}
