#!/usr/bin/python3 -B
"""How a question may be put: every way of writing a port, several ports, words, services, error texts, exit codes."""

import json
import os
import pathlib
import shutil
import sys

import lib
import shapes
from lib import new_port, run, test


def asked(*args, **how):
    """(protocol, address, port) of each answer."""
    document = run("why", *args, "--json", **how).json()
    return [(entry["protocol"], entry["address"], entry["port"]) for entry in document["asked"]]


def one_sentence(result):
    """An error is one line on standard error, and nothing on standard output."""
    lines = result.err.strip().splitlines()
    assert len(lines) == 1 and len(lines[0]) > 10, f"not one sentence: {result.err!r}"
    assert result.out == "", result.out
    assert not lib.CODE_WORDS.search(lines[0]), lines[0]
    return lines[0]


def refused(*args, **how):
    """The call is wrong usage: exit 2 and one sentence, which is given."""
    result = run(*args, **how)
    assert result.code == 2, str(result)
    return one_sentence(result)


# ---- ways of writing a port ----


@test
def a_bare_number_asks_for_tcp_and_udp_on_every_address():
    both = [("tcp", None, 8080), ("udp", None, 8080)]
    for text in ("8080", ":8080", "*:8080"):
        assert asked(text) == both, f"{text}: {asked(text)}"


@test
def a_protocol_may_stand_before_or_behind():
    for text, want in (("udp/53", "udp"), ("53/udp", "udp"), ("tcp/53", "tcp"), ("53/tcp", "tcp"), ("UDP/53", "udp")):
        assert asked(text) == [(want, None, 53)], f"{text}: {asked(text)}"


@test
def an_address_may_be_named():
    for text, address, port in (("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:80", "::1", 80), (":::80", "::", 80),
                                ("0.0.0.0:80", "0.0.0.0", 80), ("[::]:80", "::", 80)):
        got = asked(text)
        assert got[0] == ("tcp", address, port), f"{text}: {got}"


@test
def localhost_and_urls_are_understood():
    for text, port in (("localhost:3000", 3000), ("http://localhost:3000/x", 3000), ("https://localhost", 443),
                       ("http://127.0.0.1:8081/?q=1#top", 8081), ("http://[::1]:8082/", 8082)):
        got = asked(text)
        assert got and {entry[2] for entry in got} == {port}, f"{text}: {got}"


@test
def localhost_is_both_loopback_addresses():
    port = new_port()
    shapes.listener(port, "::1")
    entry = lib.entries(f"localhost:{port}", code=1)[0]
    assert {probe["address"].strip("[]") for probe in entry["probes"]} == {"127.0.0.1", "::1"}, entry["probes"]


@test
def the_address_may_be_given_by_an_option():
    assert asked("80", "--on", "::1")[0] == ("tcp", "::1", 80)
    assert asked("80", "--on", "127.0.0.1")[0] == ("tcp", "127.0.0.1", 80)
    refused("why", "80", "--on", "nonsense")


@test
def the_first_line_is_a_verdict_whatever_address_is_asked_for():
    port = new_port()
    shapes.listener(port)
    for args, line in ((("why", f"127.0.0.1:{port}"), f"Port {port} (TCP) is taken by e2e-listener"),
                       (("why", f"[::1]:{port}"), f"Port {port} (TCP) is free on ::1"),
                       ((port + 1, "--on", "192.0.2.7"), f"Port {port + 1} (TCP) is not allowed: 192.0.2.7 is not"),
                       ((port + 1, "--device", "lo"), f"Port {port + 1} (TCP) is free on device lo")):
        result = lib.run(*args)
        assert result.out.startswith(line), str(result)
    assert "(asked for 127.0.0.1)" in lib.run(f"127.0.0.1:{port}").out
    # An interface has a name for people, not a number.
    assert "fe80::1%lo is not" in lib.run(f"[fe80::1%lo]:{port}").out


@test
def a_service_name_is_its_port():
    assert asked("postgresql")[0] == ("tcp", None, 5432)
    assert asked("https")[0] == ("tcp", None, 443)


@test
def lists_and_ranges_are_asked_one_by_one():
    def ports(*args):
        return sorted({port for _, _, port in asked(*args)})

    assert ports("8080,8081") == [8080, 8081]
    assert ports("tcp/8000-8010") == list(range(8000, 8011))
    assert ports("8080", "9000-9001", "udp/53") == [53, 8080, 9000, 9001]


