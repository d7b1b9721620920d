#!/usr/bin/python3 -B
"""Binds that fail or mislead without a program that has the port: rights, policies, addresses, ranges, redirects, other
network namespaces. Each is made for real in a namespace of the file's own."""

import errno
import os
import subprocess

import docker
import kernel
import lib
import shapes
from lib import cause_of, expect_binds, new_port, only_cause, only_holder, test, why

NOBODY = 65534


def results(entry, bind="reuse"):
    return {probe["result"] for probe in entry["probes"] if probe["bind"] == bind}


# ---- other network namespaces ----


@test
def a_listener_of_another_namespace_is_told_and_does_not_block():
    lib.need_root()
    port = new_port()
    child = shapes.other_namespace(port)
    expect_binds("ok/ok/ok", port)
    entry = why(f"tcp/{port}", code=0)
    cause = cause_of(entry, "other-namespace", blocks=False)
    only_holder(cause, child.pid)
    row = cause["sockets"][0]
    assert row["netns"] is not None and str(child.data["netns"]) in str(row["netns"]), row
    assert int(row["inode"]) == child.data["inode"], row


@test
def a_taken_port_asks_for_other_namespaces_only_with_all():
    lib.need_root()
    port = new_port()
    elsewhere = shapes.other_namespace(port)
    here = shapes.listener(port)
    entry = why(f"tcp/{port}", code=1)
    assert [cause["kind"] for cause in entry["causes"]] == ["listener"], entry["causes"]
    entry = why(f"tcp/{port}", "--all", code=1)
    only_holder(only_cause(entry, "listener"), here.pid)
    only_holder(cause_of(entry, "other-namespace", blocks=False), elsewhere.pid)


# ---- redirects ----


