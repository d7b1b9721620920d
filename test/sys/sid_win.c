#include "sys/sid_win.h"

#include "tap.h"

#include <windows.h>

#include <sddl.h>

static uint32_t
number_of(const wchar_t *text)
{
    PSID sid;
    CHECK(ConvertStringSidToSidW(text, &sid));
    uint32_t number = sid_number(sid);
    CHECK_INT(sid_number(sid), number);
    LocalFree(sid);
    return number;
}

static uint32_t
own_number(void)
{
    HANDLE token;
    uint32_t number = 0;
    CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    bool good = sid_of_token(token, &number);
    CloseHandle(token);
    CHECK(good);
    return number;
}

TEST(the_system_its_accounts_and_people_have_numbers_apart)
{
    uint32_t service = number_of(L"S-1-5-19");
    uint32_t iis = number_of(L"S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415");
    uint32_t ann = number_of(L"S-1-5-21-1-2-3-1001");
    uint32_t bob = number_of(L"S-1-5-21-1-2-3-1002");
    uint32_t cloud = number_of(L"S-1-12-1-1-2-3-4");
    CHECK_INT(number_of(L"S-1-5-18"), 0);
    CHECK(service > 0 && service < 1000 && iis > 0 && iis < 1000 && service != iis);
    CHECK(ann >= 1000 && bob >= 1000 && cloud >= 1000 && ann != bob && ann != cloud && bob != cloud);
}

TEST(own_account_has_the_name_that_windows_shows)
{
    wchar_t name[257];
    DWORD units = 257;
    CHECK(GetUserNameW(name, &units));
    char narrow[600];
    CHECK(WideCharToMultiByte(CP_UTF8, 0, name, -1, narrow, sizeof narrow, NULL, NULL) > 0);
    CHECK_STR(sid_name(arena, own_number()), narrow);
}

TEST(account_of_another_machine_is_its_sid)
{
    CHECK_STR(sid_name(arena, number_of(L"S-1-5-21-1-2-3-1001")), "S-1-5-21-1-2-3-1001");
}

TEST(number_that_no_account_got_is_its_own_name)
{
    CHECK_STR(sid_name(arena, 4000000001u), "4000000001");
}

TEST(account_of_this_machine_is_found_by_name)
{
    uint32_t number = 0;
    struct str name = sid_name(arena, own_number());
    CHECK(sid_find(arena, name, &number));
    CHECK_INT(number, own_number());
    CHECK(!sid_find(arena, STR("nobody of that name"), &number));
    CHECK(!sid_find(arena, STR(""), &number));
    CHECK(!sid_find(arena, STR("OTHER\\ann"), &number));
}

TEST(a_thousand_accounts_have_numbers)
{
    for (unsigned i = 0; i < 1200; i++) {
        wchar_t text[64];
        swprintf(text, 64, L"S-1-5-21-7-8-9-%u", 2000 + i);
        CHECK(number_of(text) >= 1000);
    }
}

TAP_MAIN
