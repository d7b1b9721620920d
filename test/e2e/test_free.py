#!/usr/bin/python3 -B
"""Ports that are made free, with real programs: who is asked to end, how, and what is never touched. The names of these tests
are the promises that the README lists."""

import os
import signal
import socket
import subprocess
import sys
import time

import freeing
import kernel
import lib
import shapes
from freeing import free, freed, lives, only_step, pids_of, server
from lib import expect_binds, new_port, test

NOBODY = 65534

LISTEN = """
import signal, socket, sys, time
made = socket.socket()
made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
made.bind(("0.0.0.0", int(sys.argv[1])))
made.listen(8)
while True:
    time.sleep(60)
"""


@test
def a_program_is_asked_to_end_and_the_port_is_proved_free():
    port = new_port()
    child = server(port)
    expect_binds("U/U/U", port)
    document = freed(port, "--yes")
    assert document["outcome"] == "freed" and document["acted"], document
    step = only_step(document, "process")
    assert pids_of(step) == {child.pid} and step["result"] == "done", step
    assert step["targets"][0]["signal"] == "end" and step["targets"][0]["ended"], step
    assert document["ports"][0]["probe"]["result"] == "ok", document["ports"][0]["probe"]
    assert not lives(child.pid)
    expect_binds("ok/ok/ok", port)


@test
def a_free_port_is_left_as_it_is():
    port = new_port()
    folder = freeing.state()
    result = free(port, code=0, folder=folder)
    assert "nothing done" in result.out, str(result)
    document = freed(port, "--yes", folder=folder)
    assert document["outcome"] == "already-free" and not document["acted"] and document["plan"] == [], document
    assert not list(folder.iterdir()), "a record was begun of nothing"


@test
def without_a_terminal_and_without_yes_nothing_is_done():
    port = new_port()
    child = server(port)
    result = free(port, code=3)
    assert f"pid {child.pid}" in result.out and "--yes" in result.err, str(result)
    document = freed(port, code=3)
    assert document["outcome"] == "refused" and not document["acted"], document
    assert document["plan"][0]["result"] == "planned", document
    assert lives(child.pid)
    expect_binds("U/U/U", port)


@test
def a_dry_run_shows_the_plan_and_does_nothing():
    port = new_port()
    child = server(port)
    result = free(port, "--dry-run", code=0)
    assert f"Ask e2e-server (pid {child.pid}) to end" in result.out, str(result)
    document = freed(port, "-n", "--yes")
    assert document["outcome"] is None and document["dry_run"] and not document["acted"], document
    assert lives(child.pid)


@test
def work_is_saved_before_a_program_ends():
    """The file is complete: the program had its time, though its port was free long before."""
    port = new_port()
    path = lib.temp_folder() / "saved"

    def setup(me, made):
        def save(number, frame):
            made.close()
            with open(path, "wb") as file:
                for _ in range(20):
                    file.write(b"x" * 1000)
                    file.flush()
                    time.sleep(0.1)
                file.write(b"end")
            os._exit(0)

        signal.signal(signal.SIGTERM, save)

    child = server(port, setup=setup)
    document = freed(port, "--yes", "--kill")
    assert document["outcome"] == "freed", document
    assert path.read_bytes() == b"x" * 20000 + b"end"
    assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == 0
    child._over = True
    step = only_step(document, "process")
    assert step["took_ms"] >= 2000 and document["freed_ms"] < step["took_ms"] - 500, document
    assert not step["targets"][0]["signal"] == "kill"


@test
def a_program_that_ignores_the_request_is_not_ended_hard_without_the_word():
    port = new_port()
    child = server(port, on_term=signal.SIG_IGN)
    start = time.monotonic()
    result = free(port, "--yes", "--timeout", "700ms", code=1)
    assert 0.6 < time.monotonic() - start < 60
    assert "--kill" in result.out and "still taken" in result.out, str(result)
    assert lives(child.pid)
    document = freed(port, "--yes", "--timeout=500ms", code=1)
    assert document["outcome"] == "timed-out", document
    assert only_step(document, "process")["result"] == "timed-out"
    assert lives(child.pid)


