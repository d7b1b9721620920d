#include "decode/range_file.h"

#include "base/buf.h"
#include "decode/sysctl.h"

#define HEAD "# Written by `moorage range`, which also takes it back.\n"
#define RESERVED "# reserved by moorage: "
#define DYNAMIC "# dynamic by moorage: "

void
range_file_mark(struct str list, bool *ports)
{
    uint16_t first;
    uint16_t last;

    while (sysctl_next_range(&list, &first, &last))
        for (uint32_t port = first; port <= last; port++)
            ports[port] = true;
}

struct str
range_file_list(struct arena *arena, const bool *ports)
{
    struct buf out = {.arena = arena};

    for (uint32_t port = 1; port < RANGE_FILE_PORTS; port++) {
        uint32_t last = port;
        if (!ports[port])
            continue;
        while (last + 1 < RANGE_FILE_PORTS && ports[last + 1])
            last++;
        buf_addf(&out, last > port ? "%s%u-%u" : "%s%u", out.len ? "," : "", (unsigned)port, (unsigned)last);
        port = last;
    }
    return buf_str(&out);
}

void
range_file_parse(struct str text, struct range_file *out)
{
    struct str line;
    struct str first;
    uint64_t from;
    uint64_t to;

    *out = (struct range_file){0};
    while (str_cut(&text, '\n', &line)) {
        if (str_starts(line, STR(RESERVED)))
            out->reserved = str_trim(str_part(line, sizeof RESERVED - 1, SIZE_MAX));
        if (!str_starts(line, STR(DYNAMIC)))
            continue;
        struct str range = str_trim(str_part(line, sizeof DYNAMIC - 1, SIZE_MAX));
        if (str_cut(&range, '-', &first) && str_to_u64(first, 10, &from) && str_to_u64(range, 10, &to) && from > 0 &&
            from <= to && to <= UINT16_MAX) {
            out->dynamic_first = (uint16_t)from;
            out->dynamic_last = (uint16_t)to;
        }
    }
}

struct str
range_file_format(struct arena *arena, const struct range_file *file, struct str value)
{
    struct buf out = {.arena = arena};

    if (file->reserved.len == 0 && file->dynamic_first == 0)
        return (struct str){0};
    buf_add_c(&out, HEAD);
    if (file->reserved.len)
        buf_addf(&out, RESERVED "%.*s\nnet.ipv4.ip_local_reserved_ports = %.*s\n", STR_ARG(file->reserved),
                 STR_ARG(value));
    if (file->dynamic_first)
        buf_addf(&out, DYNAMIC "%u-%u\nnet.ipv4.ip_local_port_range = %u %u\n", file->dynamic_first, file->dynamic_last,
                 file->dynamic_first, file->dynamic_last);
    return buf_str(&out);
}
