#include "sys/reserved.h"

#include "fake_tool_win.h"
#include "sys/late_win.h"
#include "windows_data.h"

static void
answer_all(struct arena *arena, const char *language)
{
    static const char *const sides[] = {"ipv4", "ipv6"};
    static const char *const protocols[] = {"tcp", "udp"};
    struct str excluded = windows_data(arena, str_printf(arena, "excluded-%s.txt", language).ptr);
    struct str dynamic = windows_data(arena, str_printf(arena, "dynamic-%s.txt", language).ptr);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++) {
            fake_tool_answer(
                arena, str_printf(arena, "interface %s show excludedportrange protocol=%s", sides[i], protocols[k]).ptr,
                excluded, 0);
            fake_tool_answer(arena, str_printf(arena, "interface %s show dynamicport %s", sides[i], protocols[k]).ptr,
                             dynamic, 0);
        }
}

static size_t
count(const struct host *host, enum range_kind kind, enum protocol protocol, enum family family)
{
    size_t found = 0;
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        found += range->kind == kind && range->protocol == protocol && range->family == family && !range->any_protocol;
    }
    return found;
}

TEST(ranges_of_both_families_and_protocols_are_read)
{
    struct host host = {0};
    struct err err = {0};
    fake_tool_begin(arena);
    answer_all(arena, "ja.932");
    bool good = reserved_read(arena, &host, &err);
    fake_tool_end(arena);
    if (!good)
        printf("# %s\n", err.text);
    CHECK(good);
    for (int protocol = PROTOCOL_TCP; protocol <= PROTOCOL_UDP; protocol++)
        for (int family = FAMILY_IPV4; family <= FAMILY_IPV6; family += FAMILY_IPV6 - FAMILY_IPV4) {
            CHECK_INT(count(&host, RANGE_EXCLUDED, (enum protocol)protocol, (enum family)family), 7);
            CHECK_INT(count(&host, RANGE_DYNAMIC, (enum protocol)protocol, (enum family)family), 1);
        }
    CHECK_INT(host.raw.count, 8);
    CHECK(str_starts(host.raw.items[0].name, STR("spawn ")));
    CHECK(str_ends(host.raw.items[0].name, STR("\\netsh.exe interface ipv4 show excludedportrange protocol=tcp")));
    CHECK(str_equal(host.raw.items[0].bytes, windows_data(arena, "excluded-ja.932.txt")));
}

TEST(one_answer_that_is_missing_leaves_the_others)
{
    struct host host = {0};
    struct err err = {0};
    fake_tool_begin(arena);
    answer_all(arena, "de.850");
    fake_tool_answer(arena, "interface ipv6 show excludedportrange protocol=udp", STR(""), 1);
    fake_tool_answer(arena, "interface ipv6 show dynamicport udp", STR("nonsense\r\n"), 0);
    bool good = reserved_read(arena, &host, &err);
    fake_tool_end(arena);
    CHECK(!good);
    CHECK(err.kind == ERR_FORMAT || err.kind == ERR_SYSTEM);
    CHECK_INT(host.ranges.count, 3 * 8);
}

TEST(real_netsh_tells_a_dynamic_range)
{
    struct host host = {0};
    struct err err = {0};
    if (late_is_wine())
        SKIP("netsh of Wine prints nothing");
    CHECK(reserved_read(arena, &host, &err));
    CHECK_INT(count(&host, RANGE_DYNAMIC, PROTOCOL_TCP, FAMILY_IPV4), 1);
    CHECK_INT(count(&host, RANGE_DYNAMIC, PROTOCOL_UDP, FAMILY_IPV6), 1);
}

int
main(void)
{
    return fake_tool_main();
}