@test
def the_hard_end_comes_only_after_the_request_was_ignored():
    port = new_port()
    heard = lib.temp_folder() / "heard"

    def note(number, frame):
        heard.write_text("asked")

    child = server(port, on_term=note)
    plan = free(port, "--dry-run", "--kill", code=0).out
    assert "then ends what is left hard" in plan, plan
    assert "what is left hard" not in free(port, "--dry-run", code=0).out
    folder = freeing.state()
    document = freed(port, "--yes", "--kill", "--timeout", "500ms", folder=folder)
    assert document["outcome"] == "freed" and document["freed_ms"] >= 490, document
    assert heard.read_text() == "asked"
    assert only_step(document, "process")["targets"][0]["signal"] == "kill"
    env = lib.environment(MOORAGE_STATE_DIR=str(folder))
    last = lib.run("log", "--json", env=env).json()["acts"][-1]
    assert last["port"] == port and last["hard"] and last["result"] == "done", last
    assert "done (hard)" in lib.run("log", env=env).out.splitlines()[-1]
    assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == -signal.SIGKILL
    child._over = True


def prefork(port, count):
    def body(me):
        made = shapes.listening(port, flags=("reuse",))
        pids = []
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                for fd in me.descriptors():
                    os.close(fd)
                kernel.prctl(kernel.PR_SET_PDEATHSIG, 0)
                while True:
                    signal.pause()
            pids.append(pid)
        me.ready(workers=pids, inode=shapes.inode(made))
        me.rest()

    child = shapes.Child(body, name="e2e-prefork")
    for pid in child.data["workers"]:
        lib.after(end_quietly, pid)
    return child


