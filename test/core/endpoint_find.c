#include "core/endpoint.h"

#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "tap.h"

// The ports in the text as a person would write them, blank between; "-" for none.
static struct str
found(struct arena *arena, struct str text)
{
    struct endpoint_list list = {.count = 0};
    struct buf out = {.arena = arena};
    bool any = endpoint_find(arena, text, &list);

    if (any != (list.count > 0))
        return STR("answer and list differ");
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            buf_add_byte(&out, ' ');
        buf_add(&out, endpoint_format(arena, &list.items[i]));
    }
    return any ? buf_str(&out) : STR("-");
}

#define FINDS(text, want) CHECK_STR(found(arena, STR(text)), want)

TEST(node_says_the_port_behind_three_colons)
{
    FINDS("node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\n"
          "Error: listen EADDRINUSE: address already in use :::3000\n"
          "    at Server.setupListenHandle [as _listen2] (node:net:1817:16)\n"
          "    at listenInCluster (node:net:1865:12)\n    at Server.listen (node:net:1953:7)\n"
          "    at Object.<anonymous> (/home/ann/src/shop/server.js:10:5)\n"
          "Emitted 'error' event on Server instance at:\n    at emitErrorNT (node:net:1844:8) {\n"
          "  code: 'EADDRINUSE',\n  errno: -98,\n  syscall: 'listen',\n  address: '::',\n  port: 3000\n}\n\n"
          "Node.js v20.11.0\n",
          "[::]:3000");
    FINDS("Error: listen EADDRINUSE: address already in use 127.0.0.1:3000", "127.0.0.1:3000");
    FINDS("Error: listen EADDRINUSE: address already in use ::1:3000", "[::1]:3000");
    FINDS("Error: listen EADDRINUSE :::8080", "[::]:8080");
    FINDS("Error: listen EACCES: permission denied 0.0.0.0:80", "0.0.0.0:80");
    FINDS("Error: bind EADDRINUSE 0.0.0.0:53", "0.0.0.0:53");
    FINDS("  code: 'EADDRINUSE',\n  errno: -98,\n  syscall: 'listen',\n  address: '::',\n  port: 3000\n", "3000");
    FINDS("Error: listen EADDRINUSE: address already in use /tmp/app.sock", "-");
}

TEST(a_trace_without_a_port_has_none)
{
    FINDS("OSError: [Errno 98] Address already in use", "-");
    FINDS("Traceback (most recent call last):\n  File \"/usr/lib/python3.11/socketserver.py\", line 456, in __init__\n"
          "    self.server_bind()\n  File \"/usr/lib/python3.11/http/server.py\", line 136, in server_bind\n"
          "    socketserver.TCPServer.server_bind(self)\nOSError: [Errno 98] Address already in use\n",
          "-");
    FINDS("java.net.BindException: Address already in use: bind", "-");
    FINDS("Error: That port is already in use.", "-");
    FINDS("Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", "-");
    FINDS("System.Net.Sockets.SocketException (10048): Only one usage of each socket address (protocol/network "
          "address/port) is normally permitted.",
          "-");
    FINDS("[WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions", "-");
    FINDS("nc: Address already in use", "-");
    FINDS("Jan 31 12:30:45 box systemd[1]: shop.socket: Failed to listen on sockets: Address already in use", "-");
    FINDS("2026-01-31T12:00:05.123Z worker pid 41233 exited, 12:30:45, at app.py:88, errno 98", "-");
    FINDS("", "-");
    FINDS("\n\r\n", "-");
}

TEST(python_says_it_in_a_pair)
{
    FINDS("ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
          "127.0.0.1:8000");
    FINDS("[2026-01-31 12:00:00 +0000] [41233] [ERROR] Connection in use: ('0.0.0.0', 8000)", "0.0.0.0:8000");
    FINDS("error while attempting to bind on address ('::1', 8000, 0, 0): address already in use", "[::1]:8000");
    FINDS("OSError: could not bind ('', 9000): in use", "9000");
    FINDS("OSError: could not bind ('127.0.0.1', 12:30): in use; ('a', 80); ('127.0.0.1', 70000); , 5", "-");
    FINDS("Starting development server at http://127.0.0.1:8000/\nQuit the server with CONTROL-C.\n"
          "Error: That port is already in use.",
          "127.0.0.1:8000");
    FINDS("Address already in use\nPort 5000 is in use by another program. Either identify and stop that program, or "
          "start the server with a different port.",
          "5000");
}

