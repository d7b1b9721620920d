#include "core/endpoint.h"

#include <stdio.h>

#include "base/buf.h"
#include "core/endpoint_part.h"
#include "core/services.h"
#include "tap.h"

static const char *const kinds[] = {"port", "meaning", "word", "wrong"};

// What the text is read as: the ports in their shortest form, "meaning", "word", or the sentence that says what is wrong.
static struct str
read_as(struct arena *arena, struct str text)
{
    struct endpoint_list list = {.count = 0};
    struct err err = {.kind = ERR_NONE};
    struct buf out = {.arena = arena};
    enum endpoint_kind kind = endpoint_parse(arena, text, NULL, &list, &err);

    if (kind == ENDPOINT_IS_WRONG)
        return err.kind == ERR_USAGE && list.count == 0 ? str_copy(arena, str_of(err.text)) : STR("no usage error");
    if (kind != ENDPOINT_IS_PORT)
        return list.count == 0 ? str_of(kinds[kind]) : STR("ports beside no port");
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            buf_add_byte(&out, ' ');
        buf_add(&out, endpoint_format(arena, &list.items[i]));
    }
    return buf_str(&out);
}

#define READS(text, want) CHECK_STR(read_as(arena, STR(text)), want)

TEST(a_port_is_written_in_many_ways)
{
    READS("8080", "8080");
    READS(" 8080\n", "8080");
    READS("080", "80");
    READS("1", "1");
    READS("65535", "65535");
    READS(":8080", "8080");
    READS("*:80", "80");
    READS("8000-8010", "8000-8010");
    READS("80-80", "80");
    READS("127.0.0.1:80", "127.0.0.1:80");
    READS("0.0.0.0:80", "0.0.0.0:80");
    READS("1.2.3.4:80", "1.2.3.4:80");
    READS("[::1]:80", "[::1]:80");
    READS(":::80", "[::]:80");
    READS("[::]:80", "[::]:80");
    READS("::ffff:127.0.0.1:80", "[::ffff:127.0.0.1]:80");
    READS("127.0.0.1:8000-8010", "127.0.0.1:8000-8010");
    READS("localhost:3000", "localhost:3000");
    READS("LOCALHOST.:3000", "localhost:3000");
    READS("shop.localhost:3000", "localhost:3000");
    READS("localhost.localdomain:3000", "localhost:3000");
    READS("localhost:3000/x/y?z", "localhost:3000");
}

TEST(the_protocol_may_stand_on_both_sides)
{
    READS("udp/53", "udp/53");
    READS("53/udp", "udp/53");
    READS("UDP:53", "udp/53");
    READS("tcp/8080", "tcp/8080");
    READS("8080/tcp", "tcp/8080");
    READS("tcp4/80", "tcp/80");
    READS("udplite/5000", "udplite/5000");
    READS("mptcp/80", "mptcp/80");
    READS("127.0.0.1:53/udp", "udp/127.0.0.1:53");
    READS("udp/[::1]:53", "udp/[::1]:53");
    READS("tcp/localhost:80", "tcp/localhost:80");
    READS("tcp", "'tcp' names a protocol, but no port: write tcp/8080");
    READS("tcp/", "'tcp/' names a protocol, but no port");
    READS("tcp:", "'tcp:' names a protocol, but no port");
    READS("80/sctp", "'sctp' is no protocol that moorage knows: tcp, udp, udplite or mptcp");
    READS("foo/80", "'foo' is no protocol that moorage knows: tcp, udp, udplite or mptcp");
    READS("80/", "'80/' lacks the protocol: a port with one is written 8080/tcp");
    READS("/80", "'/80' lacks the protocol: a port with one is written 8080/tcp");
    READS("tcp/foo", "'foo' is neither a port nor the name of a service");
}

