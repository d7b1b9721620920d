#!/usr/bin/python3 -B
"""moorage run: a port that is the command's own, and nothing left behind, whatever ends what."""

import contextlib
import errno
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import subprocess
import termios
import time
import urllib.request

import lib
import shapes
from lib import new_port, run, test

PYTHON = "/usr/bin/python3"


def state(**more):
    """An environment with a book of leases of its own."""
    return lib.environment(MOORAGE_STATE_DIR=str(lib.temp_folder()), **more)


class Marked:
    """Every process that is started below it has a mark in its environment, by which it is found again."""

    def __init__(self):
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"

    def marked(self):
        """Processes of this run that live, moorage's own among them."""
        found = []
        wanted = f"E2E_MARK={self.mark}".encode()
        for pid in shapes.all_pids():
            with contextlib.suppress(OSError):
                if wanted in pathlib.Path(f"/proc/{pid}/environ").read_bytes() and lives(pid):
                    found.append(pid)
        return found

    def named(self, name):
        return [pid for pid in self.marked() if shapes.name_of(pid) == name]

    def gone(self, timeout=60):
        shapes.until(lambda: not self.marked(), timeout)

    def kill_marked(self):
        for pid in self.marked():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Run(Marked):
    """moorage run beside the test."""

    def __init__(self, *args, env=None, cwd=None, session=True, stdin=subprocess.DEVNULL, **how):
        super().__init__()
        self.folder = lib.temp_folder()
        self.report = self.folder / "report.json"
        env = dict(env or state(), E2E_MARK=self.mark)
        self.process = subprocess.Popen([lib.program(), "run", "--report", str(self.report), *map(str, args)], env=env,
                                        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=stdin,
                                        start_new_session=session, **how)
        self.err = b""
        lib.after(self.clean)

    def clean(self):
        if self.process.poll() is None:
            self.process.kill()
        self.kill_marked()
        self.process.communicate()
        # Killed together, the two that watch each other leave it.
        for folder in cgroups(self):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def document(self, *states, timeout=60):
        """The report, once it is in one of these states."""
        def there():
            try:
                return json.loads(self.report.read_text())["state"] in states
            except (OSError, ValueError):
                return False
        shapes.until(there, timeout)
        document = json.loads(self.report.read_text())
        lib.validate(document)
        return document

    def says(self, text, timeout=60):
        """Waits until moorage has said this."""
        end = time.monotonic() + timeout
        while text.encode() not in self.err:
            assert select.select([self.process.stderr], [], [], max(0, end - time.monotonic()))[0], self.err
            more = os.read(self.process.stderr.fileno(), 65536)
            assert more, self.err
            self.err += more

    def wait(self, timeout=60):
        out, err = self.process.communicate(timeout=timeout)
        err = self.err + err
        assert b"Sanitizer" not in err and b"runtime error:" not in err, err
        return self.process.returncode, out.decode(), err.decode()


# Children of every kind: one in a session of its own, a daemon that forked twice, one that ignores what it can, a server.
TREE = """
import os, signal, socket, sys, time
port = int(os.environ["PORT"])
ready = sys.argv[1]
def note(name):
    with open(f"{ready}.{name}", "w") as file: file.write(str(os.getpid()))
    os.rename(file.name, os.path.join(ready, name))
def forever():
    while True: time.sleep(1000)
if not os.fork():
    os.setsid(); note("session"); forever()
if not os.fork():
    os.setsid()
    if os.fork(): os._exit(0)
    os.chdir("/")
    note("daemon"); forever()
if not os.fork():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT): signal.signal(number, signal.SIG_IGN)
    note("deaf"); forever()
if not os.fork():
    os.setpgid(0, 0)
    s = socket.create_server(("127.0.0.1", port)); note("server"); forever()
note("main")
while len(os.listdir(ready)) < 5: time.sleep(0.01)
open(os.path.join(ready, "all"), "w").close()
forever()
"""


def tree(*options, **how):
    """A run of all these, when they are there."""
    folder = lib.temp_folder()
    made = Run("--grace", "1s", *options, "--", PYTHON, "-c", TREE, folder, **how)
    shapes.until(lambda: (folder / "all").exists() or made.process.poll() is not None)
    assert made.process.poll() is None, made.wait()
    made.pids = {path.name: int(path.read_text()) for path in folder.iterdir() if path.name != "all"}
    made.port = made.document("started", "ready")["port"]
    assert len(made.pids) == 5 and lib.try_bind("127.0.0.1", made.port) == errno.EADDRINUSE
    return made