@test
def several_ports_get_a_line_each_and_a_count():
    port = new_port()
    child = shapes.listener(port)
    result = run("why", f"{port}-{port + 4}")
    assert result.code == 1, str(result)
    for number in range(port, port + 5):
        assert str(number) in result.out, result.out
    assert str(child.pid) in result.out, result.out
    last = result.out.strip().splitlines()[-1]
    assert "1" in last and "4" in last, f"no count at the end: {last}"


# ---- whose bind ----


@test
def the_kind_of_bind_may_be_chosen():
    port = new_port()
    for bind in ("plain", "reuse", "exclusive", "reuseport"):
        entry = lib.entries(f"tcp/{port}", "--bind", bind, code=0)[0]
        assert entry["bind"] == bind, entry
    refused("why", str(port), "--bind", "sideways")


# ---- exit codes ----


@test
def a_free_port_exits_with_0_and_a_taken_one_with_1():
    port = new_port()
    assert run(str(port)).code == 0
    shapes.listener(port)
    assert run(str(port)).code == 1
    assert run(str(port), "--exit-zero").code == 0


@test
def one_taken_port_among_free_ones_exits_with_1():
    port = new_port()
    shapes.listener(port)
    assert run("why", str(port + 1), str(port), str(port + 2)).code == 1
    assert run("why", f"{port + 1}-{port + 3}").code == 0


@test
def bad_ports_exit_with_2_and_one_sentence():
    for text in ("0", "65536", "99999999999999999999", "-1", "80-", "90-80", "80,,81", "tcp/", "udp/0", "1.2.3.4:0",
                 "[::1]:99999", "8080x/tcp", "sctp/80/x", "", "127.0.0.1:", "[::1:80", "8000-70000", "80 81"):
        refused("why", text)


@test
def a_port_out_of_range_is_named_in_the_error():
    assert "65536" in refused("65536")
    assert "65535" in refused("65536")


@test
def an_unknown_option_suggests_the_near_one():
    assert "--json" in refused("why", "8080", "--jsno")
    assert "--json" in refused("list", "--jsom")


@test
def a_mistyped_command_suggests_the_near_one():
    result = run("lsit")
    assert result.code in (1, 2) and "list" in result.out + result.err, str(result)
    result = run("docter")
    assert result.code in (1, 2) and "doctor" in result.out + result.err, str(result)


@test
def commands_of_later_say_so_and_exit_with_2():
    for word in ("top", "ui", "scan", "move", "watch", "audit", "policy", "lsp", "mcp", "agent", "hub"):
        assert "not yet" in refused(word).lower(), word


# ---- error texts ----


ERROR_TEXTS = {
    "Error: listen EADDRINUSE: address already in use :::{}": "node",
    "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', {}): address in use": "asyncio",
    "nginx: [emerg] bind() to 0.0.0.0:{} failed (98: Address already in use)": "nginx",
    "listen tcp 127.0.0.1:{}: bind: address already in use": "go",
    "Bind for 0.0.0.0:{} failed: port is already allocated": "docker",
    "[INFO]: Starting Minecraft server on *:{}\n[WARN]: **** FAILED TO BIND TO PORT!\n[WARN]: The exception was: "
    "java.net.BindException: Address already in use": "game server",
    "Web server failed to start. Port {} was already in use.": "spring",
    "Failed to bind to address http://127.0.0.1:{}: address already in use.": "dotnet",
    "Something is already running on port {}.": "vite",
}


@test
def the_port_is_found_in_the_error_text_of_another_program():
    port = new_port()
    for text, whose in ERROR_TEXTS.items():
        got = asked("-", stdin=text.format(port).encode())
        assert got and {entry[2] for entry in got} == {port}, f"{whose}: {got}"


@test
def an_error_text_answers_with_who_has_the_port():
    port = new_port()
    child = shapes.listener(port)
    text = f"Error: listen EADDRINUSE: address already in use :::{port}\n    at Server.setup (net.js:1318)"
    result = run("-", stdin=text.encode())
    assert result.code == 1 and str(child.pid) in result.out, str(result)


@test
def an_error_text_without_a_port_is_said():
    for text in (b"", b"Segmentation fault", b"\xff\xfe\x00garbage", b"took 8080 ms, pid 1234"):
        result = run("-", stdin=text)
        assert result.code in (2, 3), f"{text}: {result}"
        one_sentence(result)


@test
def an_error_text_without_a_port_is_explained_all_the_same():
    for text, words in (("OSError: [Errno 98] Address already in use", "already in use"),
                        ("Only one usage of each socket address is normally permitted. (10048)", "10048"),
                        ("An attempt was made to access a socket in a way forbidden by its access permissions. (10013)", "10013"),
                        ("**** FAILED TO BIND TO PORT! Perhaps a server is already running on that port?", "already in use"),
                        ("Error: listen EADDRINUSE: address already in use /tmp/foo.sock", "Unix socket")):
        result = run("-", stdin=text.encode())
        assert result.code == 3 and words in result.out, str(result)


