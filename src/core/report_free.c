#include "core/report_free.h"

#include "core/redact.h"

static void
add_texts(struct arena *arena, cJSON *object, const char *key, const struct str_list *texts)
{
    cJSON *array = json_add_array(object, key);

    for (size_t i = 0; i < texts->count; i++)
        json_append_str(arena, array, texts->items[i]);
}

// Milliseconds to the microsecond.
static void
add_ms(cJSON *object, const char *key, int64_t us)
{
    cJSON_AddNumberToObject(object, key, (double)us / 1000.0);
}

static void
add_target(struct arena *arena, cJSON *array, const struct plan_target *target, const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);
    const struct process *process = &target->process;
    struct str_list shown = privacy->full ? process->command : redact_command(arena, &process->command);

    json_add_int(object, "pid", process->pid);
    json_add_str(arena, object, "name", target->name);
    if (process->started_known)
        json_add_str(arena, object, "started", report_time(arena, process->started_ms));
    else
        json_add_null(object, "started");
    json_add_str_or_null(arena, object, "user", privacy->share ? STR("") : process->user.value);
    json_add_str_or_null(arena, object, "cwd",
                         privacy->share ? redact_path(arena, process->cwd.value, privacy->home) : process->cwd.value);
    if (privacy->share)
        shown.count = 0;
    add_texts(arena, object, "command", &shown);
    json_add_str(arena, object, "signal",
                 target->killed       ? STR("kill")
                 : target->interrupts ? STR("interrupt")
                                      : STR("end"));
    json_add_bool(object, "asked", target->asked);
    json_add_bool(object, "ended", target->ended);
}

static void
add_undo(struct arena *arena, cJSON *object, const struct plan_undo *undo)
{
    if (!undo->possible && undo->command.len == 0) {
        json_add_null(object, "undo");
        return;
    }
    cJSON *entry = json_add_object(object, "undo");
    json_add_bool(entry, "possible", undo->possible);
    json_add_str(arena, entry, "command", undo->command);
    json_add_str(arena, entry, "sentence", undo->sentence);
}

void
report_free_step(struct arena *arena, cJSON *array, const struct plan_step *step, const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);

    json_add_str(arena, object, "lever", why_lever_name(step->lever));
    json_add_str(arena, object, "harm", why_harm_name(step->harm));
    json_add_str(arena, object, "sentence", step->sentence);
    json_add_str_or_null(arena, object, "cost", step->cost);
    json_add_str_or_null(arena, object, "precondition", step->precondition);
    json_add_bool(object, "if_needed", step->if_needed);
    json_add_str(arena, object, "right", step->needs_admin ? STR("admin") : STR("none"));
    cJSON *targets = json_add_array(object, "targets");
    for (size_t i = 0; i < step->targets.count; i++)
        add_target(arena, targets, &step->targets.items[i], privacy);
    bool unit = step->lever == LEVER_SERVICE || step->lever == LEVER_SOCKET_UNIT;
    json_add_str_or_null(arena, object, "unit", unit ? step->service.name : STR(""));
    json_add_str_or_null(arena, object, "container",
                         step->lever != LEVER_CONTAINER ? STR("")
                         : step->container.name.len > 0 ? step->container.name
                                                        : step->container.id);
    json_add_str_or_null(arena, object, "entry", step->entry.name.value);
    add_texts(arena, object, "reaches", &step->reaches);
    json_add_str_or_null(arena, object, "by_hand", step->by_hand);
    json_add_str_or_null(arena, object, "at_boot", step->at_boot);
    json_add_int(object, "patience_ms", step->patience_ms);
    add_undo(arena, object, &step->undo);
    json_add_str(arena, object, "result", plan_result_name(step->result));
    json_add_str_or_null(arena, object, "error", str_copy(arena, str_of(step->err.text)));
    if (step->began_us != 0)
        add_ms(object, "took_ms", step->took_us);
    else
        json_add_null(object, "took_ms");
    json_add_str_or_null(arena, object, "act", step->id);
}

static void
add_port(struct arena *arena, cJSON *array, const struct plan *plan, const struct plan_goal *goal,
         const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);
    const struct answer *answer = &goal->answer;

    json_add_str(arena, object, "protocol", host_protocol_name(goal->question.protocol));
    if (goal->question.endpoint.host == ENDPOINT_ADDRESS)
        json_add_str(arena, object, "address", address_format(arena, goal->question.endpoint.address));
    else if (goal->question.endpoint.host == ENDPOINT_LOCALHOST)
        json_add_str(arena, object, "address", STR("localhost"));
    else
        json_add_null(object, "address");
    json_add_int(object, "port", goal->question.endpoint.first);
    json_add_bool(object, "bindable", !goal->failed && answer->bindable);
    json_add_bool(object, "proved", !goal->failed && answer->proved);
    json_add_str_or_null(arena, object, "was", goal->was);
    if (goal->free_us != 0 && plan->begun_us != 0)
        add_ms(object, "freed_ms", goal->free_us - plan->begun_us);
    else
        json_add_null(object, "freed_ms");
    if (goal->failed) {
        json_add_null(object, "now");
    } else {
        cJSON *asked = cJSON_CreateArray();
        report_add_answer(arena, asked, goal->host, answer, privacy);
        cJSON_AddItemToObject(object, "now", cJSON_DetachItemFromArray(asked, 0));
    }
    const struct probe *probe = answer->probes.count > 0 ? &answer->probes.items[0] : NULL;
    for (size_t i = 0; i < answer->probes.count; i++)
        if (!answer->probes.items[i].worked && !str_equal(answer->probes.items[i].result, STR("unsupported")) &&
            probe->worked)
            probe = &answer->probes.items[i];
    if (!probe) {
        json_add_null(object, "probe");
        return;
    }
    cJSON *entry = json_add_object(object, "probe");
    json_add_str(arena, entry, "address", address_format(arena, probe->address));
    json_add_str(arena, entry, "bind", probe->bind);
    json_add_str(arena, entry, "result", probe->result);
    json_add_u64(arena, entry, "code", probe->code);
}

