// Windows' tables, lists and answers as bytes, and its command lines. The first byte chooses who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/utf16.h"
#include "base/utf8.h"
#include "decode/console.h"
#include "decode/win_command.h"
#include "decode/win_handle.h"
#include "decode/win_process.h"
#include "decode/win_table.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
read_table(struct str bytes, unsigned which)
{
    struct win_table table = {.kind = (enum win_table_kind)(which / 4 % 3),
                              .protocol = which & 2 ? PROTOCOL_UDP : PROTOCOL_TCP,
                              .family = which & 1 ? FAMILY_IPV6 : FAMILY_IPV4,
                              .bytes = bytes};
    struct win_table_row row;
    size_t at = 0;
    while (win_table_next(&table, &at, &row)) {
        expect(row.socket.state < SOCKET_STATE_COUNT && row.socket.local.family == table.family);
        expect(row.bytes.ptr >= bytes.ptr && row.bytes.ptr + row.bytes.len <= bytes.ptr + bytes.len);
        expect(row.socket.created_ms >= 0);
    }
}

static void
read_processes(struct arena *arena, struct str bytes)
{
    struct win_process process;
    size_t at = 0;
    size_t before = 0;
    while (win_process_next(arena, bytes, 0x1000, &at, &process)) {
        expect(at > before && utf8_valid(process.name));
        before = at;
    }
}

static void
read_memory(struct str bytes)
{
    struct win_parameters parameters;
    uint64_t address;
    for (int narrow = 0; narrow < 2; narrow++) {
        if (win_peb_parameters(bytes, narrow, &address))
            expect(address != 0 && (!narrow || address <= UINT32_MAX));
        win_parameters_parse(bytes, narrow, &parameters);
    }
}

static void
read_handles(struct str bytes)
{
    struct win_afd_context context;
    struct address address;
    uint16_t port;
    for (size_t i = 0; i < win_handle_count(bytes); i++)
        (void)win_handle_at(bytes, i);
    if (win_afd_address(bytes, &address, &port))
        expect(address.family == FAMILY_IPV4 || address.family == FAMILY_IPV6);
    win_afd_context(bytes, &context);
}

static void
read_command(struct arena *arena, struct str bytes)
{
    struct str_list list = {0};
    size_t length = 0;
    struct str line = utf16_to_utf8(arena, bytes);
    expect(utf8_valid(line));
    win_command_split(arena, line, &list);
    expect((list.count == 0) == (line.len == 0));
    for (size_t i = 0; i < list.count; i++)
        length += list.items[i].len;
    expect(length <= line.len);
}

// What the helper of a console says; what is understood is written as it is read.
static void
read_answer(struct arena *arena, struct str bytes)
{
    struct console_answer answer;
    struct console_answer again;
    struct console_pids nobody = {0};
    struct console_pids others = {0};
    if (!console_answer_parse(arena, bytes, &answer))
        return;
    struct str line = console_answer_format(arena, &answer);
    expect(console_answer_parse(arena, line, &again) && again.kind == answer.kind && again.code == answer.code &&
           again.pids.count == answer.pids.count);
    console_bystanders(arena, &answer.pids, &nobody, 0, &others);
    expect(others.count <= answer.pids.count);
    for (size_t i = 0; i < others.count; i++)
        expect(console_has(&answer.pids, others.items[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_open();
    struct str bytes = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'P':
        read_processes(arena, bytes);
        break;
    case 'M':
        read_memory(bytes);
        break;
    case 'H':
        read_handles(bytes);
        break;
    case 'C':
        read_command(arena, bytes);
        break;
    case 'A':
        read_answer(arena, bytes);
        break;
    default:
        read_table(bytes, data[0]);
    }
    arena_close(arena);
    return 0;
}
