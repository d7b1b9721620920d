#include "core/refusal.h"

#include "tap.h"

static enum refusal
refusal(const char *result)
{
    return refusal_of(&(struct probe){.result = str_of(result)});
}

TEST(one_meaning_has_the_names_of_both_systems)
{
    CHECK_INT(refusal("EADDRINUSE"), REFUSAL_IN_USE);
    CHECK_INT(refusal("WSAEADDRINUSE"), REFUSAL_IN_USE);
    CHECK_INT(refusal("EADDRNOTAVAIL"), REFUSAL_NOT_LOCAL);
    CHECK_INT(refusal("WSAEADDRNOTAVAIL"), REFUSAL_NOT_LOCAL);
    CHECK_INT(refusal("EINVAL"), REFUSAL_NOT_LOCAL);
    CHECK_INT(refusal("WSAEINVAL"), REFUSAL_NOT_LOCAL);
    CHECK_INT(refusal("unsupported"), REFUSAL_UNSUPPORTED);
}

TEST(windows_forbids_where_linux_misses_a_right)
{
    CHECK_INT(refusal("EACCES"), REFUSAL_NO_RIGHT);
    CHECK_INT(refusal("EPERM"), REFUSAL_BY_RULE);
    CHECK_INT(refusal("WSAEACCES"), REFUSAL_FORBIDDEN);
}

TEST(what_worked_is_no_refusal_and_what_is_unknown_is_one)
{
    CHECK_INT(refusal_of(&(struct probe){.worked = true, .result = STR("ok")}), REFUSAL_NONE);
    CHECK_INT(refusal("ENOBUFS"), REFUSAL_OTHER);
    CHECK_INT(refusal("WSAENOBUFS"), REFUSAL_OTHER);
}

TAP_MAIN
