#include "cmd/list_watch.h"

#include "base/buf.h"

enum {
    USUAL_MS = 2000,
    LEAST_MS = 100,
    MOST_S = 86400,
};

static size_t
count_lines(struct str text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

struct str
list_watch_frame(struct arena *arena, struct str text, size_t height)
{
    struct buf out = {.arena = arena};
    struct str line;
    size_t room = height > 1 ? height - 1 : 1; // the last line of the window stays for the cursor
    size_t left = count_lines(text);
    bool fits = left <= room;

    buf_add_c(&out, "\x1b[?25l\x1b[H");
    for (size_t i = 0; i + !fits < room && text.len && str_cut(&text, '\n', &line); i++) {
        buf_add(&out, line);
        buf_add_c(&out, "\x1b[K\n");
        left--;
    }
    if (!fits)
        buf_addf(&out, "+ %zu lines that don't fit\x1b[K\n", left);
    buf_add_c(&out, "\x1b[J");
    return buf_str(&out);
}

bool
list_watch_interval(struct str text, unsigned *ms, struct err *err)
{
    struct str rest = text;
    struct str whole;
    uint64_t seconds = 0;
    uint64_t tenths = 0;

    if (text.len == 0) {
        *ms = USUAL_MS;
        return true;
    }
    str_cut(&rest, '.', &whole);
    if (!str_to_u64(whole, 10, &seconds) || seconds > MOST_S ||
        (rest.ptr && (rest.len != 1 || !str_to_u64(rest, 10, &tenths))) || seconds * 1000 + tenths * 100 < LEAST_MS)
        return err_set(err, ERR_USAGE, 0, "--watch must be a number of seconds such as 2 or 0.5, from 0.1 to %d",
                       MOST_S);
    *ms = (unsigned)(seconds * 1000 + tenths * 100);
    return true;
}
