#!/usr/bin/python3 -B
"""Every way in which a TCP socket keeps a port, made for real: who has it must be named, and the binds must be true."""

import os
import signal
import socket

import lib
import shapes
from lib import expect_binds, new_port, only_cause, only_holder, test, why


@test
def a_free_port_has_no_cause_that_blocks():
    port = new_port()
    expect_binds("ok/ok/ok", port)
    entry = why(f"tcp/{port}", code=0)
    assert entry["bindable"] and entry["proved"] and entry["bind"] == "reuse", entry
    assert entry["address"] is None and entry["protocol"] == "tcp" and entry["port"] == port, entry


@test
def every_address_is_tried_with_and_without_reuse():
    port = new_port()
    tried = {(probe["address"].strip("[]"), probe["bind"]) for probe in why(f"tcp/{port}", code=0)["probes"]}
    assert tried == {("0.0.0.0", "reuse"), ("0.0.0.0", "plain"), ("::", "reuse"), ("::", "plain")}, tried


@test
def a_listener_is_named_with_its_process():
    port = new_port()
    child = shapes.listener(port)
    expect_binds("U/U/U", port)
    entry = why(f"tcp/{port}", code=1)
    cause = only_cause(entry, "listener")
    holder = only_holder(cause, child.pid, f"^fd {child.data['fd']}$")
    row = cause["sockets"][0]
    assert (row["local"], row["state"], row["remote"]) == (f"0.0.0.0:{port}", "LISTEN", None), row
    assert int(row["inode"]) == child.data["inode"] and row["uid"] == os.geteuid(), row
    assert holder["name"] == "e2e-listener" and holder["command"] and holder["started"], holder
    assert os.path.realpath(holder["exe"]) == os.path.realpath("/usr/bin/python3"), holder["exe"]
    assert os.getpid() in [parent["pid"] for parent in holder["ancestry"]], holder["ancestry"]
    assert str(child.pid) in cause["sentence"] and str(port) in cause["sentence"], cause["sentence"]
    assert "process" in {remedy["lever"] for remedy in cause["remedies"]}, cause["remedies"]


@test
def a_taken_port_comes_with_another_that_is_free():
    port = new_port()
    shapes.listener(port)
    entry = why(f"tcp/{port}", code=1)
    assert entry["suggest"] and "other-port" in lib.levers_of(entry), entry
    for other in entry["suggest"]:
        expect_binds("ok/ok/ok", other)


@test
def a_listener_of_one_address_takes_the_port_from_all():
    port = new_port()
    child = shapes.listener(port, "127.0.0.1")
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid)
    assert why(f"tcp/{port}", "--on", "127.0.0.2", code=0)["bindable"]


@test
def two_listeners_of_two_addresses_are_both_named():
    port = new_port()
    first = shapes.listener(port, "127.0.0.1")
    second = shapes.listener(port, "127.0.0.2")
    causes = [cause for cause in why(f"tcp/{port}", code=1)["causes"] if cause["blocks"]]
    assert {cause["kind"] for cause in causes} == {"listener"}, causes
    assert {holder["pid"] for cause in causes for holder in cause["holders"]} == {first.pid, second.pid}, causes
    assert set().union(*map(lib.inodes_of, causes)) == {first.data["inode"], second.data["inode"]}, causes


@test
def a_bound_socket_that_does_not_listen_is_found():
    port = new_port()
    child = shapes.binder(port)
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "bound")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["state"] == "BOUND" and cause["sockets"][0]["remote"] is None, cause["sockets"]


@test
def a_bound_socket_with_reuse_blocks_although_a_bind_works():
    port = new_port()
    child = shapes.binder(port, flags=("reuse",))
    expect_binds("U/ok/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "bound"), child.pid)


@test
def a_bound_mptcp_socket_is_found():
    port = new_port()
    child = shapes.binder(port, proto="mptcp")
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "bound"), child.pid)


@test
def an_mptcp_listener_is_named():
    port = new_port()
    child = shapes.listener(port, proto="mptcp")
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid)


@test
def a_connection_keeps_the_port_of_a_listener_without_reuse():
    port = new_port()
    child = shapes.connection(port)
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "connection")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["state"] == "ESTABLISHED" and cause["sockets"][0]["remote"], cause["sockets"]
    assert lib.inodes_of(cause) == {child.data["inode"]}, cause


@test
def a_connection_of_a_listener_with_reuse_stops_only_a_plain_bind():
    port = new_port()
    child = shapes.connection(port, flags=("reuse",))
    expect_binds("U/ok/U", port)
    entry = why(f"tcp/{port}", code=0)
    lib.holder_of(lib.cause_of(entry, "connection", blocks=False), child.pid)
    why(f"tcp/{port}", "--bind", "plain", code=1)
    text = lib.run("why", f"tcp/{port}").out
    assert "SO_REUSEADDR" in text.splitlines()[0] + text, text