def cgroups(made):
    """The folders of its own cgroup: one, or none where that may not be made."""
    name = f"moorage-run-{made.process.pid}"
    # Those of other tests come and go meanwhile, which this passes over.
    return [pathlib.Path(place, name) for place, folders, _ in os.walk("/sys/fs/cgroup") if name in folders]


def all_gone(made):
    made.gone()
    shapes.until(lambda: not cgroups(made))
    assert not [name for name, pid in made.pids.items() if lives(pid)]
    assert lib.try_bind("127.0.0.1", made.port) == 0, "the port is not free"


def guardian(made):
    found = made.named("moorage-guard")
    assert len(found) == 1, found
    return found[0]


# ---- the port ----


@test
def the_command_gets_its_port():
    result = run("run", "--", "sh", "-c", "echo $PORT {port} a__PORT__b{port}", env=state())
    port = result.out.split()[0]
    assert result.code == 0 and result.out == f"{port} {port} a{port}b{port}\n", str(result)
    assert lib.try_bind("0.0.0.0", int(port)) == 0
    result = run("run", "--env", "WEB_PORT", "-e", "API_PORT", "--", "sh", "-c", "echo $WEB_PORT $API_PORT ${PORT-none}",
                 env=state())
    words = result.out.split()
    assert words[0] == words[1] and words[2] == "none", str(result)


@test
def two_dashes_may_be_left_out():
    result = run("run", "--port", new_port(), "sh", "-c", "echo $# $0", "--wait", env=state())
    assert result.code == 0 and result.out == "0 --wait\n", str(result)


@test
def the_asked_port_is_given():
    port = new_port()
    assert run("run", "--port", port, "--", "sh", "-c", "echo $PORT", env=state()).out == f"{port}\n"
    assert run("run", "-p", "auto", "--", "true", env=state()).code == 0


@test
def a_taken_port_is_explained_and_nothing_is_started():
    port = new_port()
    child = shapes.listener(port)
    result = run("run", "--port", port, "--", "echo", "started", env=state())
    assert result.code == 125 and result.out == "", str(result)
    assert result.err.startswith(f"Port {port} (TCP) is taken by e2e-listener (pid {child.pid})"), result.err
    made = Run("--port", port, "--", "true")
    document = made.document("refused")
    lib.only_holder(lib.only_cause(document["asked"][0], "listener"), child.pid)
    assert made.wait()[0] == 125


@test
def nobody_is_told_to_run_the_command_with_more_rights():
    lib.need_root()
    port = new_port()
    shapes.listener(port)
    result = run("run", "--port", port, "--", "true", uid=65534, env=state())
    assert result.code == 125 and f"sudo moorage why {port} shows all" in result.err, str(result)
    assert "sudo moorage run" not in result.err, str(result)


@test
def what_lingers_of_connections_is_no_hindrance():
    port = new_port()
    child = shapes.connection(port, flags=("reuse",))
    child.step()
    child.step()
    assert lib.try_bind("0.0.0.0", port, "plain") == errno.EADDRINUSE and lib.try_bind("0.0.0.0", port) == 0
    result = run("run", "--port", port, "--", "sh", "-c", "echo $PORT", env=state())
    assert result.code == 0 and result.out == f"{port}\n", str(result)


@test
def a_name_has_the_same_port_each_time_and_runs_once():
    env = state()
    folder = lib.temp_folder()
    first = Run("--name", "web", "--", "sleep", "100", env=env, cwd=folder)
    port = first.document("started")["port"]
    result = subprocess.run([lib.program(), "run", "--name", "web", "--", "true"], env=env, cwd=folder, capture_output=True,
                            check=False)
    assert result.returncode == 125 and b"web runs already" in result.stderr, result
    other = Run("--name", "api", "--", "sh", "-c", "echo $PORT", env=env, cwd=folder)
    assert int(other.wait()[1]) != port
    first.process.terminate()
    assert first.wait()[0] == 128 + signal.SIGTERM
    again = Run("--name", "web", "--", "sh", "-c", "echo $PORT", env=env, cwd=folder)
    assert again.wait()[1] == f"{port}\n"


