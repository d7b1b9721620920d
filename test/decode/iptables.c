#include "decode/iptables.h"

#include "netfilter.h"
#include "tap.h"

#define INFO_SIZE 84

static struct str
lines_of(struct arena *arena, enum family family, struct str bytes)
{
    struct iptables_info info;
    struct redirect_list list = {.count = 0};
    if (!iptables_parse_info(bytes, &info) ||
        !iptables_parse(arena, family, &info, str_part(bytes, INFO_SIZE, bytes.len), &list))
        return STR("no table");
    return netfilter_lines(arena, list.items, list.count);
}

// A copy that may be changed.
static struct str
copy_of(struct arena *arena, struct str bytes, unsigned char **out)
{
    *out = arena_alloc(arena, bytes.len);
    memcpy(*out, bytes.ptr, bytes.len);
    return (struct str){(const char *)*out, bytes.len};
}

TEST(recorded_rules_of_ipv4_are_understood)
{
    CHECK_STR(lines_of(arena, FAMILY_IPV4, netfilter_file(arena, "iptables_ipv4.bin")),
              netfilter_file(arena, "iptables_ipv4.txt").ptr);
}

TEST(recorded_rules_of_ipv6_are_understood)
{
    CHECK_STR(lines_of(arena, FAMILY_IPV6, netfilter_file(arena, "iptables_ipv6.bin")),
              netfilter_file(arena, "iptables_ipv6.txt").ptr);
}

TEST(what_is_no_table_is_refused)
{
    struct str bytes = netfilter_file(arena, "iptables_ipv4.bin");
    CHECK_STR(lines_of(arena, FAMILY_IPV4, STR("")), "no table");
    CHECK_STR(lines_of(arena, FAMILY_IPV4, str_part(bytes, 0, INFO_SIZE - 1)), "no table");
    CHECK_STR(lines_of(arena, FAMILY_IPV4, str_part(bytes, 0, INFO_SIZE)), "no table");
    CHECK_STR(lines_of(arena, FAMILY_IPV4, str_part(bytes, 0, INFO_SIZE + 100)), "no table");
}

TEST(a_table_without_these_hooks_has_no_redirects)
{
    unsigned char *bytes;
    struct str copy = copy_of(arena, netfilter_file(arena, "iptables_ipv4.bin"), &bytes);
    memset(bytes + 32, 0, 4);
    CHECK_STR(lines_of(arena, FAMILY_IPV4, copy), "");
}

TEST(chains_in_a_circle_come_to_an_end)
{
    // One entry that is a chain's head, then a rule that jumps to itself.
    unsigned char bytes[INFO_SIZE + 192 + 160] = {0};
    unsigned char *head = bytes + INFO_SIZE;
    unsigned char *rule = head + 192;
    bytes[32] = 1; // prerouting only
    bytes[36] = 192;
    bytes[56] = 255; // its policy is nowhere
    head[88] = 112;
    head[90] = 192;
    head[112] = 80;
    memcpy(head + 114, "ERROR", 5);
    memcpy(head + 144, "loop", 4);
    rule[88] = 112;
    rule[90] = 152;
    rule[112] = 40;
    rule[144] = 192;
    CHECK_STR(lines_of(arena, FAMILY_IPV4, (struct str){(const char *)bytes, sizeof bytes}), "");
}

TEST(sizes_that_lie_are_refused)
{
    unsigned char *bytes;
    struct str copy = copy_of(arena, netfilter_file(arena, "iptables_ipv4.bin"), &bytes);
    // The first entry's target begins before its matches; then the entry ends before its target.
    bytes[INFO_SIZE + 88] = 4;
    CHECK_STR(lines_of(arena, FAMILY_IPV4, copy), "no table");
    copy = copy_of(arena, netfilter_file(arena, "iptables_ipv4.bin"), &bytes);
    bytes[INFO_SIZE + 90] = 1;
    bytes[INFO_SIZE + 91] = 0;
    CHECK_STR(lines_of(arena, FAMILY_IPV4, copy), "no table");
}

TEST(every_changed_byte_is_read_without_harm)
{
    struct str bytes = netfilter_file(arena, "iptables_ipv4.bin");
    unsigned char *exact = malloc(bytes.len);
    for (size_t i = 0; i < bytes.len; i += 5) {
        memcpy(exact, bytes.ptr, bytes.len);
        exact[i] = (unsigned char)(exact[i] ^ 0xff);
        lines_of(arena, FAMILY_IPV4, (struct str){(const char *)exact, bytes.len});
    }
    free(exact);
}

TAP_MAIN