TEST(java_says_it_in_many_ways)
{
    FINDS("Web server failed to start. Port 8080 was already in use.", "8080");
    FINDS("java.net.BindException: Address already in use: JVM_Bind <null>:8080", "8080");
    FINDS("java.net.BindException: Address already in use: JVM_Bind:8081", "8081");
    FINDS("java.io.IOException: Failed to bind to /0.0.0.0:8080", "0.0.0.0:8080");
    FINDS("Caused by: Failed to bind to localhost/127.0.0.1:25565", "127.0.0.1:25565");
    FINDS("Failed to bind to /0:0:0:0:0:0:0:0:8080", "[::]:8080");
    FINDS("java.rmi.server.ExportException: Port already in use: 1099; nested exception is:", "1099");
    FINDS("Socket server failed to bind to 0.0.0.0:9092: Address already in use.", "0.0.0.0:9092");
    FINDS("BindHttpException[Failed to bind to [9200]]; nested: BindException[Address already in use]", "9200");
    FINDS("BindTransportException: Failed to bind to 127.0.0.1:[9300-9400]", "127.0.0.1:9300-9400");
    FINDS("java.io.IOException: Failed to bind to myhost:8080", "8080");
}

TEST(tomcat_names_it_at_the_end_of_its_connector)
{
    FINDS("SEVERE [main] org.apache.catalina.util.LifecycleBase.handleSubClassException Failed to initialize component "
          "[Connector[\"http-nio-8080\"]]\n"
          "\torg.apache.catalina.LifecycleException: Protocol handler initialization failed\n"
          "\t\tat org.apache.catalina.connector.Connector.initInternal(Connector.java:1049)\n"
          "\tCaused by: java.net.BindException: Address already in use\n"
          "\t\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n",
          "tcp/8080");
    FINDS("SEVERE: Failed to initialize end point associated with ProtocolHandler [\"http-bio-8443\"]\n"
          "java.net.BindException: Address already in use (Bind failed) <null>\n",
          "tcp/8443");
    FINDS("Failed to start component [Connector[\"ajp-nio-127.0.0.1-8009\"]]\njava.net.BindException: Address in use",
          "tcp/127.0.0.1:8009");
    FINDS("Failed to start component [Connector[AJP/1.3-8009]]\njava.net.BindException: Address already in use",
          "tcp/8009");
    FINDS("[http-nio-8080-exec-1] java.net.BindException: Address already in use", "-");
    FINDS("Connector[\"http-nio-auto-1\", Connector[\"http-nio-x\"] Connector[] Connector[", "-");
}

TEST(go_names_the_protocol)
{
    FINDS("listen tcp :8080: bind: address already in use", "tcp/8080");
    FINDS("2026/01/31 12:00:00 listen tcp4 0.0.0.0:80: bind: permission denied", "tcp/0.0.0.0:80");
    FINDS("listen udp 127.0.0.1:53: bind: address already in use", "udp/127.0.0.1:53");
    FINDS("listen tcp [::1]:8080: bind: Only one usage of each socket address (protocol/network address/port) is "
          "normally permitted.",
          "tcp/[::1]:8080");
}

TEST(containers_mean_the_port_of_the_host)
{
    FINDS("Error response from daemon: driver failed programming external connectivity on endpoint web "
          "(0a1b2c3d4e5f): Bind for 0.0.0.0:8080 failed: port is already allocated",
          "0.0.0.0:8080");
    FINDS(
        "Error response from daemon: Ports are not available: exposing port TCP 0.0.0.0:8080 -> 0.0.0.0:0: listen "
        "tcp 0.0.0.0:8080: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
        "tcp/0.0.0.0:8080");
    FINDS("Error starting userland proxy: listen tcp4 0.0.0.0:5432: bind: address already in use", "tcp/0.0.0.0:5432");
    FINDS("failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use", "0.0.0.0:8080");
    FINDS("failed to bind host port 0.0.0.0:5353/udp: address already in use", "udp/0.0.0.0:5353");
    FINDS("rootlessport listen tcp 0.0.0.0:8080: bind: address already in use", "tcp/0.0.0.0:8080");
    FINDS("cannot expose 8080/tcp: address already in use", "tcp/8080");
    FINDS("Unable to listen on port 8080: Listeners failed to create with the following errors: [unable to create "
          "listener: Error listen tcp4 127.0.0.1:8080: bind: address already in use unable to create listener: Error "
          "listen tcp6 [::1]:8080: bind: address already in use]",
          "tcp/localhost:8080");
    FINDS("[ERROR Port-6443]: Port 6443 is in use\n[ERROR Port-10250]: Port 10250 is in use", "6443 10250");
}

