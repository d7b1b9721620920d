#include "sys/dial.h"

#include "base/arena.h"
#include "decode/http.h"
#include "sys/fake_host.h"

struct dial {
    struct arena *arena;
    struct dial_ask ask;
};

struct dial *
dial_open(const struct dial_ask *ask)
{
    struct arena *arena = arena_open();
    struct dial *dial = arena_alloc(arena, sizeof *dial);

    *dial = (struct dial){arena, *ask};
    return dial;
}

// A recording holds who answers as an answer of the runtime "dial" at "host:port": the newest one for this path ("" where a
// connection is enough) counts. A listener of the host itself takes connections at its loopback addresses.
static const struct api_answer *
recorded_answer(const struct dial *dial)
{
    const struct host *recorded = fake_host();
    struct str place = str_printf(dial->arena, "%.*s:%u", STR_ARG(dial->ask.host), (unsigned)dial->ask.port);

    for (size_t i = recorded->api_answers.count; i > 0; i--) {
        const struct api_answer *answer = &recorded->api_answers.items[i - 1];
        if (str_equal(answer->runtime, STR("dial")) && str_equal(answer->endpoint, place) &&
            str_equal(answer->request, dial->ask.path))
            return answer;
    }
    return NULL;
}

void
dial_look(struct dial *dial, struct dial_state *out)
{
    const struct api_answer *answer = recorded_answer(dial);

    *out = (struct dial_state){.standing = DIAL_REFUSED};
    if (!fake_host_call("dial_look", NULL)) {
        out->standing = DIAL_OTHER;
        return;
    }
    if (!answer)
        return;
    out->standing = answer->known == KNOWN_YES       ? DIAL_ANSWERED
                    : answer->known == KNOWN_GONE    ? DIAL_NO_NAME
                    : answer->known == KNOWN_TIMEOUT ? DIAL_SILENT
                                                     : DIAL_UNREACHABLE;
    if (answer->known != KNOWN_YES || dial->ask.path.len == 0)
        return;
    if (http_status(answer->body, &out->status) != HTTP_DONE)
        out->standing = DIAL_NOT_HTTP;
    else if (out->status >= 400)
        out->standing = DIAL_STATUS;
}

void
dial_close(struct dial *dial)
{
    if (dial)
        arena_close(dial->arena);
}
