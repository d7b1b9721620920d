// Any bytes as the environment of a process and as the answer of a supervisor: what is taken from the one is plain, and the
// other never says more or less when it comes in pieces. The first byte chooses.

#include "decode/supervisor.h"

#include <assert.h>
#include <stddef.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_environment(struct arena *arena, struct str bytes)
{
    struct supervisor_entry entry;

    supervisor_parse_environment(arena, bytes, &entry);
    assert(entry.name.known == KNOWN_YES);
    if (entry.name.value.len == 0)
        return;
    assert(supervisor_is_plain(&entry));
    struct str request = supervisor_request(arena, &entry, SUPERVISOR_ASK);
    assert(request.len > 0 && request.len < 1024);
}

static void
try_answer(struct arena *arena, struct str bytes, const struct supervisor_entry *entry, enum supervisor_verb verb)
{
    struct supervisor_state state = {0};
    struct err err = {0};
    enum supervisor_answer whole = supervisor_parse(arena, entry, verb, bytes, false, &state, &err);
    enum supervisor_answer ended = supervisor_parse(arena, entry, verb, bytes, true, &state, &err);

    assert(ended != SUPERVISOR_MORE);
    assert(whole == SUPERVISOR_MORE || whole == ended);
    assert(ended != SUPERVISOR_BAD || err.kind != ERR_NONE);
    assert(ended != SUPERVISOR_GOOD || verb != SUPERVISOR_ASK || !(state.running && state.stopped));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct supervisor_entry entries[] = {
        {{KNOWN_YES, STR_INIT("web")}, STR_INIT("supervisord"), STR_INIT("/run/supervisor.sock")},
        {{KNOWN_YES, STR_INIT("3")}, STR_INIT("pm2"), STR_INIT("/root/.pm2/rpc.sock")},
    };
    struct arena *arena = arena_open();

    if (size > 0) {
        struct str bytes = {(const char *)data + 1, size - 1};
        if (data[0] == 'e')
            try_environment(arena, bytes);
        else
            try_answer(arena, bytes, &entries[data[0] & 1], data[0] & 2 ? SUPERVISOR_STOP : SUPERVISOR_ASK);
    }
    arena_close(arena);
    return 0;
}
