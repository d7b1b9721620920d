#!/usr/bin/python3 -B
"""How moorage behaves as a program: bad lines, pipes, terminals, colour, hostile names, what stands on which stream."""

import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import pwd
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import lib
import shapes
from lib import new_port, run, test

SGR = re.compile(r"\x1b\[[0-9;]*m")


def refused(*args, **how):
    """Wrong usage: exit 2, one sentence on standard error, nothing on standard output."""
    result = run(*args, **how)
    assert result.code == 2 and result.out == "", str(result)
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("moorage: "), result.err
    return lines[0]


class Terminal:
    """moorage on a terminal of its own."""

    def __init__(self, *args, columns=100, rows=30, **env):
        self.master, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([lib.program(), *map(str, args)], stdin=side, stdout=side, stderr=side,
                                        env=lib.environment(**{"TERM": "xterm-256color", **env}), preexec_fn=own_terminal)
        os.close(side)
        self.seen = b""
        lib.after(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read(self, until=None, seconds=60):
        """What was printed up to a text, or to the end."""
        end = time.monotonic() + seconds
        while until is None or until not in self.seen:
            ready = select.select([self.master], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"nothing more within {seconds} s: {self.seen[-2000:]!r}"
            try:
                more = os.read(self.master, 65536)
            except OSError:
                more = b""
            if not more:
                break
            self.seen += more
        return self.seen.decode("utf-8").replace("\r\n", "\n")

    def end(self):
        text = self.read()
        self.code = self.process.wait(60)
        return text


# ---- wrong lines ----


@test
def what_makes_no_sense_is_refused_in_one_sentence():
    for args in (("0",), ("65536",), ("why", "99999999999999999999999"), ("",), ("why", ""), ("8080-80",),
                 ("8080,",), ("why",), ("--sort", "colour"), ("list", "--pid", "x"), ("list", "--pid", "0"),
                 ("list", "--user", "e2e-nobody-by-this-name"), ("list", "--port", "x"), ("list", "--port", "0"),
                 ("--watch=x",), ("--watch=0",), ("--watch=1.23",), ("-o", "port,colour"), ("doctor", "8080"),
                 ("doctor", "--record", ""), ("why", "80", "--bind", "hard"), ("80", "--on", "nonsense"),
                 ("80", "--device", "e2e-no-device"), ("help", "nonsense-of-all-kinds"), ("completion", "tcsh"),
                 ("completion",), ("--color", "sometimes"), ("why", "e2e-no-port", "8080", "--on")):
        refused(*args)


@test
def very_long_and_broken_operands_are_refused_or_not_found():
    for text in ("1" * 100000, "x" * 100000, ":" * 5000, "[" * 5000, "8080," * 5000 + "0", "%" * 3000):
        result = run(text)
        assert result.code in (1, 2), f"{text[:20]}...: {result.code} {result.err[:300]}"
        assert len(result.err) < 600, len(result.err)
    for raw in (b"\xff\xfe", b"\x1b[2J", b"a\nb", "a\u202eb".encode(), b"\xc3"):
        result = run(os.fsdecode(raw))
        assert result.code in (1, 2), f"{raw!r}: {result}"
        assert len(result.err.splitlines()) == 1, result.err


@test
def a_slip_is_answered_with_the_near_word():
    assert "'list'" in refused("lst")
    assert "'doctor'" in refused("docter")
    assert "'free'" in refused("fre", "8080")
    assert "'why'" in refused("help", "wyh")
    assert "--json" in refused("list", "--jsno")
    assert "--no-header" in refused("list", "--no-heder")


@test
def a_word_near_nothing_is_a_program_that_is_not_here():
    result = run("e2e-quite-unlikely")
    assert result.code == 1 and result.out == "" and "e2e-quite-unlikely" in result.err, str(result)
    assert run("list", "e2e-quite-unlikely").code == 1


@test
def a_word_that_can_only_be_a_wrong_port_is_refused():
    for args in (("why", "e2e-quite-unlikely"), ("why", "garbage"), ("garbage!",), ("80;81",), ("***",), ("@@",), ("a|b",)):
        assert "no port" in refused(*args), args


@test
def the_name_of_a_user_lists_what_it_has():
    port = new_port()
    shapes.listener(port)
    name = pwd.getpwuid(os.getuid()).pw_name
    assert str(port) in run("list", name).out
    assert [row["local"] for row in run("list", name, "--json").json()["rows"]] == [f"0.0.0.0:{port}"]


@test
def what_comes_later_says_what_to_do_until_then():
    for args in (("top",), ("mcp",), ("policy",), ("help", "hub")):
        assert "not yet" in refused(*args), args


@test
def a_port_is_freed_however_that_is_said():
    port = new_port()
    shapes.listener(port)
    for args in (("free", port), ("kill", port), ("stop", port), ("-k", port), (port, "-k"), (port, "free"),
                 ("why", port, "kill"), (port, "--kill")):
        result = run(*args)
        assert result.code == 3 and "Ask e2e-listener" in result.out and "--yes" in result.err, str(result)


# ---- exit codes and streams ----


@test
def quiet_prints_nothing_and_the_code_is_the_answer():
    port = new_port()
    for flag in ("-q", "--quiet"):
        result = run(flag, port)
        assert (result.code, result.out, result.err) == (0, "", ""), str(result)
    shapes.listener(port)
    result = run("-q", port)
    assert (result.code, result.out, result.err) == (1, "", ""), str(result)
    result = run("-q", "e2e-quite-unlikely")
    assert (result.code, result.out, result.err) == (1, "", ""), str(result)


@test
def exit_zero_hides_a_bad_answer_but_not_a_wrong_line():
    port = new_port()
    shapes.listener(port)
    assert run(port, "--exit-zero").code == 0
    assert run("--exit-zero", "e2e-quite-unlikely").code == 0
    assert run("--exit-zero", "0").code == 2


@test
def errors_are_json_too_when_that_is_asked_for():
    for args in (("--json", "why", "0"), ("--nope", "--json"), ("list", "--sort", "bad", "-j"), ("-k", "0", "--json"),
                 ("why", "garbage", "--json"), ("lsp", "--json"), ("help", "nonsense-of-all-kinds", "--json")):
        result = run(*args)
        document = result.json()
        assert result.code == 2 and document["schema"] == "moorage.error/1" and document["exit"] == 2, document
        assert document["sentence"] in result.err
    assert refused("--nope", "--", "--json")


@test
def whatever_answers_has_a_json_answer():
    version = run("--version").out.split()[1]
    assert run("--version", "--json").json() == {"schema": "moorage.version/1", "version": version}
    for args in (("help", "--json"), ("--help", "--json"), ("--json", "help")):
        document = run(*args).json()
        names = [command["name"] for command in document["commands"]]
        assert {"list", "why", "doctor", "help"} <= set(names) and "completion" not in names, names
        assert "json" in [option["name"] for option in document["options"]], document["options"]
    (one,) = run("why", "--help", "-j").json()["commands"]
    bind = [option for option in one["options"] if option["name"] == "bind"][0]
    assert one["aliases"] == ["who", "explain", "status"] and bind["choices"][0] == "plain", one
    document = run("completion", "bash", "--json").json()
    assert document["shell"] == "bash" and document["script"] == run("completion", "bash").out


@test
def options_may_stand_before_the_command_or_port():
    port = new_port()
    for args in (("--json", port), ("--json", "why", port), ("-j", "--color", "never", port), (port, "-j"),
                 ("--on", "127.0.0.1", port, "--json"), ("--json", "--", port)):
        assert run(*args).json()["schema"] == "moorage.why/1", args
    assert run("--json", "--all").json()["schema"] == "moorage.list/1"
    assert run("-jt").json()["schema"] == "moorage.list/1"


@test
def the_habits_of_ss_and_netstat_work():
    port = new_port()
    shapes.listener(port)
    for letters in ("-ltnp", "-tulpn", "-tlnp"):
        result = run(letters)
        assert result.code == 0 and str(port) in result.out, str(result)
    assert str(port) not in run("list", "-u").out


@test
def a_reader_that_leaves_early_does_no_harm():
    for args in (["--help"], ["list", "--all"], ["doctor"], ["list", "--json"]):
        read, write = os.pipe()
        process = subprocess.Popen([lib.program(), *args], stdout=write, stderr=subprocess.PIPE, env=lib.environment())
        lib.after(process.wait)
        os.close(write)
        os.close(read)
        error = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) in (0, 1) and b"ipe" not in error, (args, process.returncode, error)


@test
def a_full_disk_is_no_crash():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([lib.program(), "--help"], stdout=full, stderr=subprocess.PIPE, env=lib.environment(),
                              check=False)
    assert done.returncode >= 0


@test
def an_answer_never_goes_to_what_is_opened_in_place_of_a_closed_output():
    port = new_port()
    shapes.listener(port)
    for args in ("list", "range", str(port), f"{port + 1}", f"wait {port}", f"free {port + 1}", "list --json"):
        done = subprocess.run(["sh", "-c", f'exec "$0" {args} >&-', lib.program()], env=lib.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 3 and done.stderr == "moorage: write the answer: Bad file descriptor\n", (args, done)


@test
def closed_standard_streams_are_no_crash():
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$0" list {closed}', lib.program()], env=lib.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert done.returncode in (0, 1, 3), (closed, done)


# ---- help ----


@test
def help_tells_all_and_each():
    overview = run("--help")
    assert overview.code == 0 and run("help").out == overview.out and run("-h").out == overview.out
    for word in ("list", "why", "run", "wait", "doctor", "help"):
        assert re.search(rf"^  {word} ", overview.out, re.M), word
    assert "completion" not in overview.out
    for word in ("list", "why", "run", "wait", "doctor", "help", "completion"):
        page = run(word, "--help")
        assert page.code == 0 and page.out.startswith(f"moorage {word}"), str(page)
        assert run("help", word).out == page.out and "--json" in page.out
    assert run("help", "who").out == run("why", "--help").out


@test
def help_fits_eighty_columns():
    commands = [command["name"] for command in run("help", "--json").json()["commands"]]
    assert "lease" in commands and "range" in commands
    for args in ([], *([command] for command in commands)):
        for line in run(*args, "--help").out.splitlines():
            assert len(line) <= 80, line


@test
def help_wins_over_what_else_is_wrong():
    assert run("why", "--help", "--nonsense").code == 0
    assert run("--version", "0").code == 0
    assert re.fullmatch(r"moorage \d+\.\d+\.\d+\n", run("--version").out)


# ---- the list ----


@test
def every_piped_line_has_all_columns():
    port = new_port()
    child = shapes.listener(port)
    lines = [re.split(r" {2,}", line.strip()) for line in run("list", "--tcp").out.splitlines()]
    assert lines[0] == ["PORT", "PROTO", "ADDRESS", "PROGRAM", "PID", "USER", "SERVICE", "SINCE"], lines[0]
    row = [line for line in lines if line[0] == str(port)]
    assert len(row) == 1 and row[0][:5] == [str(port), "tcp", "0.0.0.0", "e2e-listener", str(child.pid)], row
    assert len(row[0]) == 8 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[0][7]), row


@test
def all_states_show_connections_with_both_ends():
    port = new_port()
    server = socket.create_server(("127.0.0.1", port))
    lib.after(server.close)
    client = socket.create_connection(("127.0.0.1", port))
    lib.after(client.close)
    lines = run("list", "--all", port).out.splitlines()
    assert any("ESTABLISHED" in line for line in lines) and any("LISTEN" in line for line in lines), lines
    assert str(client.getsockname()[1]) in "\n".join(lines), lines
    assert "ESTABLISHED" not in run("list", port).out


@test
def pids_stand_alone_and_once():
    first, second = new_port(), new_port()

    def body(me):
        made = [shapes.listening(first), shapes.listening(second)]
        me.ready()
        me.rest()
        made.clear()

    child = shapes.Child(body)
    assert run("list", "--pids", first, second).out == f"{child.pid}\n"
    assert run("list", "--pids", "--pid", child.pid, "--json").json()["rows"]


@test
def csv_is_read_by_a_csv_reader():
    port = new_port()
    shapes.listener(port)
    rows = list(csv.DictReader(io.StringIO(run("list", "--csv", "-o", "port,state,name,remote").out)))
    mine = [row for row in rows if row["PORT"] == str(port)]
    assert mine == [{"PORT": str(port), "STATE": "LISTEN", "PROGRAM": "e2e-listener", "REMOTE": ""}], rows
    assert not run("list", "--csv", "--no-header").out.startswith("PORT")


@test
def users_and_processes_narrow_the_list():
    port = new_port()
    child = shapes.listener(port)
    user = os.getuid()
    assert str(port) in run("list", "--user", user).out
    assert str(port) in run("list", "--pid", child.pid).out
    assert str(port) in run("list", "--port", f"{port}-{port + 1}", "--tcp").out
    assert run("list", "--pid", child.pid, "--udp").code == 1
    assert run("list", "--user", user, "--port", port + 1).code == 1


@test
def rows_come_in_the_asked_order():
    ports = [new_port() for _ in range(3)]
    pids = [shapes.listener(port, name=name).pid for port, name in zip(ports, ("e2e-c", "e2e-a", "e2e-b"))]

    def order(by):
        lines = run("list", "--sort", by, "--no-header", "-o", "port", *ports).out.split()
        return [ports.index(int(line)) for line in lines]

    assert order("port") == [0, 1, 2]
    assert order("name") == [1, 2, 0]
    # Numbers begin anew now and then.
    assert [pids[at] for at in order("pid")] == sorted(pids)


# ---- terminals ----


@test
def a_terminal_gets_one_line_for_a_program_and_port():
    port = new_port()

    def body(me):
        made = [shapes.listening(port, "0.0.0.0"), shapes.listening(port, "::")]
        os.fork()
        me.ready()
        me.rest()
        made.clear()

    shapes.Child(body, name="e2e-both")
    screen = Terminal("list", port)
    text = SGR.sub("", screen.end())
    lines = [line for line in text.splitlines() if line.startswith(str(port)) or f" {port} " in line]
    assert len(lines) == 1 and " all " in lines[0] and "ago" in lines[0] or "just now" in lines[0], text
    assert screen.code == 0
    assert len(run("list", port).out.splitlines()) > 2, "a pipe gets every row"


@test
def colour_is_for_terminals_unless_it_is_said_otherwise():
    port = new_port()
    assert "\x1b[" in Terminal(port).end()
    assert "\x1b" not in Terminal(port, NO_COLOR="1").end()
    assert "\x1b" not in Terminal(port, "--color", "never").end()
    assert "\x1b" not in Terminal(port, "--no-color").end()
    assert "\x1b" not in Terminal(port, TERM="dumb").end()
    done = subprocess.run([lib.program(), "--color=always", str(port)], capture_output=True, env=lib.environment(),
                          check=False)
    assert b"\x1b[" in done.stdout, done


@test
def lines_fit_the_terminal():
    port = new_port()
    shapes.listener(port, name="e2e-a-long-name")
    for columns in (40, 60, 100):
        for args in (("why", port), ("list",), ("doctor",)):
            text = SGR.sub("", Terminal(*args, columns=columns).end())
            for line in text.splitlines():
                # The verdict is one line, always, and one word (a path) can't be folded; all else is folded or cut.
                whole = line.startswith(("Port ", "moorage ")) or len(line.split()) == 1
                assert whole or len(line) <= columns, (columns, line)


@test
def watching_redraws_in_place_and_ctrl_c_ends_it():
    port = new_port()
    screen = Terminal("list", "--watch=0.2")
    screen.read(b"\x1b[J")
    shapes.listener(port)
    screen.read(str(port).encode())
    os.write(screen.master, b"\x03")
    text = screen.end()
    assert screen.code == 130, screen.code
    assert "\x1b[?25l" in text and text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), text[-300:]


