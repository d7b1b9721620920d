#include "decode/netsh.h"

#include "base/ascii.h"

static bool
parse_port(struct str text, uint16_t *out)
{
    uint64_t number;

    if (!str_to_u64(text, 10, &number) || number > UINT16_MAX)
        return false;
    *out = (uint16_t)number;
    return true;
}

// "     50000       50059     *"
static bool
parse_exclusion(struct str line, struct netsh_exclusion *out)
{
    struct netsh_exclusion range = {.first = 0};
    struct str first;
    struct str last;

    line = str_trim(line);
    if (str_ends(line, STR("*"))) {
        range.administered = true;
        line = str_part(line, 0, line.len - 1);
    }
    if (!str_word(&line, &first) || !str_word(&line, &last) || str_trim(line).len > 0)
        return false;
    if (!parse_port(first, &range.first) || !parse_port(last, &range.last) || range.first > range.last)
        return false;
    *out = range;
    return true;
}

bool
netsh_next_exclusion(struct str *rest, struct netsh_exclusion *out)
{
    struct str line;

    while (str_cut(rest, '\n', &line))
        if (parse_exclusion(line, out))
            return true;
    return false;
}

// The number that a line such as "Start Port      : 49152" ends in. "IPv4" ends in none.
static bool
number_at_end(struct str line, uint64_t *out)
{
    size_t start;

    line = str_trim(line);
    for (start = line.len; start > 0 && ascii_is_digit(line.ptr[start - 1]); start--)
        ;
    if (start > 0 && line.ptr[start - 1] != ' ' && line.ptr[start - 1] != '\t' && line.ptr[start - 1] != ':')
        return false;
    return str_to_u64(str_part(line, start, line.len), 10, out);
}

bool
netsh_parse_dynamic(struct str text, uint16_t *first, uint16_t *last)
{
    uint64_t start = 0;
    uint64_t count = 0;
    struct str line;

    while (str_cut(&text, '\n', &line)) {
        uint64_t number;
        if (!number_at_end(line, &number))
            continue;
        start = count;
        count = number;
    }
    if (start == 0 || start > UINT16_MAX || count == 0 || count > UINT16_MAX + 1 - start)
        return false;
    *first = (uint16_t)start;
    *last = (uint16_t)(start + count - 1);
    return true;
}