@test
def many_at_once_get_ports_of_their_own():
    env = state()
    # Each ends when all have their port: before, nobody may get it.
    runs = [Run("--", "sh", "-c", "echo $PORT; cat", env=env, stdin=subprocess.PIPE) for _ in range(12)]
    ports = [one.process.stdout.readline() for one in runs]
    assert len(set(ports)) == len(ports) and b"" not in ports, ports
    assert {one.wait()[0] for one in runs} == {0}


@test
def replace_ends_the_previous_run_of_the_name_alone():
    env = state()
    folder, elsewhere = lib.temp_folder(), lib.temp_folder()
    serve = (PYTHON, "-m", "http.server", "{port}", "--bind", "127.0.0.1")
    old = Run("--name", "web", "--", *serve, env=env, cwd=folder)
    port = old.document("ready")["port"]
    other_name = Run("--name", "api", "--", "sleep", "100", env=env, cwd=folder)
    other_project = Run("--name", "web", "--", "sleep", "100", env=env, cwd=elsewhere)
    other_name.document("started")
    other_project.document("started")
    new = Run("--name", "web", "--replace", "--", *serve, env=env, cwd=folder)
    assert new.document("ready")["port"] == port
    assert old.wait()[0] == 128 + signal.SIGTERM
    assert other_name.process.poll() is None and other_project.process.poll() is None
    old.gone()


@test
def replace_touches_no_stranger():
    env = state()
    port = new_port()
    child = shapes.listener(port)
    result = run("run", "--name", "web", "--port", port, "--replace", "--", "true", env=env)
    assert result.code == 125 and f"pid {child.pid}" in result.err, str(result)
    assert lib.try_bind("0.0.0.0", port) == errno.EADDRINUSE
    # A name that was tied to another program by hand is no run.
    folder = lib.temp_folder()
    stranger = subprocess.Popen(["sleep", "100"], cwd=folder)
    lib.after(stranger.wait)
    lib.after(stranger.kill)
    taken = subprocess.run([lib.program(), "lease", "take", "db", "--pid", str(stranger.pid)], env=env, cwd=folder,
                           capture_output=True, check=False)
    assert taken.returncode == 0, taken
    made = Run("--name", "db", "--replace", "--", "true", env=env, cwd=folder)
    code, _, err = made.wait()
    assert code == 125 and "left alone" in err and stranger.poll() is None, (code, err)


# ---- the socket ----


@test
def a_listening_socket_is_handed_over():
    port = new_port()
    made = Run("--port", port, "--listen", "--", PYTHON, "-c",
               "import os, socket\nassert os.environ['LISTEN_FDS'] == '1' and int(os.environ['LISTEN_PID']) == os.getpid()\n"
               "s = socket.socket(fileno=3)\nfor i in range(2):\n c, a = s.accept(); c.sendall(a[0].encode()); c.close()")
    made.document("ready")
    for address in ("127.0.0.1", "::1"):
        shapes.until(lambda: lib.try_bind("0.0.0.0", port) == errno.EADDRINUSE)
        with socket.create_connection((address, port), 10) as client:
            assert client.recv(100)
    code, _, err = made.wait()
    assert code == 0 and f"listens on *:{port}" in err, (code, err)
    assert made.document("ended")["handed_over"] is True


@test
def an_address_narrows_the_socket():
    port = new_port()
    made = Run("--port", port, "--listen", "--address", "127.0.0.1", "--", "sleep", "100")
    assert made.document("ready")["listens"] == [f"127.0.0.1:{port}"]
    assert lib.try_bind("127.0.0.2", port) == 0 and lib.try_bind("::1", port) == 0
    assert run("run", "--address", "::1", "--", "true", env=state()).code == 2


@test
def nothing_but_the_socket_is_handed_over():
    text = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"
    assert run("run", "--listen", "--", PYTHON, "-c", text, env=state()).out == "[0, 1, 2, 3]\n"
    assert run("run", "--", PYTHON, "-c", text, env=state()).out == "[0, 1, 2]\n"


def installed(name, package, *folders):
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    if found is None:
        raise lib.Skip(f"{name} (Debian: {package}) is not installed")
    return found


def lives(pid):
    return shapes.state_of(pid) not in ("", "Z", "X")


