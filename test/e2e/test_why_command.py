#!/usr/bin/python3 -B
"""moorage why -- COMMAND: the very bind that fails, in whichever descendant, and a command that notices nothing of it."""

import contextlib
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import time

import lib
import shapes
from lib import new_port, run, test

PYTHON = "/usr/bin/python3"


def command(*args, code=None, options=(), **how):
    """Runs `moorage why --report FILE -- ARGS` and gives the result with its checked document."""
    path = lib.temp_folder()
    path.chmod(0o777)
    path = path / "report.json"
    result = run("why", *options, "--report", path, "--", *args, **how)
    assert code is None or result.code == code, f"exit code {result.code}, not {code}: {result}"
    document = json.loads(path.read_text())
    lib.validate(document)
    assert document["exit"] == result.code, document
    for entry in document["asked"]:
        lib.check_entry(entry)
    result.document = document
    return result


def watched(*args, **how):
    result = command(*args, **how)
    if result.document["seen"] != "binds":
        raise lib.Skip(f"binds can't be watched here: {result.document['not_seen']}")
    return result


def script(text):
    return [PYTHON, "-c", "import os, socket, sys, time\n" + text]


def binds(port, *more):
    """A program that binds and listens with SO_REUSEADDR."""
    return script("s = socket.create_server(('0.0.0.0', %d))\n%s" % (port, "\n".join(more)))


def failures(result):
    return [bind for bind in result.document["binds"] if not bind["worked"]]


def only_failure(result):
    found = failures(result)
    assert len(found) == 1, f"{found}\n{result}"
    return found[0]


def explained(result, bind):
    return result.document["asked"][bind["asked"]]


@test
def the_bind_that_fails_is_explained():
    port = new_port()
    child = shapes.listener(port)
    result = watched(*binds(port), code=1)
    bind = only_failure(result)
    assert bind["address"] == "0.0.0.0" and bind["port"] == port and bind["reuse_addr"], bind
    assert (bind["result"], bind["code"], bind["call"], bind["program"]) == ("EADDRINUSE", 98, "bind", "python3"), bind
    entry = explained(result, bind)
    assert entry["address"] == "0.0.0.0" and entry["bind"] == "reuse" and not entry["bindable"], entry
    lib.only_holder(lib.only_cause(entry, "listener"), child.pid)
    assert f"could not bind 0.0.0.0:{port} (TCP, SO_REUSEADDR): EADDRINUSE" in result.err, result.err
    assert f"Port {port} (TCP) is taken by e2e-listener (pid {child.pid})" in result.err, result.err
    # The command's own words come first.
    assert result.err.index("Address already in use") < result.err.index("could not bind"), result.err
    assert result.out == "", result.out


@test
def options_and_addresses_are_those_of_the_program():
    port = new_port()
    shapes.listener(port, "127.0.0.1")
    for setup, address, mode, options in (
            ("s = socket.socket()", "127.0.0.1", "plain", set()),
            ("s = socket.socket(); s.setsockopt(1, 2, 1)", "127.0.0.1", "reuse", {"reuse_addr"}),
            ("s = socket.socket(); s.setsockopt(1, 15, 1)", "0.0.0.0", "reuseport", {"reuse_port"}),
            ("s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 0)", "::", "plain", set())):
        result = watched(*script(f"{setup}; s.bind(('{address}', {port}))"), code=1)
        bind = only_failure(result)
        assert {name for name in ("reuse_addr", "reuse_port", "v6only") if bind[name]} == options, bind
        entry = explained(result, bind)
        assert (entry["address"], entry["bind"]) == (address, mode), entry
    result = watched(*script(f"s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 1); s.bind(('::', {port}))"))
    assert result.code == 0 and not failures(result), result.document


@test
def udp_binds_are_seen_too():
    port = new_port()
    child = shapes.listener(port, proto="udp")
    result = watched(*script(f"s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('0.0.0.0', {port}))"), code=1)
    bind = only_failure(result)
    assert bind["protocol"] == "udp", bind
    lib.only_holder(lib.only_cause(explained(result, bind), "listener"), child.pid)


