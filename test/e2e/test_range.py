#!/usr/bin/python3 -B
"""range, in a network namespace of its own and with a folder of its own for what is to last."""

import os
import pathlib
import pty
import subprocess
import sys

import lib
import shapes
from lib import environment, need_root, new_port, run, temp_folder, test

RESERVED = pathlib.Path("/proc/sys/net/ipv4/ip_local_reserved_ports")
DYNAMIC = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")


def clean():
    """The usual settings, now and after the test; gives a folder for the file."""
    need_root()
    lib.set_sysctl("net.ipv4.ip_local_reserved_ports", "")
    lib.set_sysctl("net.ipv4.ip_local_port_range", "32768 60999")
    folder = temp_folder()
    return folder, environment(MOORAGE_SYSCTL_DIR=str(folder))


@test
def ranges_and_their_use_are_shown():
    _, env = clean()
    shapes.listener(40001, "127.0.0.1", name="node")
    result = run("range", env=env)
    assert result.code == 0, str(result)
    assert "dynamic     32768-60999" in result.out and "privileged  1-1023" in result.out, str(result)
    assert "TCP: 1 of 28232 dynamic ports in use" in result.out and ": 1 by node (pid " in result.out, str(result)
    assert "moorage range reserve 40001 --persist" in result.out, str(result)
    document = run("range", "--json", env=env).json()
    assert document["schema"] == "moorage.range/1" and document["plan"] is None
    assert document["inside"][0]["port"] == 40001 and document["dynamic"][0]["taken"] == 1


@test
def a_port_is_reserved_and_the_undo_line_takes_it_back():
    folder, env = clean()
    result = run("range", "reserve", "8080", "9000-9010", "--yes", env=env)
    assert result.code == 0 and RESERVED.read_text() == "8080,9000-9010\n", str(result)
    undo = next(line for line in result.out.splitlines() if line.startswith("undo: moorage "))
    assert run("range", "reserve", "8080", "-y", env=env).out.startswith("nothing to do")
    assert run(*undo.split()[2:], "-y", env=env).code == 0 and RESERVED.read_text() == "\n"
    assert not list(folder.iterdir())


def acts(env):
    return run("log", "--json", env=env).json()["acts"]


@test
def undo_releases_what_was_reserved_after_showing_it():
    folder, env = clean()
    env["MOORAGE_STATE_DIR"] = str(temp_folder())
    file = folder / "zz-moorage.conf"
    RESERVED.write_text("1234\n")
    assert run("range", "reserve", "8080", "--persist", "-y", env=env).code == 0 and file.exists()
    assert [(act["lever"], act["result"], act["can_undo"], act["undo"]) for act in acts(env)] == \
        [("setting", "done", True, "moorage range release 8080 --persist")] * 2
    assert "Set net.ipv4.ip_local_reserved_ports to 1234,8080" in run("log", env=env).out
    for words in (("-n",), ()):
        result = run("undo", *words, env=env)
        assert result.code == (0 if words else 3), str(result)
        assert "moorage range reserve 8080 --persist" in result.out and "plan" in result.out, str(result)
        assert RESERVED.read_text() == "1234,8080\n" and file.exists()
    # What somebody else has reserved since stays.
    RESERVED.write_text("1234,7000,8080\n")
    result = run("undo", "-y", env=env)
    assert result.code == 0 and "Taken back: moorage range reserve 8080 --persist" in result.out, str(result)
    assert RESERVED.read_text() == "1234,7000\n" and not file.exists()
    assert [act["undone"] for act in acts(env)] == [True, True, False, False]
    assert run("undo", "-y", env=env).code == 1


@test
def undo_puts_back_the_dynamic_range_and_the_file():
    folder, env = clean()
    env["MOORAGE_STATE_DIR"] = str(temp_folder())
    file = folder / "zz-moorage.conf"
    assert run("range", "reserve", "8080", "--persist", "-y", env=env).code == 0
    text = file.read_text()
    assert run("range", "dynamic", "40000-60999", "--persist", "-y", env=env).code == 0
    assert DYNAMIC.read_text().split() == ["40000", "60999"] and file.read_text() != text
    document = run("undo", "-y", "--json", env=env).json()
    assert document["outcome"] == "undone" and len(document["acts"]) == 2, document
    assert [step["result"] for step in document["plan"]] == ["done", "done"], document
    assert DYNAMIC.read_text().split() == ["32768", "60999"] and file.read_text() == text
    assert RESERVED.read_text() == "8080\n"
    assert run("undo", "-y", env=env).code == 0 and RESERVED.read_text() == "\n" and not file.exists()


@test
def undo_leaves_alone_what_was_changed_since_and_servers():
    _, env = clean()
    env["MOORAGE_STATE_DIR"] = str(temp_folder())
    assert run("range", "dynamic", "40000-60999", "-y", env=env).code == 0
    DYNAMIC.write_text("45000 60000")
    result = run("undo", "-y", env=env)
    assert result.code == 3 and "has been changed since then" in result.out, str(result)
    assert DYNAMIC.read_text().split() == ["45000", "60000"]
    DYNAMIC.write_text("40000 60999")
    shapes.listener(33000, "127.0.0.1", name="node")
    result = run("undo", "-y", "--json", env=env)
    assert result.code == 3 and result.json()["outcome"] == "refused", str(result)
    assert DYNAMIC.read_text().split() == ["40000", "60999"]
    assert run("range", "reserve", "33000", "-y", env=env).code == 0


