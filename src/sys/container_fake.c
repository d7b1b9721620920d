#include "sys/container.h"

#include "sys/fake_host.h"

void
container_endpoints(struct arena *arena, struct container_endpoint_list *out)
{
    const struct host *recorded = fake_host();

    if (fake_host_call_known("container_endpoints") != KNOWN_YES)
        return;
    for (size_t i = 0; i < recorded->api_answers.count; i++) {
        const struct api_answer *answer = &recorded->api_answers.items[i];
        size_t k = 0;
        while (k < out->count && !str_equal(out->items[k].path, answer->endpoint))
            k++;
        if (k == out->count)
            *LIST_ADD(arena, out) = (struct container_endpoint){answer->runtime, answer->endpoint};
    }
}

bool
container_ask(struct arena *arena, struct container_endpoint endpoint, struct str request, unsigned deadline_ms,
              struct str *answer, struct err *err)
{
    const struct host *recorded = fake_host();

    (void)arena;
    if (!fake_host_call("container_ask", err))
        return false;
    for (size_t i = 0; i < recorded->api_answers.count; i++) {
        const struct api_answer *known = &recorded->api_answers.items[i];
        if (!str_equal(known->endpoint, endpoint.path) || !str_equal(known->request, request))
            continue;
        if (known->known == KNOWN_TIMEOUT)
            fake_host_pass_us((int64_t)deadline_ms * 1000);
        *answer = known->body;
        return fake_host_refuse(known->known == KNOWN_NOT_ASKED ? KNOWN_YES : known->known, "container runtime", err);
    }
    return err_set(err, ERR_GONE, 0, "GET %.*s: no answer was recorded", STR_ARG(request));
}
