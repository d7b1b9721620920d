#include "sys/container_act.h"

#include "decode/container_api.h"
#include "sys/clock.h"
#include "sys/fake_host.h"

struct container_act {
    struct arena *arena;
    struct str named;
    const struct api_answer *answer; // NULL: nothing was recorded, and the order is carried out
};

// An act for the script: "POST /containers/4f5a/stop". What the runtime says stands among the recorded answers under the same
// words; without one it does what it is told.
struct container_act *
container_act_begin(struct arena *arena, struct str path, struct str request, unsigned deadline_ms, struct err *err)
{
    struct str named = str_printf(arena, "POST %.*s", STR_ARG(request));
    struct container_act *act = arena_alloc(arena, sizeof *act);

    (void)deadline_ms;
    if (!fake_host_call("container_act_begin", err))
        return NULL;
    act->arena = arena;
    act->named = named;
    for (size_t i = 0; i < fake_host()->api_answers.count; i++) {
        const struct api_answer *answer = &fake_host()->api_answers.items[i];
        if (str_equal(answer->endpoint, path) && str_equal(answer->request, named))
            act->answer = answer;
    }
    fake_host_act(named);
    return act;
}

bool
container_act_wait(struct container_act *act, unsigned ms, struct err *err)
{
    struct http_answer answer = {0};

    if (!fake_host_call("container_act_wait", err))
        return false;
    // The runtime answers when the script has played.
    for (unsigned waited = 0; !act->answer && waited < ms && !fake_host_is_over(act->named); waited++)
        clock_sleep_ms(1);
    if (!act->answer)
        return fake_host_is_over(act->named) ||
               err_set(err, ERR_TIMEOUT, 0, "the container runtime: no answer in time");
    if (act->answer->known == KNOWN_TIMEOUT) {
        clock_sleep_ms(ms);
        return err_set(err, ERR_TIMEOUT, 0, "the container runtime: no answer in time");
    }
    if (http_parse(act->arena, act->answer->body, true, &answer) != HTTP_DONE)
        return err_set(err, ERR_FORMAT, 0, "the container runtime: what came is no whole HTTP answer");
    return container_api_judge(act->arena, &answer, err);
}

void
container_act_end(struct container_act *act)
{
    (void)act;
}
