#include "sys/sid_win.h"

#include <windows.h>

#include <ntsecapi.h>
#include <sddl.h>

#include <string.h>

#include "sys/late_win.h"
#include "sys/wide_win.h"

enum {
    FIRST_PERSON = 1000,
    NAME_UNITS = 257, // UNLEN + 1
};

// What is known of one SID. Kept for the whole run, since numbers must not change in it.
struct account {
    uint32_t number;
    BYTE sid[SECURITY_MAX_SID_SIZE];
    bool named;
    wchar_t name[NAME_UNITS];
};

static struct arena *accounts_arena;
static struct {
    LIST_OF(struct account);
} accounts;
static SRWLOCK accounts_lock = SRWLOCK_INIT;

static bool
is_authority(PSID sid, BYTE value)
{
    const SID_IDENTIFIER_AUTHORITY *authority = GetSidIdentifierAuthority(sid);
    return authority->Value[5] == value && authority->Value[4] == 0;
}

// S-1-5-21-... are accounts of a machine or a domain, S-1-12-1-... those of Entra (Azure) directories.
static bool
is_person(PSID sid)
{
    return is_authority(sid, 12) ||
           (is_authority(sid, 5) && *GetSidSubAuthorityCount(sid) == 5 && *GetSidSubAuthority(sid, 0) == 21);
}

