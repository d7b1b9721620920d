#include "decode/win_command.h"

#include "base/buf.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// The program's name: between quotes all counts, backslashes are nothing special, and it ends at the next quote.
static size_t
take_name(struct arena *arena, struct str line, struct str_list *out)
{
    bool quoted = line.ptr[0] == '"';
    size_t start = quoted ? 1 : 0;
    size_t end = start;

    while (end < line.len && (quoted ? line.ptr[end] != '"' : (unsigned char)line.ptr[end] > ' '))
        end++;
    *LIST_ADD(arena, out) = str_part(line, start, end - start);
    return quoted && end < line.len ? end + 1 : end;
}

// One argument from `at` on, which is no blank; gives where it ends. Backslashes count double only before a quote, where an
// odd one makes the quote part of the text. Within quotes two quotes are one of the text, and end what is quoted.
static size_t
take_argument(struct str line, size_t at, struct buf *text)
{
    bool quoted = false;

    while (at < line.len && (quoted || !is_blank(line.ptr[at]))) {
        size_t slashes = 0;
        while (at < line.len && line.ptr[at] == '\\') {
            slashes++;
            at++;
        }
        if (at == line.len || line.ptr[at] != '"') {
            buf_pad(text, '\\', slashes);
            if (slashes == 0)
                buf_add_byte(text, line.ptr[at++]);
            continue;
        }
        buf_pad(text, '\\', slashes / 2);
        at++;
        if (slashes % 2 != 0) {
            buf_add_byte(text, '"');
        } else if (quoted && at < line.len && line.ptr[at] == '"') {
            buf_add_byte(text, '"');
            at++;
            quoted = false;
        } else {
            quoted = !quoted;
        }
    }
    return at;
}

void
win_command_split(struct arena *arena, struct str line, struct str_list *out)
{
    if (line.len == 0)
        return;
    size_t at = take_name(arena, line, out);

    for (;;) {
        struct buf text = {.arena = arena};
        while (at < line.len && is_blank(line.ptr[at]))
            at++;
        if (at == line.len)
            return;
        at = take_argument(line, at, &text);
        *LIST_ADD(arena, out) = buf_str(&text);
    }
}
