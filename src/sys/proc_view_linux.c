#include "sys/proc_view_linux.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "decode/proc.h"
#include "sys/file.h"

// Inode of the first pid namespace, the same on every system (include/linux/proc_ns.h, PROC_PID_INIT_INO).
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu
// A user may be in 65,536 groups, whose line stands before the numbers.
#define STATUS_LIMIT ((size_t)1 << 20)

bool
proc_view_hides(void)
{
    // Each pid namespace has its process 1 for as long as it lives.
    struct stat facts;
    return stat("/proc/1", &facts) != 0 && errno == ENOENT;
}

bool
proc_view_is_inside(void)
{
    struct stat facts;
    return stat("/proc/self/ns/pid", &facts) == 0 && facts.st_ino != FIRST_PID_NAMESPACE;
}

uint32_t
proc_view_self(void)
{
    char name[16];
    uint64_t number;
    ssize_t length = readlink("/proc/self", name, sizeof name);
    if (length < 0 || !str_to_u64((struct str){name, (size_t)length}, 10, &number) || number > UINT32_MAX)
        return 0;
    return (uint32_t)number;
}

// The /proc of a namespace around this one may have the same number by chance; there it is followed by the inner ones.
static bool
is_counted_within(void)
{
    struct arena *arena = arena_open();
    struct str status;
    bool within =
        !file_read(arena, "/proc/self/status", STATUS_LIMIT, true, &status, NULL) || proc_has_inner_numbers(status);
    arena_close(arena);
    return within;
}

bool
proc_view_has_own_numbers(void)
{
    return proc_view_self() == (uint32_t)getpid() && !(proc_view_is_inside() && is_counted_within());
}
