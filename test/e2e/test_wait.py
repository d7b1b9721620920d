#!/usr/bin/python3 -B
"""moorage wait: real servers that come and go, machines that are called, HTTP that answers or not, commands behind it."""

import http.server
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import lib
import shapes
from lib import new_port, run, test


class Waiting:
    """moorage wait beside the test."""

    def __init__(self, *args, wrap=(), path=None, env=None, **how):
        self.process = subprocess.Popen([*wrap, path or lib.program(), "wait", *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=lib.environment(**(env or {})), **how)
        lib.after(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def result(self, timeout=60):
        out, err = self.process.communicate(timeout=timeout)
        assert b"Sanitizer" not in err and b"runtime error:" not in err, err
        return self.process.returncode, out.decode(), err.decode()

    def goes_on(self, seconds=0.3):
        time.sleep(seconds)
        assert self.process.poll() is None, self.result()


def wait_json(*args, code):
    result = run("wait", *args, "--json")
    assert result.code == code, str(result)
    document = result.json()
    assert document["met"] == (code == 0), document
    for entry in document["asked"]:
        lib.check_entry(entry)
    return document


def serve_http(port, status=200, after=0.0):
    """An HTTP server in a thread: `status` for /health, 404 for all else."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            code = status if self.path == "/health" and time.monotonic() >= ready else 503
            self.send_response(code if self.path == "/health" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    ready = time.monotonic() + after
    server = Server(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    lib.after(server.server_close)
    lib.after(server.shutdown)
    return asked


@test
def a_served_port_is_told_with_its_program():
    port = new_port()
    child = shapes.listener(port)
    result = run("wait", port)
    assert result.code == 0 and result.out.startswith(f"Port {port} (TCP) is served by e2e-listener (pid {child.pid})")
    document = wait_json(port, code=0)
    target = document["targets"][0]
    assert target["met"] and [holder["pid"] for holder in target["holders"]] == [child.pid], target
    assert run("wait", "-q", port).out == ""


@test
def it_ends_when_a_server_comes():
    for address, asked in (("127.0.0.1", "{}"), ("::1", "{}"), ("0.0.0.0", "127.0.0.1:{}"), ("::1", "[::1]:{}"),
                           ("127.0.0.2", "{}"), ("127.0.0.1", "localhost:{}")):
        port = new_port()
        waiting = Waiting(asked.format(port))
        waiting.goes_on()
        shapes.listener(port, address)
        code, out, err = waiting.result()
        assert (code, err) == (0, "") and "is served by e2e-listener" in out, (address, out, err)


@test
def udp_is_served_when_it_is_bound():
    port = new_port()
    waiting = Waiting(f"udp/{port}")
    waiting.goes_on()
    shapes.listener(port, proto="udp")
    assert waiting.result()[0] == 0
    assert run("wait", "--udp", port, "--timeout", "30s").code == 0
    assert run("wait", port, "--timeout", "100ms").code == 1


@test
def all_targets_must_come():
    first, second = new_port(), new_port()
    shapes.listener(first)
    waiting = Waiting(first, second)
    waiting.goes_on()
    shapes.listener(second)
    code, out, _ = waiting.result()
    assert code == 0 and len(out.splitlines()) == 2, out


@test
def when_the_time_is_up_the_whole_why_is_told():
    port = new_port()
    start = time.monotonic()
    result = run("wait", port, "--timeout", "300ms")
    assert result.code == 1 and 0.3 <= time.monotonic() - start < 25, str(result)
    lines = result.out.splitlines()
    assert lines[0].startswith(f"Port {port} (TCP) is not served yet") and f"Port {port} (TCP) is free" in lines, lines
    child = shapes.binder(port)
    result = run("wait", port, "--timeout", "300ms")
    assert result.code == 1 and f"pid {child.pid}" in result.out and "listen" in result.out, str(result)
    entry = wait_json(port, "--timeout", "100ms", code=1)["asked"][0]
    lib.only_holder(lib.only_cause(entry, "bound"), child.pid)


@test
def zero_is_no_limit():
    port = new_port()
    waiting = Waiting(port, "--timeout", "0")
    waiting.goes_on(0.5)
    shapes.listener(port)
    assert waiting.result()[0] == 0


@test
def free_is_told_when_the_last_one_lets_go():
    port = new_port()
    assert run("wait", "--free", port).code == 0
    child = shapes.listener(port)
    waiting = Waiting("--free", port)
    waiting.goes_on()
    child.end()
    code, out, _ = waiting.result()
    assert code == 0 and out.startswith(f"Port {port} (TCP) is free, after"), out
    assert lib.try_bind("0.0.0.0", port) == 0


@test
def free_waits_for_sockets_that_do_not_listen():
    for shape in (lambda port: shapes.binder(port), lambda port: shapes.listener(port, proto="udp")):
        port = new_port()
        child = shape(port)
        asked = f"udp/{port}" if lib.try_bind("0.0.0.0", port, "plain") == 0 else str(port)
        waiting = Waiting("--free", asked)
        waiting.goes_on()
        child.end()
        assert waiting.result()[0] == 0


@test
def free_waits_for_children_that_inherited_the_port():
    port = new_port()
    child = shapes.heirs(port)
    waiting = Waiting("--free", port)
    waiting.goes_on(0.5)
    for pid in child.data["heirs"]:
        os.kill(pid, signal.SIGKILL)
    assert waiting.result()[0] == 0


@test
def free_at_time_out_names_who_keeps_it():
    port = new_port()
    child = shapes.listener(port)
    result = run("wait", "--free", port, "--timeout", "200ms")
    assert result.code == 1, str(result)
    assert result.out.startswith(f"Port {port} (TCP) is taken by e2e-listener (pid {child.pid})"), result.out


@test
def a_user_may_wait_for_a_port_that_needs_a_right():
    lib.need_root()
    assert run("wait", "--free", 81, uid=65534).code == 0


@test
def the_named_process_or_program_must_serve():
    port = new_port()
    child = shapes.listener(port)
    for who, code in ((child.pid, 0), (os.getpid(), 0), (f"exe={os.path.basename(os.readlink('/proc/self/exe'))}", 0),
                      ("exe=" + os.readlink("/proc/self/exe"), 0), (1 << 22, 1), ("exe=e2e-nobody", 1)):
        result = run("wait", port, "--by", who, "--timeout", "30s" if code == 0 else "200ms")
        assert result.code == code, f"{who}: {result}"
    assert "is taken by e2e-listener" in run("wait", port, "--by", "exe=x", "--timeout", "100ms").out


@test
def a_stranger_before_the_named_one_does_not_count():
    port = new_port()
    stranger = shapes.listener(port, name="e2e-stranger")

    def serve(me):
        me.ready()
        me.wait()
        made = shapes.listening(port)
        me.ready()
        me.rest()
        made.close()

    right = shapes.Child(serve, name="e2e-right")
    waiting = Waiting(port, "--by", right.pid)
    waiting.goes_on()
    stranger.end()
    right.step()
    code, out, _ = waiting.result()
    assert code == 0 and "e2e-right" in out, out


@test
def other_machines_are_called():
    port = new_port()
    # localhost by another name: /etc/hosts is not ours to change, so an address of this machine stands for a machine.
    result = run("wait", f"e2e-no-such-host.invalid:{port}", "--timeout", "200ms")
    assert result.code == 1 and f"e2e-no-such-host.invalid:{port}" in result.out, str(result)
    document = wait_json(f"192.0.2.1:{port}", "--timeout", "200ms", code=1)
    assert document["targets"][0]["machine"] == "192.0.2.1" and document["targets"][0]["problem"], document
    assert document["asked"] == []


@test
def a_machine_that_is_called_may_come_up_later():
    port = new_port()
    name = socket.gethostname()
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
    except OSError as problem:
        raise lib.Skip(f"the host's own name is not known: {problem}") from problem
    if not all(address.startswith(("127.", "::1")) for address in addresses):
        raise lib.Skip(f"the host's own name leads elsewhere: {addresses}")
    waiting = Waiting(f"{name}:{port}")
    waiting.goes_on()
    shapes.listener(port, "::", flags=("dual",))
    code, out, _ = waiting.result()
    assert code == 0 and out.startswith(f"{name}:{port} answers"), out


@test
def http_must_answer_and_not_with_an_error():
    port = new_port()
    asked = serve_http(port, after=0.5)
    for path in ("health", "/health"):
        result = run("wait", port, "--http", path, "--timeout", "30s")
        assert result.code == 0 and "answers /health with 200" in result.out, str(result)
    assert set(asked) == {"/health"}, asked
    result = run("wait", port, "--http", "other", "--timeout", "2s")
    assert result.code == 1 and "HTTP status 404" in result.out, str(result)
    document = wait_json("--http", f"http://127.0.0.1:{port}/health?x", "--timeout", "2s", code=1)
    assert document["targets"][0]["status"] == 404, document
    document = wait_json("--http", f"http://localhost:{port}/health", code=0)
    assert document["targets"][0]["status"] == 200, document


@test
def calls_leave_nothing_behind_on_the_port():
    port = new_port()
    serve_http(port)
    assert run("wait", port, "--http", "health").code == 0
    rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    states = {row.split()[3] for row in rows if row.split()[1].endswith(f":{port:04X}")}
    assert "06" not in states, states


@test
def what_does_not_speak_http_is_told():
    port = new_port()
    server = socket.create_server(("127.0.0.1", port))
    lib.after(server.close)

    def greet():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.sendall(b"SSH-2.0-e2e\r\n")
            connection.close()

    threading.Thread(target=greet, daemon=True).start()
    result = run("wait", port, "--http", "/", "--timeout", "2s")
    assert result.code == 1 and "not HTTP" in result.out, str(result)
    server.shutdown(socket.SHUT_RDWR)


@test
def the_command_behind_it_takes_its_place():
    port = new_port()
    shapes.listener(port)
    result = run("wait", port, "--", "sh", "-c", "echo $$; cat; exit 7", stdin=b"in\n")
    assert result.code == 7 and result.out.endswith("in\n"), str(result)
    waiting = Waiting(port, "--", "sh", "-c", "echo $$")
    code, out, err = waiting.result()
    assert (code, int(out), err) == (0, waiting.process.pid, ""), (code, out, err)
    assert run("wait", port, "--", "e2e-no-such-program").code == 127
    assert run("wait", port, "--", "/etc/passwd").code == 126
    # A closed pipe ends programs as it would without moorage.
    result = run("wait", port, "--", "sh", "-c", "(yes; echo $? >&2) | head -n 1; sleep 0.1")
    assert "141" in result.err, str(result)


@test
def the_command_is_not_run_when_the_time_is_up():
    result = run("wait", new_port(), "--timeout", "100ms", "--", "echo", "this ran")
    assert result.code == 1 and "this ran" not in result.out, str(result)


@test
def wrong_lines_are_refused():
    port = new_port()
    for args in ((), ("db",), (port, "--timeout", "soon"), (port, "--by", "nobody"), (port, "--free", "--by", "1"),
                 (port, "--free", "--http", "x"), ("db:1", "--free"), ("db:1", "--by", "1"), (port, "--http", "a b"),
                 (port, "--http", "https://x"), (f"udp/{port}", "--http", "x"), ("1-1000",), ("0",),
                 (port, "--http", "C:/Program Files/Git/health")):
        result = run("wait", *args)
        assert result.code == 2 and result.out == "" and len(result.err.splitlines()) == 1, str(result)


@test
def looking_costs_next_to_nothing():
    port = new_port()
    path = lib.need_plain_program()
    before = os.times()
    run("wait", port, "--timeout", "1s", path=path)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 0.3, f"{used} s of processor time in one second"


@test
def many_waiters_see_a_server_soon():
    port = new_port()
    waiting = [Waiting(port) for _ in range(20)]
    time.sleep(1)
    shapes.listener(port)
    assert all(one.result()[0] == 0 for one in waiting)


def waiter_that_is_traced(port, **how):
    """A waiter, and what tells how often it has looked until then."""
    path = lib.temp_folder() / "calls"
    strace = ["strace", "-f", "-qq", "-e", "trace=ppoll", "-o", str(path)]
    waiting = Waiting(port, wrap=strace, path=lib.need_plain_program(), **how)
    return waiting, lambda: path.read_text().count("ppoll(") if path.exists() else 0


@test
def where_it_is_allowed_the_kernel_tells_of_a_server():
    lib.need_root()
    port = new_port()
    if "the kernel tells" not in run("doctor").out:
        raise lib.Skip("the kernel does not tell here")
    waiting, looks = waiter_that_is_traced(port)
    waiting.goes_on(1.0)
    assert looks() < 40, f"{looks()} looks in a second"
    shapes.listener(port)
    assert waiting.result()[0] == 0


@test
def without_the_right_it_looks_and_doctor_says_why():
    lib.need_root()
    port = new_port()
    doctor = run("doctor", env={"MOORAGE_TIER": "proc"}).out
    assert "MOORAGE_TIER" in doctor.split("new servers", 1)[1].split("\n\n")[0], doctor
    waiting, looks = waiter_that_is_traced(port, env={"MOORAGE_TIER": "proc"})
    # In less than a second, where nothing else runs.
    shapes.until(lambda: looks() > 100)
    waiting.goes_on(0)
    nobody = Waiting(port, path=lib.program_for_everybody(), user=65534, group=65534, extra_groups=[])
    nobody.goes_on()
    shapes.listener(port)
    assert waiting.result()[0] == 0 and nobody.result()[0] == 0


@test
def no_server_is_missed_that_comes_while_it_begins():
    for tier in ("", "proc"):
        for step in range(12):
            port = new_port()
            waiting = Waiting(port, "-q", env={"MOORAGE_TIER": tier})
            time.sleep(step * 0.004)
            shapes.listener(port)
            assert waiting.result(timeout=25)[0] == 0


lib.main(own_netns=True)
