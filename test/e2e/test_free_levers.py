#!/usr/bin/python3 -B
"""Ports that are made free by something else than a request to a program: a service's manager, a container's runtime, the
kernel's table of connections; and what is refused because no end of a program would help."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import docker
import freeing
import lib
import shapes
from freeing import free, freed, lives, only_step, server
from lib import expect_binds, new_port, test


# ---- services ----


class Systemd:
    """A bus, and a stand-in for systemd on it with these units: lines as test/e2e/systemd.c reads them."""

    def __init__(self, *units, address=None):
        program = os.environ.get("E2E_SYSTEMD")
        if not program or not shutil.which("dbus-daemon"):
            raise lib.Skip("needs E2E_SYSTEMD and dbus-daemon")
        address = address or f"unix:path={lib.temp_folder()}/bus"
        bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"],
                               stderr=subprocess.DEVNULL)
        lib.after(bus.wait)
        lib.after(bus.kill)
        path = pathlib.Path(address.partition("=")[2])
        shapes.until(path.exists)
        self.env = lib.environment(DBUS_SYSTEM_BUS_ADDRESS=address)
        self.process = subprocess.Popen([program, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lib.after(self.process.wait)
        lib.after(self.process.kill)
        self.process.stdin.write("".join(f"{unit}\n" for unit in units))
        self.process.stdin.close()
        if self.process.stdout.readline() != "ready\n":
            raise lib.Skip("no libsystemd.so.0 here")

    def ordered(self):
        """All that was ordered so far; ends it."""
        self.process.kill()
        return self.process.stdout.read().split("\n")[:-1]


def end_all_in(cgroup):
    """Ends what this test started in it."""
    for pid in (cgroup / "cgroup.procs").read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def in_unit(unit, port, on_term=None, more=0):
    """A server whose cgroup is that of the unit, with `more` processes below it."""
    cgroup = lib.own_cgroup(unit)
    lib.after(end_all_in, cgroup)

    def setup(me, made):
        (cgroup / "cgroup.procs").write_text(str(os.getpid()))
        for _ in range(more):
            if os.fork() == 0:
                while True:
                    signal.pause()

    return server(port, on_term=on_term, setup=setup)


@test
def a_service_is_stopped_by_its_manager_and_started_again_by_undo():
    lib.need_root()
    port = new_port()
    child = in_unit("e2e-shop.service", port)
    systemd = Systemd(f"service e2e-shop.service {child.pid} - term")
    folder = freeing.state()
    document = freed(port, "--yes", folder=folder, env=systemd.env)
    step = only_step(document, "service")
    assert document["outcome"] == "freed" and step["unit"] == "e2e-shop.service" and step["result"] == "done", document
    assert step["undo"]["command"] == "systemctl start e2e-shop.service" and step["undo"]["possible"], step
    assert "systemctl disable e2e-shop.service" in step["at_boot"], step
    assert not lives(child.pid)
    env = dict(systemd.env, MOORAGE_STATE_DIR=str(folder))
    result = lib.run("undo", env=env)
    assert result.code == 3 and "Start e2e-shop.service again" in result.out, str(result)
    assert lib.run("undo", "-n", env=env).code == 0
    result = lib.run("undo", "--yes", env=env)
    assert result.code == 0 and "runs again" in result.out, str(result)
    result = lib.run("undo", "--yes", env=env)
    assert result.code == 1 and "nothing to take back" in result.err, str(result)
    assert systemd.ordered() == ["stop e2e-shop.service", "start e2e-shop.service"]
    acts = lib.run("log", "--json", env=env).json()["acts"]
    assert [(act["lever"], act["result"], act["undone"]) for act in acts] == \
        [("service", "done", True), ("service", "done", False)], acts
    assert acts[1]["undoes"] == acts[0]["id"]
    assert "taken back" in lib.run("log", env=env).out


@test
def who_else_a_stopped_service_reaches_is_shown():
    lib.need_root()
    port = new_port()
    child = in_unit("e2e-shop.service", port, more=2)
    systemd = Systemd(f"service e2e-shop.service {child.pid} - term")
    document = freed(port, "-n", env=systemd.env)
    assert len(only_step(document, "service")["reaches"]) == 3, document["plan"]


@test
def a_worker_of_a_service_is_stopped_with_it_as_why_says():
    """Its first process has let go of the socket, and would start another worker."""
    lib.need_root()
    port = new_port()
    cgroup = lib.own_cgroup("e2e-shop.service")
    lib.after(end_all_in, cgroup)

    def body(me):
        (cgroup / "cgroup.procs").write_text(str(os.getpid()))
        workers = []
        for serves in (True, False):
            workers.append(os.fork())
            if workers[-1] == 0:
                made = shapes.listening(port) if serves else None
                while made or not serves:
                    signal.pause()
        shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)

        def end(*_):
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        me.ready()
        while True:
            signal.pause()

    main = shapes.Child(body, None, "e2e-main")
    systemd = Systemd(f"service e2e-shop.service {main.pid} - term")
    told = lib.run(port, "--json", env=systemd.env).json()["asked"][0]["causes"][0]
    levers = {remedy["lever"] for remedy in told["remedies"]}
    assert "service" in levers and "process" not in levers, told["remedies"]
    row = lib.run("list", port, "--json", env=systemd.env).json()["rows"][0]
    assert row["holders"][0]["service"]["name"] == "e2e-shop.service", row
    document = freed(port, "--yes", env=systemd.env)
    step = only_step(document, "service")
    assert document["outcome"] == "freed" and len(step["reaches"]) == 3, document
    assert systemd.ordered() == ["stop e2e-shop.service"]


@test
def a_service_that_does_not_stop_in_time_is_told_and_never_ended_hard():
    lib.need_root()
    port = new_port()
    child = in_unit("e2e-slow.service", port)
    systemd = Systemd(f"service e2e-slow.service {child.pid} - hang")
    start = time.monotonic()
    document = freed(port, "--yes", "--kill", "--timeout", "800ms", code=1, env=systemd.env)
    assert document["outcome"] == "timed-out" and time.monotonic() - start < 60, document
    assert lives(child.pid)


@test
def a_manager_that_refuses_is_quoted():
    lib.need_root()
    port = new_port()
    child = in_unit("e2e-deny.service", port)
    systemd = Systemd(f"service e2e-deny.service {child.pid} - deny")
    document = freed(port, "--yes", code=1, env=systemd.env)
    assert document["outcome"] == "refused" and document["acted"], document
    assert "Not for you" in only_step(document, "service")["error"], document["plan"]
    assert lives(child.pid)


def add_scope(unit):
    def left_alone():
        lib.need_root()
        port = new_port()
        child = in_unit(unit, port)
        systemd = Systemd(f"service {unit} 1 - term")
        document = freed(port, "--yes", env=systemd.env)
        only_step(document, "process")
        assert document["outcome"] == "freed" and not lives(child.pid), document
        assert systemd.ordered() == []

    kind = unit.partition("@")[0].replace("-", "_").replace(".", "_")
    left_alone.__name__ = f"{kind}_is_never_stopped_for_a_port"
    test(left_alone)


# What a person started in a session is asked itself, whatever else runs there.
for scope in ("session-7.scope", "user@1000.service", "cron.service"):
    add_scope(scope)

FIRST_PROCESS = """
import ctypes, os, signal, socket, subprocess, sys, time
port, ready, *command = sys.argv[1:]
made = socket.socket()
made.bind(("0.0.0.0", int(port)))
made.listen(1)
ctypes.CDLL(None).prctl(15, b"systemd", 0, 0, 0)
signal.signal(signal.SIGTERM, lambda *_: made.close())
while not os.path.exists(ready):
    time.sleep(0.02)
