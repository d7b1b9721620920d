#include "sys/proc_net_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/proc_net.h"
#include "sys/file.h"
#include "sys/file_linux.h"

// Some 150 bytes a socket: more than three million of them.
#define TABLE_LIMIT ((size_t)512 << 20)
#define COUNTS_LIMIT 4096
#define PATH_SIZE 96

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

static const char *
path_of(char path[PATH_SIZE], const char *folder, struct str name, enum family family)
{
    snprintf(path, PATH_SIZE, "%s/%.*s%s", folder, STR_ARG(name), family == FAMILY_IPV6 ? "6" : "");
    return path;
}

bool
proc_net_read_counts(struct arena *arena, const char *folder, enum family family, struct str *out)
{
    char path[PATH_SIZE];
    return file_read(arena, path_of(path, folder, STR("sockstat"), family), COUNTS_LIMIT, false, out, NULL);
}

// A kernel without IPv6 or UDP-Lite has no such file; TCP over IPv4 is missing only when the process ended.
static bool
may_be_missing(enum protocol protocol, enum family family, const struct err *why)
{
    return why->kind == ERR_GONE && (protocol != PROTOCOL_TCP || family != FAMILY_IPV4);
}

bool
proc_net_read_table(struct arena *arena, const char *folder, const struct socket_query *query, enum protocol protocol,
                    struct host *host, struct err *err)
{
    if (protocol == PROTOCOL_MPTCP)
        return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        char path[PATH_SIZE];
        struct str table;
        struct err why = {0};
        path_of(path, folder, host_protocol_name(protocol), families[i]);
        if (file_read(arena, path, TABLE_LIMIT, false, &table, &why)) {
            proc_net_rows(arena, table, protocol, families[i], query->states, query->first, query->last, host);
            if (query->record)
                *LIST_ADD(arena, &host->raw) = (struct raw_bytes){str_copy(arena, str_of(path)), table};
        } else if (!may_be_missing(protocol, families[i], &why)) {
            return err_set(err, why.kind, why.os, "%s", why.text);
        }
    }
    return true;
}

// The last whole line of the text.
static struct str
last_line(struct str text)
{
    text.len = str_find_last_byte(text, '\n');
    size_t start = str_find_last_byte(text, '\n');
    return start < text.len ? str_part(text, start + 1, text.len) : text;
}

static size_t
count_lines(struct str text)
{
    size_t count = 0;
    for (const char *at = text.ptr; (at = memchr(at, '\n', text.len - (size_t)(at - text.ptr))); at++)
        count++;
    return count;
}

// The lines of TCP's listeners, and perhaps some of connections behind them. When a read gives less than the kernel writes at
// once, and all sockets that count stand there, that was the end of the file: to be told so by the file costs another search.
static bool
read_listeners(int fd, enum family family, uint64_t in_use, struct buf *text)
{
    char chunk[4096];
    uint64_t lines = 0;
    ssize_t got;
    while (text->len < TABLE_LIMIT && (got = read(fd, chunk, sizeof chunk)) != 0) {
        struct str part = {chunk, got > 0 ? (size_t)got : 0};
        struct socket_row row;
        if (got < 0 && errno != EINTR)
            return false;
        buf_add(text, part);
        lines += count_lines(part);
        bool all_counted = part.len < sizeof chunk / 2 && lines > in_use; // the first is the title
        if (all_counted || (proc_net_parse(last_line(part), PROTOCOL_TCP, family, &row) && row.state != SOCKET_LISTEN))
            break;
    }
    return true;
}

static bool
read_waiting(struct arena *arena, const char *path, enum protocol protocol, enum family family, uint64_t in_use,
             struct str *out, struct err *err)
{
    struct buf text = {.arena = arena};
    if (protocol != PROTOCOL_TCP)
        return file_read(arena, path, TABLE_LIMIT, false, out, err);
    int fd = file_open_regular(path, false, err);
    if (fd < 0)
        return false;
    bool good = read_listeners(fd, family, in_use, &text);
    if (!good)
        err_set(err, errno == ESRCH ? ERR_GONE : ERR_SYSTEM, (unsigned long)errno, "read %s: %s", path,
                strerror(errno));
    close(fd);
    *out = buf_str(&text);
    return good;
}

bool
proc_net_read_waiting(struct arena *arena, const char *folder, const struct socket_query *query, struct host *host,
                      struct err *err)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        char path[PATH_SIZE];
        struct str counts = {0};
        (void)proc_net_read_counts(arena, folder, families[i], &counts);
        for (enum protocol protocol = PROTOCOL_TCP; protocol < PROTOCOL_COUNT; protocol++) {
            uint64_t in_use = UINT64_MAX;
            struct str table;
            struct err why = {0};
            if (!(query->protocols & 1u << protocol) || protocol == PROTOCOL_MPTCP ||
                (proc_net_in_use(counts, protocol, families[i], &in_use) && in_use == 0))
                continue;
            path_of(path, folder, host_protocol_name(protocol), families[i]);
            if (read_waiting(arena, path, protocol, families[i], in_use, &table, &why))
                proc_net_rows(arena, table, protocol, families[i], query->states, query->first, query->last, host);
            else if (!may_be_missing(protocol, families[i], &why))
                return err_set(err, why.kind, why.os, "%s", why.text);
        }
    }
    return true;
}
