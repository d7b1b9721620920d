#include "cmd/words.h"

#include "tap.h"

static struct str
addresses(struct arena *arena, const struct socket_row *rows, size_t count, bool ipv6)
{
    struct host host = {.ipv6 = ipv6};
    size_t sockets[8];

    for (size_t i = 0; i < count; i++) {
        *LIST_ADD(arena, &host.sockets) = rows[i];
        sockets[i] = i;
    }
    return words_addresses(arena, &host, sockets, count);
}

static struct socket_row
row_at(struct address address, enum tri v6only)
{
    return (struct socket_row){.local = address, .v6only = v6only};
}

TEST(spans_are_rounded_down_to_their_largest_unit)
{
    CHECK_STR(words_span(arena, -5), "0 s");
    CHECK_STR(words_span(arena, 59999), "59 s");
    CHECK_STR(words_span(arena, 60000), "1 min");
    CHECK_STR(words_span(arena, 3600000), "1 h");
    CHECK_STR(words_span(arena, 47LL * 3600000), "47 h");
    CHECK_STR(words_span(arena, 48LL * 3600000), "2 d");
    CHECK_STR(words_ago(arena, 400), "just now");
    CHECK_STR(words_ago(arena, 7200000), "2 h ago");
}

TEST(one_is_singular)
{
    CHECK_STR(words_count(arena, 1, "port", "ports"), "1 port");
    CHECK_STR(words_count(arena, 0, "port", "ports"), "0 ports");
}

TEST(a_shell_reads_quoted_words_back)
{
    CHECK_STR(words_shell(arena, STR("/usr/bin/node")), "/usr/bin/node");
    CHECK_STR(words_shell(arena, STR("")), "''");
    CHECK_STR(words_shell(arena, STR("two words")), "'two words'");
    CHECK_STR(words_shell(arena, STR("it's")), "'it'\\''s'");
    CHECK_STR(words_shell(arena, STR("$(reboot)")), "'$(reboot)'");
}

TEST(a_hostile_command_line_is_escaped)
{
    struct str_list command = {0};
    struct report_privacy privacy = {.full = true};

    *LIST_ADD(arena, &command) = STR("\x1b[2J");
    *LIST_ADD(arena, &command) = STR("a\nb");
    struct str shown = words_command(arena, &(struct host){0}, &command, &privacy);
    CHECK(str_find_byte(shown, '\x1b') == SIZE_MAX);
    CHECK(str_find_byte(shown, '\n') == SIZE_MAX);
}

TEST(an_escaped_command_line_can_be_typed_again)
{
    struct str_list command = {0};
    struct report_privacy privacy = {.full = true};

    *LIST_ADD(arena, &command) = STR("\x1b[2J");
    *LIST_ADD(arena, &command) = STR("it's\n\\d");
    *LIST_ADD(arena, &command) = STR("a\\b");
    CHECK_STR(words_command(arena, &(struct host){0}, &command, &privacy), "$'\\x1b[2J' $'it\\'s\\n\\\\d' 'a\\b'");
}

TEST(masked_words_are_not_quoted)
{
    struct str_list command = {0};
    struct report_privacy privacy = {0};

    *LIST_ADD(arena, &command) = STR("node");
    *LIST_ADD(arena, &command) = STR("--password=hunter2");
    *LIST_ADD(arena, &command) = STR("a*");
    CHECK_STR(words_command(arena, &(struct host){0}, &command, &privacy), "node --password=*** 'a*'");
}

TEST(share_shows_only_the_name_of_a_program)
{
    struct str_list command = {0};
    struct report_privacy privacy = {.share = true};

    *LIST_ADD(arena, &command) = STR("/home/ann/bin/server");
    *LIST_ADD(arena, &command) = STR("--customer=acme");
    CHECK_STR(words_command(arena, &(struct host){0}, &command, &privacy), "server");
}

TEST(home_is_a_tilde)
{
    struct report_privacy privacy = {.home = STR("/home/ann")};

    CHECK_STR(words_path(arena, STR("/home/ann/src"), &privacy), "~/src");
    CHECK_STR(words_path(arena, STR("/home/ann"), &privacy), "~");
    CHECK_STR(words_path(arena, STR("/home/anna/src"), &privacy), "/home/anna/src");
}

