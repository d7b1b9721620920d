#!/usr/bin/python3 -B
"""Programs that a supervisor of many runs: it is told to stop the one that has the port, and goes on with its others. The
real supervisord, the real pm2 where it is installed, and stand-ins for both that answer as they do, or not at all."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import time

import freeing
import lib
import shapes
from freeing import free, freed, lives
from lib import expect_binds, new_port, test

SERVER = """
import signal, socket, sys
made = socket.socket()
made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
made.bind(("0.0.0.0", int(sys.argv[1])))
made.listen()
while True:
    signal.pause()
"""

# Plays a supervisor: starts one program as its entry, and again whenever it ends, and answers on a unix socket.
PLAYER = """
import json, os, re, signal, socket, struct, subprocess, sys, threading

kind, place, mode, server, port = sys.argv[1:]
env = dict(os.environ)
if kind == "supervisord":
    env.update(SUPERVISOR_PROCESS_NAME="web", SUPERVISOR_GROUP_NAME="shop", SUPERVISOR_SERVER_URL="unix://" + place)
else:
    env.update(pm_id="3", PM2_HOME=os.path.dirname(place))
wanted = True
child = None


def start():
    global child
    child = subprocess.Popen([sys.executable, server, port], env=env)


def keep():
    while True:
        made = child
        made.wait()
        while not wanted or child is not made:
            if child is not made:
                break
            wake.wait()
            wake.clear()
        if child is made:
            start()


def order(verb):
    global wanted
    wanted = verb == "start"
    if not wanted:
        child.terminate()
        child.wait()
    wake.set()


def runs():
    return wanted or child.poll() is None


def xml(value):
    body = "<?xml version='1.0'?><methodResponse>" + value + "</methodResponse>"
    return "HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body)


def members(**values):
    return "<value><struct>" + "".join(
        "<member><name>%s</name><value>%s</value></member>" % item for item in values.items()) + "</struct></value>"


def answer_supervisord(verb):
    if mode == "password":
        return "HTTP/1.1 401 Unauthorized\\r\\nContent-Length: 0\\r\\n\\r\\n"
    if verb == "getProcessInfo":
        pid = os.getpid() if mode == "other" else child.pid if runs() else 0
        return xml("<params><param>" + members(
            state="<int>%d</int>" % (20 if runs() else 0), statename="<string>X</string>",
            pid="<int>%d</int>" % pid) + "</param></params>")
    if mode == "fault":
        return xml("<fault>" + members(faultCode="<int>30</int>", faultString="<string>FAILED: not now</string>") +
                   "</fault>")
    order("stop" if verb == "stopProcess" else "start")
    return xml("<params><param><value><boolean>1</boolean></value></param></params>")


def frame(*parts):
    return bytes([0x10 | len(parts)]) + b"".join(struct.pack(">I", len(part)) + part for part in parts)


def answer_pm2(verb):
    if verb == "getMonitorData":
        answer = {"args": [[{"pid": child.pid if runs() else 0, "pm_id": 3,
                             "pm2_env": {"status": "online" if runs() else "stopped"}}]]}
    elif mode == "fault":
        answer = {"error": "not now", "stack": ""}
    else:
        order("stop" if verb == "stopProcessId" else "start")
        answer = {"args": [{}]}
    return frame(b"j:" + json.dumps(answer).encode(), b"s:moorage:0")


wake = threading.Event()
listener = socket.socket(socket.AF_UNIX)
listener.bind(place)
listener.listen()
start()
threading.Thread(target=keep, daemon=True).start()
held = []
while True:
    made, _ = listener.accept()
    asked = made.recv(65536).decode("latin-1")
    with open(os.path.join(os.path.dirname(place), "asked"), "a") as log:
        verb = re.search(r"supervisor\\.(\\w+)|\\"method\\":\\"(\\w+)\\"", asked)
        verb = verb.group(1) or verb.group(2)
        log.write(verb + "\\n")
    if mode == "silent" or (mode == "hang" and not verb.startswith("get")):
        held.append(made)
        continue
    answer = answer_supervisord(verb).encode() if kind == "supervisord" else answer_pm2(verb)
    made.sendall(answer)
    made.close()
