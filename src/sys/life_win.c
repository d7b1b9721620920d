#include "sys/life.h"

#include <windows.h>

#include <winternl.h>

#include "sys/os.h"

// Only of another user's process may a right be missing: then there is one.
static enum tri
read_start(uint32_t pid, uint64_t *started, DWORD *code)
{
    FILETIME created;
    FILETIME unused[3];
    enum tri lives = TRI_UNKNOWN;
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid);
    if (!process) {
        *code = GetLastError();
        return *code == ERROR_INVALID_PARAMETER ? TRI_NO : TRI_UNKNOWN;
    }
    // A process that has ended stays as long as somebody has a handle of it.
    if (WaitForSingleObject(process, 0) == WAIT_OBJECT_0)
        lives = TRI_NO;
    else if (GetProcessTimes(process, &created, &unused[0], &unused[1], &unused[2])) {
        *started = (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
        lives = TRI_YES;
    }
    CloseHandle(process);
    return lives;
}

bool
life_of(uint32_t pid, struct life *out, struct err *err)
{
    DWORD code = 0;

    *out = (struct life){.pid = pid};
    if (pid == 0 || read_start(pid, &out->started, &code) == TRI_NO)
        return err_set(err, ERR_GONE, code, "there is no process %u", (unsigned)pid);
    return true;
}

enum tri
life_lasts(const struct life *life)
{
    uint64_t started = 0;
    DWORD code = 0;

    if (life->pid == 0)
        return TRI_NO;
    enum tri lives = read_start(life->pid, &started, &code);
    if (lives != TRI_YES || life->started == 0)
        return lives;
    return started == life->started ? TRI_YES : TRI_NO;
}

struct str
life_boot(struct arena *arena)
{
    struct host host = {0};
    os_identify(arena, &host);
    return host.boot_id;
}

// The system keeps the parent's pid though another process may have it by now; one that started later is no parent.
uint32_t
life_parent(void)
{
    // PROCESS_BASIC_INFORMATION as Windows has it; the headers name only two of its members.
    struct {
        void *reserved[5];
        ULONG_PTR parent;
    } basic;
    FILETIME own;
    FILETIME unused[3];
    uint64_t started = 0;
    DWORD code;

    if (NtQueryInformationProcess(GetCurrentProcess(), ProcessBasicInformation, &basic, sizeof basic, NULL) < 0)
        return 0;
    uint32_t parent = (uint32_t)basic.parent;
    if (parent == 0 || read_start(parent, &started, &code) != TRI_YES ||
        !GetProcessTimes(GetCurrentProcess(), &own, &unused[0], &unused[1], &unused[2]))
        return 0;
    return started <= ((uint64_t)own.dwHighDateTime << 32 | own.dwLowDateTime) ? parent : 0;
}
