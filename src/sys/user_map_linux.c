#include "sys/user_map_linux.h"

#include "decode/passwd.h"
#include "sys/file.h"

enum {
    MAP_LIMIT = 1 << 16,
};

bool
user_map_tells(uint32_t uid)
{
    bool tells = true;

    if (uid != USER_MAP_SHARED)
        return true;
    struct arena *arena = arena_open();
    struct str map;
    // A kernel without user namespaces has no such file.
    if (file_read(arena, "/proc/self/uid_map", MAP_LIMIT, true, &map, NULL))
        tells = passwd_maps_all(map);
    arena_close(arena);
    return tells;
}