@test
def a_refused_connection_is_told_from_a_taken_port():
    port = new_port()
    result = run("-", stdin=f"Error: connect ECONNREFUSED 127.0.0.1:{port}".encode())
    assert result.code == 0 and "nothing listens" in result.out, str(result)


@test
def the_name_or_number_of_an_error_is_explained():
    for word, name in (("EADDRINUSE", "EADDRINUSE"), ("10048", "WSAEADDRINUSE"), ("10013", "WSAEACCES")):
        result = run(word)
        assert result.code in (0, 1) and name in result.out, str(result)


# ---- words ----


@test
def a_word_that_is_no_command_finds_the_ports_of_a_program():
    port, second = new_port(), new_port()
    first = shapes.listener(port, name="e2e-shipyard")
    shapes.listener(second, name="e2e-shipyard")
    result = run("e2e-shipyard")
    assert result.code == 0, str(result)
    for text in (port, second, first.pid):
        assert str(text) in result.out, result.out
    document = run("e2e-shipyard", "--json").json()
    assert {int(row["local"].rsplit(":", 1)[1]) for row in document["rows"]} == {port, second}, document


@test
def a_word_that_nothing_has_exits_with_1():
    result = run("e2e-nothing-is-called-this")
    assert result.code == 1, str(result)


@test
def a_command_wins_over_a_port_and_a_port_over_a_service():
    port = new_port()
    shapes.listener(port, name="list")
    assert json.loads(run("list", "--json").out)["schema"] == "moorage.list/1"
    assert json.loads(run("https", "--json").out)["schema"] == "moorage.why/1"


@test
def aliases_answer_as_their_commands():
    port = new_port()
    shapes.listener(port)
    for word in ("why", "who", "explain", "status"):
        result = run(word, str(port))
        assert result.code == 1 and f"Port {port}" in result.out, str(result)
    for word in ("list", "ls", "ps"):
        result = run(word)
        assert result.code == 0 and str(port) in result.out, str(result)


# ---- list ----


@test
def the_list_has_a_line_for_each_listener():
    tcp, udp = new_port(), new_port()
    first = shapes.listener(tcp)
    second = shapes.listener(udp, proto="udp")
    lines = run("list").out.splitlines()
    for port, pid in ((tcp, first.pid), (udp, second.pid)):
        assert [line for line in lines if str(port) in line and str(pid) in line], lines
    rows = run("list", "--json").json()["rows"]
    by_local = {(row["protocol"], row["local"]): row for row in rows}
    assert by_local["tcp", f"0.0.0.0:{tcp}"]["holders"][0]["pid"] == first.pid, rows
    assert by_local["udp", f"0.0.0.0:{udp}"]["holders"][0]["pid"] == second.pid, rows


@test
def the_list_can_be_narrowed():
    port, other = new_port(), new_port()
    child = shapes.listener(port, name="e2e-narrow")
    shapes.listener(other)

    def ports(*args):
        return {int(row["local"].rsplit(":", 1)[1]) for row in run("list", *args, "--json").json()["rows"]}

    assert ports("e2e-narrow") == {port}
    assert port in ports(f"{port}-{port}") and other not in ports(f"{port}-{port}")
    assert run("list", "e2e-nothing-is-called-this").code == 1
    assert str(child.pid) in run("list", "--pids").out


@test
def the_list_gives_chosen_columns_and_csv():
    port = new_port()
    child = shapes.listener(port)
    lines = run("list", "-o", "port,pid,name", "--no-header").out.splitlines()
    want = [str(port), str(child.pid), "e2e-listener"]
    assert [line.split() for line in lines if line.split()[0] == str(port)] == [want], lines
    rows = [line.split(",") for line in run("list", "-o", "port,pid,name", "--csv").out.splitlines()]
    assert want in rows, rows


@test
def piped_output_has_no_colour_and_no_boxes():
    port = new_port()
    shapes.listener(port)
    for args in (("list",), (str(port),), ("doctor",), ("--help",), ("why", "--help")):
        result = run(*args)
        assert "\x1b" not in result.out and not set("─│┌┐└┘├┤╭╮╰╯━┃") & set(result.out), result.out


# ---- help ----


@test
def help_and_version_are_answered_everywhere():
    assert run("--version").code == 0
    for args in (("--help",), ("help",), ("why", "--help"), ("list", "--help"), ("doctor", "--help")):
        result = run(*args)
        assert result.code == 0 and "moorage" in result.out and result.err == "", str(result)


