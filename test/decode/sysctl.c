#include "decode/sysctl.h"

#include "tap.h"

TEST(the_dynamic_range_is_read)
{
    uint16_t first;
    uint16_t last;
    CHECK(sysctl_parse_range(STR("32768\t60999\n"), &first, &last));
    CHECK(first == 32768 && last == 60999);
    CHECK(sysctl_parse_range(STR("1 65535"), &first, &last) && first == 1 && last == 65535);
    static const char *const wrong[] = {"", "1\n", "1 65536", "2 1", "1 2 3", "a b", "-1 5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!sysctl_parse_range(str_of(wrong[i]), &first, &last));
}

TEST(a_list_of_ports_gives_its_ranges_in_order)
{
    struct str rest = STR("8080,9000-9100,65535\n");
    uint16_t first;
    uint16_t last;
    CHECK(sysctl_next_range(&rest, &first, &last) && first == 8080 && last == 8080);
    CHECK(sysctl_next_range(&rest, &first, &last) && first == 9000 && last == 9100);
    CHECK(sysctl_next_range(&rest, &first, &last) && first == 65535 && last == 65535);
    CHECK(!sysctl_next_range(&rest, &first, &last));
    static const char *const wrong[] = {"", "\n", "70000", "9-8", "1-", "-5", "1-2-3", "x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rest = str_of(wrong[i]);
        CHECK(!sysctl_next_range(&rest, &first, &last));
    }
}

TEST(a_number_is_read)
{
    uint64_t number;
    CHECK(sysctl_parse_number(STR("1024\n"), &number) && number == 1024);
    CHECK(!sysctl_parse_number(STR("\n"), &number) && !sysctl_parse_number(STR("1 2"), &number));
}

TEST(ports_of_the_nfs_server_are_read)
{
    enum protocol protocol;
    uint16_t port;
    CHECK(sysctl_parse_nfsd_port(STR("udp 2049"), &protocol, &port) && protocol == PROTOCOL_UDP && port == 2049);
    CHECK(sysctl_parse_nfsd_port(STR("tcp 20490\n"), &protocol, &port) && protocol == PROTOCOL_TCP && port == 20490);
    CHECK(!sysctl_parse_nfsd_port(STR("rdma 20049"), &protocol, &port));
    CHECK(!sysctl_parse_nfsd_port(STR("tcp"), &protocol, &port) && !sysctl_parse_nfsd_port(STR(""), &protocol, &port));
    CHECK(!sysctl_parse_nfsd_port(STR("tcp 0"), &protocol, &port));
    CHECK(!sysctl_parse_nfsd_port(STR("tcp 99999"), &protocol, &port));
}

TAP_MAIN