@test
def watching_in_a_pipe_repeats_plainly():
    port = new_port()
    shapes.listener(port)
    process = subprocess.Popen([lib.program(), "list", "--watch=0.1", "-o", "port", str(port)], stdout=subprocess.PIPE,
                               env=lib.environment())
    lib.after(process.wait)
    lines = [process.stdout.readline() for _ in range(5)]
    process.stdout.close()
    once = [b"PORT\n", f"{port}\n".encode()]
    assert lines == [*once, b"\n", *once], lines
    assert process.wait(60) == 0


@test
def watching_as_json_gives_a_document_a_line():
    process = subprocess.Popen([lib.program(), "list", "--watch=0.1", "--json"], stdout=subprocess.PIPE,
                               env=lib.environment())
    lib.after(process.wait)
    for _ in range(2):
        lib.validate(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    assert process.wait(60) in (0, 130)


# ---- hostile names ----

HOSTILE = {
    "escapes": b"\x1b[2J\x1b]0;x\x07",
    "line ends": b"a\nb\rc\td",
    "invalid": b"\xff\xfe\xc3\xed\xa0\x80",
    "bidi": "x\u202ey\u2066z\u200f".encode(),
    "c1": "a\u009b31mb".encode(),
    "wide": "\u7aef\u53e3".encode(),
    "dash": b"--help",
    "blank": b" ",
}


def hostile_listener(port, name):
    """A process whose short name, argument vector and folder are all hostile."""
    folder = os.fsencode(lib.temp_folder())
    inner = os.path.join(folder, name.replace(b"/", b"_"))
    os.mkdir(inner)

    def body(me):
        made = shapes.listening(port)
        made.set_inheritable(True)
        os.chdir(inner)
        me.ready()
        os.execv("/usr/bin/python3", [name or b"x", "-c", "import sys,time; open('/proc/self/comm','wb').write("
                                      "bytes.fromhex(sys.argv[1])[:15]); time.sleep(1000)", name.hex(), name])

    child = shapes.Child(body)
    comm = pathlib.Path(f"/proc/{child.pid}/comm")
    shapes.until(lambda: comm.read_bytes().rstrip(b"\n") == name[:15].rstrip(b"\n"))
    return child


@test
def hostile_names_cant_touch_a_pipe():
    for what, name in HOSTILE.items():
        port = new_port()
        child = hostile_listener(port, name)
        for args in (("list", port), ("list", "--all", "-o", "name,command,cwd,exe,pid", port), ("list", "--csv", port),
                     ("why", port), ("why", port, "--full"), ("why", port, "--json"), ("list", "--json"), (name,)):
            result = run(*[os.fsdecode(arg) if isinstance(arg, bytes) else arg for arg in args])
            if args == (name,):
                continue
            assert result.code == (1 if args[0] == "why" else 0), f"{what}: {result}"
            assert str(child.pid) in result.out, f"{what}: {result}"
            if args[-1] == "--json":
                result.json()
        lines = run("list", port, "--no-header").out.splitlines()
        assert len(lines) == 1, f"{what}: {lines}"


@test
def hostile_names_cant_touch_a_terminal():
    for what, name in HOSTILE.items():
        port = new_port()
        hostile_listener(port, name)
        for args in (("list",), ("why", port), ("list", "--all", port)):
            text = SGR.sub("", Terminal(*args).end())
            assert not lib.CONTROL.search(text), f"{what}: {text!r}"


@test
def hostile_bytes_are_in_json_beside_the_readable_text():
    port = new_port()
    hostile_listener(port, b"\xff\xfebad")
    rows = run("list", "--json", port).json()["rows"]
    holder = rows[0]["holders"][0]
    assert "\ufffd" in holder["name"] and holder["name_raw"], holder


@test
def the_first_program_and_all_of_them_are_not_asked_at_once():
    result = lib.run("why", "8080", "--first", "--deep")
    assert result.code == 2 and "--first" in result.err and "one of them" in result.err, str(result)


lib.main(own_netns=True)
