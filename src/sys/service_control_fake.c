#include "sys/service_control.h"

#include "sys/fake_host.h"

// All that runs in the unit.
static void
end_all(struct arena *arena, const struct service *service)
{
    struct str end = str_printf(arena, "/%.*s", STR_ARG(service->name));

    if (service->main_pid != 0)
        fake_host_end(service->main_pid);
    for (size_t i = fake_host()->processes.count; i > 0; i--)
        if (str_ends(fake_host()->processes.items[i - 1].cgroup.value, end))
            fake_host_end(fake_host()->processes.items[i - 1].pid);
}

// A unit that no script speaks of does what it is told at once; "stop nginx.service" as an act lets a script say more.
static bool
order(struct arena *arena, bool user_manager, uint32_t uid, const char *verb, const char *state, struct str unit,
      struct err *err)
{
    const struct host *recorded = fake_host();
    struct str manager = user_manager ? STR("systemd --user") : STR("systemd");

    for (size_t i = 0; i < recorded->services.count; i++) {
        struct service service = recorded->services.items[i];
        if (!str_equal(service.name, unit) || (user_manager && service.uid != uid) ||
            str_equal(service.manager, STR("systemd --user")) != user_manager)
            continue;
        bool scripted = fake_host_awaits(str_printf(arena, "%s %.*s", verb, STR_ARG(unit)));
        fake_host_act(str_printf(arena, "%s %.*s", verb, STR_ARG(unit)));
        if (scripted)
            return true;
        if (str_equal(str_of(state), STR("inactive")))
            end_all(arena, &service);
        service.state = str_of(state);
        service.main_pid = 0;
        fake_host_set_service(&service);
        return true;
    }
    return err_set(err, ERR_GONE, 0, "%.*s of %.*s is not known", STR_ARG(unit), STR_ARG(manager));
}

bool
service_control_stop(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                     struct err *err)
{
    (void)deadline_ms;
    return fake_host_call("service_control_stop", err) &&
           order(arena, user_manager, uid, "stop", "inactive", unit, err);
}

bool
service_control_start(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                      struct err *err)
{
    (void)deadline_ms;
    return fake_host_call("service_control_start", err) &&
           order(arena, user_manager, uid, "start", "active", unit, err);
}

// "progress W3SVC" in the environment is "STEP HINT" in milliseconds: its checkpoint rises with every STEP.
bool
service_control_progress(struct str unit, unsigned deadline_ms, struct service_progress *out)
{
    struct arena *arena = arena_open();
    struct str rest = str_of(fake_host_variable(str_c(arena, str_printf(arena, "progress %.*s", STR_ARG(unit)))));
    struct str word;
    uint64_t step = 0;
    uint64_t hint = 0;

    (void)deadline_ms;
    bool tells = fake_host_call("service_control_progress", NULL) && str_word(&rest, &word) &&
                 str_to_u64(word, 10, &step) && step > 0 && str_word(&rest, &word) && str_to_u64(word, 10, &hint);
    *out = (struct service_progress){
        .pending = tells,
        .checkpoint = tells ? (uint32_t)((uint64_t)fake_host_elapsed_us() / 1000 / step) : 0,
        .hint_ms = (unsigned)hint,
    };
    arena_close(arena);
    return tells;
}