def below(top):
    """The process and all that come from it."""
    found = {top}
    parents = {pid: int(facts[1]) for pid in shapes.all_pids() if (facts := shapes.facts_of(pid))}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def serves(command, answer, cwd=None, env=None, port=None):
    """The command gets the socket, and answers at it; then nothing of it is left, and the port is free."""
    port = port or new_port()
    made = Run("--port", port, "--listen", "--", *command, cwd=cwd, env=state(**(env or {})))
    made.document("ready")
    shapes.until(lambda: answer in fetch(port))
    # nginx writes over its environment, and so over the mark.
    programs = below(made.document("ready")["pid"])
    made.process.terminate()
    made.wait()
    made.gone()
    assert not [pid for pid in programs if lives(pid)]
    assert lib.try_bind("0.0.0.0", port) == 0


@test
def gunicorn_takes_the_socket():
    gunicorn, folder = installed("gunicorn", "gunicorn"), lib.temp_folder()
    (folder / "e2eapp.py").write_text("def app(env, start):\n start('200 OK', [])\n return [b'hello']\n")
    serves([gunicorn, "--workers", "2", "e2eapp:app"], b"hello", cwd=folder)


@test
def uvicorn_takes_the_socket():
    if subprocess.run([PYTHON, "-c", "import uvicorn"], capture_output=True, check=False).returncode:
        raise lib.Skip("uvicorn (Debian: python3-uvicorn) is not installed")
    folder = lib.temp_folder()
    (folder / "e2eapp.py").write_text(
        "async def app(scope, receive, send):\n"
        " await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        " await send({'type': 'http.response.body', 'body': b'hello'})\n")
    serves([PYTHON, "-m", "uvicorn", "--fd", "3", "--lifespan", "off", "e2eapp:app"], b"hello", cwd=folder)


@test
def node_takes_the_socket():
    serves([installed("node", "nodejs"), "-e",
            "require('http').createServer((q, r) => r.end('hello')).listen({fd: 3})"], b"hello")


@test
def a_server_in_go_takes_the_socket():
    exporter = installed("prometheus-node-exporter", "prometheus-node-exporter")
    serves([exporter, "--web.systemd-socket", "--collector.disable-defaults"], b"Node Exporter")


@test
def what_systemd_itself_passes_on_takes_the_socket():
    proxy = installed("systemd-socket-proxyd", "systemd", "/lib/systemd", "/usr/lib/systemd")
    behind, folder = new_port(), lib.temp_folder()
    (folder / "index.html").write_text("hello")
    server = subprocess.Popen([PYTHON, "-m", "http.server", str(behind), "--bind", "127.0.0.1", "--directory", str(folder)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lib.after(server.wait)
    lib.after(server.kill)
    shapes.until(lambda: fetch(behind) == b"hello")
    serves([proxy, f"127.0.0.1:{behind}"], b"hello")


@test
def nginx_takes_the_socket_in_its_own_way():
    nginx = installed("nginx", "nginx-light")
    port, folder = new_port(), lib.temp_folder()
    places = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user}pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {places}"
        f"server {{ listen [::]:{port} ipv6only=off; return 200 hello; }} }}")
    serves(["sh", "-c", f'NGINX="3;" exec {nginx} -p {folder} -c {folder}/nginx.conf'], b"hello", port=port)


def fetch(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.read()
    except OSError:
        return b""


# ---- what is seen ----


@test
def where_it_listens_is_said_once():
    for address, said in (("127.0.0.1", "127.0.0.1:{}, only IPv4"), ("::1", "[::1]:{}, only IPv6"), ("::", "*:{}")):
        port = new_port()
        flags = "s.setsockopt(41, 26, 0)" if address == "::" else "pass"
        family = "socket.AF_INET6" if ":" in address else "socket.AF_INET"
        made = Run("--name", "web", "--port", port, "--", PYTHON, "-c",
                   f"import os, socket, sys\ns = socket.socket({family}); {flags}\n"
                   f"s.bind(('{address}', int(os.environ['PORT']))); s.listen()\nsys.stdin.read()", stdin=subprocess.PIPE)
        made.document("ready")
        made.says("listens on")
        time.sleep(0.5)
        code, _, err = made.wait()
        assert code == 0 and err == f"moorage: web listens on {said.format(port)}\n", err
        assert made.document("ended")["ready_ms"] is not None


@test
def a_command_that_takes_another_port_is_told():
    port, other = new_port(), new_port()
    made = Run("--port", port, "--", PYTHON, "-c", f"import socket, sys\ns = socket.create_server(('', {other}))\nsys.stdin.read()",
               stdin=subprocess.PIPE)
    made.says(f"not on port {port}")
    _, _, err = made.wait()
    assert f"0.0.0.0:{other}" in err and f"not on port {port}" in err, err


@test
def a_stranger_on_the_port_is_told():
    port = new_port()
    made = Run("--port", port, "--", "cat", stdin=subprocess.PIPE)
    made.document("started")
    child = shapes.listener(port, name="e2e-stranger")
    made.says("did not start")
    _, _, err = made.wait()
    assert f"e2e-stranger (pid {child.pid})" in err and "did not start" in err, err


@test
def wait_makes_the_port_the_sign_of_readiness():
    path = str(lib.temp_folder() / "notify")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    lib.after(receiver.close)
    receiver.bind(path)
    receiver.settimeout(60)
    made = Run("--wait", "--", PYTHON, "-m", "http.server", "{port}", env=state(NOTIFY_SOCKET=path))
    assert receiver.recv(100) == b"READY=1"
    made.document("ready")
    assert fetch(made.document("ready")["port"])
    made.process.terminate()
    made.wait()


@test
def one_that_ends_before_it_serves_is_told():
    result = run("run", "--wait", "--name", "web", "--", "sh", "-c", "exit 4", env=state())
    assert result.code == 4 and result.err.startswith("moorage: web ended before it served port "), str(result)


@test
def wait_in_vain_ends_the_run():
    made = Run("--wait", "--timeout", "500ms", "--", "sleep", "100")
    code, _, err = made.wait()
    assert code == 125 and err.endswith("it is ended\n"), (code, err)
    port = new_port()
    made = Run("--wait", "--timeout", "4s", "--port", port, "--", "sleep", "1000")
    made.document("started")
    child = shapes.listener(port, name="e2e-stranger")
    code, _, err = made.wait()
    assert code == 125 and f"Port {port} (TCP) is taken by e2e-stranger (pid {child.pid})" in err, (code, err)
    made.gone()


# ---- exit codes and surroundings ----


@test
def exit_codes_are_the_commands():
    for code in (0, 1, 3, 42, 255):
        assert run("run", "--", "sh", "-c", f"exit {code}", env=state()).code == code
    assert run("run", "--", "sh", "-c", "kill -KILL $$", env=state()).code == 128 + signal.SIGKILL
    assert run("run", "--", "sh", "-c", "kill -SEGV $$", env=state()).code == 128 + signal.SIGSEGV
    assert run("run", "--", "/e2e/no/such", env=state()).code == 127
    assert run("run", "--", "e2e-no-such", env=state()).code == 127
    assert run("run", "--", "/etc/passwd", env=state()).code == 126


@test
def wrong_lines_are_refused():
    for args in ((), ("--port", "0", "--", "true"), ("--port", "x", "--", "true"), ("--replace", "--", "true"),
                 ("--env", "A B", "--", "true"), ("--name", "80", "--", "true"),
                 ("--grace", "soon", "--", "true")):
        result = run("run", *args, env=state())
        assert result.code == 2 and result.out == "", str(result)
    # Standard output is the command's.
    assert run("run", "--json", "--", "echo", "ran", env=state()).code == 2


@test
def streams_are_the_commands_own():
    result = run("run", "--", "sh", "-c", "cat; echo err >&2", stdin=b"in\n", env=state())
    assert (result.out, result.err) == ("in\n", "err\n"), str(result)
    result = run("run", "-q", "--", PYTHON, "-c", "import os, socket, time\n"
                 "s = socket.create_server(('', int(os.environ['PORT']))); time.sleep(0.5)", env=state())
    assert (result.code, result.out, result.err) == (0, "", ""), str(result)


@test
def signals_and_groups_are_as_they_were():
    text = ("import os, signal\nprint([str(signal.getsignal(n)) for n in (1, 2, 3, 13, 15, 17, 20, 28)], "
            "signal.pthread_sigmask(0, []), os.getpgrp() == {group}, os.getsid(0) == {group})")
    plain = subprocess.Popen([PYTHON, "-c", "import os\n" + text.replace("{group}", "os.getpid()")],
                             stdout=subprocess.PIPE, start_new_session=True)
    made = Run("--", PYTHON, "-c", "import os\n" + text.replace("{group}", str(-1)))
    made.process.communicate()
    made = Run("--", PYTHON, "-c", "import os, sys\n" + text.replace("{group}", "int(os.environ['E2E_GROUP'])"),
               env=state(E2E_GROUP="0"))
    # The group is that of moorage, which leads it here as the command alone would.
    out = made.wait()[1].rsplit(" ", 2)[0]
    assert plain.communicate()[0].decode().rsplit(" ", 2)[0] == out, out
    made = Run("--", PYTHON, "-c", "import os; print(os.getpgrp(), os.getsid(0))")
    assert made.wait()[1] == f"{made.process.pid} {made.process.pid}\n"


# ---- nothing is left behind ----


@test
def when_the_command_ends_all_ends():
    made = tree()
    os.kill(made.pids["main"], signal.SIGKILL)
    code, _, err = made.wait()
    assert code == 128 + signal.SIGKILL and "behind" in err and "ended hard" in err, (code, err)
    all_gone(made)


@test
def when_moorage_is_told_to_end_all_ends():
    for number in (signal.SIGTERM, signal.SIGINT):
        made = tree()
        made.process.send_signal(number)
        assert made.wait()[0] == 128 + number
        all_gone(made)


@test
def when_moorage_is_killed_all_ends():
    made = tree()
    made.process.kill()
    made.process.wait()
    all_gone(made)


@test
def when_the_guardian_is_killed_all_ends():
    made = tree()
    os.kill(guardian(made), signal.SIGKILL)
    code, _, err = made.wait()
    assert code == 128 + signal.SIGTERM and "guards" in err, (code, err)
    all_gone(made)


@test
def when_the_whole_group_is_killed_all_ends():
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        made = tree()
        os.killpg(made.process.pid, number)
        made.process.wait(60)
        all_gone(made)


PARENT = """
import os, subprocess, sys
subprocess.Popen(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=eval(sys.argv[1]), stderr=eval(sys.argv[2]))
print("up", flush=True)
input()
"""


class Editor(Marked):
    """A program that starts moorage run, and then only waits for its own end."""

    def __init__(self, out, err, *args):
        super().__init__()
        self.process = subprocess.Popen([PYTHON, "-c", PARENT, out, err, lib.program(), "run", *args],
                                        env=state(E2E_MARK=self.mark), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        lib.after(self.kill_marked)
        lib.after(self.process.communicate)
        lib.after(self.process.kill)
        assert self.process.stdout.readline() == b"up\n"
        shapes.until(lambda: self.named("sleep"))

    def die(self):
        self.process.kill()
        self.process.wait()


@test
def when_the_editor_dies_all_ends():
    quiet = "subprocess.DEVNULL"
    for out, err, *options in (("subprocess.PIPE", quiet), (quiet, "subprocess.PIPE"), (quiet, quiet, "--with-parent")):
        editor = Editor(out, err, *options, "--", "sh", "-c", "sleep 1000 & setsid sleep 1000 & wait")
        editor.die()
        editor.gone()


@test
def a_run_may_outlive_who_started_it():
    editor = Editor("subprocess.DEVNULL", "subprocess.DEVNULL", "--", "sleep", "1000")
    editor.die()
    time.sleep(1.5)
    assert editor.named("sleep")


@test
def who_asks_twice_does_not_wait():
    made = Run("--grace", "100s", "--", PYTHON, "-c", "import signal, time\nsignal.signal(15, lambda *_: print('asked', flush=True))\n"
               "print('ready', flush=True)\nwhile True: time.sleep(1000)")
    assert made.process.stdout.readline() == b"ready\n"
    # What comes within a second is one word. A third one that is to count comes more than that after the first was passed on.
    made.process.terminate()
    made.process.terminate()
    assert made.process.stdout.readline() == b"asked\n"
    time.sleep(1.5)
    assert made.process.poll() is None
    made.process.terminate()
    code, _, err = made.wait()
    assert code == 128 + signal.SIGKILL and "has not ended yet" in err and "ended hard" in err, (code, err)


@test
def the_tree_is_asked_first():
    marker = lib.temp_folder() / "marker"
    made = Run("--", PYTHON, "-c", "import signal, sys, time\n"
               f"def f(*_): time.sleep(0.5); open({str(marker)!r}, 'w').write('good'); sys.exit(0)\n"
               "signal.signal(signal.SIGTERM, f)\nprint('ready', flush=True)\ntime.sleep(100)")
    assert made.process.stdout.readline() == b"ready\n"
    made.process.kill()
    made.process.wait()
    made.gone()
    assert marker.read_text() == "good"


@test
def reload_signals_are_for_the_command_alone():
    made = Run("--", PYTHON, "-c", "import signal, time\ncount = []\n"
               "for n in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):\n"
               " signal.signal(n, lambda n, _: (count.append(n), print(n, flush=True)))\n"
               "print('ready', flush=True)\n"
               "while len(count) < 4: time.sleep(0.01)\ntime.sleep(0.5)\nprint(len(count))")
    assert made.process.stdout.readline() == b"ready\n"
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
        made.process.send_signal(number)
        assert made.process.stdout.readline() == f"{int(number)}\n".encode()
    code, out, _ = made.wait()
    assert (code, out) == (0, "4\n"), (code, out)


@test
def a_signal_to_the_group_comes_once():
    made = Run("--", PYTHON, "-c", "import signal, time\ncount = []\nsignal.signal(signal.SIGTERM, lambda *_: count.append(1))\n"
               "print('ready', flush=True)\nwhile not count: time.sleep(0.01)\n"
               "end = time.monotonic() + 1.5\nwhile time.monotonic() < end: time.sleep(0.01)\nprint(len(count))")
    assert made.process.stdout.readline() == b"ready\n"
    os.killpg(made.process.pid, signal.SIGTERM)
    assert made.wait()[1] == "1\n"


@test
def it_has_a_cgroup_of_its_own_where_that_may_be_made():
    made = Run("--", "sh", "-c", "cat /proc/self/cgroup; read line", stdin=subprocess.PIPE)
    made.document("started")
    folders = cgroups(made)
    if not folders:
        raise lib.Skip("no cgroup may be made here")
    pid = made.document("started")["pid"]
    assert str(pid) in (folders[0] / "cgroup.procs").read_text().split()
    (folders[0] / "of-its-own").mkdir()
    made.process.stdin.write(b"\n")
    code, out, _ = made.wait()
    assert code == 0 and f"/moorage-run-{made.process.pid}\n" in out and not cgroups(made), (code, out)


@test
def a_kernel_that_can_not_guard_is_told():
    refuse = os.environ["E2E_REFUSE"]
    done = subprocess.run([refuse, "pidfd_open", lib.program(), "run", "--", "true"], env=state(), capture_output=True, check=False)
    assert done.returncode == 125 and b"guard true: Function not implemented" in done.stderr, done


@test
def a_storm_of_forks_ends():
    made = Run("--grace", "300ms", "--", PYTHON, "-c", "import os, signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
               "print('ready', flush=True)\nend = time.monotonic() + 20\n"
               "while time.monotonic() < end:\n"
               " if os.fork(): os._exit(0)\n os.setsid(); time.sleep(0.001)")
    assert made.process.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    made.process.terminate()
    made.process.wait(30)
    # What is still there when moorage is not has escaped; it would end by itself after 20 s.
    time.sleep(0.1)
    for _ in range(200):
        assert not made.marked()
    assert not cgroups(made)


# ---- terminals ----


class Terminal(Marked):
    """A shell's place: a session with a terminal, in which moorage runs as a job."""

    def __init__(self, *args):
        super().__init__()
        self.env = dict(state(), E2E_MARK=self.mark, TERM="dumb", PS1="$ ")
        self.seen = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], self.env)
        lib.after(self.close)
        self.type(" ".join([lib.typed_program(), "run", "--grace", "1s", "--", *args]) + "\n")

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            assert select.select([self.master], [], [], max(0, end - time.monotonic()))[0], self.seen
            try:
                self.seen += os.read(self.master, 65536)
            except OSError as problem:
                raise AssertionError(self.seen) from problem
        self.seen = self.seen.split(text.encode(), 1)[1]

    def hang_up(self):
        os.close(self.master)
        self.master = -1

    def close(self):
        for pid in [*self.marked(), self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.master >= 0:
            os.close(self.master)
        os.waitpid(self.pid, 0)


def program(text):
    path = lib.temp_folder() / "program.py"
    path.write_text("import os, signal, socket, sys, time\n" + text)
    return f"{PYTHON} {path}"


@test
def ctrl_c_is_the_commands_own():
    terminal = Terminal(program("count = []\nsignal.signal(2, lambda *_: (count.append(1), os.write(1, b'caught-it\\n')))\n"
                                "print('rea' 'dy', flush=True)\ntime.sleep(1)\ninput()\nassert len(count) == 1\nprint('went-on'.upper(), flush=True)"))
    terminal.read("ready")
    terminal.type("\x03")
    terminal.read("caught-it")
    terminal.type("\n")
    terminal.read("WENT-ON")
    terminal.type("echo 'co''de' $?\n")
    terminal.read("code 0")


@test
def ctrl_c_ends_a_command_that_does_not_catch_it_and_all_below_it():
    terminal = Terminal(program("if not os.fork():\n os.setsid(); signal.signal(2, signal.SIG_IGN); time.sleep(1000)\n"
                                "signal.signal(2, signal.SIG_DFL)\nprint('rea' 'dy', flush=True); time.sleep(1000)"))
    terminal.read("ready")
    terminal.type("\x03")
    shapes.until_in_front(terminal.master, "bash")
    terminal.type("echo 'co''de' $?\n")
    terminal.read("code 130")
    shapes.until(lambda: not [pid for pid in terminal.marked() if pid != terminal.pid])


@test
def a_job_stops_and_goes_on():
    terminal = Terminal(program("print('rea' 'dy', flush=True)\nfor i in range(1000):\n time.sleep(0.1); "
                                "open(sys.argv[0] + '.tick', 'w').write(str(i))"))
    terminal.read("ready")
    terminal.type("\x1a")
    terminal.read("Stopped")
    pids = terminal.named("python3")
    assert pids

    def are_stopped(stopped):
        return all((shapes.state_of(pid) == "T") == stopped for pid in pids)

    # One that has yet to be given a processor stops only then.
    shapes.until(lambda: are_stopped(True))
    terminal.type("echo 'li''sted'; fg\n")
    terminal.read("listed")
    shapes.until(lambda: are_stopped(False))
    terminal.type("\x1a")
    terminal.read("Stopped")
    shapes.until(lambda: are_stopped(True))
    terminal.type("bg\n")
    shapes.until(lambda: are_stopped(False))
    terminal.type("kill %1; wait; echo 'do''ne'\n")
    terminal.read("done")
    shapes.until(lambda: not [pid for pid in terminal.marked() if pid != terminal.pid])


@test
def a_shell_in_it_has_its_own_jobs():
    terminal = Terminal("bash --norc --noprofile -i")
    terminal.type("sleep 100 &\n")
    terminal.type("sleep 100\n")
    shapes.until_in_front(terminal.master, "sleep")
    terminal.type("\x1a")
    terminal.read("Stopped")
    terminal.type("echo in''ner $PORT; exit 5\n")
    terminal.read("inner ")
    inner = os.tcgetpgrp(terminal.master)
    terminal.type("exit 5\n")
    shapes.until(lambda: not lives(inner) and os.tcgetpgrp(terminal.master) == terminal.pid)
    terminal.type("echo 'co''de' $?\n")
    terminal.read("code 5")


@test
def when_the_terminal_goes_all_ends():
    folder = lib.temp_folder()
    path = folder / "tree.py"
    path.write_text(TREE)
    ready = lib.temp_folder()
    terminal = Terminal(f"{PYTHON} {path} {ready}")
    shapes.until(lambda: (ready / "all").exists())
    terminal.hang_up()
    shapes.until(lambda: not terminal.marked())


@test
def the_terminal_is_left_as_it_was():
    terminal = Terminal(program("print('rea' 'dy', flush=True); time.sleep(1000)"))
    terminal.read("ready")
    terminal.type("\x03")
    terminal.type("echo 'mo''de'\n")
    terminal.read("mode")
    assert os.tcgetpgrp(terminal.master) == terminal.pid
    assert termios.tcgetattr(terminal.master)[3] is not None


# ---- real programs ----


@test
def python_and_node_serve_their_ports():
    commands = {"python": [PYTHON, "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
                "node": ["node", "-e", "require('http').createServer((q, r) => r.end('hello')).listen(process.env.PORT)"]}
    for name, command in commands.items():
        if shutil.which(command[0]) is None:
            print(f"# {name} is not installed")
            continue
        made = Run("--wait", "--", *command)
        port = made.document("ready")["port"]
        assert fetch(port)
        made.process.terminate()
        made.wait()
        made.gone()
        assert lib.try_bind("0.0.0.0", port) == 0, name


lib.main(own_netns=True)