@test
def the_doctor_says_what_can_be_seen():
    document = run("doctor", "--json").json()
    assert document["schema"] == "moorage.doctor/1", document
    assert run("doctor").code in (0, 1)


@test
def a_recording_of_the_doctor_is_a_snapshot():
    port = new_port()
    shapes.listener(port, name="e2e-recorded")
    path = lib.temp_folder() / "host.json"
    result = run("doctor", "--record", path)
    assert result.code in (0, 1), str(result)
    document = json.loads(path.read_text())
    assert document["schema"] == "moorage.snapshot/1", list(document)
    assert str(port) in path.read_text()


@test
def secrets_on_a_command_line_are_masked():
    port = new_port()

    def body(me):
        made = shapes.listening(port)
        made.set_inheritable(True)
        me.ready()
        os.execv("/usr/bin/python3", ["python3", "-c", "import time; time.sleep(1000)", "--password=tr0ub4dor",
                                      "https://ann:c0rrecthorse@example.org/"])

    child = shapes.Child(body)
    command = pathlib.Path(f"/proc/{child.pid}/cmdline")
    shapes.until(lambda: b"tr0ub4dor" in command.read_bytes())
    for args in (("why", str(port)), ("why", str(port), "--json"), ("list",), ("list", "--json")):
        out = run(*args).out
        assert "tr0ub4dor" not in out and "c0rrecthorse" not in out, out
    assert "tr0ub4dor" in run("why", str(port), "--json", "--full").out
    shared = run("why", str(port), "--share").out
    assert "password" not in shared, shared


@test
def a_shared_answer_names_no_user():
    lib.need_root()
    port = new_port()
    shapes.listener(port)
    for args in (("why", port, "--share"), ("why", port, "--share", "--json"), ("list", "--share"),
                 ("list", "--share", "--json"), ("doctor", "--share"), ("doctor", "--share", "--json")):
        result = lib.run(*args, uid=65534)
        said = result.out.replace("--as-root", "")
        assert "root" not in said and "65534" not in said and "nobody" not in said, str(result)
        if args[0] != "doctor" and "--json" in args:
            assert '"uid": 0' not in result.out, str(result)
    bind = f"import socket\ntry: socket.socket().bind(('0.0.0.0', {port}))\nexcept OSError: pass"
    for args in (("why", "--share", "--", sys.executable, "-c", bind), ("check", port, "--share"),
                 ("free", port, "--share", "--dry-run"), ("free", port, "--share", "--dry-run", "--json"),
                 ("wait", port, "--share", "--free", "--timeout", "10ms")):
        result = lib.run(*args, uid=65534, env=lib.environment(MOORAGE_STATE_DIR="/nonexistent"))
        said = (result.out + result.err).replace("--as-root", "")
        assert "may not look into" in said or args[0] == "check", str(result)
        assert "root" not in said and "nobody" not in said, str(result)


def busy(port, waits=False):
    """A process with a server and much else that is open. One that waits makes its server only when it is told to go on."""

    def body(me):
        early = [os.pipe() for _ in range(60)] if waits else []
        if waits:
            me.ready()
            me.wait()
        server = shapes.listening(port)
        late = [os.pipe() for _ in range(0 if waits else 60)]
        me.ready(kept=len(early) + len(late) + server.fileno())
        me.rest()

    return shapes.Child(body, name="e2e-busy")


def links_read(*args):
    """How many links of descriptors moorage reads for this answer without BPF, and the answer."""
    path = lib.temp_folder() / "calls"
    wrap = ["strace", "-f", "-qq", "-e", "trace=readlinkat", "-o", path]
    result = run(*args, "--json", env={"MOORAGE_TIER": "proc"}, path=lib.need_plain_program(), wrap=wrap)
    return path.read_text().count("readlinkat("), result.json()["asked"][0]


@test
def the_first_who_has_a_port_is_found_without_a_look_into_everybody():
    lib.need_root()
    if not shutil.which("strace"):
        raise lib.Skip("needs strace")
    late_port, ports = new_port(), [new_port() for _ in range(50)]
    late = busy(late_port, waits=True)
    children = [busy(port) for port in ports]
    late.step()
    for at, child in enumerate(children):
        if at % 10 == 3:
            first, entry = links_read(ports[at], "--first")
            assert [holder["pid"] for holder in entry["causes"][0]["holders"]] == [child.pid], entry
            everything, _ = links_read(ports[at])
            assert first < everything / 4, f"{first} links were read, {everything} for all"
    _, entry = links_read(late_port, "--first")
    assert [holder["pid"] for holder in entry["causes"][0]["holders"]] == [late.pid], entry


lib.main(own_netns=True)