@test
def whichever_descendant_it_is():
    port = new_port()
    child = shapes.listener(port)
    inner = binds(port)
    for wrapped in (["sh", "-c", '"$@"; exit 3', "sh", *inner], ["sh", "-c", 'setsid "$@"; exit 3', "sh", *inner],
                    script("pid = os.fork()\nif pid: os.waitpid(pid, 0); sys.exit(3)\n" + inner[2])):
        result = watched(*wrapped, code=3)
        bind = only_failure(result)
        assert bind["pid"] != child.pid
        lib.only_holder(lib.only_cause(explained(result, bind), "listener"), child.pid)


@test
def threads_bind_as_well():
    port = new_port()
    shapes.listener(port)
    result = watched(*script(f"import threading\ndef f():\n s = socket.socket()\n try: s.bind(('0.0.0.0', {port}))\n"
                             " except OSError as e: print(e.errno)\n"
                             "t = threading.Thread(target=f); t.start(); t.join()"), code=0)
    assert result.out == "98\n", result.out
    assert only_failure(result)["result"] == "EADDRINUSE"


@test
def what_works_is_listed():
    first, second = new_port(), new_port()
    result = watched(*script(f"a = socket.create_server(('127.0.0.1', {first}))\n"
                             f"b = socket.socket(type=socket.SOCK_DGRAM); b.bind(('0.0.0.0', {second}))\n"
                             "c = socket.socket(); c.bind(('127.0.0.1', 0)); print(c.getsockname()[1]); time.sleep(1)"),
                     code=0)
    seen = {(bind["protocol"], bind["port"], bind["worked"], bind["listens"], bind["any_port"])
            for bind in result.document["binds"]}
    assert seen == {("tcp", first, True, True, False), ("udp", second, True, False, False),
                    ("tcp", int(result.out), True, False, True)}, seen
    assert result.document["asked"] == [] and "no bind failed" in result.err, str(result)
    assert f"127.0.0.1:{first} (TCP) by python3" in result.err, result.err


@test
def a_program_that_tries_the_next_port_is_told_both():
    port = new_port()
    shapes.listener(port)
    result = watched(*script(f"for p in ({port}, {port + 1}):\n s = socket.socket()\n try: s.bind(('127.0.0.1', p)); break\n"
                             " except OSError: s.close()\ntime.sleep(1)"), code=0)
    assert only_failure(result)["port"] == port
    assert [bind["port"] for bind in result.document["binds"] if bind["worked"]] == [port + 1], result.document


@test
def a_bind_that_is_tried_again_and_again_stands_once():
    port = new_port()
    shapes.listener(port)
    result = watched(*script(f"for i in range(20):\n s = socket.socket()\n try: s.bind(('127.0.0.1', {port}))\n"
                             " except OSError: s.close()"), code=0)
    assert only_failure(result)["times"] == 20 and len(result.document["asked"]) == 1, result.document
    assert "20 times" in result.err, result.err


@test
def a_program_that_only_tries_ports_and_lets_go_is_not_disturbed():
    port = new_port()
    result = watched(*script(f"for i in range(200):\n s = socket.socket(); s.bind(('0.0.0.0', {port})); s.listen(); s.close()"),
                     code=0)
    assert not failures(result), failures(result)


@test
def a_command_that_takes_its_own_port_twice_is_told_so():
    port = new_port()
    result = watched(*binds(port, f"t = socket.socket(); t.bind(('127.0.0.1', {port}))"), code=1)
    bind = only_failure(result)
    cause = lib.only_cause(explained(result, bind), "listener")
    assert [holder["pid"] for holder in cause["holders"]] == [bind["pid"]], cause
    assert "The command itself has it" in result.err, result.err


@test
def a_listen_that_fails_after_a_good_bind_is_seen():
    port = new_port()
    result = watched(*script("def one():\n s = socket.socket(); s.setsockopt(1, 2, 1); "
                             f"s.bind(('127.0.0.1', {port})); return s\n"
                             "a = one(); b = one(); a.listen(); b.listen()"), code=1)
    bind = only_failure(result)
    assert bind["call"] == "listen" and bind["result"] == "EADDRINUSE", bind
    # The socket that can't listen is bound all the same.
    lib.cause_of(explained(result, bind), "listener")


