#include "sys/file_signature_win.h"

#include "tap.h"

#include <windows.h>

#include "sys/late_win.h"

TEST(results_have_their_meaning)
{
    CHECK_INT(file_signature_of(0), SIGNATURE_GOOD);
    CHECK_INT(file_signature_of((long)0x800b0100), SIGNATURE_NONE);
    CHECK_INT(file_signature_of((long)0x80096010), SIGNATURE_BROKEN);
    CHECK_INT(file_signature_of((long)0x800b0109), SIGNATURE_DOUBTED);
    CHECK_INT(file_signature_of((long)0x800b010c), SIGNATURE_DOUBTED);
    CHECK_INT(file_signature_of(5), SIGNATURE_UNKNOWN);
}

TEST(file_of_the_system_is_signed_where_the_system_is_windows)
{
    struct file_signature signature = {0};
    wchar_t path[MAX_PATH];
    GetSystemDirectoryW(path, MAX_PATH - 16);
    wcscat_s(path, MAX_PATH, L"\\kernel32.dll");
    file_signature_read(arena, path, &signature);
    CHECK_INT(signature.signer.known, KNOWN_YES);
    if (late_is_wine()) {
        CHECK_INT(signature.state, SIGNATURE_NONE);
        CHECK_STR(signature.signer.value, "");
        return;
    }
    CHECK_INT(signature.state, SIGNATURE_GOOD);
    CHECK(str_starts(signature.signer.value, STR("Microsoft ")));
}

TEST(file_that_is_not_there_tells_nothing)
{
    struct file_signature signature = {0};
    file_signature_read(arena, L"C:\\no such file.exe", &signature);
    CHECK_INT(signature.state, SIGNATURE_UNKNOWN);
    CHECK(signature.signer.known != KNOWN_YES);
}

TAP_MAIN
