#ifndef MOORAGE_SYS_SD_BUS_LINUX_H
#define MOORAGE_SYS_SD_BUS_LINUX_H

// sd-bus (sd-bus(3)) out of libsystemd.so.0, loaded when first needed: moorage is built without its headers and runs
// without it. Declared here is what moorage calls, as the stable interface of the library has it.
// Invariants: connecting and each call end by a deadline, although the library itself may wait for 90 s in its
// handshake; only addresses of unix sockets are taken (sd-bus would run programs for "unixexec:").

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct sd_bus;
struct sd_bus_message;

// Public in <systemd/sd-bus-protocol.h> as sd_bus_error.
struct sd_bus_fault {
    const char *name;
    const char *message;
    int need_free;
};

// The functions of the library, by their names without "sd_bus_" and "message_".
struct sd_bus_calls {
    int (*open)(struct sd_bus **bus);
    int (*set_address)(struct sd_bus *bus, const char *address);
    int (*set_bus_client)(struct sd_bus *bus, int yes);
    int (*start)(struct sd_bus *bus);
    int (*is_ready)(struct sd_bus *bus);
    int (*process)(struct sd_bus *bus, struct sd_bus_message **message);
    int (*get_fd)(struct sd_bus *bus);
    int (*get_events)(struct sd_bus *bus);
    struct sd_bus *(*close)(struct sd_bus *bus);
    int (*new_call)(struct sd_bus *bus, struct sd_bus_message **message, const char *destination, const char *path,
                    const char *interface_name, const char *member);
    int (*set_auto_start)(struct sd_bus_message *message, int yes);
    int (*append)(struct sd_bus_message *message, char type, const void *value);
    int (*open_container)(struct sd_bus_message *message, char type, const char *contents);
    int (*close_container)(struct sd_bus_message *message);
    int (*call)(struct sd_bus *bus, struct sd_bus_message *message, uint64_t microseconds, struct sd_bus_fault *fault,
                struct sd_bus_message **reply);
    int (*read)(struct sd_bus_message *message, char type, void *value);
    int (*enter)(struct sd_bus_message *message, char type, const char *contents);
    int (*leave)(struct sd_bus_message *message);
    int (*skip)(struct sd_bus_message *message, const char *types);
    struct sd_bus_message *(*unref)(struct sd_bus_message *message);
    void (*fault_free)(struct sd_bus_fault *fault);
};

// A connection, and when everything on it must be over.
struct sd_bus_link {
    const struct sd_bus_calls *calls;
    struct sd_bus *bus;
    int64_t end; // clock_mono_us()
};

// Connects to `address` ("unix:path=..."), either a bus or (`peer`) a program that speaks D-Bus itself. ERR_UNSUPPORTED
// without the library or for another kind of address, ERR_TIMEOUT, ERR_NOT_ALLOWED, ERR_GONE when nobody listens.
bool
sd_bus_link_open(const char *address, bool peer, int64_t end, struct sd_bus_link *out, struct err *err);

// Calm about a link that was never opened (zeroed).
void
sd_bus_link_close(struct sd_bus_link *link);

// A call of systemd's manager or of one of its objects; the caller appends arguments. A bus on which nobody has the
// manager's name does not start a program for it.
bool
sd_bus_link_prepare(struct sd_bus_link *link, const char *path, const char *interface_name, const char *member,
                    struct sd_bus_message **out, struct err *err);

// Sends `message` and waits for the reply, which the caller unrefs; `message` is used up in any case. An error of the other
// side becomes ERR_GONE (no such unit), ERR_NOT_ALLOWED, ERR_TIMEOUT, ERR_UNSUPPORTED (nobody has the name) or ERR_SYSTEM.
bool
sd_bus_link_call(struct sd_bus_link *link, struct sd_bus_message *message, struct sd_bus_message **reply,
                 struct err *err);

#endif
