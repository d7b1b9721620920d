#include "sys/os.h"

#include <windows.h>
#include <winternl.h>

#include <string.h>

#include "base/sha256.h"
#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/user.h"
#include "sys/wide_win.h"

#define TIME_OF_DAY 3 // SystemTimeOfDayInformation

typedef LONG(WINAPI *version_function)(OSVERSIONINFOW *);
typedef const char *(CDECL *wine_version_function)(void);

// Not GetVersion(), which says what a program's manifest claims to know.
static struct str
system_name(struct arena *arena)
{
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    SYSTEM_INFO machine;
    version_function get_version = (version_function)late_find(L"ntdll.dll", "RtlGetVersion");
    wine_version_function wine = (wine_version_function)late_find(L"ntdll.dll", "wine_get_version");
    GetNativeSystemInfo(&machine);
    if (get_version)
        get_version(&version);
    const char *processor = machine.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64   ? "x86_64"
                            : machine.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_ARM64 ? "arm64"
                                                                                             : "x86";
    return str_printf(arena, "Windows %lu.%lu.%lu %s%s%s", version.dwMajorVersion, version.dwMinorVersion,
                      version.dwBuildNumber, processor, wine ? " on Wine " : "", wine ? wine() : "");
}

static struct str
host_name(struct arena *arena)
{
    wchar_t name[256];
    DWORD units = sizeof name / sizeof *name;
    return GetComputerNameExW(ComputerNameDnsHostname, name, &units) ? wide_to(arena, name, units) : STR("");
}

// The id of this installation is not given away, but a keyed hash of it, as on Linux.
static struct str
host_id(struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    wchar_t guid[64];
    DWORD size = sizeof guid;
    uint8_t hash[SHA256_SIZE];
    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid",
                     RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, guid, &size) != ERROR_SUCCESS)
        return STR("");
    sha256_hmac(wide_to_z(arena, guid), STR("moorage host id"), hash);
    char *id = arena_alloc(arena, 32);
    for (size_t i = 0; i < 32; i++)
        id[i] = digits[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return (struct str){id, 32};
}

// Windows has no id of a start, but the time of it, which stays when the clock is set, once the bias is taken off.
static struct str
boot_id(struct arena *arena)
{
    struct {
        LARGE_INTEGER boot;
        LARGE_INTEGER now;
        LARGE_INTEGER zone_bias;
        ULONG zone;
        ULONG reserved;
        ULONGLONG boot_bias;
        ULONGLONG sleep_bias;
    } times = {0};
    NTSTATUS status = NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)TIME_OF_DAY, &times, sizeof times, NULL);
    if (!NT_SUCCESS(status) || times.boot.QuadPart == 0)
        return STR("");
    return str_printf(arena, "%016llx", (unsigned long long)times.boot.QuadPart - times.boot_bias);
}

void
os_identify(struct arena *arena, struct host *host)
{
    struct user_self self = user_self();
    host->platform = STR("windows");
    host->system = system_name(arena);
    host->name = host_name(arena);
    host->id = host_id(arena);
    host->boot_id = boot_id(arena);
    host->time_ms = clock_wall_ms();
    host->uid = self.uid;
    host->admin = self.admin;
}
