#include "decode/sysctl.h"

static bool
parse_port(struct str text, uint16_t *out)
{
    uint64_t number;
    if (!str_to_u64(text, 10, &number) || number > UINT16_MAX)
        return false;
    *out = (uint16_t)number;
    return true;
}

bool
sysctl_parse_number(struct str text, uint64_t *out)
{
    return str_to_u64(str_trim(text), 10, out);
}

bool
sysctl_parse_range(struct str text, uint16_t *first, uint16_t *last)
{
    struct str low;
    struct str high;
    struct str more;
    return str_word(&text, &low) && str_word(&text, &high) && !str_word(&text, &more) && parse_port(low, first) &&
           parse_port(high, last) && *first <= *last;
}

bool
sysctl_next_range(struct str *rest, uint16_t *first, uint16_t *last)
{
    struct str item;
    struct str low;
    if (!str_cut(rest, ',', &item))
        return false;
    item = str_trim(item);
    if (!str_cut(&item, '-', &low) || !parse_port(low, first))
        return false;
    *last = *first;
    return item.ptr == NULL || (parse_port(item, last) && *first <= *last);
}

bool
sysctl_parse_nfsd_port(struct str line, enum protocol *protocol, uint16_t *port)
{
    struct str name;
    struct str number;
    return str_word(&line, &name) && str_word(&line, &number) && host_protocol_parse(name, protocol) &&
           parse_port(number, port) && *port != 0;
}