@test
def missing_rights_are_those_of_the_program():
    lib.need_root()
    port = 88
    result = watched(*script(f"os.setgid(65534); os.setuid(65534); socket.socket().bind(('127.0.0.1', {port}))"), code=1)
    assert only_failure(result)["result"] == "EACCES", result.document
    result = watched(*script(f"socket.socket().bind(('127.0.0.1', {port}))"), code=1, uid=65534)
    bind = only_failure(result)
    assert bind["result"] == "EACCES", bind
    lib.only_cause(explained(result, bind), "privileged")


@test
def an_address_that_is_not_here_is_told():
    result = watched(*script(f"socket.socket().bind(('192.0.2.7', {new_port()}))"), code=1)
    bind = only_failure(result)
    assert bind["result"] == "EADDRNOTAVAIL", bind
    lib.only_cause(explained(result, bind), "address")


@test
def other_namespaces_have_other_ports():
    lib.need_root()
    port = new_port()
    result = watched("unshare", "-n", *script(f"s = socket.socket(); s.bind(('0.0.0.0', {port}))\n"
                                              f"socket.socket().bind(('0.0.0.0', {port}))"), code=1)
    bind = only_failure(result)
    assert bind["other_namespace"] and bind["asked"] is None, bind
    assert "namespace" in result.err, result.err


@test
def sockets_without_ports_are_let_through():
    path = lib.temp_folder() / "socket"
    result = watched(*script(f"s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r})\n"
                             "t = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); t.bind((0, 0))\nprint('good')"), code=0)
    assert result.out == "good\n" and result.document["binds"] == [], result.document
    assert "bound no port" in result.err, result.err


