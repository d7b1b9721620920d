#include "decode/neighbour_list.h"

#include "base/buf.h"
#include "base/json.h"
#include "tap.h"

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define ROW(local, state, inode)                                                                           \
    "   0: " local " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000  1000        0 " inode \
    " 1 0 100 0 0 10 0\n"
#define ROW6(local, state, inode)                                                                                  \
    "   0: " local " 00000000000000000000000000000000:0000 " state " 00000000:00000000 00:00000000 00000000  1000" \
    "        0 " inode " 1 0 100 0 0 10 0\n"

// A line for each: "WSL Debian tcp 0.0.0.0:8080 41 node: node server.js".
static struct str
as_lines(struct arena *arena, const struct host *host)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < host->neighbour_ports.count; i++) {
        const struct neighbour_port *port = &host->neighbour_ports.items[i];
        buf_addf(&out, "%.*s %.*s %.*s %u %.*s: %.*s\n", STR_ARG(port->system),
                 STR_ARG(host_protocol_name(port->protocol)),
                 STR_ARG(address_format_port(arena, port->address, port->port)), port->pid, STR_ARG(port->name),
                 STR_ARG(port->command));
    }
    return buf_str(&out);
}

static const char answer[] =
    "Welcome to my machine\nmoorage-neighbour 1\nT tcp\n" HEAD ROW("00000000:1F90", "0A", "500")
        ROW("0100007F:1F91", "0A", "501") ROW("0100007F:1F92", "01", "502") "T tcp6\n" HEAD ROW6(
            "00000000000000000000000001000000:0BB8", "0A", "503") "T udp\n" HEAD
            ROW("00000000:0035", "07", "504") "T udp6\nT sctp\n" ROW(
                "00000000:0036", "07",
                "505") "P 41\nN\nnode \nC\nnode\0server.js\0--port\0003000\0\nS socket:[500]\nS socket:[503]\n"
                       "P 42\nN\nP 1 \nC\n\nS socket:[500]\nS pipe:[3]\nP x\nS socket:[504]\n";

TEST(answer_of_the_script_names_programs_by_their_sockets)
{
    struct host host = {0};

    CHECK(neighbour_list_parse(arena, (struct str){answer, sizeof answer - 1}, STR("WSL Debian"), &host, NULL));
    CHECK_STR(as_lines(arena, &host), "WSL Debian tcp 0.0.0.0:8080 41 node: node server.js --port 3000\n"
                                      "WSL tcp 127.0.0.1:8081 0 : \n"
                                      "WSL Debian tcp [::1]:3000 41 node: node server.js --port 3000\n"
                                      "WSL Debian udp 0.0.0.0:53 0 : \n");
}

TEST(distributions_tell_of_each_others_ports_once)
{
    struct host host = {0};
    struct str first = STR("moorage-neighbour 1\nT tcp\n" ROW("00000000:1F90", "0A", "5") ROW(
        "00000000:1F91", "0A", "6") ROW("00000000:1F92", "0A", "7") "P 9\nN\na\nS socket:[5]\n");
    struct str second = STR("moorage-neighbour 1\nT tcp\n" ROW("00000000:1F90", "0A", "5") ROW(
        "00000000:1F91", "0A", "6") ROW("00000000:1F92", "0A", "7") "P 9\nN\nb\nS socket:[6]\n");

    CHECK(neighbour_list_parse(arena, first, STR("WSL A"), &host, NULL));
    CHECK(neighbour_list_parse(arena, second, STR("WSL B"), &host, NULL));
    CHECK_STR(as_lines(arena, &host), "WSL A tcp 0.0.0.0:8080 9 a: \n"
                                      "WSL B tcp 0.0.0.0:8081 9 b: \n"
                                      "WSL tcp 0.0.0.0:8082 0 : \n");
}

TEST(list_of_moorage_is_read)
{
    struct host host = {0};

    json_use(arena);
    CHECK(neighbour_list_parse(
        arena,
        STR("{\"schema\": \"moorage.list/1\", \"rows\": ["
            "{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:8080\", \"state\": \"LISTEN\", \"netns\": null, \"holders\": "
            "["
            "{\"pid\": 8, \"name\": \"node\", \"command\": [\"node\", \"a b\", 3]}, {\"pid\": 9, \"name\": \"node\"}]},"
            "{\"protocol\": \"tcp\", \"local\": \"[::1]:3000\", \"state\": \"LISTEN\", \"holders\": ["
            "{\"pid\": 7, \"name\": \"wslrelay.exe\"}]},"
            "{\"protocol\": \"udp\", \"local\": \"[::]:53\", \"state\": \"UNCONN\", \"holders\": []},"
            "{\"protocol\": \"tcp\", \"local\": \"1.1.1.1:1\", \"state\": \"ESTABLISHED\", \"holders\": []},"
            "{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:81\", \"state\": \"LISTEN\", \"netns\": \"4026532\"},"
            "{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:82\", \"state\": \"LISTEN\", \"holders\": [{\"pid\": -1}]},"
            "{\"protocol\": \"tcp\", \"local\": \"nonsense\", \"state\": \"LISTEN\"},"
            "{\"protocol\": \"tcp\", \"local\": \"x:80\", \"state\": \"LISTEN\"},"
            "{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:0\", \"state\": \"LISTEN\"},"
            "{\"protocol\": \"ipx\", \"local\": \"0.0.0.0:80\", \"state\": \"LISTEN\"}, 5]}"),
        STR("Windows"), &host, NULL));
    CHECK_STR(as_lines(arena, &host), "Windows tcp 0.0.0.0:8080 8 node: node a b\n"
                                      "Windows tcp 0.0.0.0:8080 9 node: \n"
                                      "Windows udp [::]:53 0 : \n");
}

TEST(what_is_no_answer_is_refused)
{
    static const char *const wrong[] = {"", "sh: not found\n", "{", "{}", "{\"schema\": \"moorage.why/1\"}", "[]"};
    struct host host = {0};
    struct err err = {0};

    json_use(arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(!neighbour_list_parse(arena, str_of(wrong[i]), STR("x"), &host, &err));
        CHECK_INT(err.kind, ERR_FORMAT);
    }
    CHECK_INT(host.neighbour_ports.count, 0);
}

TEST(script_survives_a_command_line)
{
    struct str script = neighbour_list_script();

    CHECK(script.len > 100 && script.len < 8192);
    CHECK_INT(str_find_byte(script, '"'), SIZE_MAX);
    CHECK_INT(str_find_byte(script, '\\'), SIZE_MAX);
}

TAP_MAIN
