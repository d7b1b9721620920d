#include "sys/user.h"

#include <windows.h>

#include "sys/sid_win.h"

struct user_self
user_self(void)
{
    struct user_self self = {.uid = UINT32_MAX, .binds_privileged = true}; // Windows has no privileged ports
    TOKEN_ELEVATION elevation = {0};
    HANDLE token;
    DWORD size;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return self;
    (void)sid_of_token(token, &self.uid);
    if (GetTokenInformation(token, TokenElevation, &elevation, sizeof elevation, &size) && elevation.TokenIsElevated)
        self.admin = self.sees_processes = self.net_admin = true;
    CloseHandle(token);
    return self;
}

struct str
user_name(struct arena *arena, uint32_t uid)
{
    return sid_name(arena, uid);
}

// The accounts that services run as belong to no machine; their names are those of the system's language.
static bool
find_service_account(struct arena *arena, struct str name, uint32_t *uid)
{
    static const WELL_KNOWN_SID_TYPE kinds[] = {WinLocalSystemSid, WinLocalServiceSid, WinNetworkServiceSid};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        BYTE sid[SECURITY_MAX_SID_SIZE];
        DWORD size = sizeof sid;
        if (!CreateWellKnownSid(kinds[i], NULL, sid, &size))
            continue;
        uint32_t number = sid_number(sid);
        if (!str_equal_nocase(sid_name(arena, number), name))
            continue;
        *uid = number;
        return true;
    }
    return false;
}

bool
user_find(struct str name, uint32_t *uid)
{
    uint64_t number;
    struct arena *arena = arena_open();
    struct user_self self = user_self();
    bool found = sid_find(arena, name, uid) || find_service_account(arena, name, uid);
    // Of a domain's accounts, one's own can be told without asking it.
    if (!found && str_equal_nocase(sid_name(arena, self.uid), name)) {
        *uid = self.uid;
        found = true;
    }
    arena_close(arena);
    if (!found && str_to_u64(name, 10, &number) && number < UINT32_MAX) {
        *uid = (uint32_t)number;
        found = true;
    }
    return found;
}