TEST(web_servers_name_one_port_on_two_addresses)
{
    FINDS("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
          "nginx: [emerg] bind() to [::]:80 failed (98: Address already in use)\n"
          "nginx: [emerg] still could not bind()\n",
          "80");
    FINDS("(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80\n"
          "no listening sockets available, shutting down\nAH00015: Unable to open logs",
          "[::]:80");
    FINDS("[ALERT] 030/120000 (41233) : Starting frontend web: cannot bind socket (Address already in use) "
          "[0.0.0.0:8443]",
          "0.0.0.0:8443");
    FINDS("System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in use.",
          "127.0.0.1:5000");
    FINDS("Failed to bind to address http://[::]:5000: address already in use.", "[::]:5000");
    FINDS("Failed to bind to address http://*:5000: address already in use.", "5000");
    FINDS("Failed to listen on localhost:8000 (reason: Address already in use)", "localhost:8000");
    FINDS("Address already in use - bind(2) for \"127.0.0.1\" port 3000 (Errno::EADDRINUSE)", "127.0.0.1:3000");
    FINDS("Failed to bind to address http://build-box:5000: address already in use.", "5000");
}

TEST(databases_say_it_a_line_later)
{
    FINDS("LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n"
          "HINT:  Is another postmaster already running on port 5432? If not, wait a few seconds and retry.\n",
          "5432");
    FINDS("# Warning: Could not create server TCP listening socket *:6379: bind: Address already in use", "6379");
    FINDS("[ERROR] [MY-010262] [Server] Can't start server: Bind on TCP/IP port: Address already in use\n"
          "[ERROR] [MY-010257] [Server] Do you already have another mysqld server running on port: 3306 ?\n"
          "[ERROR] [MY-010119] [Server] Aborting",
          "3306");
    FINDS("{\"t\":{\"$date\":\"2026-01-31T12:00:00.000+00:00\"},\"msg\":\"Failed to set up listener\",\"error\":"
          "\"Address already in use\",\"port\":27017}",
          "27017");
}

TEST(game_servers_say_it_some_lines_before)
{
    FINDS("[12:00:00] [Server thread/INFO]: Starting Minecraft server on *:25565\n"
          "[12:00:00] [Server thread/WARN]: **** FAILED TO BIND TO PORT!\n"
          "[12:00:00] [Server thread/WARN]: The exception was: java.net.BindException: Address already in use\n"
          "[12:00:00] [Server thread/WARN]: Perhaps a server is already running on that port?\n",
          "25565");
}

TEST(a_start_far_above_the_failure_is_found)
{
    struct buf text = {.arena = arena};

    buf_add_c(&text, "[12:00:00] [main/INFO]: Starting server on *:25565\n");
    for (int i = 0; i < 100; i++)
        buf_addf(&text, "[12:00:01] [main/INFO]: client 10.0.0.%d:54321 said hello\n", i);
    buf_add_c(&text, "java.net.BindException: Address already in use\n");
    CHECK_STR(found(arena, buf_str(&text)), "25565");
}

TEST(ssh_and_dns_servers)
{
    FINDS("bind [127.0.0.1]:5432: Address already in use\n"
          "channel_setup_fwd_listener_tcpip: cannot listen to port: 5432\n"
          "Could not request local forwarding.\n",
          "127.0.0.1:5432");
    FINDS("error: Bind to port 22 on 0.0.0.0 failed: Address already in use.\n"
          "error: Bind to port 22 on :: failed: Address already in use.\n",
          "22");
    FINDS("dnsmasq: failed to create listening socket for port 53: Address already in use", "53");
    FINDS("shop.socket: Failed to create listening socket ([::]:80): Address already in use", "[::]:80");
    FINDS("socat[41233] E bind(5, {AF=2 0.0.0.0:8080}, 16): Address already in use", "0.0.0.0:8080");
    FINDS("bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = -1 EADDRINUSE",
          "8080");
}