@test
def an_orphan_in_fin_wait_2_lingers_and_is_held_by_nobody():
    port = new_port()
    child = shapes.connection(port)
    child.step()
    # The other side may take its time to acknowledge the end.
    shapes.until(lambda: shapes.tcp_states(port) == {5})
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "lingering")
    assert cause["holders"] == [] and cause["sockets"][0]["state"] == "FIN_WAIT_2", cause
    assert int(cause["sockets"][0]["inode"] or 0) == 0, cause["sockets"]


@test
def time_wait_without_reuse_blocks_and_says_how_long():
    port = new_port()
    child = shapes.connection(port)
    child.step()
    child.step()
    shapes.until(lambda: shapes.tcp_states(port) == {6})
    expect_binds("U/U/U", port)
    entry = why(f"tcp/{port}", code=1)
    cause = only_cause(entry, "lingering")
    assert cause["holders"] == [] and cause["sockets"][0]["state"] == "TIME_WAIT", cause
    lib.check_seconds(lib.words_of(entry), 30, 60)
    assert "wait" in {remedy["lever"] for remedy in cause["remedies"]}, cause["remedies"]
    assert "SO_REUSEADDR" in lib.words_of(entry), "it does not say whether SO_REUSEADDR would help"


@test
def time_wait_with_reuse_stops_only_a_plain_bind_and_says_how_long():
    port = new_port()
    child = shapes.connection(port, flags=("reuse",))
    child.step()
    child.step()
    shapes.until(lambda: shapes.tcp_states(port) == {6})
    expect_binds("U/ok/U", port)
    entry = why(f"tcp/{port}", code=0)
    cause = lib.cause_of(entry, "lingering", blocks=False)
    assert cause["holders"] == [], cause
    plain = why(f"tcp/{port}", "--bind", "plain", code=1)
    assert plain["bind"] == "plain", plain
    only_cause(plain, "lingering")
    text = lib.run("why", f"tcp/{port}").out
    assert "free for most servers" in text, text
    lib.check_seconds(text, 30, 60)


def command_of(cause, lever):
    return next(remedy["command"] for remedy in cause["remedies"] if remedy["lever"] == lever)


@test
def the_command_that_is_shown_frees_what_was_asked_for_and_nothing_else():
    port = new_port()
    child = shapes.listener(port, "127.0.0.1")
    other = shapes.listener(port, "127.0.0.2")
    six = shapes.listener(port, "::1", flags=("v6only",))
    for operands, address, pids in (([port], None, {child.pid, other.pid, six.pid}), ([f"127.0.0.1:{port}"], "127.0.0.1", {child.pid}),
                                    ([f"[::1]:{port}"], "::1", {six.pid}), ([f"localhost:{port}"], "localhost", {child.pid, six.pid}),
                                    ([f"[::]:{port}"], None, {child.pid, other.pid, six.pid})):
        cause = [cause for cause in lib.entries(*operands, code=1)[0]["causes"] if cause["blocks"]][0]
        line = command_of(cause, "process")
        assert line == f"moorage free {port}" + (f" --on {address}" if address else ""), (operands, line)
        plan = lib.run(*line.split()[1:], "-n", "--json").json()["plan"]
        assert {target["pid"] for step in plan for target in step["targets"]} == pids, (operands, plan)


@test
def the_command_that_is_shown_asks_for_the_bind_that_was_asked_for_where_that_decides():
    port = new_port()
    child = shapes.connection(port, flags=("reuse",))
    connection = only_cause(why(f"tcp/{port}", "--bind", "plain", code=1), "connection")
    assert command_of(connection, "process") == f"moorage free {port} --bind plain", connection["remedies"]
    child.step()
    child.step()
    shapes.until(lambda: shapes.tcp_states(port) == {6})
    for how, blocks in ((("--bind", "plain"), True), ((), False)):
        cause = lib.cause_of(why(f"tcp/{port}", *how, code=int(blocks)), "lingering", blocks)
        assert command_of(cause, "socket") == f"moorage free {port} --bind plain", cause["remedies"]
    listening = new_port()
    shapes.listener(listening)
    cause = only_cause(why(f"tcp/{listening}", "--bind", "plain", code=1), "listener")
    assert command_of(cause, "process") == f"moorage free {listening}", cause["remedies"]


@test
def a_connection_that_was_never_closed_names_the_forgetful_process():
    port = new_port()
    child = shapes.half_closed(port)
    expect_binds("U/U/U", port)
    entry = why(f"tcp/{port}", code=1)
    cause = only_cause(entry, "connection")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["state"] == "CLOSE_WAIT", cause["sockets"]
    assert "close" in lib.words_of(entry), "it does not say that the program forgot to close"


@test
def connections_not_accepted_yet_stand_with_their_listener():
    port = new_port()
    child = shapes.connection(port, close_listener=False, accept=False)
    # The client's end is there first.
    shapes.until(lambda: shapes.tcp_states(port) == {1, 10})
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "listener")
    only_holder(cause, child.pid)
    states = sorted(row["state"] for row in cause["sockets"])
    assert states == ["ESTABLISHED", "LISTEN"], states


