#include "sys/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decode/passwd.h"
#include "sys/file.h"

#define PASSWD_LIMIT (8u << 20)

// The effective capabilities of this thread (capget(2)); nothing when the call is refused.
static uint64_t
capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}

static bool
has(uint64_t capabilities, int number)
{
    return (capabilities >> number & 1) != 0;
}

// Whether this namespace of the program (a link under /proc/self/ns) belongs to the program's own user namespace: a
// capability reaches no further (user_namespaces(7)). The kernel refuses to show an owner that lies outside, so every doubt
// means no (the ioctl is there since Linux 4.9).
static bool
owns(const char *namespace)
{
    bool owned = false;
    struct stat owner;
    struct stat own;
    int user_fd = -1;
    int fd = open(namespace, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        // Without /proc nothing tells of another owner: what the program has counts, and each act is tried anyway.
        owned = errno == ENOENT;
        goto out;
    }
    user_fd = ioctl(fd, NS_GET_USERNS);
    if (user_fd < 0)
        goto out;
    owned = fstat(user_fd, &owner) == 0 && stat("/proc/self/ns/user", &own) == 0 && owner.st_ino == own.st_ino;
out:
    if (user_fd >= 0)
        close(user_fd);
    if (fd >= 0)
        close(fd);
    return owned;
}

static const char *
kernel_refuses(uint64_t have)
{
    bool loads = has(have, CAP_BPF);
    bool reads = has(have, CAP_PERFMON);

    // Before Linux 5.8 CAP_SYS_ADMIN was both, and it still is.
    if (has(have, CAP_SYS_ADMIN) || (loads && reads))
        return NULL;
    if (loads || reads)
        return loads ? "CAP_PERFMON is missing" : "CAP_BPF is missing";
    return "CAP_BPF and CAP_PERFMON are missing";
}

struct user_self
user_self(void)
{
    uint64_t have = capabilities();
    bool network = owns("/proc/self/ns/net");
    return (struct user_self){
        .uid = geteuid(),
        .admin = geteuid() == 0,
        .sees_processes = has(have, CAP_SYS_PTRACE) && owns("/proc/self/ns/pid") && access("/proc/self", F_OK) == 0,
        .net_admin = network && has(have, CAP_NET_ADMIN),
        .enters_namespaces = has(have, CAP_SYS_ADMIN),
        .binds_privileged = network && has(have, CAP_NET_BIND_SERVICE),
        .kernel_refuses = kernel_refuses(have),
    };
}

// The file's text, which is read again when the file is another one: a list asks for the names of many users.
static bool
read_passwd(struct str *out)
{
    static struct {
        struct arena *arena;
        struct str text;
        struct stat file;
    } known;
    struct stat file;
    if (stat("/etc/passwd", &file) != 0)
        return false;
    if (!known.arena || file.st_ino != known.file.st_ino || file.st_dev != known.file.st_dev ||
        file.st_size != known.file.st_size || file.st_mtim.tv_sec != known.file.st_mtim.tv_sec ||
        file.st_mtim.tv_nsec != known.file.st_mtim.tv_nsec) {
        arena_close(known.arena);
        known.arena = arena_open();
        known.file = file;
        if (!file_read(known.arena, "/etc/passwd", PASSWD_LIMIT, true, &known.text, NULL))
            known.text = (struct str){0};
    }
    *out = known.text;
    return true;
}

struct str
user_name(struct arena *arena, uint32_t uid)
{
    struct str file;
    struct str name;
    if (read_passwd(&file) && passwd_name(file, uid, &name))
        return str_copy(arena, name);
    return str_printf(arena, "%u", uid);
}

bool
user_find(struct str name, uint32_t *uid)
{
    uint64_t number;
    struct str file;
    bool found = read_passwd(&file) && passwd_uid(file, name, uid);
    if (!found && str_to_u64(name, 10, &number) && number < UINT32_MAX) {
        *uid = (uint32_t)number;
        found = true;
    }
    return found;
}