done = subprocess.run(command, capture_output=True)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""


def below_systemd(port, *args, unit=True):
    """Runs moorage in a pid namespace whose first process is called systemd and has the port for a socket unit."""
    lib.need_root()
    script = lib.temp_folder() / "first.py"
    script.write_text(FIRST_PROCESS)
    ready = lib.temp_folder() / "ready"
    systemd = None
    env = dict(lib.environment(), MOORAGE_STATE_DIR=str(freeing.state()))
    address = f"unix:path={lib.temp_folder()}/bus"
    env["DBUS_SYSTEM_BUS_ADDRESS"] = address
    outer = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", sys.executable, str(script), str(port), str(ready),
                              lib.program(), "free", str(port), *args], env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, start_new_session=True)
    lib.after(outer.wait)
    lib.after(freeing.end_group, outer.pid)
    shapes.until(lambda: outer.poll() is not None or lib.try_bind("0.0.0.0", port) != 0)
    if outer.poll() is not None:
        raise lib.Skip(f"no pid namespace: {outer.stderr.read().decode().strip()}")
    first = int(pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
    if unit:
        systemd = Systemd(f"socket e2e.socket {first} 0.0.0.0:{port} e2e.service", address=address)
    ready.write_text("")
    out, err = outer.communicate(timeout=120)
    return outer.returncode, out.decode(), err.decode(), systemd


@test
def a_socket_unit_is_stopped_and_never_its_manager():
    port = new_port()
    code, out, err, systemd = below_systemd(port, "--yes", "--json")
    document = json.loads(out)
    lib.validate(document)
    assert code == 0 and document["outcome"] == "freed", (out, err)
    step = only_step(document, "socket-unit")
    assert step["unit"] == "e2e.socket" and step["targets"] == [] and step["result"] == "done", step
    assert systemd.ordered() == ["stop e2e.socket"]


@test
def a_manager_that_does_not_say_which_unit_is_left_alone():
    port = new_port()
    code, out, err, _ = below_systemd(port, "--yes", "--kill", unit=False)
    assert code == 3 and "systemctl list-sockets" in out and "Nothing was done" in out, (out, err)


# ---- containers ----


def container(port, stop="stop"):
    forwarder = docker.forwarder(port)
    answer, ordered = docker.acting(docker.one_container(port), [forwarder.pid], stop)
    return forwarder, docker.daemon(answer), ordered


@test
def a_container_is_stopped_by_its_runtime_and_never_its_forwarder():
    port = new_port()
    forwarder, env, _ = container(port)
    folder = freeing.state()
    result = free(port, "-n", code=0, env=env)
    assert "Stop container shop-web-1 (docker)" in result.out, str(result)
    document = freed(port, "--yes", env=env, folder=folder)
    step = only_step(document, "container")
    assert document["outcome"] == "freed" and step["result"] == "done" and step["targets"] == [], document
    assert step["undo"]["command"] == "docker start shop-web-1", step
    assert "docker update --restart=no shop-web-1" in step["at_boot"], step
    assert not lives(forwarder.pid)
    result = lib.run("undo", "--yes", env=dict(env, MOORAGE_STATE_DIR=str(folder)))
    assert result.code == 0 and "shop-web-1 runs again" in result.out, str(result)


@test
def a_runtime_that_hangs_is_waited_for_no_longer_than_agreed():
    port = new_port()
    forwarder, env, _ = container(port, "hang")
    start = time.monotonic()
    result = free(port, "--yes", "--kill", "--timeout", "1s", code=1, env=env)
    assert time.monotonic() - start < 60 and "goes on" in result.out, str(result)
    assert lives(forwarder.pid)
    assert freed(port, "--yes", "--timeout=500ms", code=1, env=env)["outcome"] == "timed-out"


@test
def a_runtime_that_fails_is_quoted_and_its_forwarder_left_alone():
    port = new_port()
    forwarder, env, _ = container(port, "fail")
    document = freed(port, "--yes", "--kill", code=1, env=env)
    assert document["outcome"] == "refused" and lives(forwarder.pid), document
    assert "permission denied by the moon" in only_step(document, "container")["error"], document["plan"]
    assert "permission denied by the moon" in free(port, "--yes", code=1, env=env).out


@test
def a_forwarder_whose_container_is_not_known_is_left_alone():
    port = new_port()
    forwarder = docker.forwarder(port)
    document = freed(port, "--yes", "--kill", "--allow", "system", code=3)
    assert document["outcome"] == "refused" and lives(forwarder.pid), document
    assert "docker ps" in document["refusals"][0]["instead"], document["refusals"]


# ---- closed connections ----


def lingering(port, flags=()):
    child = shapes.connection(port, flags=flags)
    child.step()
    child.step()
    shapes.until(lambda: shapes.tcp_states(port) == {6})
    child.end()


@test
def what_lingers_is_dropped_by_root():
    lib.need_root()
    lib.set_sysctl("net.ipv4.tcp_tw_reuse", 0)
    port = new_port()
    lingering(port)
    expect_binds("U/U/U", port)
    document = freed(port, "--yes")
    assert document["outcome"] == "freed" and only_step(document, "socket")["result"] == "done", document
    expect_binds("ok/ok/ok", port)


@test
def what_lingers_needs_more_rights_or_patience():
    lib.need_root()
    lib.set_sysctl("net.ipv4.tcp_tw_reuse", 0)
    port = new_port()
    lingering(port)
    folder = lib.temp_folder()
    folder.chmod(0o777)
    result = free(port, "--yes", code=3, uid=65534, folder=folder)
    assert f"sudo moorage free {port} --yes" in result.out and "--wait waits" in result.out, str(result)
    document = freed(port, "--yes", "--wait", "--timeout", "400ms", code=1, uid=65534, folder=folder)
    assert document["outcome"] == "timed-out" and only_step(document, "wait")["result"] == "timed-out", document
    expect_binds("U/U/U", port)


@test
def what_lingers_is_waited_for():
    """An orphan whose other end closes at last."""
    port = new_port()
    child = shapes.connection(port)
    child.step()
    shapes.until(lambda: shapes.tcp_states(port) == {5})
    expect_binds("U/U/U", port)
    folder = freeing.state()
    waiting = subprocess.Popen([lib.program(), "free", str(port), "--yes", "--wait", "--json"], stdout=subprocess.PIPE,
                               env=dict(lib.environment(), MOORAGE_STATE_DIR=str(folder)))
    lib.after(waiting.wait)
    lib.after(waiting.kill)
    # It has a plan, and begins with it.
    shapes.until((folder / "acts.jsonl").exists)
    time.sleep(0.3)
    assert waiting.poll() is None
    # Its client resets the connection, which leaves nothing.
    os.kill(child.pid, signal.SIGKILL)
    subprocess.run(["ss", "-K", "dport", "=", f":{port}"], capture_output=True, check=False)
    drop(port)
    out, _ = waiting.communicate(timeout=60)
    document = json.loads(out)
    lib.validate(document)
    assert waiting.returncode == 0 and document["outcome"] == "freed", document


def drop(port):
    """What is left of the connection, by another run of moorage as root."""
    lib.need_root()
    freed(port, "--yes", code=None)


@test
def a_port_that_most_servers_can_use_is_freed_for_the_others_on_demand():
    lib.need_root()
    lib.set_sysctl("net.ipv4.tcp_tw_reuse", 0)
    port = new_port()
    lingering(port, flags=("reuse",))
    expect_binds("U/ok/U", port)
    result = free(port, "--yes", code=0)
    assert "nothing done" in result.out and f"moorage free {port} --bind plain" in result.out, str(result)
    assert freed(port, "--yes", "--bind", "plain")["outcome"] == "freed"
    expect_binds("ok/ok/ok", port)


@test
def connections_that_a_server_leaves_behind_are_dropped_where_they_keep_the_port():
    lib.need_root()
    lib.set_sysctl("net.ipv4.tcp_tw_reuse", 0)
    port = new_port()
    child = server(port, flags=())
    with socket.create_connection(("127.0.0.1", port)) as client:
        assert client
        shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
        document = freed(port, "--yes")
    assert document["outcome"] == "freed" and not lives(child.pid), document
    assert [step["if_needed"] for step in document["plan"]] == [False, True], document["plan"]
    expect_binds("ok/ok/ok", port)


# ---- what no end of a program frees ----


@test
def a_port_of_the_kernel_is_refused_with_what_would_help():
    lib.need_root()
    made = subprocess.run(["ip", "link", "add", "e2evx0", "type", "vxlan", "id", "7", "dstport", "4789", "dev", "lo"],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        raise lib.Skip(f"no vxlan here: {made.stderr.strip()}")
    lib.after(subprocess.run, ["ip", "link", "del", "e2evx0"])
    subprocess.run(["ip", "link", "set", "e2evx0", "up"], check=True)
    document = freed("udp/4789", "--yes", "--kill", code=3)
    assert document["outcome"] == "refused" and document["refusals"][0]["kind"] == "no-help", document
    assert "e2evx0" in document["refusals"][0]["instead"], document["refusals"]


@test
def an_address_of_another_host_can_t_be_freed():
    document = freed("192.0.2.7:8080", "--yes", code=3)
    assert document["outcome"] == "refused" and document["plan"] == [], document


@test
def a_listener_of_another_namespace_is_not_in_the_way():
    lib.need_root()
    port = new_port()
    child = shapes.other_namespace(port)
    document = freed(port, "--yes")
    assert document["outcome"] == "already-free" and lives(child.pid), document


# ---- a person at a terminal ----


@test
def one_question_is_asked_for_the_whole_plan():
    port = new_port()
    child = server(port)
    person = freeing.Person("free", port)
    person.see("Do this? [y/N]").type("\n")
    assert "Nothing was done" in person.end(1) and lives(child.pid)
    person = freeing.Person("kill", port)
    person.see("Do this? [y/N]").type("n\n")
    person.end(1)
    person = freeing.Person(port, "free")
    person.see("Do this? [y/N]").type("\x04")
    person.end(1)
    assert lives(child.pid)
    person = freeing.Person("-k", port)
    person.see("Do this? [y/N]").type("yes\n")
    assert "is free now" in person.end(0) and not lives(child.pid)


@test
def a_person_is_asked_again_before_a_hard_end():
    port = new_port()
    child = server(port, on_term=signal.SIG_IGN)
    person = freeing.Person("free", port, "--timeout", "700ms")
    person.see("Do this? [y/N]").type("y\n").see("waiting for").see("End it hard? Unsaved work in it is lost. [y/N]")
    assert lives(child.pid)
    person.type("n\n")
    assert "still taken" in person.end(1) and lives(child.pid)
    person = freeing.Person("free", port, "--timeout", "300ms")
    person.see("Do this? [y/N]").type("y\n").see("End it hard?").type("y\n")
    assert "is free now" in person.end(0) and not lives(child.pid)


@test
def a_person_who_asks_for_json_gets_the_question_beside_it():
    port = new_port()
    server(port)
    person = freeing.Person("free", port, "--json")
    person.see("Do this? [y/N]").type("y\n")
    shown = person.end(0)
    assert '"outcome": "freed"' in shown, shown


@test
def ctrl_c_at_the_question_does_nothing():
    port = new_port()
    child = server(port)
    person = freeing.Person("free", port)
    person.see("Do this? [y/N]").type("\x03")
    person.end(130)
    assert lives(child.pid)


# ---- the record ----


@test
def what_was_done_stands_in_the_record_without_secrets():
    port = new_port()
    script = lib.temp_folder() / "listen.py"
    script.write_text("import socket, time\nmade = socket.socket()\n"
                      f"made.bind(('0.0.0.0', {port}))\nmade.listen(1)\ntime.sleep(600)\n")
    folder = freeing.state()
    program = freeing.program(script.read_text(), "--password=hunter2", wait_for=port)
    result = free(port, "--yes", code=0, folder=folder)
    assert "start again" in result.out and "hunter2" not in result.out, str(result)
    record = (folder / "acts.jsonl").read_text()
    assert "hunter2" not in record and (folder / "acts.jsonl").stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in record.splitlines()]
    assert [line["result"] for line in lines] == ["running", "done"], lines
    assert lines[0]["what"]["processes"] == [{"pid": program.pid, "name": lines[0]["what"]["processes"][0]["name"]}]
    assert lines[0]["why"]["port"] == port and lines[0]["line"] == f"moorage free {port} --yes", lines[0]
    env = lib.environment(MOORAGE_STATE_DIR=str(folder))
    result = lib.run("log", env=env)
    assert str(port) in result.out and "done" in result.out, str(result)
    (folder / "acts.jsonl").write_text(record + "broken\n{}\n")
    result = lib.run("log", env=env)
    assert "2 lines" in result.err and str(port) in result.out, str(result)


@test
def a_record_that_can_t_be_written_keeps_nobody_from_acting():
    port = new_port()
    child = server(port)
    folder = lib.temp_folder() / "file"
    folder.write_text("in the way")
    result = free(port, "--yes", code=0, folder=folder)
    assert "keep a record" in result.err and not lives(child.pid), str(result)


@test
def an_empty_record_says_where_it_would_be():
    folder = freeing.state()
    result = lib.run("log", env=lib.environment(MOORAGE_STATE_DIR=str(folder)))
    assert result.code == 0 and str(folder) in result.err and result.out == "", str(result)
    assert lib.run("log", "--json", env=lib.environment(MOORAGE_STATE_DIR=str(folder))).json()["acts"] == []
    result = lib.run("undo", env=lib.environment(MOORAGE_STATE_DIR=str(folder)))
    assert result.code == 1, str(result)
    assert lib.run("undo", "8080").code == 2 and lib.run("log", "8080").code == 2 and lib.run("log", "-n", "x").code == 2


lib.main(own_netns=True)
