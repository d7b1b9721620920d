#include "sys/late_win.h"

#include "tap.h"

#include <windows.h>

TEST(what_is_there_is_found)
{
    typedef DWORD(WINAPI * pid_function)(void);
    pid_function own = (pid_function)late_find(L"kernel32.dll", "GetCurrentProcessId");
    CHECK(own && own() == GetCurrentProcessId());
    CHECK(late_find(L"version.dll", "GetFileVersionInfoW"));
}

TEST(what_is_not_there_is_no_function)
{
    CHECK(!late_find(L"kernel32.dll", "NoSuchFunction"));
    CHECK(!late_find(L"no-such-library.dll", "GetCurrentProcessId"));
}

TEST(what_wine_only_promises_is_not_there)
{
    if (!late_is_wine())
        SKIP("this is no Wine");
    CHECK(!late_find(L"sechost.dll", "I_QueryTagInformation"));
}

TAP_MAIN
