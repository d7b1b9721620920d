#ifndef MOORAGE_TEST_SYS_BUS_CALLS_LINUX_H
#define MOORAGE_TEST_SYS_BUS_CALLS_LINUX_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// What a stand-in for systemd needs of sd-bus, loaded as the code under test does it, so that its headers are not needed.

struct sd_bus;
struct sd_bus_message;
typedef int
handler(struct sd_bus_message *message, void *data, void *error);
union id {
    uint8_t bytes[16];
    uint64_t words[2];
};

static struct {
    int (*create)(struct sd_bus **bus);
    int (*set_address)(struct sd_bus *bus, const char *address);
    int (*set_bus_client)(struct sd_bus *bus, int yes);
    int (*set_fd)(struct sd_bus *bus, int in, int out);
    int (*set_server)(struct sd_bus *bus, int yes, union id id);
    int (*start)(struct sd_bus *bus);
    int (*request_name)(struct sd_bus *bus, const char *name, uint64_t flags);
    int (*add_fallback)(struct sd_bus *bus, void *slot, const char *prefix, handler *call, void *data);
    int (*process)(struct sd_bus *bus, struct sd_bus_message **message);
    int (*wait)(struct sd_bus *bus, uint64_t microseconds);
    const char *(*member)(struct sd_bus_message *message);
    const char *(*path)(struct sd_bus_message *message);
    int (*read)(struct sd_bus_message *message, const char *types, ...);
    int (*reply)(struct sd_bus_message *message, const char *types, ...);
    int (*reply_error)(struct sd_bus_message *message, const char *name, const char *format, ...);
} bus_calls;

static inline bool
load_bus_calls(void)
{
    const struct {
        void *to;
        const char *name;
    } names[] = {
        {&bus_calls.create, "sd_bus_new"},
        {&bus_calls.set_address, "sd_bus_set_address"},
        {&bus_calls.set_bus_client, "sd_bus_set_bus_client"},
        {&bus_calls.set_fd, "sd_bus_set_fd"},
        {&bus_calls.set_server, "sd_bus_set_server"},
        {&bus_calls.start, "sd_bus_start"},
        {&bus_calls.request_name, "sd_bus_request_name"},
        {&bus_calls.add_fallback, "sd_bus_add_fallback"},
        {&bus_calls.process, "sd_bus_process"},
        {&bus_calls.wait, "sd_bus_wait"},
        {&bus_calls.member, "sd_bus_message_get_member"},
        {&bus_calls.path, "sd_bus_message_get_path"},
        {&bus_calls.read, "sd_bus_message_read"},
        {&bus_calls.reply, "sd_bus_reply_method_return"},
        {&bus_calls.reply_error, "sd_bus_reply_method_errorf"},
    };
    void *library = dlopen("libsystemd.so.0", RTLD_NOW);
    for (size_t i = 0; library && i < sizeof names / sizeof *names; i++) {
        void *found = dlsym(library, names[i].name);
        if (!found)
            return false;
        memcpy(names[i].to, &found, sizeof found);
    }
    return library != NULL;
}

#endif
