#include "decode/nftables.h"

#include "decode/netlink.h"
#include "netfilter.h"
#include "tap.h"

// Building messages as the kernel does.

static void
add_number(struct buf *out, uint16_t type, uint32_t number)
{
    char bytes[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number};
    netlink_add_attribute(out, type, (struct str){bytes, sizeof bytes});
}

static void
add_text(struct buf *out, uint16_t type, const char *text)
{
    netlink_add_attribute(out, type, (struct str){text, strlen(text) + 1});
}

static size_t
begin(struct buf *out, uint16_t type, uint8_t family)
{
    size_t start = netlink_begin(out, type, NETLINK_MULTI, 1);
    netlink_add_u8(out, family);
    netlink_add_u8(out, 0);
    netlink_add_be16(out, 0);
    return start;
}

static void
add_chain(struct arena *arena, struct buf *out, const char *name, uint32_t hook)
{
    struct buf nested = {.arena = arena};
    size_t start = begin(out, NFTABLES_NEWCHAIN, 2);
    add_text(out, 1, "t");
    add_text(out, 3, name);
    add_number(&nested, 1, hook);
    netlink_add_attribute(out, 4, buf_str(&nested));
    add_text(out, 7, "nat");
    netlink_end(out, start);
}

static void
add_plain_chain(struct buf *out, const char *name)
{
    size_t start = begin(out, NFTABLES_NEWCHAIN, 2);
    add_text(out, 1, "t");
    add_text(out, 3, name);
    netlink_end(out, start);
}

// An expression in a rule's list.
static void
add_expression(struct arena *arena, struct buf *list, const char *name, struct str attributes)
{
    struct buf one = {.arena = arena};
    add_text(&one, 1, name);
    netlink_add_attribute(&one, 2, attributes);
    netlink_add_attribute(list, 1, buf_str(&one));
}

static void
add_rule(struct buf *out, const char *chain, struct str expressions)
{
    size_t start = begin(out, NFTABLES_NEWRULE, 2);
    add_text(out, 1, "t");
    add_text(out, 2, chain);
    netlink_add_attribute(out, 4, expressions);
    netlink_end(out, start);
}

// "jump CHAIN" as an expression.
static void
add_jump(struct arena *arena, struct buf *list, const char *chain)
{
    struct buf verdict = {.arena = arena};
    struct buf data = {.arena = arena};
    struct buf immediate = {.arena = arena};
    add_number(&verdict, 1, (uint32_t)-3);
    add_text(&verdict, 2, chain);
    netlink_add_attribute(&data, 2, buf_str(&verdict));
    add_number(&immediate, 1, 0);
    netlink_add_attribute(&immediate, 2, buf_str(&data));
    add_expression(arena, list, "immediate", buf_str(&immediate));
}

// An expression whose attributes are numbers, in pairs of type and value that end with a 0.
static void
add_numbers(struct arena *arena, struct buf *list, const char *name, const uint32_t *pairs)
{
    struct buf attributes = {.arena = arena};
    for (; pairs[0]; pairs += 2)
        add_number(&attributes, (uint16_t)pairs[0], pairs[1]);
    add_expression(arena, list, name, buf_str(&attributes));
}

static void
add_redir(struct arena *arena, struct buf *list)
{
    add_expression(arena, list, "redir", STR(""));
}

static struct str
lines_of(struct arena *arena, struct str messages)
{
    struct redirect_list list = {.count = 0};
    nftables_parse(arena, messages, &list);
    return netfilter_lines(arena, list.items, list.count);
}

TEST(recorded_rules_of_nft_are_understood)
{
    struct str messages = netfilter_file(arena, "nftables.bin");
    CHECK(nftables_translates(arena, messages));
    CHECK_STR(lines_of(arena, messages), netfilter_file(arena, "nftables.txt").ptr);
}

TEST(recorded_rules_of_iptables_nft_are_understood)
{
    CHECK_STR(lines_of(arena, netfilter_file(arena, "iptables_nft.bin")),
              netfilter_file(arena, "iptables_nft.txt").ptr);
}

TEST(only_sets_of_tables_that_translate_are_asked_for)
{
    struct nftables_set_list sets = {.count = 0};
    nftables_sets(arena, netfilter_file(arena, "nftables.bin"), &sets);
    CHECK(sets.count > 5);
    bool ports = false;
    for (size_t i = 0; i < sets.count; i++) {
        CHECK_INT(sets.items[i].family, 2);
        CHECK_STR(sets.items[i].table, "t4");
        ports = ports || str_equal(sets.items[i].name, STR("ports"));
    }
    CHECK(ports);
}