static void
add_refusals(struct arena *arena, cJSON *root, const struct plan *plan)
{
    static const char *const kinds[] = {
        [PLAN_REFUSED_ALWAYS] = "always",   [PLAN_REFUSED_WORD] = "word", [PLAN_REFUSED_RIGHT] = "right",
        [PLAN_REFUSED_NO_HELP] = "no-help", [PLAN_REFUSED_ONLY] = "only",
    };
    cJSON *array = json_add_array(root, "refusals");

    for (size_t i = 0; i < plan->refusals.count; i++) {
        const struct plan_refusal *refusal = &plan->refusals.items[i];
        cJSON *object = json_append_object(array);
        json_add_str(arena, object, "kind", str_of(kinds[refusal->kind]));
        json_add_str_or_null(arena, object, "allow", refusal->word);
        json_add_str(arena, object, "sentence", refusal->sentence);
        json_add_str_or_null(arena, object, "instead", refusal->alternative);
    }
}

static void
add_steps(struct arena *arena, cJSON *array, const struct plan *plan, const struct report_privacy *privacy)
{
    for (size_t i = 0; plan && i < plan->steps.count; i++)
        report_free_step(arena, array, &plan->steps.items[i], privacy);
}

// The port as it is now: that of the second plan, where one was carried out for it.
static const struct plan_goal *
last_of(const struct release *release, const struct plan_goal *goal, const struct plan **plan)
{
    const struct plan *second = release ? release->second : NULL;

    for (size_t i = 0; second && i < second->goals.count; i++)
        if (second->goals.items[i].question.endpoint.first == goal->question.endpoint.first &&
            second->goals.items[i].question.protocol == goal->question.protocol) {
            *plan = second;
            return &second->goals.items[i];
        }
    return goal;
}

void
report_free(struct arena *arena, cJSON *root, const struct plan *plan, const struct release *release,
            struct str outcome, const struct report_privacy *privacy)
{
    int64_t freed_us = -1;

    json_add_str_or_null(arena, root, "outcome", outcome);
    cJSON *ports = json_add_array(root, "ports");
    for (size_t i = 0; i < plan->goals.count; i++) {
        const struct plan *of = plan;
        const struct plan_goal *goal = last_of(release, &plan->goals.items[i], &of);
        add_port(arena, ports, of, goal, privacy);
        if (goal->free_us != 0 && goal->free_us - of->begun_us > freed_us)
            freed_us = goal->free_us - of->begun_us;
    }
    bool freed = release && release->outcome == RELEASE_FREED && freed_us >= 0;
    if (freed)
        add_ms(root, "freed_ms", freed_us);
    else
        json_add_null(root, "freed_ms");
    cJSON *steps = json_add_array(root, "plan");
    add_steps(arena, steps, plan, privacy);
    add_steps(arena, steps, release ? release->second : NULL, privacy);
    add_texts(arena, root, "notes", &plan->notes);
    add_refusals(arena, root, plan);
    json_add_str_or_null(arena, root, "again", plan_again(plan));
    json_add_bool(root, "acted", release && release->acted);
    json_add_bool(root, "interrupted", release && release->interrupted);
    if (release)
        json_add_int(root, "watched_ms", release->watch_ms);
    else
        json_add_null(root, "watched_ms");
    json_add_str_or_null(arena, root, "started_by", release ? release->starter : STR(""));
    add_texts(arena, root, "warnings", release ? &release->warnings : &(struct str_list){0});
}

void
report_free_act(struct arena *arena, cJSON *array, const struct journal_act *act, const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);

    json_add_str(arena, object, "id", act->id);
    json_add_str(arena, object, "time", report_time(arena, act->time_ms));
    json_add_str_or_null(arena, object, "user", privacy->share ? STR("") : act->user);
    json_add_str_or_null(arena, object, "for", privacy->share ? STR("") : act->invoker);
    json_add_str_or_null(arena, object, "line", act->line);
    json_add_str(arena, object, "lever", why_lever_name(act->lever));
    json_add_str(arena, object, "sentence", act->sentence);
    cJSON *processes = json_add_array(object, "processes");
    for (size_t i = 0; i < act->processes.count; i++) {
        cJSON *process = json_append_object(processes);
        json_add_int(process, "pid", act->processes.items[i].pid);
        json_add_str(arena, process, "name", act->processes.items[i].name);
    }
    if (act->port != 0) {
        json_add_int(object, "port", act->port);
        json_add_str(arena, object, "protocol", host_protocol_name(act->protocol));
    } else {
        json_add_null(object, "port");
        json_add_null(object, "protocol");
    }
    json_add_str_or_null(arena, object, "why", act->why);
    json_add_str(arena, object, "result", act->result);
    json_add_str_or_null(arena, object, "error", act->error);
    json_add_int(object, "took_ms", act->took_ms);
    json_add_bool(object, "hard", act->hard);
    json_add_str_or_null(arena, object, "undo", act->undo.command);
    json_add_bool(object, "can_undo", journal_can_undo(act));
    json_add_bool(object, "undone", act->undone);
    json_add_str_or_null(arena, object, "undoes", act->undoes);
}