TEST(every_address_is_all)
{
    struct socket_row rows[] = {row_at(address_any(FAMILY_IPV4), TRI_UNKNOWN),
                                row_at(address_any(FAMILY_IPV6), TRI_YES)};

    CHECK_STR(addresses(arena, rows, 2, true), "all");
    CHECK_STR(addresses(arena, rows, 1, true), "all IPv4");
    CHECK_STR(addresses(arena, rows, 1, false), "all");
    CHECK_STR(addresses(arena, rows + 1, 1, true), "all IPv6");
}

TEST(a_dual_stack_socket_has_every_address)
{
    struct socket_row rows[] = {row_at(address_any(FAMILY_IPV6), TRI_NO)};

    CHECK_STR(addresses(arena, rows, 1, true), "all");
}

TEST(loopback_of_both_families_is_local_only)
{
    struct socket_row rows[] = {row_at(address_loopback(FAMILY_IPV6), TRI_YES),
                                row_at(address_loopback(FAMILY_IPV4), TRI_UNKNOWN)};

    CHECK_STR(addresses(arena, rows, 2, true), "local only");
    CHECK_STR(addresses(arena, rows, 1, true), "::1");
}

TEST(many_addresses_are_counted_and_equal_ones_once)
{
    struct socket_row rows[] = {
        row_at(address_ipv4(10, 0, 0, 1), TRI_UNKNOWN),
        row_at(address_ipv4(10, 0, 0, 2), TRI_UNKNOWN),
        row_at(address_ipv4(10, 0, 0, 1), TRI_UNKNOWN),
        row_at(address_ipv4(10, 0, 0, 3), TRI_UNKNOWN),
    };

    CHECK_STR(addresses(arena, rows, 4, true), "10.0.0.1, 10.0.0.2 +1");
}

TEST(an_address_on_a_device_is_not_every_address)
{
    struct socket_row rows[] = {row_at(address_any(FAMILY_IPV4), TRI_UNKNOWN)};

    rows[0].device = 3;
    CHECK_STR(words_address(arena, rows), "0.0.0.0%3");
    rows[0].device_name = STR("eth0");
    CHECK_STR(addresses(arena, rows, 1, true), "0.0.0.0%eth0");
}

TEST(long_text_goes_on_below_where_it_began)
{
    struct buf out = {.arena = arena};

    words_fold(&out, STR("one two three"), 4, 12);
    CHECK_STR(buf_str(&out), "one two\n    three");
    out.len = 0;
    words_fold(&out, STR("one two three"), 4, 0);
    CHECK_STR(buf_str(&out), "one two three");
}

TEST(protocols_have_their_usual_names)
{
    CHECK_STR(words_protocol(PROTOCOL_TCP), "TCP");
    CHECK_STR(words_protocol(PROTOCOL_MPTCP), "TCP");
    CHECK_STR(words_protocol(PROTOCOL_UDP), "UDP");
    CHECK_STR(words_protocol(PROTOCOL_UDPLITE), "UDP-Lite");
}

TEST(a_command_of_windows_has_its_quotes)
{
    struct host host = {.platform = STR("windows")};
    struct report_privacy privacy = {0};
    struct str_list command = {0};

    *LIST_ADD(arena, &command) = STR("C:\\Program Files\\a.exe");
    *LIST_ADD(arena, &command) = STR("C:\\b.js");
    *LIST_ADD(arena, &command) = STR("say \"hi\"");
    *LIST_ADD(arena, &command) = STR("");
    CHECK_STR(words_command(arena, &host, &command, &privacy),
              "\"C:\\Program Files\\a.exe\" C:\\b.js \"say \\\"hi\\\"\" \"\"");
    privacy.share = true;
    CHECK_STR(words_command(arena, &host, &command, &privacy), "a.exe");
    privacy = (struct report_privacy){.home = STR("C:\\Users\\ann")};
    CHECK_STR(words_path(arena, STR("C:\\Users\\ann\\src"), &privacy), "~\\src");
}

TEST(a_command_is_run_in_a_folder_as_its_system_does_it)
{
    struct host windows = {.platform = STR("windows")};
    struct host linux_host = {.platform = STR("linux")};
    CHECK_STR(words_in_folder(arena, &linux_host, STR("/home/ann/my shop"), STR("node a.js")),
              "cd '/home/ann/my shop' && node a.js");
    CHECK_STR(words_in_folder(arena, &windows, STR("D:\\my shop\\"), STR("node a.js")),
              "cd /d \"D:\\my shop\" && node a.js");
    CHECK_STR(words_in_folder(arena, &windows, STR("C:\\"), STR("a.exe")), "cd /d C:\\ && a.exe");
}

TAP_MAIN
