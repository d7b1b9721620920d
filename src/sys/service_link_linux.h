#ifndef MOORAGE_SYS_SERVICE_LINK_LINUX_H
#define MOORAGE_SYS_SERVICE_LINK_LINUX_H

// A connection to systemd: to its own socket where that is to be had, else over D-Bus. Linux only; for sys/service and
// sys/service_control.
// Invariant: nothing is started for it: neither the bus nor the manager.

#include "base/arena.h"
#include "base/err.h"
#include "sys/sd_bus_linux.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVICE_LINK_PATH "/org/freedesktop/systemd1"
#define SERVICE_LINK_MANAGER "org.freedesktop.systemd1.Manager"

// The manager of the system, or (`user_manager`) that of user `uid`. ERR_UNSUPPORTED where there is none; everything on the
// connection must be over by `deadline_ms` from now.
bool
service_link_open(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms, struct sd_bus_link *out,
                  struct err *err);

#endif