@test
def broken_binds_get_the_errors_that_they_would_get():
    result = watched(*script("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                             "s = socket.socket()\n"
                             "for args in ((-1, 0, 0), (s.fileno(), 1, 16), (s.fileno(), 0, 16), (0, 0, 0), (s.fileno(), 0, 999)):\n"
                             " r = libc.bind(args[0], ctypes.c_void_p(args[1]), args[2]); print(r, ctypes.get_errno())"))
    plain = subprocess.run(script("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                                  "s = socket.socket()\n"
                                  "for args in ((-1, 0, 0), (s.fileno(), 1, 16), (s.fileno(), 0, 16), (0, 0, 0), (s.fileno(), 0, 999)):\n"
                                  " r = libc.bind(args[0], ctypes.c_void_p(args[1]), args[2]); print(r, ctypes.get_errno())"),
                           capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert result.out == plain.stdout, (result.out, plain.stdout)


@test
def signals_do_not_break_a_bind_off():
    port = new_port()
    shapes.listener(port)
    # An alarm each millisecond, whose handler lets calls go on.
    result = watched(*script("import signal, errno\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
                             "signal.siginterrupt(signal.SIGALRM, False)\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
                             "codes = set()\nimport ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                             "import struct\n"
                             f"name = struct.pack('=H', 2) + struct.pack('!H', {port}) + bytes(12)\n"
                             "for i in range(100):\n s = socket.socket()\n r = libc.bind(s.fileno(), name, 16)\n"
                             " codes.add(ctypes.get_errno() if r else 0); s.close()\n"
                             "signal.setitimer(signal.ITIMER_REAL, 0)\nprint(codes)"), code=0)
    assert result.out == "{98}\n", str(result)


# ---- the command notices nothing ----


@test
def streams_exit_codes_and_surroundings_are_the_commands_own():
    result = command("sh", "-c", 'cat; echo err >&2; exit 42', code=42, stdin=b"in\n")
    assert result.out == "in\n" and result.err.startswith("err\n"), str(result)
    result = command(*script("print(os.getcwd(), os.environ.get('HOME'), os.getppid() != 1, sorted(os.listdir('/proc/self/fd')))"))
    plain = subprocess.run(script("print(os.getcwd(), os.environ.get('HOME'), os.getppid() != 1, sorted(os.listdir('/proc/self/fd')))"),
                           capture_output=True, env=lib.environment(), check=False, text=True, stdin=subprocess.PIPE)
    assert result.out == plain.stdout, (result.out, plain.stdout)
    assert command("sh", "-c", "kill -TERM $$").code == 128 + signal.SIGTERM


@test
def signals_are_as_they_were():
    text = "import signal\nprint([str(signal.getsignal(n)) for n in (2, 3, 13, 15, 17, 28)], signal.pthread_sigmask(0, []))"
    plain = subprocess.run(script(text), capture_output=True, text=True, check=False)
    assert command(*script(text)).out == plain.stdout, plain.stdout

    def ignoring():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    plain = subprocess.run(script(text), capture_output=True, text=True, check=False, preexec_fn=ignoring,
                           restore_signals=False)
    done = subprocess.run([lib.program(), "why", "-q", "--", *script(text)], capture_output=True, text=True, check=False,
                          preexec_fn=ignoring, restore_signals=False, env=lib.environment())
    assert done.stdout == plain.stdout, (done.stdout, plain.stdout)


@test
def commands_that_are_not_there_have_the_codes_of_a_shell():
    assert run("why", "--", "/e2e/no-such-program").code == 127
    assert run("why", "--", "e2e-no-such-program").code == 127
    result = run("why", "--", "/etc/passwd")
    assert result.code == 126 and "/etc/passwd" in result.err, str(result)
    assert run("why", "8080", "--", "true").code == 2


@test
def quiet_says_nothing_and_json_is_a_document():
    port = new_port()
    shapes.listener(port)
    result = run("why", "-q", "--", *script(f"try: socket.socket().bind(('127.0.0.1', {port}))\nexcept OSError: sys.exit(5)"))
    assert (result.code, result.out, result.err) == (5, "", ""), str(result)
    result = run("why", "--json", "--", *script(f"try: socket.socket().bind(('127.0.0.1', {port}))\nexcept OSError: sys.exit(5)"))
    document = result.json()
    assert result.code == 5 and document["command"][0] == PYTHON and result.err == "", str(result)
    result = run("why", "--json", "--", *script(f"print('said', flush=True); socket.socket().bind(('127.0.0.1', {port}))"))
    assert result.json()["exit"] == 1 and result.err.startswith("said\n"), str(result)
    assert run("why", "--json", "--quiet", "--", "echo", "said").out == "said\n"
    assert run("why", "--json", "--share", "--", "true", "secret").json()["command"] == ["true"]
    assert run("why", "--exit-zero", "--", "false").code == 0


@test
def a_signal_to_moorage_is_passed_on_once():
    for whole_group in (False, True):
        marker = lib.temp_folder() / "count"
        process = subprocess.Popen([lib.program(), "why", "-q", "--", *script(
            "import signal\ncount = [0]\ndef f(*_): count[0] += 1\nsignal.signal(15, f)\n"
            f"open({str(marker)!r}, 'w').write('ready')\nwhile not count[0]: time.sleep(0.01)\nend = time.monotonic() + 1.5\n"
            "while time.monotonic() < end: time.sleep(0.01)\n"
            f"open({str(marker)!r}, 'w').write(str(count[0]))")], env=lib.environment(), start_new_session=True)
        lib.after(process.wait)
        shapes.until(lambda: marker.exists() and marker.read_text() == "ready")
        if whole_group:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert marker.read_text() == "1", (whole_group, marker.read_text())


@test
def ctrl_c_reaches_the_command_and_the_answer_is_still_told():
    port = new_port()
    shapes.listener(port)
    pid, master = pty.fork()
    if pid == 0:
        os.execve(lib.program(), [lib.program(), "why", "--", *script(
            f"try: socket.socket().bind(('127.0.0.1', {port}))\nexcept OSError: pass\n"
            "try:\n    print('ready', flush=True)\n    time.sleep(60)\n"
            "except KeyboardInterrupt: print('interrupted'); sys.exit(9)")],
                  lib.environment())
    lib.after(os.close, master)
    seen = b""
    sent = False
    while True:
        if not select.select([master], [], [], 60)[0]:
            raise AssertionError(seen)
        try:
            more = os.read(master, 65536)
        except OSError:
            break
        seen += more
        if b"ready" in seen and not sent:
            os.write(master, b"\x03")
            sent = True
    status = os.waitpid(pid, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 9 and b"interrupted" in seen and b"could not bind" in seen, seen


@test
def a_job_stops_and_goes_on():
    pid, master = pty.fork()
    if pid == 0:
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], lib.environment(PS1="$ "))
    lib.after(os.close, master)
    lib.after(os.waitpid, pid, 0)
    lib.after(os.kill, pid, signal.SIGKILL)
    seen = b""

    def read(text):
        nonlocal seen
        end = time.monotonic() + 60
        while text not in seen:
            assert select.select([master], [], [], max(0, end - time.monotonic()))[0], seen
            seen += os.read(master, 65536)
        seen = seen.split(text, 1)[1]

    program = lib.temp_folder() / "program.py"
    program.write_text("import time\nprint('rea' 'dy', flush=True)\ntime.sleep(1000)\n")
    os.write(master, f"{lib.typed_program()} why -q -- {PYTHON} {program}\n".encode())
    read(b"ready")
    for _ in range(2):
        os.write(master, b"\x1a")
        read(b"Stopped")
        os.write(master, b"fg\n")
        shapes.until_in_front(master, "moorage")
    os.write(master, b"\x03")
    shapes.until_in_front(master, "bash")
    os.write(master, b"echo 'co''de' $?\n")
    read(b"code 130")


