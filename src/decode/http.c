#include "decode/http.h"

#include "base/buf.h"

#include <stdint.h>

// Where a body lies in the bytes and how it ends.
struct framing {
    bool chunked;
    bool has_length;
    uint64_t length;
};

// Cuts the next line off `rest`, without its line end; false when it is not whole yet.
static bool
cut_line(struct str *rest, struct str *line)
{
    size_t end = str_find_byte(*rest, '\n');
    if (end == SIZE_MAX)
        return false;
    *line = str_part(*rest, 0, end);
    if (str_ends(*line, STR("\r")))
        line->len--;
    *rest = str_part(*rest, end + 1, rest->len);
    return true;
}

// Cuts status line and fields, with the empty line behind them, off `rest`.
static enum http_state
cut_head(struct str *rest, struct str *status_line, struct str *fields)
{
    struct str at = *rest;
    if (!cut_line(&at, status_line))
        return rest->len > HTTP_HEAD_LIMIT ? HTTP_BROKEN : HTTP_MORE;
    const char *start = at.ptr;
    struct str line;
    do {
        if (!cut_line(&at, &line))
            return rest->len > HTTP_HEAD_LIMIT ? HTTP_BROKEN : HTTP_MORE;
        if ((size_t)(at.ptr - rest->ptr) > HTTP_HEAD_LIMIT)
            return HTTP_BROKEN;
    } while (line.len > 0);
    *fields = (struct str){start, (size_t)(line.ptr - start)};
    *rest = at;
    return HTTP_DONE;
}

// "HTTP/1.1 200 OK", RFC 9112 section 4; the reason may be missing.
static bool
parse_status(struct str line, unsigned *status)
{
    uint64_t number;
    if (!str_starts(line, STR("HTTP/1.")) || line.len < sizeof "HTTP/1.1 200" - 1 || line.ptr[8] != ' ' ||
        (line.len > 12 && line.ptr[12] != ' '))
        return false;
    if (!str_to_u64(str_part(line, 9, 3), 10, &number) || number < 100 || number > 599)
        return false;
    *status = (unsigned)number;
    return true;
}

// RFC 9112 section 6.3. Two ways to find the end of the body are how requests are smuggled: such an answer is refused.
static bool
parse_fields(struct str fields, struct framing *out)
{
    struct str line;
    while (cut_line(&fields, &line)) {
        size_t colon = str_find_byte(line, ':');
        // No blank before the colon (section 5.1); a line that starts with one folds (section 5.2), which nobody may send.
        if (colon == SIZE_MAX || colon == 0 || str_find_byte(str_part(line, 0, colon), ' ') != SIZE_MAX)
            return false;
        struct str name = str_part(line, 0, colon);
        struct str value = str_trim(str_part(line, colon + 1, line.len));
        if (str_equal_nocase(name, STR("Content-Length"))) {
            uint64_t length;
            if (!str_to_u64(value, 10, &length) || (out->has_length && out->length != length))
                return false;
            out->has_length = true;
            out->length = length;
        } else if (str_equal_nocase(name, STR("Transfer-Encoding"))) {
            if (out->chunked || !str_equal_nocase(value, STR("chunked")))
                return false;
            out->chunked = true;
        }
    }
    return !(out->chunked && out->has_length);
}

// Walks over the chunks (RFC 9112 section 7.1) and adds their data to `body`, unless that is NULL.
static enum http_state
walk_chunks(struct str rest, struct buf *body)
{
    struct str line;
    while (cut_line(&rest, &line)) {
        size_t extension = str_find_byte(line, ';');
        uint64_t size;
        if (!str_to_u64(str_trim(str_part(line, 0, extension)), 16, &size) || size > SIZE_MAX - 2)
            return HTTP_BROKEN;
        if (size == 0) {
            do {
                if (!cut_line(&rest, &line))
                    return rest.len > HTTP_HEAD_LIMIT ? HTTP_BROKEN : HTTP_MORE;
            } while (line.len > 0);
            return HTTP_DONE;
        }
        if (rest.len < size)
            return HTTP_MORE;
        if (body)
            buf_add(body, str_part(rest, 0, (size_t)size));
        rest = str_part(rest, (size_t)size, rest.len);
        if (!str_starts(STR("\r\n"), str_part(rest, 0, 2)))
            return HTTP_BROKEN;
        if (!cut_line(&rest, &line))
            return HTTP_MORE;
    }
    // A size never has this many digits and extensions.
    return rest.len > HTTP_HEAD_LIMIT ? HTTP_BROKEN : HTTP_MORE;
}

