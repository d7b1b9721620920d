// Recordings that moorage made on Windows and Wine: what it understood at the time must be what is understood of the same
// bytes today. A recording of another Windows is one more row in `recordings`.

#include "decode/little.h"
#include "decode/snapshot.h"
#include "decode/win_handle.h"
#include "decode/win_process.h"
#include "decode/win_table.h"
#include "sample.h"
#include "tap.h"

static const char *const recordings[] = {"test/data/windows/wine.json"};

static struct host
load(struct arena *arena, const char *path)
{
    struct host host;
    struct err err = {0};
    bool good = snapshot_parse(arena, sample_file(arena, path), &host, NULL, &err);
    if (!good)
        printf("# %s: %s\n", path, err.text);
    CHECK(good);
    return host;
}

static bool
same_row(const struct socket_row *a, const struct socket_row *b)
{
    return a->protocol == b->protocol && a->state == b->state && a->local_port == b->local_port &&
           a->remote_port == b->remote_port && address_equal(a->local, b->local) &&
           address_equal(a->remote, b->remote) && a->owner_pid == b->owner_pid && a->created_ms == b->created_ms;
}

static size_t
count_rows(const struct host *host, const struct socket_row *row)
{
    size_t count = 0;
    for (size_t i = 0; i < host->sockets.count; i++)
        count += same_row(&host->sockets.items[i], row);
    return count;
}

TEST(tables_hold_the_sockets_and_no_others)
{
    for (size_t r = 0; r < sizeof recordings / sizeof *recordings; r++) {
        struct host host = load(arena, recordings[r]);
        size_t tables = 0;
        size_t rows = 0;
        size_t expected = 0;
        for (size_t i = 0; i < host.raw.count; i++) {
            struct win_table table;
            struct win_table_row row;
            size_t at = 0;
            if (!win_table_of_name(host.raw.items[i].name, &table))
                continue;
            tables++;
            table.bytes = host.raw.items[i].bytes;
            CHECK_INT(win_table_used(&table).len, table.bytes.len);
            for (; win_table_next(&table, &at, &row); rows++)
                CHECK(count_rows(&host, &row.socket) > 0);
            CHECK_INT(at, little_u32(table.bytes, 0));
        }
        // What is bound and does not listen stands in a table of its own where there is one.
        for (size_t i = 0; i < host.sockets.count; i++)
            expected += host.sockets.items[i].state != SOCKET_BOUND || tables > 4;
        CHECK(tables >= 4);
        CHECK_INT(rows, expected);
    }
}

static bool
hex_after(struct str text, struct str prefix, uint64_t *out)
{
    return str_starts(text, prefix) && str_to_u64(str_part(text, prefix.len, SIZE_MAX), 16, out);
}

static void
check_processes(struct arena *arena, const struct host *host, struct str list, uint64_t base)
{
    size_t found = 0;
    size_t living = 0;
    size_t at = 0;
    struct win_process process;
    while (win_process_next(arena, list, base, &at, &process)) {
        const struct process *known = host_process(host, process.pid);
        if (!known || known->known != KNOWN_YES)
            continue;
        found++;
        CHECK(str_equal(process.name, known->name));
        CHECK_INT(process.ppid, known->ppid);
        CHECK_INT(process.session, known->session);
        CHECK(process.created == known->started_ticks);
        CHECK_INT(little_filetime_ms(process.created), known->started_ms);
    }
    CHECK_INT(at, SIZE_MAX);
    for (size_t i = 0; i < host->processes.count; i++)
        living += host->processes.items[i].known == KNOWN_YES;
    CHECK_INT(found, living);
}

TEST(process_list_holds_the_processes)
{
    for (size_t r = 0; r < sizeof recordings / sizeof *recordings; r++) {
        struct host host = load(arena, recordings[r]);
        size_t lists = 0;
        for (size_t i = 0; i < host.raw.count; i++) {
            uint64_t base;
            if (!hex_after(host.raw.items[i].name, STR("processes at 0x"), &base))
                continue;
            lists++;
            check_processes(arena, &host, host.raw.items[i].bytes, base);
        }
        CHECK_INT(lists, 1);
    }
}

// "afd address of 208 handle 0x58"
static bool
parse_answer_name(struct str name, const char *kind, uint32_t *pid, uint64_t *handle)
{
    struct str words[6];
    uint64_t number;
    for (size_t i = 0; i < 6; i++)
        if (!str_word(&name, &words[i]))
            return false;
    if (!str_equal(words[0], STR("afd")) || !str_equal(words[1], str_of(kind)) || !str_to_u64(words[3], 10, &number) ||
        !hex_after(words[5], STR("0x"), handle))
        return false;
    *pid = (uint32_t)number;
    return true;
}

TEST(answers_of_the_driver_lead_to_the_sockets_that_are_held)
{
    for (size_t r = 0; r < sizeof recordings / sizeof *recordings; r++) {
        struct host host = load(arena, recordings[r]);
        size_t answers = 0;
        for (size_t i = 0; i < host.raw.count; i++) {
            struct address address;
            uint16_t port;
            uint32_t pid;
            uint64_t handle;
            if (!parse_answer_name(host.raw.items[i].name, "address", &pid, &handle))
                continue;
            answers++;
            CHECK(win_afd_address(host.raw.items[i].bytes, &address, &port));
            for (size_t k = 0; k < host.holdings.count; k++) {
                const struct holding *holding = &host.holdings.items[k];
                if (holding->how != HOLDING_HANDLE || holding->pid != pid || holding->fd != handle)
                    continue;
                CHECK_INT(host.sockets.items[holding->socket].local_port, port);
                CHECK(address_equal(host.sockets.items[holding->socket].local, address));
            }
        }
        CHECK(answers > 0);
    }
}

TAP_MAIN