def end_quietly(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@test
def all_that_share_the_port_are_asked_parents_and_children():
    port = new_port()
    child = prefork(port, 20)
    document = freed(port, "--yes")
    step = only_step(document, "process")
    assert pids_of(step) == {child.pid, *child.data["workers"]}, step
    assert document["outcome"] == "freed", document
    assert not any(lives(pid) for pid in (child.pid, *child.data["workers"]))


@test
def orphans_of_a_dead_opener_are_all_asked():
    port = new_port()
    child = shapes.heirs(port, 3)
    document = freed(port, "--yes")
    assert pids_of(only_step(document, "process")) == set(child.data["heirs"]), document
    assert document["outcome"] == "freed", document


@test
def a_socket_that_was_passed_on_is_found_where_it_is_now():
    """The sender closed its own and must not be ended for it."""
    port = new_port()
    ours, theirs = socket.socketpair(socket.AF_UNIX)

    def receiver(me):
        me.ready()
        me.rest()

    def sender(me):
        left, right = socket.socketpair(socket.AF_UNIX)
        pid = os.fork()
        if pid == 0:
            for fd in (*me.descriptors(), left.fileno()):
                os.close(fd)
            _, fds, _, _ = socket.recv_fds(right, 1, 1)
            right.send(b"got")
            while fds:
                signal.pause()
        made = shapes.listening(port)
        number = shapes.inode(made)
        right.close()
        socket.send_fds(left, [b"x"], [made.fileno()])
        made.close()
        left.recv(3)
        me.ready(receiver=pid, inode=number)
        me.rest()

    ours.close()
    theirs.close()
    child = shapes.Child(sender, name="e2e-sender")
    lib.after(end_quietly, child.data["receiver"])
    document = freed(port, "--yes")
    assert pids_of(only_step(document, "process")) == {child.data["receiver"]}, document
    assert document["outcome"] == "freed" and lives(child.pid), document


@test
def a_socket_in_flight_is_freed_with_the_program_that_waits_for_it():
    port = new_port()
    child = shapes.in_flight(port)
    document = freed(port, "--yes")
    assert pids_of(only_step(document, "process")) == {child.pid} and document["outcome"] == "freed", document


@test
def rare_ways_to_keep_a_socket_are_freed_too():
    for shape in (shapes.io_uring, shapes.mapped, shapes.private_thread, shapes.dead_leader, shapes.binder):
        port = new_port()
        try:
            child = shape(port)
        except lib.Skip as why:
            print(f"# {shape.__name__}: {why}")
            continue
        document = freed(port, "--yes")
        assert pids_of(only_step(document, "process")) == {child.pid}, (shape.__name__, document)
        assert document["outcome"] == "freed", (shape.__name__, document)


@test
def a_stopped_job_goes_on_so_that_it_hears_the_request():
    port = new_port()
    saved = lib.temp_folder() / "saved"

    def save(number, frame):
        saved.write_text("saved")
        os._exit(0)

    child = server(port, on_term=save)
    os.kill(child.pid, signal.SIGSTOP)
    shapes.until(lambda: shapes.state_of(child.pid) == "T")
    result = free(port, "--yes", code=0)
    assert "stopped" in result.out, str(result)
    assert saved.read_text() == "saved"


@test
def udp_is_freed_too():
    port = new_port()
    child = shapes.listener(port, proto="udp")
    document = freed(f"udp/{port}", "--yes")
    assert document["outcome"] == "freed" and pids_of(only_step(document, "process")) == {child.pid}, document
    port = new_port()
    child = shapes.listener(port, proto="udp")
    assert freed(port, "--yes")["outcome"] == "freed" and not lives(child.pid)


@test
def where_tcp_and_udp_have_different_programs_it_asks_which():
    port = new_port()
    tcp, udp = server(port), shapes.listener(port, proto="udp")
    result = free(port, "--yes", code=3)
    assert f"tcp/{port}" in result.err and lives(tcp.pid) and lives(udp.pid), str(result)
    person = freeing.Person("free", port)
    person.see("[tcp/udp/both/N]").type("udp\n").see("[y/N]").type("y\n")
    person.end(0)
    assert lives(tcp.pid) and not lives(udp.pid)
    assert freed(f"tcp/{port}", "--yes")["outcome"] == "freed"


@test
def one_program_with_both_is_one_plan():
    port = new_port()

    def body(me):
        both = shapes.listening(port), shapes.bound(port, proto="udp")
        me.ready(inode=shapes.inode(both[0]))
        me.rest()

    child = shapes.Child(body, name="e2e-both")
    document = freed(port, "--yes")
    assert document["outcome"] == "freed" and pids_of(only_step(document, "process")) == {child.pid}, document


@test
def several_ports_are_one_plan():
    ports = [new_port(), new_port()]
    children = [server(port) for port in ports]
    document = freed(*ports, "--yes")
    assert document["outcome"] == "freed" and len(document["plan"]) == 2, document
    assert not any(lives(child.pid) for child in children)


@test
def what_may_not_be_done_for_one_port_is_done_for_none():
    good, bad = new_port(), new_port()
    child = server(good)
    other = server(bad, name="sshd")
    document = freed(good, bad, "--yes", code=3)
    assert document["outcome"] == "refused" and not document["acted"], document
    assert lives(child.pid) and lives(other.pid)


# ---- who is never touched, and who only by its word ----


@test
def a_client_that_happens_to_use_the_number_is_never_touched():
    port = new_port()
    child = shapes.listener(port, "127.0.0.1", flags=("reuse",))
    far = shapes.listener(port + 1, "127.0.0.2", name="e2e-far")

    def body(me):
        made = lib.inet_socket("127.0.0.1", flags=("reuse",))
        made.bind(("127.0.0.3", port))
        made.connect(("127.0.0.2", port + 1))
        me.ready()
        me.rest()

    client = shapes.Child(body, name="e2e-client")
    document = freed(f"127.0.0.1:{port}", "--yes")
    assert document["outcome"] == "freed", document
    assert pids_of(only_step(document, "process")) == {child.pid}, document
    assert lives(client.pid) and lives(far.pid)


@test
def a_program_that_connects_to_the_port_is_never_touched():
    port = new_port()
    server(port)

    def body(me):
        made = socket.create_connection(("127.0.0.1", port))
        me.ready()
        me.rest()
        made.close()

    client = shapes.Child(body, name="e2e-client")
    document = freed(port, "--yes")
    assert document["outcome"] == "freed", document
    assert client.pid not in pids_of(only_step(document, "process")) and lives(client.pid)


@test
def this_program_and_what_started_it_are_never_ended():
    port = new_port()
    text = f"""
import os, socket, subprocess, sys
made = socket.socket()
made.bind(("0.0.0.0", {port}))
made.listen(1)
done = subprocess.run([*sys.argv[1:]], capture_output=True)
sys.stdout.buffer.write(done.stdout + done.stderr)
sys.exit(done.returncode)
"""
    script = lib.temp_folder() / "parent.py"
    script.write_text(text)
    done = subprocess.run([sys.executable, script, lib.program(), "free", str(port), "--yes", "--kill"],
                          capture_output=True, text=True, env=lib.environment(), timeout=120, check=False)
    assert done.returncode == 3 and "started this very command" in done.stdout, done


@test
def the_first_process_is_never_ended():
    """In a pid namespace of its own, whose first process has the port and ignores what it has no handler for."""
    lib.need_root()
    port = new_port()
    text = f"""
import os, signal, socket, subprocess, sys
made = socket.socket()
made.bind(("0.0.0.0", {port}))
made.listen(1)
signal.signal(signal.SIGTERM, lambda *a: print("SIGNALLED"))
done = subprocess.run(sys.argv[1:], capture_output=True)
sys.stdout.buffer.write(done.stdout + done.stderr)
sys.exit(done.returncode)
"""
    script = lib.temp_folder() / "first.py"
    script.write_text(text)
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", sys.executable, script, lib.program(), "free",
                           str(port), "--yes", "--kill", "--allow", "system"],
                          capture_output=True, text=True, env=lib.environment(), timeout=120, check=False)
    if "unshare" in done.stderr and done.returncode == 1:
        raise lib.Skip(done.stderr.strip())
    assert done.returncode == 3 and "SIGNALLED" not in done.stdout, done