@test
def a_command_that_goes_on_is_explained_meanwhile():
    port = new_port()
    shapes.listener(port)
    process = subprocess.Popen([lib.program(), "why", "--", *script(
        f"try: socket.socket().bind(('127.0.0.1', {port}))\nexcept OSError: pass\ntime.sleep(60)")],
                               env=lib.environment(), stderr=subprocess.PIPE)
    lib.after(process.wait)
    lib.after(process.kill)
    seen = b""
    while b"is taken by" not in seen:
        assert select.select([process.stderr], [], [], 60)[0], seen
        seen += os.read(process.stderr.fileno(), 65536)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.stderr.close()
    assert process.wait(60) == 128 + signal.SIGTERM


def outliving(port, marker):
    """A command that leaves a daemon behind, which binds a second later and tells what came of it."""
    return script("if os.fork(): sys.exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"
                  "for f in (0, 1, 2): os.close(f)\n"
                  f"time.sleep(1)\ntry:\n s = socket.create_server(('127.0.0.1', {port})); text = 'good'\n"
                  f"except OSError as e: text = str(e)\nopen({str(marker)!r}, 'w').write(text)")


@test
def what_outlives_the_command_goes_on_binding():
    marker = lib.temp_folder() / "marker"
    assert run("why", "-q", "--", *outliving(new_port(), marker)).code == 0
    shapes.until(lambda: marker.exists() and marker.read_text())
    assert marker.read_text() == "good", marker.read_text()
    shapes.until(lambda: not keepers())


def keepers():
    found = set()
    own = os.stat("/proc/self/ns/net").st_ino
    for pid in shapes.all_pids():
        with contextlib.suppress(OSError):
            if shapes.name_of(pid) == "moorage-keeper" and os.stat(f"/proc/{pid}/ns/net").st_ino == own:
                found.add(pid)
    return found


@test
def when_moorage_is_killed_binds_go_on():
    marker = lib.temp_folder() / "marker"
    ready = lib.temp_folder() / "ready"
    process = subprocess.Popen([lib.program(), "why", "-q", "--", *script(
        f"open({str(ready)!r}, 'w').write('x')\ntime.sleep(1)\n"
        f"try:\n s = socket.create_server(('127.0.0.1', {new_port()})); text = 'good'\n"
        f"except OSError as e: text = str(e)\nopen({str(marker)!r}, 'w').write(text)")], env=lib.environment())
    lib.after(process.wait)
    shapes.until(ready.exists)
    time.sleep(0.3)
    process.kill()
    process.wait()
    shapes.until(lambda: marker.exists() and marker.read_text())
    assert marker.read_text() == "good", marker.read_text()
    shapes.until(lambda: not keepers())


@test
def nothing_of_moorage_is_left_after_it():
    assert run("why", "-q", "--", "true").code == 0
    shapes.until(lambda: not keepers())
    left = [pid for pid in children() if shapes.name_of(pid) == "moorage-ear"]
    assert not left, left


