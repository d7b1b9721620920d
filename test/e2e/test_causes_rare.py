#!/usr/bin/python3 -B
"""Ports held in ways that the usual tools don't see, by protocols that they forget, by processes that can't be seen."""

import os
import shutil
import socket
import subprocess

import lib
import shapes
from lib import expect_binds, new_port, only_cause, only_holder, test, why


@test
def a_socket_that_is_only_in_flight_names_who_may_receive_it():
    lib.need_root()
    port = new_port()
    child = shapes.in_flight(port)
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "listener")
    lib.holder_of(cause, child.pid, "^in-flight$")
    assert lib.inodes_of(cause) == {child.data["inode"]}, cause


@test
def a_socket_that_only_an_io_uring_holds_names_the_process():
    port = new_port()
    child = shapes.io_uring(port)
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid, "^io_uring$")


@test
def a_killed_io_uring_process_is_never_called_hidden():
    for _ in range(5):
        port = new_port()
        shapes.io_uring(port).end()
        entry = why(f"tcp/{port}", own=False)
        assert "hidden" not in {cause["kind"] for cause in entry["causes"]}, entry
        # Without the right to look into others, a listener that nobody seems to have is nothing to wait for.
        assert entry["bindable"] or entry["tier"] == "own", entry


@test
def a_mapped_socket_names_the_process():
    port = new_port()
    child = shapes.mapped(port)
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid, "^mmap$")


@test
def a_thread_with_descriptors_of_its_own_is_named():
    port = new_port()
    child = shapes.private_thread(port)
    expect_binds("U/U/U", port)
    how = f"^thread {child.data['tid']} fd {child.data['fd']}$"
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid, how)


@test
def a_process_whose_main_thread_has_ended_is_named():
    port = new_port()
    child = shapes.dead_leader(port)
    expect_binds("U/U/U", port)
    how = f"^thread {child.data['tid']} fd {child.data['fd']}$"
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid, how)


@test
def all_heirs_of_a_dead_parent_are_named():
    port = new_port()
    child = shapes.heirs(port)
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "inherited")
    assert {holder["pid"] for holder in cause["holders"]} == set(child.data["heirs"]), cause
    assert lib.inodes_of(cause) == {child.data["inode"]}, cause


@test
def all_workers_of_a_living_parent_are_named():
    port = new_port()

    def body(me):
        made = shapes.listening(port)
        pids = []
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                me.rest()
            pids.append(pid)
        me.ready(inode=shapes.inode(made), workers=pids)
        me.rest()

    child = shapes.Child(body, name="e2e-workers")
    cause = only_cause(why(f"tcp/{port}", code=1), "listener")
    assert {holder["pid"] for holder in cause["holders"]} == {child.pid, *child.data["workers"]}, cause


def start_copy(name, port):
    """Starts a program of this name from a temporary folder, with an inherited listener; gives its path and pid."""
    with shapes.listening(port) as made:
        made.set_inheritable(True)
        process = lib.stand_in(name)
    expect_binds("U/U/U", port)
    return process.args[0], process.pid


def warnings_about(port, pid):
    entry = why(f"tcp/{port}", code=1)
    holder = lib.holder_of(next(cause for cause in entry["causes"] if cause["blocks"]), pid)
    return holder, " ".join(holder["warnings"])


@test
def a_program_whose_file_was_deleted_is_warned_of():
    port = new_port()
    copy, pid = start_copy("e2e-sleep", port)
    os.unlink(copy)
    holder, warnings = warnings_about(port, pid)
    assert "deleted" in warnings, warnings
    assert holder["exe"] == str(copy), holder["exe"]


@test
def a_program_whose_file_was_replaced_is_warned_of():
    port = new_port()
    copy, pid = start_copy("e2e-sleep", port)
    shutil.copy(copy, f"{copy}.new")
    os.rename(f"{copy}.new", copy)
    _, warnings = warnings_about(port, pid)
    assert "replaced" in warnings, warnings


@test
def a_program_that_runs_from_a_temporary_place_is_warned_of():
    port = new_port()
    _, pid = start_copy("sshd", port)
    _, warnings = warnings_about(port, pid)
    assert "temporary" in warnings, warnings


# ---- protocols other than TCP ----


@test
def a_udp_socket_is_a_listener():
    port = new_port()
    child = shapes.listener(port, proto="udp")
    expect_binds("U/U/U", port, proto="udp")
    expect_binds("ok/ok/ok", port)
    entry = why(f"udp/{port}", code=1)
    cause = only_cause(entry, "listener")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["state"] == "UNCONN" and cause["sockets"][0]["protocol"] == "udp", cause["sockets"]
    assert lib.run("why", f"udp/{port}").out.startswith(f"Port {port} (UDP) is taken by"), "the verdict comes first"


@test
def a_bare_number_asks_for_tcp_and_udp_and_tcp_decides():
    port = new_port()
    child = shapes.listener(port, proto="udp")
    asked = lib.entries(str(port), code=0)
    assert [entry["protocol"] for entry in asked] == ["tcp", "udp"], asked
    assert asked[0]["bindable"] and not asked[1]["bindable"], asked
    only_holder(only_cause(asked[1], "listener"), child.pid)