@test
def vital_programs_are_refused_whatever_is_allowed():
    for name in ("dockerd", "cron", "dbus-daemon"):
        port = new_port()
        child = server(port, name=name)
        result = free(port, "--yes", "--kill", "--allow", "system", "--allow", "supervisor,remote-access", code=3)
        assert "much else depends on" in result.out and lives(child.pid), str(result)


@test
def remote_access_is_ended_only_by_its_word():
    port = new_port()
    child = server(port, name="sshd")
    result = free(port, "--yes", code=3)
    assert f"moorage free {port} --yes --allow remote-access" in result.out and lives(child.pid), str(result)
    document = freed(port, "--yes", code=3)
    assert document["refusals"][0]["allow"] == "remote-access" and document["outcome"] == "refused", document
    assert document["again"].endswith("--allow remote-access"), document
    assert freed(port, "--yes", "--allow", "remote-access")["outcome"] == "freed" and not lives(child.pid)


@test
def nothing_allows_everything():
    for word in ("all", "everything", "", "root"):
        result = free(new_port(), "--allow", word, code=2)
        assert "nothing allows everything" in result.err, str(result)


@test
def another_users_program_needs_more_rights_and_the_line_is_told():
    lib.need_root()
    port = new_port()
    child = server(port)
    folder = lib.temp_folder()
    folder.chmod(0o777)
    document = freed(port, "--yes", code=3, uid=NOBODY, folder=folder)
    assert document["outcome"] == "needs-elevation" and not document["acted"], document
    assert document["again"] == f"sudo moorage free {port} --yes --json", document
    result = free(port, "--yes", code=3, uid=NOBODY, folder=folder)
    assert f"sudo moorage free {port} --yes" in result.out and lives(child.pid), str(result)
    assert free(port, "--dry-run", code=3, uid=NOBODY, folder=folder)


def of_user(port):
    """A program of another user whose parent is of that user too: else the parent, which may not be looked into, could share
    the port."""
    script = lib.temp_folder() / "listen.py"
    script.write_text(LISTEN)
    shell = subprocess.Popen(["sh", "-c", f"{sys.executable} {script} {port} & wait"], stdin=subprocess.DEVNULL,
                             start_new_session=True, user=NOBODY, group=NOBODY, extra_groups=[])
    lib.after(shell.wait)
    lib.after(freeing.end_group, shell.pid)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    return shell


@test
def a_users_own_program_is_freed_without_more_rights():
    lib.need_root()
    port = new_port()
    of_user(port)
    folder = lib.temp_folder()
    folder.chmod(0o777)
    document = freed(port, "--yes", uid=NOBODY, folder=folder)
    assert document["outcome"] == "freed" and only_step(document, "process")["targets"][0]["user"] == "nobody", document


@test
def a_privileged_port_that_can_t_be_proved_free_needs_more_rights():
    lib.need_root()
    port = new_port()
    folder = lib.temp_folder()
    folder.chmod(0o777)
    lib.set_sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    of_user(port)
    of_user(port + 1)
    lib.set_sysctl("net.ipv4.ip_unprivileged_port_start", port + 1)
    document = freed(port, "--yes", code=3, uid=NOBODY, folder=folder)
    assert document["outcome"] == "needs-elevation" and not document["acted"], document
    assert f"trying port {port}" in document["refusals"][0]["sentence"], document["refusals"]
    assert freed(port + 1, "--yes", uid=NOBODY, folder=folder)["outcome"] == "freed"


@test
def without_pidfds_the_bare_number_needs_its_word():
    lib.need_root()
    helper = os.environ.get("E2E_REFUSE")
    if not helper:
        raise lib.Skip("needs E2E_REFUSE, which makes the kernel refuse a call")
    port = new_port()
    child = server(port)
    result = free(port, "--yes", code=3, wrap=(helper, "pidfd_open"))
    assert "--allow system" in result.out and lives(child.pid), str(result)
    assert freed(port, "--yes", "--allow", "system", wrap=(helper, "pidfd_open"))["outcome"] == "freed"
    assert not lives(child.pid)


