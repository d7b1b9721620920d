#include "sys/container_act.h"

#include "decode/container_api.h"
#include "sys/clock.h"
#include "sys/container_stream_linux.h"

struct container_act {
    struct arena *arena;
    struct local_stream stream;
};

static int64_t
in_ms(unsigned ms)
{
    return clock_mono_us() + (int64_t)ms * 1000;
}

struct container_act *
container_act_begin(struct arena *arena, struct str path, struct str request, unsigned deadline_ms, struct err *err)
{
    struct container_act *act = arena_alloc(arena, sizeof *act);
    act->arena = arena;
    if (container_stream_open(&act->stream, arena, path, STR("POST"), request, in_ms(deadline_ms), err))
        return act;
    container_act_end(act);
    return NULL;
}

bool
container_act_wait(struct container_act *act, unsigned ms, struct err *err)
{
    struct http_answer answer;
    return container_stream_receive(&act->stream, in_ms(ms), &answer, err) &&
           container_api_judge(act->arena, &answer, err);
}

void
container_act_end(struct container_act *act)
{
    if (act)
        local_stream_close(&act->stream);
}
