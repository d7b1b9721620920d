#include "sys/container_stream_linux.h"

bool
container_stream_receive(struct local_stream *stream, int64_t end, struct http_answer *out, struct err *err)
{
    enum http_state state = HTTP_MORE;
    while (state == HTTP_MORE) {
        if (!local_stream_receive(stream, end, err))
            return false;
        state = http_parse(stream->bytes.arena, buf_str(&stream->bytes), stream->ended, out);
    }
    if (state == HTTP_BROKEN)
        return err_set(err, ERR_FORMAT, 0, "ask %.*s: what came is no whole HTTP answer", STR_ARG(stream->place));
    return true;
}

bool
container_stream_open(struct local_stream *out, struct arena *arena, struct str path, struct str method,
                      struct str request, int64_t end, struct err *err)
{
    return local_stream_open(out, arena, path, end, err) &&
           local_stream_send(out, http_api_request(arena, method, request), end, err);
}