# ---- --only and --mine ----


def in_folder(port, folder, uid=None, name="e2e-server"):
    def setup(me, made):
        os.chdir(folder)

    return server(port, setup=setup, uid=uid, name=name)


@test
def only_what_fits_is_freed():
    port = new_port()
    folder = lib.temp_folder()
    child = in_folder(port, folder)
    for only in ("user=nobody", f"cwd={folder}/below", "exe=no-such-program"):
        document = freed(port, "--yes", "--only", only, code=1)
        assert document["outcome"] == "not-yours" and not document["acted"], (only, document)
        assert lives(child.pid)
    assert free(port, "--only", "user=no-such-user-here", code=2)
    assert free(port, "--only", "name=x", code=2)
    document = freed(port, "--yes", "--only", "user=me", "--only", f"cwd={folder}", "--only",
                     f"exe={os.path.realpath(sys.executable)}")
    assert document["outcome"] == "freed" and not lives(child.pid)


@test
def only_in_this_folder_is_meant_by_a_dot():
    port = new_port()
    folder = lib.temp_folder()
    child = in_folder(port, folder)
    elsewhere = lib.temp_folder()
    assert freed(port, "--yes", "--only", "cwd=.", code=1, setup=lambda: os.chdir(elsewhere))["outcome"] == "not-yours"
    assert lives(child.pid)
    assert freed(port, "--yes", "--only", "cwd=.", setup=lambda: os.chdir(folder))["outcome"] == "freed"


