#include "sys/fault_win.h"

#include "tap.h"

#include <winsock2.h>

#include <windows.h>

TEST(codes_have_a_kind)
{
    CHECK_INT(fault_kind(ERROR_ACCESS_DENIED), ERR_NOT_ALLOWED);
    CHECK_INT(fault_kind(WSAEACCES), ERR_NOT_ALLOWED);
    CHECK_INT(fault_kind(ERROR_FILE_NOT_FOUND), ERR_GONE);
    CHECK_INT(fault_kind(ERROR_NOT_SUPPORTED), ERR_UNSUPPORTED);
    CHECK_INT(fault_kind(WAIT_TIMEOUT), ERR_TIMEOUT);
    CHECK_INT(fault_kind(ERROR_DISK_FULL), ERR_SYSTEM);
}

TEST(the_sentence_is_the_systems_own)
{
    struct err err = {0};
    CHECK(!fault_set(&err, ERROR_ACCESS_DENIED, "open %s", "x"));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK_INT(err.os, ERROR_ACCESS_DENIED);
    CHECK(str_starts(str_of(err.text), STR("open x: ")) && strlen(err.text) > 12);
    CHECK(!str_ends(str_of(err.text), STR(".")) && !strchr(err.text, '\n'));
    fault_set(&err, 3999999999u, "read");
    CHECK_STR(str_of(err.text), "read: error 3999999999");
    CHECK(!fault_set(NULL, ERROR_ACCESS_DENIED, "x"));
}

TEST(a_status_of_the_kernel_becomes_a_code)
{
    struct err err = {0};
    CHECK(!fault_set_nt(&err, (long)0xc0000022, "look"));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK_INT(err.os, ERROR_ACCESS_DENIED);
}

TAP_MAIN