@test
def a_udp_socket_that_shares_is_told_though_the_bind_works():
    port = new_port()
    child = shapes.listener(port, proto="udp", flags=("reuse",))
    expect_binds("U/ok/U", port, proto="udp")
    entry = why(f"udp/{port}", code=0)
    lib.holder_of(lib.cause_of(entry, "shared", blocks=False), child.pid)


@test
def a_udplite_socket_does_not_take_the_udp_port():
    port = new_port()
    child = shapes.listener(port, proto="udplite")
    expect_binds("U/U/U", port, proto="udplite")
    expect_binds("ok/ok/ok", port, proto="udp")
    why(f"udp/{port}", code=0)
    entry = why(f"udplite/{port}", code=1)
    only_holder(only_cause(entry, "listener"), child.pid)


@test
def a_port_of_the_kernel_names_its_interface():
    lib.need_root()
    name = f"vx{os.getpid() % 100000}"
    port = new_port()
    add = ["ip", "link", "add", name, "type", "vxlan", "id", "7", "dstport", str(port), "local", "127.0.0.1"]
    made = subprocess.run(add, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise lib.Skip(f"no vxlan interface can be made: {made.stderr.strip()}")
    lib.after(subprocess.run, ["ip", "link", "del", name])
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    expect_binds("U/U/U", port, proto="udp")
    cause = only_cause(why(f"udp/{port}", code=1), "kernel")
    assert cause["holders"] == [] and len(cause["sockets"]) >= 1, cause
    assert "vxlan" in cause["sentence"] and name in cause["sentence"], cause["sentence"]


# ---- what may not be seen ----


@test
def a_user_learns_that_a_program_of_another_user_has_the_port():
    lib.need_root()
    port = new_port()
    child = shapes.listener(port)
    entry = why(f"tcp/{port}", code=1, uid=65534)
    cause = only_cause(entry, "listener")
    assert cause["holders"] == [] and not entry["complete"], entry
    assert child.pid in [unseen["pid"] for unseen in entry["unseen"]], entry["unseen"]
    assert {unseen["reason"] for unseen in entry["unseen"]} <= {"not-allowed", "gone"}, entry["unseen"]
    assert entry["tier"] in ("own", "proc"), entry["tier"]
    assert cause["sockets"][0]["uid"] == 0, cause["sockets"]
    text = lib.run("why", f"tcp/{port}", uid=65534).out
    assert "sudo" in text and "root" in text, f"the command that would show more is not said: {text}"


@test
def nobody_is_blamed_for_a_user_who_has_no_number_here():
    lib.need_root()
    port = new_port()
    shapes.listener(port)
    inside = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-r")
    how = {"wrap": inside, "path": lib.program_for_everybody()}
    if lib.run("--version", **how).code != 0:
        raise lib.Skip("may not make a user namespace")
    entry = why(f"tcp/{port}", code=1, own=False, **how)
    assert lib.only_cause(entry, "listener")["sockets"][0]["uid"] is None, entry
    assert "nobody" not in lib.run(f"tcp/{port}", **how).out


@test
def a_user_sees_its_own_program_wholly():
    lib.need_root()
    port = new_port()
    child = shapes.listener(port, uid=65534)
    entry = why(f"tcp/{port}", code=1, uid=65534)
    only_holder(only_cause(entry, "listener"), child.pid)


@test
def the_cgroup_of_a_socket_tells_a_user_the_unit():
    lib.need_root()
    cgroup = lib.own_cgroup("moorage-shop.service")
    port = new_port()

    def body(me):
        (cgroup / "cgroup.procs").write_text(str(os.getpid()))
        made = shapes.listening(port)
        me.ready(inode=shapes.inode(made))
        me.rest()

    child = shapes.Child(body)
    entry = why(f"tcp/{port}", code=1, uid=65534)
    blocking = [cause for cause in entry["causes"] if cause["blocks"]]
    assert len(blocking) == 1 and blocking[0]["holders"] == [], blocking
    assert "moorage-shop.service" in lib.words_of(entry), lib.words_of(entry)
    child.end()


@test
def a_unit_that_a_program_runs_in_is_a_fact_of_the_program():
    lib.need_root()
    cgroup = lib.own_cgroup("moorage-yard.service")
    port = new_port()

    def body(me):
        (cgroup / "cgroup.procs").write_text(str(os.getpid()))
        made = shapes.listening(port)
        me.ready(inode=shapes.inode(made))
        me.rest()

    child = shapes.Child(body)
    entry = why(f"tcp/{port}", code=1)
    cause = next(cause for cause in entry["causes"] if cause["blocks"])
    assert cause["kind"] in ("listener", "service"), cause
    holder = only_holder(cause, child.pid)
    assert holder["service"] and holder["service"]["name"] == "moorage-yard.service", holder
    child.end()


@test
def looking_leaves_the_listener_alone():
    port = new_port()

    def body(me):
        made = shapes.listening(port, "127.0.0.1")
        me.ready()
        while True:
            me.wait()
            made.settimeout(5)
            made.accept()[0].sendall(b"still here")
            me.ready()

    child = shapes.Child(body)
    for _ in range(3):
        why(f"tcp/{port}", code=1)
        with socket.create_connection(("127.0.0.1", port)) as client:
            child.step()
            assert client.recv(64) == b"still here"


lib.main(own_netns=True)