static enum http_state
take_body(struct arena *arena, struct str rest, const struct framing *framing, bool ended, struct http_answer *out)
{
    if (out->status == 204 || out->status == 304) {
        out->body = (struct str){NULL, 0};
        return HTTP_DONE;
    }
    if (framing->chunked) {
        enum http_state state = walk_chunks(rest, NULL);
        if (state == HTTP_DONE) {
            struct buf body = {.arena = arena};
            walk_chunks(rest, &body);
            out->body = buf_str(&body);
        }
        return state;
    }
    if (framing->has_length) {
        out->body = str_part(rest, 0, framing->length > SIZE_MAX ? SIZE_MAX : (size_t)framing->length);
        return rest.len >= framing->length ? HTTP_DONE : HTTP_MORE;
    }
    out->body = rest;
    return ended ? HTTP_DONE : HTTP_MORE;
}

// Refused at the first bytes: a peer that speaks something else may never send a line end.
static bool
may_be_http(struct str bytes)
{
    struct str magic = STR("HTTP/1.");
    return str_equal(str_part(bytes, 0, magic.len), str_part(magic, 0, bytes.len));
}

enum http_state
http_status(struct str bytes, unsigned *status)
{
    enum http_state state = may_be_http(bytes) ? HTTP_DONE : HTTP_BROKEN;
    unsigned found = 0;
    while (state == HTTP_DONE && found < 200) {
        struct str line;
        struct str fields;
        state = cut_head(&bytes, &line, &fields);
        if (state == HTTP_DONE && !parse_status(line, &found))
            state = HTTP_BROKEN;
    }
    if (state == HTTP_DONE)
        *status = found;
    return state;
}

enum http_state
http_parse(struct arena *arena, struct str bytes, bool ended, struct http_answer *out)
{
    enum http_state state;
    struct http_answer answer;
    if (!may_be_http(bytes))
        return HTTP_BROKEN;
    do {
        struct str status_line;
        struct framing framing = {.chunked = false};
        answer = (struct http_answer){.status = 0};
        state = cut_head(&bytes, &status_line, &answer.headers);
        if (state != HTTP_DONE)
            break;
        if (!parse_status(status_line, &answer.status) || !parse_fields(answer.headers, &framing))
            return HTTP_BROKEN;
        if (answer.status >= 200)
            state = take_body(arena, bytes, &framing, ended, &answer);
    } while (answer.status < 200);
    if (state == HTTP_DONE)
        *out = answer;
    return state == HTTP_MORE && ended ? HTTP_BROKEN : state;
}

struct str
http_header(const struct http_answer *answer, struct str name)
{
    struct str rest = answer->headers;
    struct str line;
    while (cut_line(&rest, &line)) {
        size_t colon = str_find_byte(line, ':');
        if (colon != SIZE_MAX && str_equal_nocase(str_part(line, 0, colon), name))
            return str_trim(str_part(line, colon + 1, line.len));
    }
    return (struct str){NULL, 0};
}

struct str
http_api_request(struct arena *arena, struct str method, struct str target)
{
    bool order = str_equal(method, STR("POST"));

    return str_printf(arena,
                      "%.*s %.*s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: moorage/" MOORAGE_VERSION
                      "\r\nAccept: application/json\r\n%sConnection: close\r\n\r\n",
                      STR_ARG(method), STR_ARG(target), order ? "Content-Length: 0\r\n" : "");
}

// RFC 9112 section 3; an IPv6 address stands in brackets.
struct str
http_get_request(struct arena *arena, struct str host, uint16_t port, struct str path)
{
    bool six = str_find_byte(host, ':') != SIZE_MAX;

    return str_printf(arena, "GET %.*s HTTP/1.1\r\nHost: %s%.*s%s:%u\r\nUser-Agent: moorage\r\nAccept: */*\r\n\r\n",
                      STR_ARG(path), six ? "[" : "", STR_ARG(host), six ? "]" : "", (unsigned)port);
}