// FNV-1a
static uint32_t
hash_of(PSID sid)
{
    const BYTE *bytes = sid;
    uint32_t hash = 2166136261u;
    for (DWORD i = 0; i < GetLengthSid(sid); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static struct account *
find_number(uint32_t number)
{
    for (size_t i = 0; i < accounts.count; i++)
        if (accounts.items[i].number == number)
            return &accounts.items[i];
    return NULL;
}

// A number that no other SID has.
static uint32_t
choose_number(PSID sid)
{
    bool person = is_person(sid);
    // Below the numbers that the Linux side never takes for people.
    uint32_t span = person ? 0x7fff0000u : FIRST_PERSON - 1;
    uint32_t start = hash_of(sid) % span;

    if (IsWellKnownSid(sid, WinLocalSystemSid))
        return 0;
    while (find_number(start + (person ? FIRST_PERSON : 1)))
        start = (start + 1) % span;
    return start + (person ? FIRST_PERSON : 1);
}

uint32_t
sid_number(PSID sid)
{
    uint32_t number = 0;
    bool known = false;

    AcquireSRWLockExclusive(&accounts_lock);
    for (size_t i = 0; i < accounts.count && !known; i++) {
        known = EqualSid(accounts.items[i].sid, sid);
        number = accounts.items[i].number;
    }
    if (!known) {
        if (!accounts_arena)
            accounts_arena = arena_open();
        number = choose_number(sid);
        struct account *account = LIST_ADD(accounts_arena, &accounts);
        account->number = number;
        CopySid(sizeof account->sid, account->sid, sid);
    }
    ReleaseSRWLockExclusive(&accounts_lock);
    return number;
}

static void
set_name(uint32_t number, const wchar_t *name, size_t units)
{
    AcquireSRWLockExclusive(&accounts_lock);
    struct account *account = find_number(number);
    if (account && units > 0 && units < NAME_UNITS) {
        wmemcpy(account->name, name, units);
        account->name[units] = 0;
        account->named = true;
    }
    ReleaseSRWLockExclusive(&accounts_lock);
}

// Whether the account is one of this machine or of Windows itself, so that Windows finds its name without a network.
static bool
is_local(PSID sid)
{
    LSA_OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes};
    POLICY_ACCOUNT_DOMAIN_INFO *info = NULL;
    LSA_HANDLE policy;
    BOOL same = FALSE;

    if (!is_person(sid))
        return true;
    if (LsaOpenPolicy(NULL, &attributes, POLICY_VIEW_LOCAL_INFORMATION, &policy) != 0)
        return false;
    if (LsaQueryInformationPolicy(policy, PolicyAccountDomainInformation, (void **)&info) == 0 && info) {
        if (!info->DomainSid || !EqualDomainSid(sid, info->DomainSid, &same))
            same = FALSE;
        LsaFreeMemory(info);
    }
    LsaClose(policy);
    return same;
}

static bool
is_named(uint32_t number)
{
    AcquireSRWLockShared(&accounts_lock);
    const struct account *account = find_number(number);
    bool named = account && account->named;
    ReleaseSRWLockShared(&accounts_lock);
    return named;
}

// The name stands in the logon session, which is kept here also for accounts of a domain.
static void
learn_from_session(HANDLE token, uint32_t number)
{
    typedef NTSTATUS(NTAPI * get_session)(LUID *, SECURITY_LOGON_SESSION_DATA **);
    typedef NTSTATUS(NTAPI * free_buffer)(void *);
    get_session get = (get_session)late_find(L"secur32.dll", "LsaGetLogonSessionData");
    free_buffer give_back = (free_buffer)late_find(L"secur32.dll", "LsaFreeReturnBuffer");
    TOKEN_STATISTICS statistics;
    DWORD size;
    SECURITY_LOGON_SESSION_DATA *session = NULL;

    if (!get || !give_back || !GetTokenInformation(token, TokenStatistics, &statistics, sizeof statistics, &size) ||
        get(&statistics.AuthenticationId, &session) != 0 || !session)
        return;
    if (session->Sid && sid_number(session->Sid) == number && session->UserName.Buffer)
        set_name(number, session->UserName.Buffer, session->UserName.Length / sizeof(wchar_t));
    give_back(session);
}

bool
sid_of_token(HANDLE token, uint32_t *number)
{
    union {
        TOKEN_USER user;
        BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } who;
    DWORD size;

    if (!GetTokenInformation(token, TokenUser, &who, sizeof who, &size))
        return false;
    *number = sid_number(who.user.User.Sid);
    if (!is_named(*number) && !is_local(who.user.User.Sid))
        learn_from_session(token, *number);
    return true;
}

struct str
sid_name(struct arena *arena, uint32_t number)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    wchar_t name[NAME_UNITS];
    wchar_t domain[NAME_UNITS];
    DWORD name_units = NAME_UNITS;
    DWORD domain_units = NAME_UNITS;
    SID_NAME_USE use;
    wchar_t *text = NULL;
    struct str out;

    AcquireSRWLockShared(&accounts_lock);
    const struct account *account = find_number(number);
    bool named = account && account->named;
    if (account)
        CopySid(sizeof sid, sid, (PSID)account->sid);
    if (named)
        wmemcpy(name, account->name, NAME_UNITS);
    ReleaseSRWLockShared(&accounts_lock);
    if (named)
        return wide_to_z(arena, name);
    if (!account)
        return str_printf(arena, "%lu", (unsigned long)number);
    if (is_local(sid) && LookupAccountSidW(NULL, sid, name, &name_units, domain, &domain_units, &use) && name[0] != 0) {
        set_name(number, name, wcslen(name));
        return wide_to_z(arena, name);
    }
    if (!ConvertSidToStringSidW(sid, &text))
        return str_printf(arena, "%lu", (unsigned long)number);
    out = wide_to_z(arena, text);
    LocalFree(text);
    return out;
}

bool
sid_find(struct arena *arena, struct str name, uint32_t *number)
{
    wchar_t machine[MAX_COMPUTERNAME_LENGTH + 1];
    wchar_t domain[NAME_UNITS];
    DWORD machine_units = MAX_COMPUTERNAME_LENGTH + 1;
    DWORD domain_units = NAME_UNITS;
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof sid;
    SID_NAME_USE use;

    if (name.len == 0 || str_find_byte(name, '\\') != SIZE_MAX || str_find_byte(name, '@') != SIZE_MAX ||
        !GetComputerNameW(machine, &machine_units))
        return false;
    // With the machine's name before it, a name is looked for here and nowhere else.
    struct str full = str_printf(arena, "%.*s\\%.*s", STR_ARG(wide_to(arena, machine, machine_units)), STR_ARG(name));
    if (!LookupAccountNameW(NULL, wide_from(arena, full), sid, &size, domain, &domain_units, &use) ||
        use != SidTypeUser)
        return false;
    *number = sid_number(sid);
    return true;
}