TEST(without_the_elements_a_set_makes_its_rules_partial)
{
    struct buf kept = {.arena = arena};
    struct str rest = netfilter_file(arena, "nftables.bin");
    struct netlink_message message;
    for (const char *start = rest.ptr; netlink_next(&rest, &message); start = rest.ptr) {
        if (message.type != NFTABLES_NEWSETELEM)
            buf_add(&kept, (struct str){start, (size_t)(rest.ptr - start)});
    }
    struct str lines = lines_of(arena, buf_str(&kept));
    CHECK(str_find(lines, STR("tcp ip t4 pre 1-65535 for IPv4 to port 2 partial\n")) != SIZE_MAX);
    CHECK(str_find(lines, STR("tcp ip t4 pre 8000-8000 for IPv4 to port 9000\n")) != SIZE_MAX);
    // A map that is not known may send anywhere: the target is left open.
    CHECK(str_find(lines, STR("tcp ip t4 pre 900-900 for IPv4 to port 0 partial\n")) != SIZE_MAX);
}

TEST(no_rules_are_no_redirects)
{
    CHECK(!nftables_translates(arena, STR("")));
    CHECK_STR(lines_of(arena, STR("")), "");
    struct nftables_set_list sets = {.count = 0};
    nftables_sets(arena, STR(""), &sets);
    CHECK_INT(sets.count, 0);
}

TEST(chains_that_change_the_source_do_not_count)
{
    struct buf messages = {.arena = arena};
    add_chain(arena, &messages, "post", 4);
    add_chain(arena, &messages, "input", 1);
    CHECK(!nftables_translates(arena, buf_str(&messages)));
    add_chain(arena, &messages, "out", 3);
    CHECK(nftables_translates(arena, buf_str(&messages)));
}

TEST(chains_in_a_circle_come_to_an_end)
{
    struct buf messages = {.arena = arena};
    struct buf rule = {.arena = arena};
    add_chain(arena, &messages, "pre", 0);
    add_plain_chain(&messages, "a");
    add_plain_chain(&messages, "b");
    add_jump(arena, &rule, "a");
    add_rule(&messages, "pre", buf_str(&rule));
    add_rule(&messages, "b", buf_str(&rule));
    rule.len = 0;
    add_jump(arena, &rule, "b");
    add_rule(&messages, "a", buf_str(&rule));
    add_rule(&messages, "a", buf_str(&rule));
    CHECK_STR(lines_of(arena, buf_str(&messages)), "");
    // Where a chain leads that is not there, nothing follows.
    rule.len = 0;
    add_jump(arena, &rule, "missing");
    add_redir(arena, &rule);
    messages.len = 0;
    add_chain(arena, &messages, "pre", 0);
    add_rule(&messages, "pre", buf_str(&rule));
    CHECK_STR(lines_of(arena, buf_str(&messages)), "");
}

// A rule made of one expression with odd numbers, and a redirect behind it.
static struct str
line_behind(struct arena *arena, const char *name, const uint32_t *pairs)
{
    struct buf messages = {.arena = arena};
    struct buf rule = {.arena = arena};
    add_chain(arena, &messages, "pre", 0);
    add_numbers(arena, &rule, name, pairs);
    add_redir(arena, &rule);
    add_rule(&messages, "pre", buf_str(&rule));
    return lines_of(arena, buf_str(&messages));
}

#define EVERY "tcp ip t pre 1-65535 for IPv4 to port 0"
#define EVERY_UDP "udp ip t pre 1-65535 for IPv4 to port 0"
#define PARTIAL EVERY " partial\n" EVERY_UDP " partial\n"
#define WHOLE EVERY "\n" EVERY_UDP "\n"