@test
def mine_is_what_runs_as_me_in_my_project():
    lib.need_root()
    project = lib.temp_folder()
    (project / ".git").mkdir()
    (project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (project / "server").mkdir()
    (project / "client").mkdir()
    port = new_port()
    child = in_folder(port, project / "server")
    document = freed(port, "--yes", "--mine", code=1, setup=lambda: os.chdir(lib.ROOT / "src"))
    assert document["outcome"] == "not-yours" and lives(child.pid), document
    # Under sudo, mine is what is that of the one who typed it.
    env = lib.environment(SUDO_UID=str(NOBODY))
    document = freed(port, "--yes", "--mine", code=1, setup=lambda: os.chdir(project / "client"), env=env)
    assert document["outcome"] == "not-yours" and lives(child.pid), document
    document = freed(port, "--yes", "--mine", setup=lambda: os.chdir(project / "client"))
    assert document["outcome"] == "freed" and not lives(child.pid), document


@test
def one_stranger_among_those_that_share_is_enough_to_do_nothing():
    lib.need_root()
    port = new_port()

    def body(me):
        made = shapes.listening(port)
        pid = os.fork()
        if pid == 0:
            os.setuid(NOBODY)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
            for fd in me.descriptors():
                os.close(fd)
            while True:
                signal.pause()
        me.ready(other=pid, inode=shapes.inode(made))
        me.rest()

    child = shapes.Child(body, name="e2e-shared")
    lib.after(end_quietly, child.data["other"])
    shapes.until(lambda: os.stat(f"/proc/{child.data['other']}").st_uid == NOBODY)
    document = freed(port, "--yes", "--only", "user=me", code=1)
    assert document["outcome"] == "not-yours" and lives(child.pid) and lives(child.data["other"]), document


# ---- what comes back ----

KEEP_UP = """
import subprocess, sys
while True:
    subprocess.run([sys.executable, *sys.argv[1:]])
"""


def kept_up(port):
    script = lib.temp_folder() / "listen.py"
    script.write_text(LISTEN)
    return freeing.program(KEEP_UP, script, port, wait_for=port)


@test
def a_program_that_comes_back_is_told_with_who_started_it():
    port = new_port()
    keeper = kept_up(port)
    # The watch ends when the port is taken again.
    document = freed(port, "--yes", "--watch", "60s", code=1)
    assert document["outcome"] == "respawned" and f"pid {keeper.pid}" in document["started_by"], document
    assert document["ports"][0]["now"]["causes"][0]["holders"][0]["pid"] not in pids_of(document["plan"][0]), document
    result = free(port, "--yes", "--watch", "60s", code=1)
    assert "taken again" in result.out and "--allow supervisor" in result.out, str(result)
    assert lives(keeper.pid)


@test
def what_starts_it_again_is_ended_only_by_its_word():
    port = new_port()
    keeper = kept_up(port)
    document = freed(port, "--yes", "--allow", "supervisor")
    assert document["outcome"] == "freed", document
    assert not lives(keeper.pid)
    levers = [step["lever"] for step in document["plan"]]
    assert "supervisor" in levers and levers.count("supervisor") == 1, levers
    time.sleep(0.5)
    expect_binds("ok/ok/ok", port)


@test
def a_loop_in_a_shell_is_predicted():
    port = new_port()
    script = lib.temp_folder() / "listen.py"
    script.write_text(LISTEN)
    shell = subprocess.Popen(["sh", "-c", f"while :; do {sys.executable} {script} {port}; done"],
                             stdin=subprocess.DEVNULL, start_new_session=True)
    lib.after(shell.wait)
    lib.after(freeing.end_group, shell.pid)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    document = freed(port, "-n")
    assert f"pid {shell.pid}" in document["notes"][0] and "--allow supervisor" in document["notes"][0], document["notes"]
    assert freed(port, "--yes", "--watch", "60s", code=1)["outcome"] == "respawned"
    document = freed(port, "--yes", "--allow", "supervisor")
    assert document["outcome"] == "freed" and not lives(shell.pid), document
    expect_binds("ok/ok/ok", port)


@test
def a_port_is_watched_no_longer_than_asked():
    port = new_port()
    kept_up(port)
    document = freed(port, "--yes", "--watch", "0", code=None)
    assert document["watched_ms"] == 0, document
    port = new_port()
    # A busy machine may need longer, but not each time.
    quick = []
    while not quick or quick[-1] >= 1.4 and len(quick) < 20:
        server(port)
        start = time.monotonic()
        assert freed(port, "--yes", "--watch=0")["outcome"] == "freed"
        quick.append(time.monotonic() - start)
    server(port)
    start = time.monotonic()
    assert freed(port, "--yes", "--watch=1500ms")["watched_ms"] == 1500
    assert time.monotonic() - start > 1.4 > quick[-1], quick


# ---- how long it takes ----


@test
def the_time_until_free_is_that_of_the_kernel():
    """Signal to proved free, of a program that ends at once, within 5 ms of what the kernel needs (medians of many)."""
    path = lib.need_plain_program()

    def measure():
        port = new_port()
        ours, theirs = [], []
        for _ in range(15):
            server(port)
            ours.append(freed(port, "--yes", "--watch", "0", path=path)["freed_ms"])
            child = server(port)
            start = time.monotonic()
            os.kill(child.pid, signal.SIGTERM)
            while lib.try_bind("0.0.0.0", port, "plain") != 0:
                pass
            theirs.append((time.monotonic() - start) * 1000)
        ours.sort()
        theirs.sort()
        print(f"# freed after {ours[7]:.2f} ms, by hand after {theirs[7]:.2f} ms (medians)")
        return ours[7], theirs[7]

    # What else runs here makes one of them late at times, and not always the same one.
    assert any(ours < theirs + 5 for ours, theirs in (measure() for _ in range(8)))


# ---- Ctrl-C, and a program that ends by itself ----


@test
def a_program_that_ends_during_the_plan_leaves_a_free_port():
    port = new_port()
    child = server(port)
    person = freeing.Person("free", port)
    person.see("[y/N]")
    child.end()
    person.type("y\n")
    shown = person.end(0)
    assert "is free now" in shown, shown


@test
def a_newcomer_on_the_port_is_not_ended_in_its_place():
    port = new_port()
    child = server(port)
    person = freeing.Person("free", port, "--kill")
    person.see("[y/N]")
    child.end()
    newcomer = server(port, name="e2e-newcomer")
    person.type("y\n")
    shown = person.end(1)
    assert "taken again by e2e-newcomer" in shown and lives(newcomer.pid), shown


@test
def ctrl_c_stops_the_waiting_and_nothing_else():
    port = new_port()
    child = server(port, on_term=signal.SIG_IGN)
    folder = freeing.state()
    person = freeing.Person("free", port, "--yes", folder=folder)
    person.see("waiting for").type("\x03")
    shown = person.end(130)
    assert lives(child.pid), shown
    acts = lib.run("log", "--json", env=lib.environment(MOORAGE_STATE_DIR=str(folder))).json()["acts"]
    assert [act["result"] for act in acts] == ["timed-out"], acts


lib.main(own_netns=True)