"""


class Player:
    """A stand-in for a supervisor of this kind, with its one entry listening on the port."""

    def __init__(self, kind, port, mode="plain"):
        self.folder = lib.temp_folder()
        self.place = self.folder / ("rpc.sock" if kind == "pm2" else "s.sock")
        script = self.folder / kind
        script.write_text(PLAYER)
        server = self.folder / "server.py"
        server.write_text(SERVER)
        self.process = subprocess.Popen([sys.executable, str(script), kind, str(self.place), mode, str(server),
                                         str(port)], stdin=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.process.pid
        lib.after(self.process.wait)
        lib.after(freeing.end_group, self.pid)
        shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)

    def asked(self):
        """What it was told to do, without the questions."""
        path = self.folder / "asked"
        return [verb for verb in path.read_text().split() if not verb.startswith("get")] if path.exists() else []


def stopped_and_taken_back(port, supervisor, command):
    """Frees the port by the entry, then takes that back."""
    folder = freeing.state()
    document = freed(port, "-n")
    assert "--allow supervisor" in document["notes"][0] and "entry" in document["notes"][0], document["notes"]
    document = freed(port, "--yes", "--allow", "supervisor", folder=folder)
    assert document["outcome"] == "freed", document
    step = document["plan"][0]
    assert step["lever"] == "supervisor" and step["result"] == "done" and step["entry"] and not step["targets"], step
    assert step["by_hand"].endswith(command.replace("start", "stop")), step
    assert step["undo"]["possible"] and step["undo"]["command"].endswith(command), step
    assert [other["result"] for other in document["plan"][1:]] == ["needless"], document["plan"]
    assert lives(supervisor)
    expect_binds("ok/ok/ok", port)
    env = dict(lib.environment(), MOORAGE_STATE_DIR=str(folder))
    result = lib.run("undo", "--yes", env=env)
    assert result.code == 0 and "runs again" in result.out, str(result)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    acts = lib.run("log", "--json", env=env).json()["acts"]
    assert [(act["lever"], act["result"], act["undone"]) for act in acts][:1] == [("supervisor", "done", True)], acts


# ---- the real ones ----


def supervisord(port, uid=None, wrap="", listens=None):
    """The real supervisord with one program that listens on the port, and one that does not."""
    program = shutil.which("supervisord", path="/usr/bin:/usr/local/bin")
    if not program:
        raise lib.Skip("needs supervisord (Debian: supervisor)")
    folder = lib.temp_folder()
    server = folder / "server.py"
    server.write_text(SERVER)
    server.chmod(0o644)
    (folder / "c.conf").write_text(f"""
{listens or f"[unix_http_server]{chr(10)}file={folder}/s.sock"}
[supervisord]
logfile={folder}/log
pidfile={folder}/pid
childlogdir={folder}
nodaemon=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:web]
command={wrap}/usr/bin/python3 {server} {port}
autorestart=true
startsecs=0
[program:other]
command=/bin/sleep 1000
""")
    who = {}
    if uid is not None:
        os.chown(folder, uid, uid)
        who = {"user": uid, "group": uid, "extra_groups": []}
    process = subprocess.Popen([program, "-c", str(folder / "c.conf")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **who)
    lib.after(process.wait)
    lib.after(end_all, process.pid)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    return process.pid, folder


def end_all(pid):
    """Each program of supervisord is a group of its own."""
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        freeing.end_group(int(child))
    freeing.end_group(pid)


@test
def an_entry_of_supervisord_is_stopped_and_its_others_go_on():
    port = new_port()
    pid, folder = supervisord(port)
    before = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stopped_and_taken_back(port, pid, f"supervisorctl -s unix://{folder}/s.sock start web")
    after = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(before) == len(after) == 2 and len(set(before) & set(after)) == 1, (before, after)


@test
def a_supervisord_that_listens_on_the_loopback_address_is_asked_there():
    port, place = new_port(), new_port()
    pid, _ = supervisord(port, listens=f"[inet_http_server]\nport=127.0.0.1:{place}")
    stopped_and_taken_back(port, pid, f"supervisorctl -s http://127.0.0.1:{place} start web")


@test
def a_supervisord_with_a_password_is_left_alone():
    port, place = new_port(), new_port()
    pid, _ = supervisord(port, listens=f"[inet_http_server]\nport=127.0.0.1:{place}\nusername=a\npassword=b")
    document = freed(port, "--yes", "--allow", "supervisor", code=3)
    assert "password" in document["refusals"][0]["sentence"] and lives(pid), document["refusals"]


@test
def without_the_word_a_program_of_supervisord_comes_back_and_it_is_named():
    port = new_port()
    pid, _ = supervisord(port)
    document = freed(port, "--yes", "--watch", "60s", code=1)
    assert document["outcome"] == "respawned" and f"supervisord (pid {pid})" in document["started_by"], document
    assert "moorage free" in lib.run(port).out and "--allow supervisor" in lib.run(port).out, lib.run(port).out


@test
def what_an_entry_leaves_behind_is_asked_to_end():
    port = new_port()
    shell = lib.temp_folder() / "run.sh"
    shell.write_text('#!/bin/sh\n"$@" &\nwait\n')
    shell.chmod(0o755)
    pid, _ = supervisord(port, wrap=f"{shell} ")
    document = freed(port, "--yes", "--allow", "supervisor")
    assert document["outcome"] == "freed" and lives(pid), document
    assert [step["result"] for step in document["plan"]] == ["done", "done"], document["plan"]
    assert "run.sh" in document["plan"][0]["reaches"][0] or "sh" in document["plan"][0]["reaches"][0], document["plan"]


@test
def root_asks_another_users_supervisord_and_runs_nothing_of_his():
    lib.need_root()
    port = new_port()
    pid, _ = supervisord(port, uid=pwd.getpwnam("nobody").pw_uid)
    document = freed(port, "--yes", "--allow", "supervisor")
    assert document["outcome"] == "freed" and lives(pid), document


@test
def an_entry_of_pm2_is_stopped_and_started_again():
    program = shutil.which("pm2", path=os.environ.get("PATH"))
    if not program:
        raise lib.Skip("needs pm2 (npm)")
    port = new_port()
    folder = lib.temp_folder()
    script = folder / "app.js"
    script.write_text(f"require('net').createServer().listen({port}, '0.0.0.0')\n")
    env = dict(os.environ, PM2_HOME=str(folder / "home"), HOME=str(folder), CI="1")
    lib.after(lambda: subprocess.run([program, "kill"], env=env, stdout=subprocess.DEVNULL, timeout=60, check=False))
    subprocess.run([program, "start", str(script), "--name", "web"], env=env, stdout=subprocess.DEVNULL, timeout=60,
                   check=True)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    pid = int((folder / "home" / "pm2.pid").read_text())
    stopped_and_taken_back(port, pid, f"PM2_HOME={folder}/home pm2 start 0")


# ---- stand-ins ----


@test
def both_kinds_are_told_what_they_understand():
    for kind, command, orders in (("supervisord", "start shop:web", ["stopProcess", "startProcess"]),
                                  ("pm2", "pm2 start 3", ["stopProcessId", "startProcessId"])):
        port = new_port()
        player = Player(kind, port)
        stopped_and_taken_back(port, player.pid, command)
        assert player.asked() == orders, player.asked()


@test
def a_supervisor_that_says_no_is_quoted_and_the_program_left_alone():
    for kind in ("supervisord", "pm2"):
        port = new_port()
        player = Player(kind, port, "fault")
        document = freed(port, "--yes", "--allow", "supervisor", code=1)
        assert document["outcome"] == "refused" and "not now" in document["plan"][0]["error"], document
        assert document["plan"][1]["result"] == "planned" and len(player.asked()) == 1, document
        assert lib.try_bind("0.0.0.0", port) != 0


@test
def an_order_that_hangs_is_waited_for_no_longer_than_agreed():
    port = new_port()
    player = Player("supervisord", port, "hang")
    start = time.monotonic()
    document = freed(port, "--yes", "--kill", "--timeout", "500ms", "--allow", "supervisor", code=1)
    assert document["outcome"] == "timed-out" and time.monotonic() - start < 60, document
    assert lives(player.pid) and lib.try_bind("0.0.0.0", port) != 0


@test
def a_supervisor_that_does_not_answer_is_left_alone_with_its_command():
    for mode, words in (("silent", "no answer in time"), ("password", "wants a password"), ("other", "does not say")):
        port = new_port()
        player = Player("supervisord", port, mode)
        document = freed(port, "--yes", "--allow", "supervisor", code=3)
        refusal = document["refusals"][0]
        assert document["outcome"] == "refused" and not document["acted"], document
        assert words in refusal["sentence"] and f"supervisord (pid {player.pid})" in refusal["sentence"], refusal
        assert refusal["instead"] == f"supervisorctl -s unix://{player.place} stop shop:web", refusal
        assert player.asked() == []


@test
def a_program_that_only_inherited_the_words_stops_no_entry():
    """What was started from a program of a supervisor has its environment, and need not be of it."""
    port, other = new_port(), new_port()
    player = Player("supervisord", other)
    env = dict(os.environ, SUPERVISOR_PROCESS_NAME="web", SUPERVISOR_GROUP_NAME="shop",
               SUPERVISOR_SERVER_URL=f"unix://{player.place}")
    program = freeing.program(SERVER, port, wait_for=port, env=env)
    document = freed(port, "--yes", "--allow", "supervisor")
    assert document["outcome"] == "freed" and [step["lever"] for step in document["plan"]] == ["process"], document
    assert not lives(program.pid) and player.asked() == [] and lib.try_bind("0.0.0.0", other) != 0


@test
def an_address_of_another_machine_is_never_asked():
    port = new_port()
    script = lib.temp_folder() / "supervisord"
    script.write_text("import subprocess, sys\nwhile True: subprocess.run([sys.executable, *sys.argv[1:]])\n")
    server = lib.temp_folder() / "server.py"
    server.write_text(SERVER)
    env = dict(os.environ, SUPERVISOR_PROCESS_NAME="web", SUPERVISOR_SERVER_URL="http://192.0.2.1:9001")
    keeper = subprocess.Popen([sys.executable, str(script), str(server), str(port)], env=env, start_new_session=True)
    lib.after(keeper.wait)
    lib.after(freeing.end_group, keeper.pid)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    result = free(port, "--yes", "--allow", "supervisor", code=3)
    assert "supervisorctl stop NAME" in result.out and lives(keeper.pid), str(result)


@test
def a_program_that_runs_others_needs_the_word_itself():
    port = new_port()
    script = lib.temp_folder() / "supervisord"
    script.write_text(SERVER)
    itself = subprocess.Popen([sys.executable, str(script), str(port)], start_new_session=True)
    lib.after(itself.wait)
    lib.after(freeing.end_group, itself.pid)
    shapes.until(lambda: lib.try_bind("0.0.0.0", port) != 0)
    document = freed(port, "--yes", code=3)
    assert [refusal["allow"] for refusal in document["refusals"]] == ["supervisor"] and lives(itself.pid), document
    assert freed(port, "--yes", "--allow", "supervisor")["outcome"] == "freed"


lib.main(own_netns=True)
