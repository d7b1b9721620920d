#include "decode/unix_table.h"

// __SO_ACCEPTCON, include/linux/net.h
#define FLAG_LISTENS 0x10000u
// SS_CONNECTED, include/uapi/linux/net.h. The kernel prints SS_CONNECTING where the socket has no file yet.
#define STATE_CONNECTED 3

// "000000009a44: 00000002 00000000 00010000 0001 01 2345 /run/docker.sock"
static bool
parse_row(struct str line, struct unix_row *out)
{
    struct str word[7];
    uint64_t flags;
    uint64_t state;
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        if (!str_word(&line, &word[i]))
            return false;
    }
    if (!str_ends(word[0], STR(":")) || !str_to_u64(word[3], 16, &flags) || !str_to_u64(word[5], 16, &state) ||
        !str_to_u64(word[6], 10, &out->inode))
        return false;
    out->listens = (flags & FLAG_LISTENS) != 0;
    out->connected = state == STATE_CONNECTED;
    // One blank stands before the path, which may itself hold and end with blanks.
    out->path = str_part(line, 1, line.len);
    return true;
}

bool
unix_table_next(struct str *rest, struct unix_row *out)
{
    struct str line;
    while (str_cut(rest, '\n', &line)) {
        if (parse_row(line, out))
            return true;
    }
    return false;
}
