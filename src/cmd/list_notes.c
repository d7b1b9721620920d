#include "cmd/list_notes.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/container.h"

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

// Those that no list shows have no number: how many they are is not known.
static size_t
count_unseen(struct arena *arena, const struct host *host)
{
    size_t count = 0;
    uint32_t *pids = arena_array(arena, host->unseen.count + 1, sizeof *pids);

    for (size_t i = 0; i < host->unseen.count; i++)
        pids[i] = host->unseen.items[i].pid;
    qsort(pids, host->unseen.count, sizeof *pids, compare_u32);
    for (size_t i = 0; i < host->unseen.count; i++)
        count += pids[i] != 0 && (i == 0 || pids[i] != pids[i - 1]);
    return count;
}

void
list_notes_unseen(const struct command_run *run, struct arena *arena, const struct host *host,
                  const struct list_rows *rows)
{
    size_t count = 0;

    if (host->complete || host->unseen.count == 0)
        return;
    bool *counted = arena_array(arena, UINT16_MAX + 1u, sizeof *counted); // one port may have many rows
    for (size_t i = 0; i < rows->count; i++) {
        const struct socket_row *socket = &host->sockets.items[rows->items[i].socket];
        if (rows->items[i].holder_count > 0 || !host_has_owner(socket) || counted[socket->local_port])
            continue;
        counted[socket->local_port] = true;
        count++;
    }
    if (count == 0)
        return;
    struct str ports = words_count(arena, count, "port has no program here", "ports have no program here");
    command_note(run, str_printf(arena, "%.*s, because %.*s: %.*s", STR_ARG(ports),
                                 STR_ARG(words_unseen(arena, count_unseen(arena, host))),
                                 STR_ARG(words_who_sees(run->arena, host, run->again))));
}

// Whether a program, unit or container could be called this at all.
static bool
could_be_name(struct str word)
{
    bool letter = false;

    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];
        if (c < ' ' || c == 0x7f || str_find_byte(STR("!\"%&'*,;<=>?^`{|}~"), (char)c) != SIZE_MAX)
            return false;
        letter = letter || c >= 0x80 || ascii_is_letter_or_digit((char)c);
    }
    return letter;
}

// A port may be kept for a name though nothing listens there yet.
static void
say_leases(const struct command_run *run, const struct host *host, struct str name)
{
    for (size_t i = 0; i < host->leases.count; i++) {
        const struct lease *lease = &host->leases.items[i];
        if (str_equal(lease->name, name))
            command_note(run, str_printf(run->arena, "port %u is kept for %.*s", lease->port,
                                         STR_ARG(words_lease(run->arena, lease, &run->privacy))));
    }
}

// A container's port may be a rule for packets alone, without a socket here.
static void
say_containers(const struct command_run *run, struct host *host, struct str name)
{
    struct arena *arena = run->arena;
    struct str_list told = {0}; // IPv4 and IPv6 are told once

    container_find(arena, host, LIST_CONTEXT_DEADLINE_MS);
    for (size_t i = 0; i < host->containers.count; i++) {
        const struct container *container = &host->containers.items[i];
        for (size_t k = 0; list_rows_container_named(container, name) && k < container->ports.count; k++) {
            const struct published_port *port = &container->ports.items[k];
            struct str title = utf8_display(arena, container_title(container));
            if (port->host_port != 0)
                str_list_add_new(arena, &told,
                                 str_printf(arena,
                                            "container %.*s (%.*s) has port %u (%.*s) without a socket here: "
                                            "moorage %u",
                                            STR_ARG(title), STR_ARG(container->runtime), port->host_port,
                                            STR_ARG(words_protocol(port->protocol)), port->host_port));
        }
    }
    for (size_t i = 0; i < told.count; i++)
        command_note(run, told.items[i]);
}

int
list_notes_nothing(const struct command_run *run, const struct list_filter *filter, struct host *host, struct err *err)
{
    if (filter->names.count == 1) {
        const char *meant = run->bare ? table_near(filter->names.items[0]) : NULL;
        struct str name = utf8_display(run->arena, str_part(filter->names.items[0], 0, 80));
        if (meant) {
            err_set(err, ERR_USAGE, 0,
                    "there is no command '%.*s', and nothing here listens under that name; did you "
                    "mean '%s'?",
                    STR_ARG(name), meant);
            return EXIT_USAGE;
        }
        if (run->wants_port || !could_be_name(filter->names.items[0])) {
            err_set(err, ERR_USAGE, 0,
                    "'%.*s' is no port, no service name, and the name of nothing that listens here; "
                    "ports are numbers from 1 to 65535",
                    STR_ARG(name));
            return EXIT_USAGE;
        }
        command_note(run, str_printf(run->arena, "nothing here listens under the name %.*s", STR_ARG(name)));
        say_leases(run, host, filter->names.items[0]);
        say_containers(run, host, filter->names.items[0]);
        if (!host->complete && host->unseen.count)
            command_note(run, str_printf(run->arena, "%.*s: %.*s",
                                         STR_ARG(words_unseen(run->arena, count_unseen(run->arena, host))),
                                         STR_ARG(words_who_sees(run->arena, host, run->again))));
    } else {
        command_note(run, run->operands.count || filter->only.count || filter->pids.count || filter->uids.count
                              ? STR("nothing that listens here matches")
                              : STR("nothing listens here"));
    }
    return EXIT_BAD;
}
