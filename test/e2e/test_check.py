#!/usr/bin/python3 -B
"""check, as a build step uses it."""

import shutil
import subprocess
import time

import lib
import shapes
from lib import new_port, run, test


@test
def all_free_is_good():
    port = new_port()
    result = run("check", port, f"udp/{port}", f"127.0.0.1:{port}")
    assert result.code == 0, str(result)
    assert [line.split()[:3] for line in result.out.splitlines()] == [
        [str(port), "tcp", "free"], [str(port), "udp", "free"], [f"127.0.0.1:{port}", "tcp", "free"]], str(result)


@test
def one_that_is_taken_is_bad_and_named():
    port = new_port()
    shapes.listener(port, "127.0.0.1", name="node")
    result = run("check", port - 1, port, port + 1)
    assert result.code == 1, str(result)
    lines = result.out.splitlines()
    assert len(lines) == 3 and lines[1].split()[:3] == [str(port), "tcp", "taken"] and "node (pid" in lines[1], str(result)
    bad = run("check", "--bad", f"{port - 1}-{port + 1}")
    assert bad.code == 1 and len(bad.out.splitlines()) == 1, str(bad)
    assert run("check", "--udp", port).code == 0
    assert run("check", port, "--on", "127.0.0.2").code == 0
    assert run("check", port, "--exit-zero").code == 0
    assert run("check", port, "-q").out == ""


@test
def json_has_a_port_each():
    port = new_port()
    shapes.listener(port, "127.0.0.1")
    document = run("check", port, port + 1, "--json").json()
    assert document["schema"] == "moorage.check/1" and not document["fine"], document
    assert [entry["state"] for entry in document["ports"]] == ["taken", "free"]
    assert [entry["bindable"] for entry in document["ports"]] == [False, True]


@test
def a_right_that_is_missing_is_bad():
    lib.need_root()
    result = run("check", 80, uid=1001)
    assert result.code == 1 and "not allowed" in result.out, str(result)


@test
def a_port_that_browsers_refuse_is_free_and_told():
    # No other test has these, in whichever network: that would be told as well.
    result = run("check", "6669-6670", "udp/6669")
    assert result.code == 0, str(result)
    assert result.out.splitlines()[0].split(maxsplit=3)[2:] == ["free", "browsers refuse to open this port"], str(result)
    assert [line.split() for line in result.out.splitlines()[1:]] == [["6670", "tcp", "free"], ["6669", "udp", "free"]]
    ports = run("check", "6669-6670", "--json").json()["ports"]
    assert [port.get("browsers_refuse") for port in ports] == [True, None], ports
    entry = lib.why("tcp/6669", code=0)
    assert entry["browsers_refuse"] is True, entry
    assert "browsers refuse" in run("6669").out and "browsers" not in run("6670").out


@test
def a_lease_is_told():
    port = new_port()
    assert run("lease", "take", "web", "--port", port).code == 0
    result = run("check", port)
    assert result.code == 0 and "free" in result.out and "kept for web" in result.out, str(result)
    assert run("check", port, "--json").json()["ports"][0]["lease"]["name"] == "web"
    assert run("lease", "release", port).code == 0


@test
def wrong_lines_exit_with_2():
    for words in ((), ("0",), ("70000",), ("nosuchname",), ("8080", "x y"), ("9-1",)):
        result = run("check", *words)
        assert result.code == 2 and result.out == "", str(result)


@test
def thousands_of_ports_are_fast():
    path = lib.need_plain_program()
    start = time.monotonic()
    result = run("check", "10000-19999", path=path)
    seconds = time.monotonic() - start
    print(f"# 10,000 ports in {seconds:.2f} s")
    assert result.code == 0 and len(result.out.splitlines()) == 10000, result.code
    assert seconds < 20


def folders_read(ports):
    """How often moorage reads a folder to answer for these ports."""
    report = lib.temp_folder() / "calls"
    done = subprocess.run(["strace", "-f", "-o", report, "-e", "trace=getdents64", lib.need_plain_program(), "check", ports],
                          env=lib.environment(MOORAGE_TIER="proc"), stdout=subprocess.PIPE, check=False, timeout=120)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and all("in another network" in line for line in lines), lines[:3]
    return report.read_text().count("getdents64(")


@test
def what_other_networks_have_of_a_range_is_searched_once():
    lib.need_root()
    if not shutil.which("strace"):
        raise lib.Skip("needs strace")
    port = new_port()
    shapes.other_namespace(port, 60)
    one = folders_read(f"{port}-{port + 1}")
    many = folders_read(f"{port}-{port + 59}")
    print(f"# {one} folders read for 2 ports, {many} for 60")
    assert many < 2 * one + 100


lib.main(own_netns=True)