@test
def a_client_that_was_given_the_port_is_told_from_a_server():
    target = new_port()
    shapes.listener(target)

    def body(me):
        # To another server the system also gives a port that what is left of an earlier test's connection still has.
        clients = [socket.create_connection(("127.0.0.1", target))]
        while shapes.tcp_states(clients[-1].getsockname()[1]) != {1}:
            clients.append(socket.create_connection(("127.0.0.1", target)))
        me.ready(port=clients[-1].getsockname()[1])
        me.rest()

    child = shapes.Child(body, name="e2e-client")
    port = child.data["port"]
    expect_binds("U/U/U", port)
    entry = why(f"tcp/{port}", code=1)
    only_holder(only_cause(entry, "connection"), child.pid)
    lib.cause_of(entry, "dynamic-range", blocks=False)
    assert "setting" in lib.levers_of(entry), "it does not say how to reserve the port"
    assert "reserve" in lib.words_of(entry), lib.words_of(entry)


@test
def a_reuseport_group_of_one_user_is_named_whole():
    lib.need_root()
    port = new_port()
    children = [shapes.listener(port, flags=("reuseport",), uid=1001) for _ in range(2)]
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "reuseport-group")
    assert {holder["pid"] for holder in cause["holders"]} == {child.pid for child in children}, cause
    assert {row["uid"] for row in cause["sockets"]} == {1001}, cause["sockets"]


@test
def a_reuseport_group_lets_its_own_user_in():
    lib.need_root()
    port = new_port()
    for _ in range(2):
        shapes.listener(port, flags=("reuseport",), uid=1001)
    entry = why(f"tcp/{port}", "--bind", "reuseport", code=0, uid=1001)
    lib.cause_of(entry, "shared", blocks=False)
    why(f"tcp/{port}", "--bind", "reuseport", code=1, uid=1002)
    why(f"tcp/{port}", "--bind", "reuseport", code=1)


@test
def a_dual_stack_listener_takes_the_ipv4_port_too():
    port = new_port()
    child = shapes.listener(port, "::", flags=("dual",))
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "listener")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["local"] == f"[::]:{port}", cause["sockets"]
    only_holder(only_cause(why(f"tcp/{port}", "--on", "127.0.0.1", code=1), "listener"), child.pid)


@test
def a_listener_for_ipv6_alone_leaves_ipv4_free_and_is_told():
    port = new_port()
    child = shapes.listener(port, "::")
    expect_binds("ok/ok/ok", port)
    expect_binds("U/U/U", port, "::")
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid)
    entry = why(f"tcp/{port}", "--on", "0.0.0.0", code=0)
    lib.holder_of(lib.cause_of(entry, "other-family", blocks=False), child.pid)


@test
def a_listener_for_ipv4_alone_leaves_ipv6_free_and_is_told():
    port = new_port()
    child = shapes.listener(port)
    expect_binds("ok/ok/ok", port, "::1")
    lib.holder_of(lib.cause_of(why(f"tcp/{port}", "--on", "::1", code=0), "other-family", blocks=False), child.pid)


@test
def an_ipv6_question_for_every_address_means_both_families():
    port = new_port()
    child = shapes.listener(port)
    with lib.inet_socket("::", flags=("reuse", "dual")) as dual:
        try:
            dual.bind(("::", port))
            raise AssertionError("the case was not reproduced")
        except OSError:
            pass
    entry = why(f"tcp/{port}", "--on", "::", code=1, own=False)
    only_holder(only_cause(entry, "listener"), child.pid)


@test
def a_mapped_address_counts_as_ipv4():
    port = new_port()
    child = shapes.listener(port, "::ffff:127.0.0.1", flags=("dual",))
    expect_binds("U/U/U", port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid)
    only_holder(only_cause(why(f"tcp/{port}", "--on", "127.0.0.1", code=1), "listener"), child.pid)


@test
def a_listener_on_one_device_is_told_with_the_device():
    port = new_port()
    child = shapes.listener(port, device="lo")
    expect_binds("U/U/U", port)
    cause = only_cause(why(f"tcp/{port}", code=1), "listener")
    only_holder(cause, child.pid)
    assert cause["sockets"][0]["device"] == "lo", cause["sockets"]
    assert "lo" in cause["sentence"], cause["sentence"]


@test
def a_stopped_job_is_called_stopped():
    port = new_port()
    child = shapes.listener(port)
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)
    entry = why(f"tcp/{port}", code=1)
    only_holder(only_cause(entry, "listener"), child.pid)
    text = lib.run("why", f"tcp/{port}").out
    assert "stopped" in text, text


@test
def the_text_opens_with_the_verdict():
    port = new_port()
    child = shapes.listener(port)
    taken = lib.run("why", f"tcp/{port}")
    first = taken.out.splitlines()[0]
    assert taken.code == 1 and first.startswith(f"Port {port} (TCP) is taken by e2e-listener"), taken.out
    assert str(child.pid) in first, first
    child.end()
    free = lib.run("why", f"tcp/{port}")
    assert free.code == 0 and free.out.startswith(f"Port {port} (TCP) is free"), free.out


lib.main(own_netns=True)