TEST(lists_share_what_they_name_once)
{
    READS("8080,8081", "8080 8081");
    READS("8080, 8081,9000-9002", "8080 8081 9000-9002");
    READS("udp/53,5353", "udp/53 udp/5353");
    READS("udp/53, 54", "udp/53 udp/54");
    READS("80,443/tcp", "tcp/80 tcp/443");
    READS("53/udp,80/tcp", "udp/53 tcp/80");
    READS("127.0.0.1:80,443,[::1]:80,81", "127.0.0.1:80 127.0.0.1:443 [::1]:80 [::1]:81");
    READS("ssh,8080", "tcp/22 8080");
    READS("localhost:80,ssh", "localhost:80 tcp/22");
    READS("80,,81", "a port is missing before or after a comma");
    READS("80,", "a port is missing before or after a comma");
    READS(",", "a port is missing before or after a comma");
    READS("8080,shopd", "'shopd' is neither a port nor the name of a service");
    READS("shopd,8080", "'shopd,8080' holds more than ports and names of services");
    READS("shopd,shopctl", "word");
    READS("80,0", "'0' is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
}

TEST(urls_of_this_machine_name_ports)
{
    READS("http://localhost:3000/x", "localhost:3000");
    READS("http://127.0.0.1:3000", "127.0.0.1:3000");
    READS("http://[::1]:3000/", "[::1]:3000");
    READS("http://localhost", "localhost:80");
    READS("HTTPS://localhost/x", "localhost:443");
    READS("https://[::1]", "[::1]:443");
    READS("http://*:5000", "5000");
    READS("http://+:80/x/", "80");
    READS("http://:8080", "8080");
    READS("http://localhost:/", "localhost:80");
    READS("http://a@b:c@localhost:81?q#f", "localhost:81");
    READS("postgres://ann:secret@127.0.0.1/shop", "127.0.0.1:5432");
    READS("postgresql+psycopg2://localhost/shop", "localhost:5432");
    READS("jdbc:mysql://localhost/shop", "localhost:3306");
    READS("mongodb://localhost:27017,localhost/shop", "localhost:27017 localhost:27017");
    READS("tcp://0.0.0.0:2375", "tcp/0.0.0.0:2375");
    READS("udp://localhost:53", "udp/localhost:53");
    READS("vite://localhost:5173", "localhost:5173");
    READS("vite://localhost", "'vite://localhost' names no port, and the usual port of such a URL is not known");
    READS("http://localhost:port", "'port' is no port");
    READS("http://localhost:0",
          "'0' is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
    READS("http://", "'http://' is no URL that names a port");
    READS("://x", "'://x' is no URL that names a port");
    READS("1http://x:80", "'1http://x:80' is no URL that names a port");
    READS("http://[::1]x:80", "'[::1]x' is no address of a machine");
    READS("http://example.com:80",
          "'example.com' is not this machine: moorage looks only at the ports of the machine it runs on");
}

TEST(names_of_services_are_ports)
{
    struct endpoint_list list = {.count = 0};
    struct service_table table = {.count = 0};

    READS("postgresql", "tcp/5432");
    READS("SSH", "tcp/22");
    READS("syslog", "udp/514");
    READS("domain", "53");
    READS(":http", "tcp/80");
    READS("localhost:http", "tcp/localhost:80");
    READS("udp/ssh", "udp/22");
    READS("http-alt", "8080");
    services_parse(arena, STR("shopd 4711/udp\n"), &table);
    CHECK_INT(endpoint_parse(arena, STR("shopd"), &table, &list, NULL), ENDPOINT_IS_PORT);
    CHECK_STR(list.items[0].service, "shopd");
    CHECK_STR(list.items[0].text, "shopd");
    CHECK_STR(endpoint_format(arena, &list.items[0]), "udp/4711");
    READS("localhost:shopd", "'shopd' is neither a port nor the name of a service");
    READS(":shopd", "'shopd' is neither a port nor the name of a service");
}

TEST(other_words_are_no_ports)
{
    READS("node", "word");
    READS("my-app@1.service", "word");
    READS("nginx:latest", "word");
    READS("library/postgres", "word");
    READS("example.com", "word");
    READS("Google Chrome", "word");
    READS("_app", "word");
    READS("EADDRINUSE", "meaning");
    READS("eaddrinuse", "meaning");
    READS("WSAEACCES", "meaning");
    READS("0x2740", "meaning");
    READS("10048", "10048");
    READS("10013", "10013");
}

TEST(a_pasted_error_text_is_searched)
{
    READS("listen EADDRINUSE: address already in use :::3000", "[::]:3000");
    READS("Port 8080 was already in use.", "8080");
    READS("bind: Address already in use", "word");
}

TEST(what_is_no_port_gets_one_sentence)
{
    READS("", "the port is empty: ports are numbers from 1 to 65535, such as 8080");
    READS(" \t\n", "the port is empty: ports are numbers from 1 to 65535, such as 8080");
    READS("0", "'0' is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
    READS("000", "'000' is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
    READS("65536", "'65536' is too high for a port: ports go from 1 to 65535");
    READS("99999999999999999999", "'99999999999999999999' is too high for a port: ports go from 1 to 65535");
    READS("8010-8000", "'8010-8000' runs backwards: write 8000-8010");
    READS("80-", "'80-' is a range without an end: a range is written 8000-8010");
    READS("-80", "'-80' is a range without a start: a range is written 8000-8010");
    READS("80-90-100", "'90-100' is no port: ports are numbers from 1 to 65535");
    READS("0-5", "'0' is no port: a program that asks for port 0 gets any free one; ports go from 1 to 65535");
    READS("80-70000", "'70000' is too high for a port: ports go from 1 to 65535");
    READS("80a", "'80a' is no port: ports are numbers from 1 to 65535");
    READS("80.5", "'80.5' is no port: ports are numbers from 1 to 65535");
    READS("+80", "'+80' is no port: ports are numbers from 1 to 65535");
    READS("$PORT", "'$PORT' is no port: ports are numbers from 1 to 65535");
    READS("80 81", "'80 81' is no port: ports are numbers from 1 to 65535");
    READS("\xef\xbc\x98\xef\xbc\x90", "'\xef\xbc\x98\xef\xbc\x90' is no port: ports are numbers from 1 to 65535");
    READS("a\x1b[31mb", "'a\\x1b[31mb' is no port: ports are numbers from 1 to 65535");
    READS("8\x00"
          "0",
          "'8\\x000' is no port: ports are numbers from 1 to 65535");
    READS("\xff\xfe", "'\\xff\\xfe' is no port: ports are numbers from 1 to 65535");
}

TEST(an_address_without_a_port_shows_the_whole)
{
    READS("::1", "'::1' names no port: write [::1]:80");
    READS("[::1]", "'[::1]' names no port: write [::1]:80");
    READS("127.0.0.1", "'127.0.0.1' names no port: write 127.0.0.1:80");
    READS("localhost", "'localhost' names no port: write localhost:80");
    READS("*", "'*' names no port: write *:80");
    READS("fe80::1%lo", "'fe80::1%lo' names no port: write [fe80::1%lo]:80");
    READS("127.0.0.1%lo", "'127.0.0.1%lo' names no port: write 127.0.0.1%lo:80");
    READS("::1:80", "'::1:80' can be read as an address as a whole: write [::1]:80");
    READS("fe80::1:2", "'fe80::1:2' names no port: write [fe80::1:2]:80");
    READS(":", "':' names no port after the ':'");
    READS("127.0.0.1:", "'127.0.0.1:' names no port after the ':'");
    READS("[::1", "'[::1' lacks the ']': an IPv6 address with a port is written [::1]:80");
    READS("[::1]80", "'[::1]80' has something between ']' and ':': an IPv6 address with a port is written [::1]:80");
}

TEST(hosts_that_are_not_this_machine_are_refused)
{
    READS("example.com:80",
          "'example.com' is not this machine: moorage looks only at the ports of the machine it runs on");
    READS(".localhost:80", "'.localhost' is no address of a machine");
    READS("localhost..:80",
          "'localhost..' is not this machine: moorage looks only at the ports of the machine it runs on");
    READS("256.0.0.1:80", "'256.0.0.1' is no address of a machine");
    READS("127.1:80", "'127.1' is no address of a machine");
    READS("0:80", "'0' is no address, every IPv4 address is 0.0.0.0: write 0.0.0.0:80");
    READS("8080:80",
          "'8080:80' names two ports: of a container's mapping write the first, a range is written 8000-8010");
}

TEST(a_long_text_is_cut_in_the_sentence)
{
    struct buf text = {.arena = arena};
    buf_pad(&text, '7', 100000);
    struct str sentence = read_as(arena, buf_str(&text));
    CHECK(sentence.len < 200);
    CHECK(str_ends(sentence, STR("~' is too high for a port: ports go from 1 to 65535")));
}

TEST(devices_stand_behind_the_address)
{
    struct endpoint_list list = {.count = 0};

    CHECK_INT(endpoint_parse(arena, STR("127.0.0.53%lo:53"), NULL, &list, NULL), ENDPOINT_IS_PORT);
    CHECK_STR(list.items[0].device, "lo");
    CHECK_STR(endpoint_format(arena, &list.items[0]), "127.0.0.53%lo:53");
    CHECK_INT(endpoint_parse(arena, STR("*%lo:80,81"), NULL, &list, NULL), ENDPOINT_IS_PORT);
    CHECK_STR(list.items[2].device, "lo");
    CHECK_STR(endpoint_format(arena, &list.items[1]), "*%lo:80");
    CHECK_INT(endpoint_parse(arena, STR("[fe80::1%7]:80"), NULL, &list, NULL), ENDPOINT_IS_PORT);
    CHECK_INT(list.items[3].address.scope, 7);
    CHECK_INT(list.items[3].device.len, 0);
    READS("[::1%lo]:80", "[::1%lo]:80");
    READS("[fe80::1%nosuch0]:80", "'fe80::1%nosuch0' names a network interface that is not there");
    READS("127.0.0.1%:80", "'127.0.0.1%' is no address of a machine");
    READS("127.0.0.1%a/b:80", "'b:80' is no protocol that moorage knows: tcp, udp, udplite or mptcp");
    READS("127.0.0.1%abcdefghijklmnop:80", "'127.0.0.1%abcdefghijklmnop' is no address of a machine");
}

TEST(the_address_can_be_given_apart)
{
    struct endpoint_list list = {.count = 0};
    struct err err = {.kind = ERR_NONE};

    CHECK_INT(endpoint_parse(arena, STR("80,udp/53"), NULL, &list, NULL), ENDPOINT_IS_PORT);
    CHECK(endpoint_set_address(&list, STR("::1"), &err));
    CHECK_STR(endpoint_format(arena, &list.items[0]), "[::1]:80");
    CHECK_STR(endpoint_format(arena, &list.items[1]), "udp/[::1]:53");
    CHECK(endpoint_set_address(&list, STR(" [::] "), &err));
    CHECK_STR(endpoint_format(arena, &list.items[0]), "[::]:80");
    CHECK(endpoint_set_address(&list, STR("localhost"), &err));
    CHECK_STR(endpoint_format(arena, &list.items[0]), "localhost:80");
    CHECK(endpoint_set_address(&list, STR("127.0.0.1%lo"), &err));
    CHECK_STR(endpoint_format(arena, &list.items[0]), "127.0.0.1%lo:80");
    CHECK(endpoint_set_address(&list, STR("*"), &err));
    CHECK_STR(endpoint_format(arena, &list.items[0]), "*%lo:80");
    CHECK(!endpoint_set_address(&list, STR(""), &err));
    CHECK(!endpoint_set_address(&list, STR("example.com\x1b"), &err));
    CHECK_STR(str_of(err.text), "'example.com\\x1b' is no address of this machine: write one such as 127.0.0.1 or ::1, "
                                "localhost, or * for all");
    CHECK_INT(err.kind, ERR_USAGE);
    CHECK(!endpoint_set_address(&list, STR("fe80::1%nosuch0"), &err));
    CHECK_STR(str_of(err.text), "'fe80::1%nosuch0' names a network interface that is not there");
    CHECK(!endpoint_set_address(&list, STR("80"), NULL));
}

TEST(what_was_there_before_stays_when_a_text_is_wrong)
{
    struct endpoint_list list = {.count = 0};

    CHECK_INT(endpoint_parse(arena, STR("80"), NULL, &list, NULL), ENDPOINT_IS_PORT);
    CHECK_INT(endpoint_parse(arena, STR("81,82,x y"), NULL, &list, NULL), ENDPOINT_IS_WRONG);
    CHECK_INT(endpoint_parse(arena, STR("81,82,83a"), NULL, &list, NULL), ENDPOINT_IS_WRONG);
    CHECK_INT(list.count, 1);
}

TAP_MAIN
