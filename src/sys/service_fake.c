#include "sys/service.h"

#include "sys/fake_host.h"

static bool
is_managed_by(const struct service *service, bool user_manager, uint32_t uid)
{
    return user_manager ? str_equal(service->manager, STR("systemd --user")) && service->uid == uid
                        : !str_equal(service->manager, STR("systemd --user"));
}

// Whether the manager answers: a document that says nothing of it has one where it has units.
static bool
manager_answers(unsigned deadline_ms, struct err *err)
{
    const struct host *recorded = fake_host();
    enum known known = recorded->services_known;

    if (known == KNOWN_NOT_ASKED)
        known = recorded->services.count > 0 ? KNOWN_YES : KNOWN_UNSUPPORTED;
    if (known == KNOWN_TIMEOUT)
        fake_host_pass_us((int64_t)deadline_ms * 1000);
    return fake_host_refuse(known, "service manager", err);
}

bool
service_read(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
             struct service *out, struct err *err)
{
    const struct host *recorded = fake_host();

    (void)arena;
    if (!fake_host_call("service_read", err) || !manager_answers(deadline_ms, err))
        return false;
    for (size_t i = 0; i < recorded->services.count; i++) {
        const struct service *service = &recorded->services.items[i];
        if (!is_managed_by(service, user_manager, uid) || !str_equal(service->name, unit))
            continue;
        *out = *service;
        return true;
    }
    return err_set(err, ERR_GONE, 0, "unit %.*s: the service manager does not know it", STR_ARG(unit));
}

bool
service_list_sockets(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms,
                     struct service_list *out, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("service_list_sockets", err) || !manager_answers(deadline_ms, err))
        return false;
    for (size_t i = 0; i < recorded->services.count; i++) {
        const struct service *service = &recorded->services.items[i];
        if (service->is_socket && is_managed_by(service, user_manager, uid))
            *LIST_ADD(arena, out) = *service;
    }
    return true;
}

bool
service_of_process(struct arena *arena, uint32_t pid, unsigned deadline_ms, struct service_list *out, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("service_of_process", err))
        return false;
    if (!str_equal(recorded->platform, STR("windows")))
        return fake_host_refuse(KNOWN_UNSUPPORTED, "services of a process", err);
    if (!manager_answers(deadline_ms, err))
        return false;
    for (size_t i = 0; i < recorded->services.count; i++)
        if (recorded->services.items[i].main_pid == pid && pid != 0)
            *LIST_ADD(arena, out) = recorded->services.items[i];
    return true;
}

bool
service_group_path(struct arena *arena, uint64_t group, struct str *out, struct err *err)
{
    const struct host *recorded = fake_host();

    (void)arena;
    if (!fake_host_call("service_group_path", err))
        return false;
    for (size_t i = 0; i < recorded->groups.count; i++) {
        const struct group *known = &recorded->groups.items[i];
        if (known->id != group)
            continue;
        *out = known->path.value;
        return fake_host_refuse(known->path.known, "cgroup of a socket", err);
    }
    return fake_host_refuse(recorded->groups.count > 0 ? KNOWN_GONE : KNOWN_UNSUPPORTED, "cgroup of a socket", err);
}

size_t
service_group_pids(struct arena *arena, struct str path, uint32_t *pids, size_t limit)
{
    const struct host *recorded = fake_host();
    size_t count = 0;

    (void)arena;
    if (fake_host_call_known("service_group_pids") != KNOWN_YES)
        return 0;
    for (size_t i = 0; i < recorded->groups.count; i++) {
        const struct group *known = &recorded->groups.items[i];
        for (size_t k = 0; str_equal(known->path.value, path) && k < known->pids.count && count < limit; k++)
            pids[count++] = known->pids.items[k];
    }
    bool recorded_as_group = count > 0;
    for (size_t i = 0; !recorded_as_group && i < recorded->processes.count; i++)
        if (str_equal(recorded->processes.items[i].cgroup.value, path) && count < limit)
            pids[count++] = recorded->processes.items[i].pid;
    return count;
}
