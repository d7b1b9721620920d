#include "sys/os.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/sha256.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/user.h"

// 16 bytes out of 32 hexadecimal digits; a container image often has "uninitialized" or nothing there (machine-id(5)).
static bool
parse_machine_id(struct str text, char out[16])
{
    text = str_trim(text);
    if (text.len != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        uint64_t byte;
        if (!str_to_u64(str_part(text, 2 * i, 2), 16, &byte))
            return false;
        out[i] = (char)byte;
    }
    return true;
}

// machine-id(5) asks programs not to show the id itself, but to derive one of their own with a keyed hash.
static struct str
host_id(struct arena *arena)
{
    static const char *const paths[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    static const char digits[] = "0123456789abcdef";
    struct str text;
    char key[16];
    uint8_t hash[SHA256_SIZE];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!file_read(arena, paths[i], 256, true, &text, NULL) || !parse_machine_id(text, key))
            continue;
        sha256_hmac((struct str){key, sizeof key}, STR("moorage host id"), hash);
        char *id = arena_alloc(arena, 32);
        for (size_t k = 0; k < 32; k++)
            id[k] = digits[hash[k / 2] >> (k % 2 ? 0 : 4) & 15];
        return (struct str){id, 32};
    }
    return (struct str){0};
}

void
os_identify(struct arena *arena, struct host *host)
{
    struct utsname names;
    struct str text;
    struct user_self self = user_self();
    host->platform = STR("linux");
    if (uname(&names) == 0) {
        host->system = str_printf(arena, "%s %s %s", names.sysname, names.release, names.machine);
        host->name = str_copy(arena, str_of(names.nodename));
    }
    host->id = host_id(arena);
    if (file_read(arena, "/proc/sys/kernel/random/boot_id", 256, false, &text, NULL))
        host->boot_id = str_trim(text);
    host->time_ms = clock_wall_ms();
    host->uid = self.uid;
    host->admin = self.admin;
}
