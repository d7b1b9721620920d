#!/usr/bin/python3 -B
"""run, wait and why -- COMMAND of moorage.exe, under Wine: a port of its own, and a job that ends with moorage.

What ends with a job is Wine's server's work here, not that of a kernel of Windows: docs/untested.md has the rows for that.
"""

import errno
import json
import os
import queue
import socket
import subprocess
import threading
import time

import lib
from lib import run, test

SERVER = os.environ.get("E2E_SERVER", "")


def need_wine():
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")


def windows(path):
    return "Z:" + str(path).replace("/", "\\")


def state():
    """A folder for leases, as Windows names it."""
    need_wine()
    return lib.environment(MOORAGE_STATE_DIR=windows(lib.temp_folder()))


def until(fulfilled, seconds=120):
    end = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def is_taken(port):
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as problem:
            assert problem.errno == errno.EADDRINUSE, problem
            return True
        return False


def call(*args, env, cwd=None):
    """moorage in front of a command of Windows, whose lines end in CR LF."""
    done = lib.finish([*lib.RUNNER, lib.program(), *map(str, args)], env=env, cwd=cwd, timeout=200)
    return done.returncode, done.stdout.decode().replace("\r\n", "\n"), done.stderr.decode().replace("\r\n", "\n")


class Beside:
    """moorage.exe beside the test; its input stays open until `wait`."""

    def __init__(self, *args, env=None, cwd=None, program=None):
        need_wine()
        self.process = subprocess.Popen([*lib.RUNNER, program or lib.program(), *map(str, args)], env=env or state(), cwd=cwd,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.err = []
        threads = [threading.Thread(target=self.read, args=(stream, kept), daemon=True)
                   for stream, kept in ((self.process.stdout, self.lines.put), (self.process.stderr, self.err.append))]
        for thread in threads:
            thread.start()
            lib.after(thread.join, 120)
        lib.after(self.process.wait, 120)
        lib.after(self.process.kill)
        lib.after(self.process.stdin.close)

    @staticmethod
    def read(stream, keep):
        for line in stream:
            keep(line.decode())
        keep("")

    def line(self):
        line = self.lines.get(timeout=120)
        assert line, f"ended without a word: {self.process.wait(120)} {self.said()}"
        return line

    def said(self):
        return "".join(self.err).replace("\r\n", "\n")

    def wait(self):
        self.process.stdin.close()
        return self.process.wait(120)


class Run(Beside):
    def __init__(self, *args, **how):
        self.report = lib.temp_folder() / "report.json"
        super().__init__("run", "--report", windows(self.report), *args, **how)

    def document(self, *states):
        def there():
            try:
                return json.loads(self.report.read_text())["state"] in states
            except (OSError, ValueError):
                return False
        until(there)
        document = json.loads(self.report.read_text())
        lib.validate(document)
        return document


def serving(*options, shape="listen", **how):
    """A run of a server, when it serves."""
    made = Run(*options, "--", windows(SERVER), shape, "127.0.0.1", "{port}", **how)
    made.port = int(made.line().split()[0])
    until(lambda: is_taken(made.port))
    return made


@test
def the_command_gets_its_port_and_its_exit_code_is_passed_on():
    env = state()
    code, out, err = call("run", "--", "cmd", "/c", "echo %PORT% {port} a__PORT__b", env=env)
    port = out.split()[0]
    assert code == 0 and out.split() == [port, port, f"a{port}b"] and port.isdigit(), (code, out, err)
    code, out, err = call("run", "-e", "WEB_PORT", "--port", port, "--", "cmd", "/c", "echo %WEB_PORT%& exit 7", env=env)
    assert code == 7 and out.strip() == port, (code, out, err)
    assert run("run", "--", "e2e-no-such", env=env).code == 127
    assert run("run", "--json", "--", "cmd", env=env).code == 2


@test
def a_socket_can_not_be_handed_over_and_nothing_is_started():
    result = run("run", "--listen", "--", "cmd", "/c", "echo started", env=state())
    assert result.code == 3 and result.out == "" and "Windows" in result.err, str(result)


@test
def where_it_listens_is_said_and_it_ends_by_itself():
    made = serving("--name", "web", "--wait")
    document = made.document("ready")
    assert document["listens"] == [f"127.0.0.1:{made.port}"] and document["pid"], document
    assert made.wait() == 0
    assert made.said() == f"moorage: web listens on 127.0.0.1:{made.port}, only IPv4\n", made.said()
    until(lambda: not is_taken(made.port))


@test
def a_taken_port_is_explained_and_nothing_is_started():
    server = Beside("listen", "0.0.0.0", "0", program=SERVER)
    port = int(server.line().split()[0])
    code, out, err = call("run", "--port", port, "--", "cmd", "/c", "echo started", env=state())
    assert code == 125 and out == "" and f"Port {port} (TCP) is taken by e2e_server" in err, (code, out, err)


@test
def a_name_runs_once_and_replace_ends_the_run_before():
    env, folder = state(), lib.temp_folder()
    old = serving("--name", "web", env=env, cwd=folder)
    other = serving("--name", "api", env=env, cwd=folder)
    code, _, err = call("run", "--name", "web", "--", "cmd", "/c", "exit 0", env=env, cwd=folder)
    assert code == 125 and "web runs already" in err, (code, err)
    new = serving("--name", "web", "--replace", env=env, cwd=folder)
    old.process.wait(120)
    assert new.port == old.port and new.document("ready")["port"] == new.port
    assert other.process.poll() is None and is_taken(other.port)


@test
def what_the_command_leaves_behind_is_ended():
    made = serving(shape="ghost")
    assert made.process.wait(120) == 0 and "left e2e_server" in made.said(), made.said()
    until(lambda: not is_taken(made.port))


@test
def when_moorage_is_ended_hard_all_ends():
    made = serving()
    pid = made.document("started", "ready")["lease"]["pid"]
    ended = lib.finish([*lib.RUNNER, "taskkill", "/f", "/pid", str(pid)], env=lib.environment(), timeout=200)
    assert ended.returncode == 0, ended
    until(lambda: not is_taken(made.port))
    made = serving()
    made.process.kill()
    until(lambda: not is_taken(made.port))


@test
def it_ends_with_the_program_that_started_it_when_that_is_asked_for():
    report = lib.temp_folder() / "report.json"
    script = lib.temp_folder() / "editor.bat"
    script.write_text(f'@"{windows(lib.program())}" run --with-parent --report "{windows(report)}" -- '
                      f'"{windows(SERVER)}" listen 127.0.0.1 {{port}}\r\n')
    made = Beside("/c", windows(script), program="cmd")
    port = int(made.line().split()[0])
    until(lambda: is_taken(port))
    made.process.kill()
    until(lambda: not is_taken(port))


@test
def waiting_ends_when_it_is_served_and_when_it_is_free():
    env = state()
    port = int(run("pick", env=env).out)
    waiting = Beside("wait", port, "--timeout", "120s", env=env)
    server = Beside("listen", "127.0.0.1", port, program=SERVER)
    server.line()
    assert waiting.wait() == 0, waiting.said()
    freed = Beside("wait", port, "--free", "--timeout", "120s", env=env)
    time.sleep(1)
    assert freed.process.poll() is None
    server.wait()
    assert freed.wait() == 0, freed.said()
    result = run("wait", port, "--timeout", "300ms", env=env)
    assert result.code == 1 and f"Port {port}" in result.err + result.out, str(result)


@test
def the_bind_that_fails_in_a_command_is_explained():
    env = state()
    server = Beside("listen", "127.0.0.1", "0", program=SERVER)
    port = server.line().split()[0]
    text = f"echo Error: listen EADDRINUSE: address already in use 127.0.0.1:{port} 1>&2& exit 3"
    code, _, err = call("why", "--", "cmd", "/c", text, env=env)
    assert code == 3 and "EADDRINUSE" in err and f"Port {port} (TCP) is taken by e2e_server" in err, (code, err)
    code, out, err = call("why", "--", "cmd", "/c", "echo hello", env=env)
    assert code == 0 and out.strip() == "hello", (code, out, err)
    code, out, err = call("why", "--json", "--", "cmd", "/c", "echo hello", env=env)
    assert code == 0 and json.loads(out)["exit"] == 0 and "hello" in err, (code, out, err)


lib.main()