def packet_rule(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as problem:
        raise lib.Skip(f"needs {command[0]}") from problem
    if done.returncode != 0:
        raise lib.Skip(f"{command[0]} refuses: {done.stderr.strip()}")


@test
def an_nftables_redirect_is_told():
    lib.need_root()
    port, target = new_port(), new_port()
    packet_rule("nft", f"add table ip e2e{port}; "
                f"add chain ip e2e{port} pre {{ type nat hook prerouting priority -100; }}; "
                f"add rule ip e2e{port} pre tcp dport {port} redirect to :{target}")
    lib.after(subprocess.run, ["nft", f"delete table ip e2e{port}"])
    expect_binds("ok/ok/ok", port)
    cause = cause_of(why(f"tcp/{port}", code=0), "redirect", blocks=False)
    assert str(target) in cause["sentence"], cause["sentence"]
    assert not [cause for cause in why(f"tcp/{target}", code=0)["causes"] if cause["kind"] == "redirect"]


@test
def an_nftables_translation_of_a_range_to_another_host_is_told():
    lib.need_root()
    port = new_port()
    packet_rule("nft", f"add table inet e2e{port}; "
                f"add chain inet e2e{port} out {{ type nat hook output priority -100; }}; "
                f"add rule inet e2e{port} out tcp dport {port}-{port + 3} dnat ip to 192.0.2.9:8443")
    lib.after(subprocess.run, ["nft", f"delete table inet e2e{port}"])
    cause = cause_of(why(f"tcp/{port + 2}", code=0), "redirect", blocks=False)
    assert "192.0.2.9:8443" in cause["sentence"], cause["sentence"]


@test
def the_container_behind_a_packet_rule_is_named():
    lib.need_root()
    port = new_port()
    packet_rule("nft", f"add table ip e2e{port}; "
                f"add chain ip e2e{port} pre {{ type nat hook prerouting priority -100; }}; "
                f"add rule ip e2e{port} pre tcp dport {port} dnat to 172.17.0.2:80")
    lib.after(subprocess.run, ["nft", f"delete table ip e2e{port}"])
    env = docker.daemon(docker.serve(docker.one_container(port), chunked=False))
    cause = cause_of(why(f"tcp/{port}", code=0, env=env), "redirect", blocks=False)
    assert "container shop-web-1 (docker)" in cause["sentence"], cause["sentence"]
    assert cause["container"]["name"] == "shop-web-1", cause
    assert "docker stop shop-web-1" in [remedy["by_hand"] for remedy in cause["remedies"]], cause["remedies"]


@test
def a_container_without_a_socket_is_found_by_its_name():
    port = new_port()
    env = docker.daemon(docker.serve(docker.one_container(port), chunked=False))
    for name in ("shop-web-1", "web"):
        result = lib.run(name, env=env)
        assert result.code == 1 and f"container shop-web-1 (docker) has port {port} (TCP)" in result.err, str(result)
    assert "container" not in lib.run("shop-web-2", env=env).err


@test
def an_iptables_redirect_is_told():
    lib.need_root()
    port, target = new_port(), new_port()
    rule = ["PREROUTING", "-p", "tcp", "--dport", str(port), "-j", "REDIRECT", "--to-ports", str(target)]
    packet_rule("iptables-legacy", "-t", "nat", "-A", *rule)
    lib.after(subprocess.run, ["iptables-legacy", "-t", "nat", "-D", *rule])
    expect_binds("ok/ok/ok", port)
    cause = cause_of(why(f"tcp/{port}", code=0), "redirect", blocks=False)
    assert str(target) in cause["sentence"], cause["sentence"]


# ---- ranges ----


@test
def a_reserved_port_may_still_be_named():
    port = new_port()
    lib.set_sysctl("net.ipv4.ip_local_reserved_ports", port)
    expect_binds("ok/ok/ok", port)
    entry = why(f"tcp/{port}", code=0)
    cause_of(entry, "reserved", blocks=False)


@test
def a_port_of_the_dynamic_range_is_told():
    lib.set_sysctl("net.ipv4.ip_local_port_range", "45000 45999")
    expect_binds("ok/ok/ok", 45123)
    entry = why("tcp/45123", code=0)
    cause = cause_of(entry, "dynamic-range", blocks=False)
    assert "45000" in cause["sentence"] and "45999" in cause["sentence"], cause["sentence"]
    assert "dynamic-range" not in [cause["kind"] for cause in why("tcp/46000", code=0)["causes"]]


@test
def a_reserved_port_of_the_dynamic_range_is_reserved():
    lib.set_sysctl("net.ipv4.ip_local_port_range", "45000 45999")
    lib.set_sysctl("net.ipv4.ip_local_reserved_ports", "45100-45200")
    kinds = {cause["kind"] for cause in why("tcp/45123", code=0)["causes"]}
    assert kinds == {"reserved"}, kinds


@test
def an_exhausted_dynamic_range_is_told():
    first, last = 47000, 47003
    lib.set_sysctl("net.ipv4.ip_local_port_range", f"{first} {last}")

    def body(me):
        held = [shapes.listening(port) for port in range(first, last + 1)]
        me.ready(inodes=[shapes.inode(one) for one in held])
        me.rest()

    child = shapes.Child(body, name="e2e-greedy")
    assert lib.try_bind("0.0.0.0", 0, "plain") == errno.EADDRINUSE, "the case was not reproduced"
    entry = why("tcp/47001", code=1)
    only = [cause["kind"] for cause in entry["causes"] if cause["blocks"]]
    assert only == ["listener", "exhausted"], only
    only_holder(cause_of(entry, "listener"), child.pid)
    assert "47000" in cause_of(entry, "exhausted")["sentence"], entry
    assert "exhausted" not in [cause["kind"] for cause in why(f"tcp/{new_port()}", code=0)["causes"]]


# ---- rights and policies ----


@test
def a_port_that_needs_a_right_is_told_to_a_user():
    lib.need_root()
    entry = why("tcp/80", code=1, uid=NOBODY)
    cause = only_cause(entry, "privileged")
    assert results(entry) == {"EACCES"} and cause["holders"] == [], entry
    assert not entry["proved"], "a bind that was refused proves nothing of the tables"
    assert "1024" in cause["sentence"], cause["sentence"]
    assert "setting" in lib.levers_of(entry) or "system" in lib.levers_of(entry), cause["remedies"]
    text = lib.run("why", "tcp/80", uid=NOBODY).out
    assert text.startswith("Port 80 (TCP) is not allowed"), text


@test
def the_tables_answer_for_root_where_a_user_may_not_try():
    lib.need_root()
    entry = why("tcp/80", "--as-root", code=0, uid=NOBODY)
    assert entry["bindable"] and not entry["proved"], entry


@test
def who_has_a_port_comes_before_the_missing_right():
    lib.need_root()
    shapes.listener(81)
    entry = why("tcp/81", code=1, uid=NOBODY)
    blocking = [cause["kind"] for cause in entry["causes"] if cause["blocks"]]
    assert blocking == ["listener", "privileged"], blocking
    assert lib.run("why", "tcp/81", uid=NOBODY).out.startswith("Port 81 (TCP) is taken"), "the taker comes first"
    entry = why("tcp/81", "--as-root", code=1, uid=NOBODY)
    assert [cause["kind"] for cause in entry["causes"] if cause["blocks"]] == ["listener"], entry["causes"]


@test
def the_limit_of_privileged_ports_is_read_from_the_system():
    lib.need_root()
    lib.set_sysctl("net.ipv4.ip_unprivileged_port_start", 79)
    why("tcp/80", code=0, uid=NOBODY)
    why("tcp/78", code=1, uid=NOBODY)


@test
def without_proc_the_port_is_still_told_taken_and_what_was_not_seen():
    lib.need_root()
    port = new_port()
    shapes.listener(port)
    bare = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
    entry = why(f"tcp/{port}", code=1, path=lib.plain_program() or lib.program(), wrap=bare, own=False)
    cause = lib.only_cause(entry, "listener")
    assert cause["holders"] == [] and not entry["complete"], entry
    assert {(unseen["pid"], unseen["what"]) for unseen in entry["unseen"]} == {(0, "processes")}, entry["unseen"]
    listed = lib.run("list", "--json", path=lib.plain_program() or lib.program(), wrap=bare)
    assert listed.code == 0 and f":{port}" in listed.out, str(listed)
    doctor = lib.run("doctor", path=lib.plain_program() or lib.program(), wrap=bare).out
    assert "/proc is not mounted" in doctor and "mount -t proc proc /proc" in doctor and "hidepid" not in doctor, doctor


@test
def in_a_container_no_bystander_is_said_to_have_it():
    lib.need_root()
    port = new_port()
    shapes.listener(port)
    inside = ("unshare", "--pid", "--fork", "--mount-proc")
    entry = why(f"tcp/{port}", code=1, wrap=inside, own=False)
    cause = lib.only_cause(entry, "listener")
    assert cause["holders"] == [] and not any("one of" in note for note in cause["notes"]), cause
    # The kernel knows the one outside, and walking /proc does not: both say the same.
    for tier in ({}, {"MOORAGE_TIER": "proc"}):
        entry = why(f"tcp/{port}", code=1, wrap=inside, own=False, env={**lib.environment(), **tier})
        assert {(unseen["pid"], unseen["what"]) for unseen in entry["unseen"]} == \
            {(0, "processes outside of this container")}, entry["unseen"]
        assert lib.only_cause(entry, "listener")["holders"] == [] and not entry["complete"], entry
    said = lib.run(f"tcp/{port}", wrap=inside)
    assert said.err.startswith("other programs can't be seen from here: moorage doctor"), str(said)
    listed = lib.run("list", port, wrap=inside)
    assert "because other programs can't be seen from here: moorage doctor" in listed.err, str(listed)


@test
def a_landlock_rule_is_told_from_a_taken_port():
    port = new_port()
    child = os.fork()
    if child == 0:
        try:
            kernel.forbid_tcp_bind()
            os._exit(0 if lib.try_bind("0.0.0.0", port) == errno.EACCES else 1)
        except OSError:
            os._exit(2)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise lib.Skip("this kernel's Landlock knows no network rules")
    entry = why(f"tcp/{port}", code=1, setup=kernel.forbid_tcp_bind)
    only_cause(entry, "denied")
    assert results(entry) == {"EACCES"}, entry["probes"]
    text = lib.run("why", f"tcp/{port}", setup=kernel.forbid_tcp_bind).out
    assert text.startswith(f"Port {port} (TCP) is not allowed"), text


def refusing_cgroup(code):
    """A cgroup in which every bind is refused; gives what moves a process there."""
    lib.need_root()
    cgroup = lib.own_cgroup(f"refuse-{code}")
    try:
        kernel.refuse_binds(cgroup, code)
    except OSError as problem:
        raise lib.Skip(f"no BPF program can be put on a cgroup here: {problem}") from problem
    procs = cgroup / "cgroup.procs"

    def move_there():
        procs.write_text(str(os.getpid()))

    return move_there


@test
def a_bpf_program_that_refuses_binds_is_told_from_a_taken_port():
    port = new_port()
    move_there = refusing_cgroup(0)
    entry = why(f"tcp/{port}", code=1, setup=move_there)
    only_cause(entry, "denied")
    assert results(entry) == {"EPERM"}, entry["probes"]


@test
def a_port_that_nothing_visible_holds_is_called_hidden():
    port = new_port()
    move_there = refusing_cgroup(errno.EADDRINUSE)
    entry = why(f"tcp/{port}", code=1, setup=move_there)
    cause = only_cause(entry, "hidden")
    assert results(entry) == {"EADDRINUSE"} and cause["sockets"] == [] and cause["holders"] == [], entry
    result = lib.run("why", f"tcp/{port}", setup=move_there)
    assert result.out.startswith(f"Port {port} (TCP) is taken by"), result.out


@test
def a_listener_that_is_seen_is_never_called_hidden():
    port = new_port()
    child = shapes.listener(port)
    move_there = refusing_cgroup(errno.EADDRINUSE)
    only_holder(only_cause(why(f"tcp/{port}", code=1, setup=move_there), "listener"), child.pid)


# ---- addresses ----


@test
def an_address_of_another_host_is_not_a_taken_port():
    port = new_port()
    assert lib.try_bind("192.0.2.7", port) == errno.EADDRNOTAVAIL, "the case was not reproduced"
    entry = why(f"tcp/{port}", "--on", "192.0.2.7", code=1)
    cause = only_cause(entry, "address")
    assert entry["address"] == "192.0.2.7" and results(entry) == {"EADDRNOTAVAIL"}, entry
    assert "192.0.2.7" in cause["sentence"], cause["sentence"]
    assert "127.0.0.1" in lib.words_of(entry), "the addresses of this host are not said"


@test
def an_ipv6_address_of_another_host_is_not_a_taken_port():
    port = new_port()
    assert lib.try_bind("2001:db8::7", port) == errno.EADDRNOTAVAIL, "the case was not reproduced"
    only_cause(why(f"tcp/{port}", "--on", "2001:db8::7", code=1), "address")


@test
def a_setting_that_allows_foreign_addresses_is_respected():
    port = new_port()
    lib.set_sysctl("net.ipv4.ip_nonlocal_bind", 1)
    assert lib.try_bind("192.0.2.7", port) == 0, "the case was not reproduced"
    why(f"tcp/{port}", "--on", "192.0.2.7", code=0)


@test
def a_host_without_ipv6_is_answered_by_ipv4_alone():
    lib.set_sysctl("net.ipv6.conf.lo.disable_ipv6", 1)
    port = new_port()
    child = shapes.listener(port)
    only_holder(only_cause(why(f"tcp/{port}", code=1), "listener"), child.pid)


lib.main(own_netns=True)
