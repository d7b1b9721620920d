#include "decode/unix_table.h"

#include "tap.h"

static const char table[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
                            "0000000094442d8a: 00000002 00000000 00010000 0001 01  1060 /run/docker.sock\n"
                            "00000000e01fd619: 00000003 00000000 00000000 0001 03  1059 /run/docker.sock\n"
                            "00000000e01fd619: 00000003 00000000 00000000 0001 02  1058 /run/a name \n"
                            "0000000094442d8a: 00000002 00000000 00000000 0002 01  1057\n"
                            "0000000094442d8a: 00000002 00000000 00010000 0001 01  1056 @abstract\n"
                            "broken\n";

TEST(rows_tell_who_listens_and_who_was_accepted)
{
    struct str rest = str_of(table);
    struct unix_row row;
    CHECK(unix_table_next(&rest, &row));
    CHECK(row.listens && !row.connected);
    CHECK_INT(row.inode, 1060);
    CHECK_STR(row.path, "/run/docker.sock");
    CHECK(unix_table_next(&rest, &row));
    CHECK(!row.listens && row.connected);
    CHECK(unix_table_next(&rest, &row));
    CHECK(!row.listens && !row.connected);
    CHECK_STR(row.path, "/run/a name ");
    CHECK(unix_table_next(&rest, &row));
    CHECK_STR(row.path, "");
    CHECK(unix_table_next(&rest, &row));
    CHECK_STR(row.path, "@abstract");
    CHECK(!unix_table_next(&rest, &row));
}

TEST(rows_with_wrong_numbers_are_passed_over)
{
    static const char *const lines[] = {
        "0: 1 0 xyz 1 1 1 /a", "0: 1 0 10000 1 q 1 /a", "0: 1 0 10000 1 1 -1 /a", "0 1 0 10000 1 1 1 /a", "",
    };
    struct unix_row row;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct str rest = str_of(lines[i]);
        CHECK(!unix_table_next(&rest, &row));
    }
}

TAP_MAIN
