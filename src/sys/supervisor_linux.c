#include "sys/supervisor.h"

#include "sys/clock.h"
#include "sys/local_stream_linux.h"
#include "sys/user.h"

static bool
is_expected(const struct local_stream *stream, uint32_t uid, struct err *err)
{
    uint32_t owner;
    if (!local_stream_owner(stream, &owner) || owner == 0 || owner == uid || owner == user_self().uid)
        return true;
    return err_set(err, ERR_NOT_ALLOWED, 0, "ask %.*s: another user listens there", STR_ARG(stream->place));
}

static bool
talk(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, enum supervisor_verb verb,
     unsigned deadline_ms, struct supervisor_state *state, struct err *err)
{
    struct local_stream stream;
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    enum supervisor_answer answer = SUPERVISOR_MORE;
    if (!supervisor_is_plain(entry))
        return err_set(err, ERR_USAGE, 0, "no entry of a supervisor on this machine");
    bool good = local_stream_open(&stream, arena, entry->api, end, err) && is_expected(&stream, uid, err) &&
                local_stream_send(&stream, supervisor_request(arena, entry, verb), end, err);
    while (good && answer == SUPERVISOR_MORE) {
        good = local_stream_receive(&stream, end, err);
        if (good)
            answer = supervisor_parse(arena, entry, verb, buf_str(&stream.bytes), stream.ended, state, err);
    }
    local_stream_close(&stream);
    return good && answer == SUPERVISOR_GOOD;
}

bool
supervisor_read(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, unsigned deadline_ms,
                struct supervisor_state *out, struct err *err)
{
    return talk(arena, entry, uid, SUPERVISOR_ASK, deadline_ms, out, err);
}

bool
supervisor_order(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, bool start,
                 unsigned deadline_ms, struct err *err)
{
    struct supervisor_state none = {0};
    return talk(arena, entry, uid, start ? SUPERVISOR_START : SUPERVISOR_STOP, deadline_ms, &none, err);
}
