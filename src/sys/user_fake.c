#include "sys/user.h"

#include "sys/fake_host.h"

#include <inttypes.h>

struct user_self
user_self(void)
{
    const struct host *recorded = fake_host();
    bool admin = recorded->admin;

    return (struct user_self){recorded->uid, admin, admin, admin, admin, admin, false};
}

struct str
user_name(struct arena *arena, uint32_t uid)
{
    const struct host *recorded = fake_host();

    for (size_t i = 0; i < recorded->processes.count; i++) {
        const struct process *process = &recorded->processes.items[i];
        if (process->uid_known && process->uid == uid && process->user.known == KNOWN_YES)
            return process->user.value;
    }
    for (size_t i = 0; i < recorded->leases.count; i++)
        if (recorded->leases.items[i].owner == uid && recorded->leases.items[i].user.len)
            return recorded->leases.items[i].user;
    return str_printf(arena, "%" PRIu32, uid);
}

bool
user_find(struct str name, uint32_t *uid)
{
    const struct host *recorded = fake_host();
    uint64_t number;

    for (size_t i = 0; i < recorded->processes.count; i++) {
        const struct process *process = &recorded->processes.items[i];
        if (!process->uid_known || process->user.known != KNOWN_YES || !str_equal(process->user.value, name))
            continue;
        *uid = process->uid;
        return true;
    }
    if (!str_to_u64(name, 10, &number) || number > UINT32_MAX)
        return false;
    *uid = (uint32_t)number;
    return true;
}