def children():
    return {int(pid) for pid in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


# ---- where binds can't be watched ----


def refused(*args, **how):
    """moorage where seccomp(2) is refused, as in many containers."""
    if shutil.which("strace") is None:
        raise lib.Skip("needs strace")
    wrap = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=seccomp", "-e", "inject=seccomp:error=EPERM"]
    return command(*args, wrap=wrap, path=lib.need_plain_program(), **how)


@test
def the_error_text_is_read_where_binds_can_not_be_watched():
    port = new_port()
    child = shapes.listener(port)
    node = f"Error: listen EADDRINUSE: address already in use 0.0.0.0:{port}"
    result = refused("sh", "-c", f"echo out; echo '{node}' >&2; exit 1", code=1)
    assert result.document["seen"] == "text" and result.document["not_seen"], result.document
    assert result.out == "out\n" and result.err.startswith(node + "\n"), str(result)
    entry = result.document["asked"][0]
    lib.only_holder(lib.only_cause(entry, "listener"), child.pid)
    assert "can't be watched" in result.err and f"(pid {child.pid})" in result.err, result.err


@test
def error_output_passes_unchanged():
    text = "import sys; sys.stderr.buffer.write(bytes(range(256)) * 400); sys.stderr.flush()"
    done = subprocess.run(["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=seccomp", "-e",
                           "inject=seccomp:error=EPERM", lib.need_plain_program(), "why", "-q", "--", PYTHON, "-c", text],
                          capture_output=True, env=lib.environment(), check=False)
    assert done.stderr == bytes(range(256)) * 400, len(done.stderr)


@test
def a_terminal_stays_a_terminal_for_error_output():
    master, side = pty.openpty()
    lib.after(os.close, master)
    process = subprocess.Popen(["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=seccomp", "-e",
                                "inject=seccomp:error=EPERM", lib.need_plain_program(), "why", "-q", "--", PYTHON, "-c",
                                "import os, sys; print(os.isatty(2), file=sys.stderr)"], stdin=side, stdout=side,
                               stderr=side, env=lib.environment())
    os.close(side)
    assert process.wait(60) == 0
    assert os.read(master, 100) == b"True\r\n"


@test
def words_about_other_things_are_not_taken_for_a_bind():
    result = refused("sh", "-c", "echo 'listening on port 3000' >&2; exit 1", code=1)
    assert result.document["asked"] == [] and "no port that could not be had" in result.err, str(result)


@test
def programs_with_rights_of_their_own_keep_them():
    lib.need_root()
    folder = lib.temp_folder()
    copy = shutil.copy("/usr/bin/id", folder / "e2e-id")
    os.chown(copy, 0, 0)
    os.chmod(copy, 0o4755)
    result = command(copy, "-u", uid=65534, code=0)
    assert result.out == "0\n" and result.document["seen"] == "text", str(result)
    result = command("/usr/bin/id", "-u", uid=65534, code=0)
    assert result.out == "65534\n", str(result)


@test
def a_second_watcher_inside_reads_the_text():
    port = new_port()
    shapes.listener(port)
    result = watched(lib.program(), "why", "--", "sh", "-c",
                     f"echo 'bind to 0.0.0.0:{port} failed: Address already in use' >&2; exit 1", code=1)
    assert "can't be watched" in result.err and f"Port {port} (TCP) is taken" in result.err, result.err


# ---- real programs ----


@test
def node_is_explained():
    if shutil.which("node") is None:
        raise lib.Skip("node is not installed")
    port = new_port()
    child = shapes.listener(port, "::", flags=("dual",))
    result = watched("node", "-e", f"require('http').createServer().listen({port})", code=1)
    bind = only_failure(result)
    assert bind["program"] == "node" and bind["address"] == "::" and not bind["v6only"], bind
    lib.only_holder(lib.only_cause(explained(result, bind), "listener"), child.pid)


@test
def python_http_server_is_explained():
    port = new_port()
    child = shapes.listener(port)
    result = watched(PYTHON, "-m", "http.server", port, code=1)
    lib.only_holder(lib.only_cause(explained(result, only_failure(result)), "listener"), child.pid)


lib.main(own_netns=True)
