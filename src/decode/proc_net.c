#include "decode/proc_net.h"

#include <string.h>

#include "decode/inet_diag.h"

// Times stand in hundredths of a second (USER_HZ) on every architecture that is in use.
#define MS_PER_TICK 10

static bool
hex(struct str text, uint64_t most, uint64_t *out)
{
    return str_to_u64(text, 16, out) && *out <= most;
}

// "0100007F:1F90": words of 32 bits as the machine stores them, then the port.
static bool
parse_endpoint(struct str text, enum family family, struct address *address, uint16_t *port)
{
    struct str digits;
    uint64_t number;
    size_t words = family == FAMILY_IPV4 ? 1 : 4;
    if (!str_cut(&text, ':', &digits) || digits.len != words * 8 || !hex(text, UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    *address = address_any(family);
    for (size_t i = 0; i < words; i++) {
        if (!str_to_u64(str_part(digits, i * 8, 8), 16, &number))
            return false;
        uint32_t word = (uint32_t)number;
        memcpy(address->bytes + i * 4, &word, sizeof word);
    }
    return true;
}

// "00000000:00000001"
static bool
parse_pair(struct str text, uint64_t *left, uint64_t *right)
{
    struct str head;
    return str_cut(&text, ':', &head) && hex(head, UINT32_MAX, left) && hex(text, UINT32_MAX, right);
}

bool
proc_net_parse(struct str line, enum protocol protocol, enum family family, struct socket_row *out)
{
    struct str words[10];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_word(&line, &words[i]))
            return false;
    }
    struct socket_row row = {.protocol = protocol};
    uint64_t state;
    uint64_t sent;
    uint64_t waiting;
    uint64_t timer;
    uint64_t ticks;
    uint64_t uid;
    if (!str_ends(words[0], STR(":")) || !parse_endpoint(words[1], family, &row.local, &row.local_port) ||
        !parse_endpoint(words[2], family, &row.remote, &row.remote_port) || !hex(words[3], UINT8_MAX, &state) ||
        !inet_diag_state(protocol, (unsigned)state, row.local_port, &row.state) ||
        !parse_pair(words[4], &sent, &waiting) || !parse_pair(words[5], &timer, &ticks) ||
        !str_to_u64(words[7], 10, &uid) || uid > UINT32_MAX || !str_to_u64(words[9], 10, &row.inode))
        return false;
    // As in inet_diag: without a file, 0 is no statement about root.
    row.uid = (uint32_t)uid;
    row.uid_known = row.uid != 0 || row.inode != 0;
    if (row.remote_port == 0 && address_is_any(row.remote))
        row.remote = address_any(FAMILY_NONE);
    if (timer != 0)
        row.expires_ms = ticks < UINT32_MAX / MS_PER_TICK ? (uint32_t)ticks * MS_PER_TICK : 0;
    if (row.state == SOCKET_LISTEN)
        row.queue = (uint32_t)waiting;
    *out = row;
    return true;
}

void
proc_net_rows(struct arena *arena, struct str table, enum protocol protocol, enum family family, unsigned states,
              uint16_t first, uint16_t last, struct host *host)
{
    struct str line;
    while (str_cut(&table, '\n', &line)) {
        struct socket_row row;
        if (proc_net_parse(line, protocol, family, &row) && (states & 1u << row.state) && row.local_port >= first &&
            row.local_port <= last)
            *LIST_ADD(arena, &host->sockets) = row;
    }
}

// "TCP6: inuse 3", "UDP: inuse 2 mem 1"
bool
proc_net_in_use(struct str sockstat, enum protocol protocol, enum family family, uint64_t *out)
{
    struct str line;
    while (str_cut(&sockstat, '\n', &line)) {
        struct str name;
        struct str word;
        if (!str_cut(&line, ':', &name))
            continue;
        bool is_ipv6 = str_ends(name, STR("6"));
        if (is_ipv6)
            name.len--;
        if (is_ipv6 == (family == FAMILY_IPV6) && str_equal_nocase(name, host_protocol_name(protocol)))
            return str_word(&line, &word) && str_equal(word, STR("inuse")) && str_word(&line, &word) &&
                   str_to_u64(word, 10, out);
    }
    return false;
}

bool
proc_net_count(struct str protocols, struct str name, uint64_t *out)
{
    struct str line;
    while (str_cut(&protocols, '\n', &line)) {
        struct str words[3]; // name, size of one, how many
        size_t count = 0;
        while (count < 3 && str_word(&line, &words[count]))
            count++;
        if (count == 3 && str_equal(words[0], name))
            return str_to_u64(words[2], 10, out);
    }
    return false;
}