TEST(development_servers_say_it_shortly)
{
    FINDS("Port 5173 is in use, trying another one...", "5173");
    FINDS("Error: Port 5173 is already in use", "5173");
    FINDS("Something is already running on port 3000.", "3000");
    FINDS("3000 is already in use", "3000");
    FINDS("[error] Failed to start Ranch listener HTTP with reason :eaddrinuse, port: 4000", "4000");
    FINDS("thread 'main' panicked: failed to bind to 127.0.0.1:7878: AddrInUse", "127.0.0.1:7878");
    FINDS("serverPort=8088 already in use", "8088");
    FINDS("server.port: 8088 in use", "8088");
    FINDS("ports 8000-8010 are in use", "8000-8010");
    FINDS("Port '8080' is taken; the port is taken", "8080");
    FINDS("端口 8080 already in use", "8080");
    FINDS("El puerto 8080 already in use", "8080");
}

TEST(colours_and_line_ends_do_not_matter)
{
    FINDS("\033[31mError:\033[0m listen EADDRINUSE: address already in use \033[1m:::\033[33m3000\033[0m\r\n",
          "[::]:3000");
    FINDS("\033]8;;http://localhost:1\aPort\033]8;;\a \033(B8080 is in use\r\n", "8080");
    FINDS("Port 80\00080 is in use", "80");
    FINDS("Port 8080 is in use\033", "8080");
    FINDS("Port 8080 is in use\033[", "8080");
    FINDS("Port 8080 is in use\033]0;title", "8080");
}

TEST(a_text_without_any_failure_is_taken_as_it_is)
{
    FINDS("localhost:3000", "localhost:3000");
    FINDS("  Local:   http://localhost:5173/\n  Network: http://192.168.1.5:5173/", "5173");
    FINDS("connect ECONNREFUSED 127.0.0.1:5432", "127.0.0.1:5432");
    FINDS("see http://example.com:8080/", "-");
    FINDS(":8080", "-");
}

TEST(false_friends_are_not_taken)
{
    FINDS("at /srv/app/server.js:10:5: address already in use", "-");
    FINDS("address already in use (main.go:42)", "-");
    FINDS("failed to bind on main.go:4242", "-");
    FINDS("12:30:45 address already in use", "-");
    FINDS("support 2400 import 3000 viewport 1280 portable 80 report: 8080 address in use", "-");
    FINDS("address already in use: 98", "-");
    FINDS("10048 is already in use", "-");
    FINDS("port 0 is in use, port 65536 is in use, port 8080x is in use, port 1.5 in use, port 12:30 in use", "-");
    FINDS("00:1a:2b:3c:4d:10 in use, fe80::1:2 in use", "-");
    FINDS("0.0.0.0:0 in use, [nonsense]:80 in use, []:80 in use, ]:80 in use", "-");
    FINDS("ports 9000-80 in use", "9000");
    FINDS("port is already in use by another program, with the pid 4711", "-");
}

TEST(each_port_is_told_once_and_no_more_than_sixteen)
{
    struct buf text = {.arena = arena};
    struct endpoint_list list = {.count = 0};

    for (int i = 0; i < 40; i++)
        buf_addf(&text, "Port %d is in use\nport %d is in use\n", 8000 + i, 8000 + i);
    CHECK(endpoint_find(arena, buf_str(&text), &list));
    CHECK_INT(list.count, 16);
    CHECK_INT(list.items[15].first, 8015);
    FINDS("listen udp :53: bind: address already in use\nlisten tcp :53: bind: address already in use",
          "udp/53 tcp/53");
}

TEST(found_ports_are_added_to_those_that_are_there)
{
    struct endpoint_list list = {.count = 0};

    CHECK(endpoint_find(arena, STR("Port 80 is in use"), &list));
    CHECK(endpoint_find(arena, STR("Port 80 is in use"), &list));
    CHECK_INT(list.count, 2);
    CHECK(!endpoint_find(arena, STR("nothing"), &list));
    CHECK_INT(list.count, 2);
}

TEST(a_megabyte_of_log_is_read_quickly)
{
    struct buf text = {.arena = arena};
    clock_t start = clock();

    while (text.len < 1 << 20)
        buf_add_c(&text, "2026-01-31T12:00:00Z INFO 10.1.2.3:54321 GET /a:b:c [x] port of call 12:30:45 a,b,'c',d\n");
    buf_add_c(&text, "listen tcp :8080: bind: address already in use\n");
    CHECK_STR(found(arena, buf_str(&text)), "tcp/8080");
    text.len = 0;
    buf_pad(&text, ':', 1 << 20);
    CHECK_STR(found(arena, buf_str(&text)), "-");
    text.len = 0;
    while (text.len < 1 << 20)
        buf_add_c(&text, "port:1]:");
    found(arena, buf_str(&text));
    CHECK((clock() - start) / CLOCKS_PER_SEC < 20);
}

TAP_MAIN