@test
def a_change_that_failed_is_recorded_and_not_taken_back():
    _, env = clean()
    state = temp_folder()
    state.chmod(0o777)
    env["MOORAGE_STATE_DIR"] = str(state)
    assert run("range", "reserve", "8080", "-y", env=env, uid=1001).code == 3
    result = run("log", "--json", env=env, uid=1001).json()["acts"]
    assert [(act["result"], act["can_undo"]) for act in result] == [("failed", False)], result
    assert run("undo", "-y", env=env, uid=1001).code == 1


@test
def what_is_to_last_is_a_whole_file_that_goes_when_it_is_empty():
    folder, env = clean()
    RESERVED.write_text("1234\n")
    assert run("range", "reserve", "8080", "--persist", "-y", env=env).code == 0
    file = folder / "zz-moorage.conf"
    assert "net.ipv4.ip_local_reserved_ports = 1234,8080" in file.read_text() and file.stat().st_mode & 0o777 == 0o644
    assert run("range", "dynamic", "40000-60999", "--persist", "-y", env=env).code == 0
    assert "ip_local_port_range = 40000 60999" in file.read_text() and "1234,8080" in file.read_text()
    # sysctl itself can read it.
    done = subprocess.run(["sysctl", "-p", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    note = run("range", "release", "8080", "-y", env=env)
    assert "at the next restart" in note.err, str(note)
    assert run("range", "release", "8080", "--persist", "-y", env=env).code == 0
    assert "8080" not in file.read_text() and RESERVED.read_text() == "1234\n"
    assert list(folder.iterdir()) == [file]


@test
def a_plan_alone_changes_nothing():
    folder, env = clean()
    result = run("range", "reserve", "8080", "--persist", "--dry-run", env=env)
    assert result.code == 0 and "plan" in result.out and "undo" in result.out, str(result)
    assert RESERVED.read_text() == "\n" and not list(folder.iterdir())
    plan = run("range", "dynamic", "40000-60999", "--dry-run", "--json", env=env).json()["plan"]
    assert not plan["done"] and plan["steps"][0]["target"] == "net.ipv4.ip_local_port_range", plan


@test
def a_range_over_servers_is_refused():
    _, env = clean()
    port = new_port()
    shapes.listener(port, "127.0.0.1", name="node")
    for more in ((), ("-y",), ("--dry-run",), ("-y", "--json")):
        result = run("range", "dynamic", f"{port - 500}-60999", *more, env=env)
        assert result.code == 3 and f"{port} (node, pid" in result.out, str(result)
        assert DYNAMIC.read_text().split() == ["32768", "60999"]
    assert run("range", "reserve", port, "-y", env=env).code == 0
    assert run("range", "dynamic", f"{port - 500}-60999", "-y", env=env).code == 0


@test
def nobody_to_ask_and_no_right_are_refused():
    _, env = clean()
    result = run("range", "reserve", "8080", env=env)
    assert result.code == 3 and "--yes" in result.err and RESERVED.read_text() == "\n", str(result)
    result = run("range", "reserve", "8080", "-y", env=env, uid=1001)
    assert result.code == 3 and "sudo moorage range reserve 8080 -y" in result.err, str(result)
    for words in (("reserve",), ("release", "x"), ("dynamic", "8080"), ("dynamic", "9-1"), ("dynamic",), ("nonsense",),
                  ("reserve", "127.0.0.1:80"), ("dynamic", "2000-3000", "4000-5000")):
        assert run("range", *words, env=env).code == 2, words


@test
def a_person_is_asked():
    _, env = clean()
    for answer, code in (("n", 1), ("y", 0)):
        parent, child = pty.openpty()
        process = subprocess.Popen([lib.program(), "range", "reserve", "8080"], stdin=child, stdout=child, stderr=child,
                                   env=env)
        os.close(child)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(parent, 4096)
        os.write(parent, answer.encode() + b"\n")
        assert process.wait(30) == code, said
        os.close(parent)
        assert RESERVED.read_text() == ("8080\n" if answer == "y" else "\n")


@test
def a_file_that_cannot_be_written_leaves_the_setting_told():
    folder, env = clean()
    folder.rmdir()
    result = run("range", "reserve", "8080", "--persist", "-y", env=env)
    assert result.code == 3 and "zz-moorage.conf" in result.err, str(result)
    assert "done: Set" in result.err and "undo: moorage range release 8080" in result.err, str(result)
    folder.mkdir()


CROWD = """
import ctypes, os, signal, socket, sys
held = [socket.socket() for _ in range(1500)]
for number, one in enumerate(held):
    one.bind(("127.0.0.1", 40000 + number))
    one.listen(1)
children = []
for _ in range(40):
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        signal.pause()
    children.append(child)
print("ready", flush=True)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
"""


@test
def many_servers_with_many_holders_cost_little():
    _, env = clean()
    program = lib.need_plain_program()
    crowd = subprocess.Popen([sys.executable, "-c", CROWD], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    lib.after(crowd.wait)
    lib.after(crowd.stdin.close)
    if crowd.stdout.readline().strip() != "ready":
        raise lib.Skip("may not open 1,500 sockets")

    def seconds(*words):
        """Of the processor, the least of a few runs."""
        each = []
        for _ in range(3):
            before = os.times()
            subprocess.run([program, "range", *words], env=env, stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            each.append(after.children_user + after.children_system - before.children_user - before.children_system)
        return min(each)

    text, document = seconds(), seconds("--json")
    print(f"# 1,500 servers of 41 processes each: {text * 1000:.0f} ms of the processor, {document * 1000:.0f} ms as JSON")
    assert document < 3 * text + 0.15, (text, document)
    inside = run("range", "--json", env=env).json()["inside"]
    assert len(inside) == 1500 and all(len(server["pids"]) == 41 for server in inside)


lib.main(own_netns=True)
