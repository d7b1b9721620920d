#include "sys/reserved.h"

#include "decode/sysctl.h"
#include "sys/file.h"

// The longest list names every second port.
#define SETTING_LIMIT (512u << 10)

#define FOLDER "/proc/sys/net/ipv4/"

static void
add_range(struct arena *arena, struct host *host, enum range_kind kind, uint16_t first, uint16_t last,
          const char *source)
{
    struct port_range *range = LIST_ADD(arena, &host->ranges);
    *range =
        (struct port_range){.kind = kind, .any_protocol = true, .first = first, .last = last, .source = str_of(source)};
}

// A setting that this kernel does not have is one that does nothing.
static bool
read_setting(struct arena *arena, const char *path, struct str *text, struct err *err)
{
    struct err why = {0};
    *text = STR("");
    if (file_read(arena, path, SETTING_LIMIT, false, text, &why) || why.kind == ERR_GONE)
        return true;
    return err_set(err, why.kind, why.os, "%s", why.text);
}

bool
reserved_read(struct arena *arena, struct host *host, struct err *err)
{
    struct str dynamic;
    struct str kept;
    struct str privileged;
    struct str nonlocal;
    uint16_t first;
    uint16_t last;
    uint64_t number;
    if (!read_setting(arena, FOLDER "ip_local_port_range", &dynamic, err) ||
        !read_setting(arena, FOLDER "ip_local_reserved_ports", &kept, err) ||
        !read_setting(arena, FOLDER "ip_unprivileged_port_start", &privileged, err) ||
        !read_setting(arena, FOLDER "ip_nonlocal_bind", &nonlocal, err))
        return false;
    if (sysctl_parse_range(dynamic, &first, &last))
        add_range(arena, host, RANGE_DYNAMIC, first, last, "net.ipv4.ip_local_port_range");
    while (sysctl_next_range(&kept, &first, &last))
        add_range(arena, host, RANGE_RESERVED, first, last, "net.ipv4.ip_local_reserved_ports");
    // Before Linux 4.11 there was no such setting, and the limit was fixed (PROT_SOCK).
    if (!sysctl_parse_number(privileged, &number))
        number = 1024;
    if (number > 1 && number <= UINT16_MAX + 1u)
        add_range(arena, host, RANGE_PRIVILEGED, 1, (uint16_t)(number - 1), "net.ipv4.ip_unprivileged_port_start");
    host->nonlocal_bind = sysctl_parse_number(nonlocal, &number) && number != 0;
    return true;
}
