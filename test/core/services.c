#include "core/services.h"

#include "tap.h"

static bool
is(const struct service_table *table, const char *name, uint16_t port, bool tcp, bool udp)
{
    uint16_t got = 0;
    bool got_tcp = false;
    bool got_udp = false;

    return services_find(table, str_of(name), &got, &got_tcp, &got_udp) && got == port && got_tcp == tcp &&
           got_udp == udp;
}

TEST(common_names_are_known_without_a_table)
{
    CHECK(is(NULL, "http", 80, true, false));
    CHECK(is(NULL, "HTTPS", 443, true, true));
    CHECK(is(NULL, "ssh", 22, true, false));
    CHECK(is(NULL, "domain", 53, true, true));
    CHECK(is(NULL, "syslog", 514, false, true));
    CHECK(is(NULL, "postgresql", 5432, true, false));
    CHECK(is(NULL, "vite", 5173, true, false));
    CHECK(is(NULL, "mdns", 5353, false, true));
}

TEST(program_names_are_no_services)
{
    static const char *const programs[] = {"node", "nginx", "python3", "java", "", "htt", "httpx"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        CHECK(!is(NULL, programs[i], 80, true, false));
    uint16_t port = 0;
    bool tcp = false;
    bool udp = false;
    CHECK(!services_find(NULL, STR("nginx"), &port, &tcp, &udp));
    CHECK(!services_find(NULL, STR(""), &port, &tcp, &udp));
}

TEST(the_systems_table_wins)
{
    struct service_table table = {.count = 0};

    services_parse(arena,
                   STR("# comment\n"
                       "\n"
                       "shop\t4711/tcp\tstore  trade # the shop\n"
                       "shop 4711/udp\n"
                       "shop 4712/tcp\n"
                       "http 8000/tcp\n"
                       "only 99/sctp\n"
                       "light 136/udplite\n"
                       "broken\nbroken 12\nbroken x/tcp\nbroken 0/tcp\nbroken 65536/tcp\nbroken 80/\n"
                       "last 4713/udp"),
                   &table);
    CHECK(is(&table, "shop", 4711, true, true));
    CHECK(is(&table, "STORE", 4711, true, false));
    CHECK(is(&table, "trade", 4711, true, false));
    CHECK(is(&table, "http", 8000, true, false));
    CHECK(is(&table, "https", 443, true, true));
    CHECK(is(&table, "last", 4713, false, true));
    CHECK(!is(&table, "#", 4711, true, false));
    CHECK(!is(&table, "the", 4711, true, false));
    CHECK(!is(&table, "only", 99, true, false));
    CHECK(!is(&table, "light", 136, false, true));
    CHECK(!is(&table, "broken", 12, true, false));
}

static unsigned readings;

static struct str
read_text(struct arena *arena)
{
    readings++;
    return str_copy(arena, STR("shop 4711/tcp\nhttp 8000/tcp\n"));
}

TEST(the_systems_table_is_read_when_a_name_is_looked_up)
{
    struct service_table table = {.read = read_text};

    readings = 0;
    CHECK(is(&table, "shop", 4711, true, false));
    CHECK_INT(readings, 1);
    CHECK(is(&table, "http", 8000, true, false));
    CHECK(is(&table, "https", 443, true, true));
}

TAP_MAIN