TEST(what_asks_nothing_leaves_a_rule_whole)
{
    CHECK_STR(line_behind(arena, "counter", (const uint32_t[]){0}), WHOLE);
    CHECK_STR(line_behind(arena, "log", (const uint32_t[]){0}), WHOLE);
    CHECK_STR(line_behind(arena, "meta", (const uint32_t[]){3, 1, 2, 3, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "payload", (const uint32_t[]){1, 99, 2, 1, 3, 0, 4, 4, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "payload", (const uint32_t[]){1, 1, 2, 7, 3, 0, 4, 0xffffffff, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "fib", (const uint32_t[]){1, 1, 2, 1, 3, 2, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "bitwise", (const uint32_t[]){1, 77, 2, 1, 3, 4, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "bitwise", (const uint32_t[]){1, 1, 2, 1, 3, 4, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "immediate", (const uint32_t[]){1, 1, 0}), WHOLE);
    CHECK_STR(line_behind(arena, "nat", (const uint32_t[]){1, 0, 0}), "");
}

TEST(what_is_not_understood_makes_a_rule_partial)
{
    CHECK_STR(line_behind(arena, "quota", (const uint32_t[]){0}), PARTIAL);
    CHECK_STR(line_behind(arena, "cmp", (const uint32_t[]){1, 1, 2, 0, 0}), PARTIAL);
    CHECK_STR(line_behind(arena, "range", (const uint32_t[]){1, 1, 2, 0, 0}), PARTIAL);
    CHECK_STR(line_behind(arena, "lookup", (const uint32_t[]){2, 1, 0}), PARTIAL);
    CHECK_STR(line_behind(arena, "match", (const uint32_t[]){2, 1, 0}), PARTIAL);
    CHECK_STR(line_behind(arena, "target", (const uint32_t[]){2, 1, 0}), WHOLE);
}

static void
add_compare(struct arena *arena, struct buf *list, uint32_t source, uint32_t operation, struct str value)
{
    struct buf data = {.arena = arena};
    struct buf attributes = {.arena = arena};
    netlink_add_attribute(&data, 1, value);
    add_number(&attributes, 1, source);
    add_number(&attributes, 2, operation);
    netlink_add_attribute(&attributes, 3, buf_str(&data));
    add_expression(arena, list, "cmp", buf_str(&attributes));
}

// "LOAD into the register that is its first number; compare it; redirect".
static struct str
line_compared(struct arena *arena, const char *name, const uint32_t *load, uint32_t operation, struct str value)
{
    struct buf messages = {.arena = arena};
    struct buf rule = {.arena = arena};
    add_chain(arena, &messages, "pre", 0);
    add_numbers(arena, &rule, name, load);
    add_compare(arena, &rule, load[1], operation, value);
    add_redir(arena, &rule);
    add_rule(&messages, "pre", buf_str(&rule));
    return lines_of(arena, buf_str(&messages));
}

TEST(the_type_of_the_destination_is_this_host)
{
    const uint32_t type[] = {1, 1, 2, 3, 3, 2, 0};
    CHECK_STR(line_compared(arena, "fib", type, 0, STR("\2\0\0\0")), WHOLE);
    CHECK_STR(line_compared(arena, "fib", type, 0, STR("\0\0\0\2")), WHOLE);
    CHECK_STR(line_compared(arena, "fib", type, 1, STR("\2\0\0\0")), "");
    CHECK_STR(line_compared(arena, "fib", type, 1, STR("\3\0\0\0")), WHOLE);
    CHECK_STR(line_compared(arena, "fib", type, 0, STR("\3\0\0\0")), "");
}

TEST(the_family_of_a_table_can_be_asked_for_again)
{
    const uint32_t family[] = {1, 1, 2, 15, 0};
    CHECK_STR(line_compared(arena, "meta", family, 0, STR("\2")), WHOLE);
    CHECK_STR(line_compared(arena, "meta", family, 0, STR("\12")), "");
    CHECK_STR(line_compared(arena, "meta", family, 1, STR("\12")), WHOLE);
    CHECK_STR(line_compared(arena, "meta", family, 0, STR("\7")), WHOLE);
}

TEST(comparing_what_is_unknown_is_partial)
{
    const uint32_t interface_name[] = {1, 1, 2, 6, 0};
    const uint32_t link[] = {1, 1, 2, 0, 3, 0, 4, 6, 0};
    const uint32_t length[] = {1, 1, 2, 1, 3, 2, 4, 2, 0};
    const uint32_t source_port[] = {1, 1, 2, 2, 3, 0, 4, 2, 0};
    const uint32_t port[] = {1, 1, 2, 2, 3, 2, 4, 2, 0};
    CHECK_STR(line_compared(arena, "meta", interface_name, 0, STR("eth0")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", link, 0, STR("123456")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", length, 0, STR("12")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", length, 2, STR("12")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", source_port, 0, STR("12")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", port, 0, STR("1")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", port, 0, STR("")), PARTIAL);
}

TEST(what_does_not_fit_behind_a_register_is_unknown)
{
    const uint32_t addresses[] = {1, 27, 2, 1, 3, 0, 4, 20, 0};
    const uint32_t address[] = {1, 27, 2, 1, 3, 16, 4, 4, 0};
    CHECK_STR(line_compared(arena, "payload", addresses, 0, STR("................\177\0\0\1")), PARTIAL);
    CHECK_STR(line_compared(arena, "payload", address, 0, STR("\177\0\0\1")),
              "tcp ip t pre 1-65535 for 127.0.0.1 to port 0\nudp ip t pre 1-65535 for 127.0.0.1 to port 0\n");
}

TEST(a_port_below_none_and_above_all_lets_nothing_pass)
{
    const uint32_t port[] = {1, 1, 2, 2, 3, 2, 4, 2, 0};
    CHECK_STR(line_compared(arena, "payload", port, 2, STR("\0\0")), "");
    CHECK_STR(line_compared(arena, "payload", port, 4, STR("\377\377")), "");
    CHECK_STR(line_compared(arena, "payload", port, 0, STR("\0\0")), "");
}

TEST(every_cut_of_a_recording_is_read_without_harm)
{
    struct str messages = netfilter_file(arena, "iptables_nft.bin");
    for (size_t i = 0; i < messages.len; i += 97) {
        char *copy = malloc(i + 1);
        memcpy(copy, messages.ptr, i);
        lines_of(arena, (struct str){copy, i});
        free(copy);
    }
}

TAP_MAIN
