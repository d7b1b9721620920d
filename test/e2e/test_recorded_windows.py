#!/usr/bin/python3 -B
"""What moorage recorded on Windows (here: Wine) is answered anywhere, by moorage-fake."""

import json
import os
import socket

import lib

RECORDED = lib.ROOT / "test" / "data" / "windows" / "wine.json"


def fake(host, *args):
    path = os.environ.get("MOORAGE_FAKE") or lib.ROOT / "build" / "moorage-fake"
    if not os.access(path, os.X_OK):
        raise lib.Skip(f"no program at {path}: set MOORAGE_FAKE")
    return lib.run(*args, path=str(path), env=lib.environment(MOORAGE_FAKE_HOST=str(host)))


def local_port(row):
    return int(row["local"].rpartition(":")[2])


def recorded_ports(part):
    """The ports of the sockets that a part of test/data/windows/record.py has, each with the pids that hold it."""
    host = json.loads(RECORDED.read_text())
    commands = {process["pid"]: process.get("command") or [] for process in host["processes"]}
    found = {}
    for holding in host["holdings"]:
        port = local_port(host["sockets"][holding["socket"]])
        found.setdefault(port, set()).add(holding["pid"])
    return {port: pids for port, pids in found.items() if any(part in commands[pid] for pid in pids)}


def held_by(entry):
    return {holder["pid"] for cause in entry["causes"] for holder in cause["holders"]}


def check_holders(part, protocol="tcp", code=1):
    ports = recorded_ports(part)
    assert ports, part
    for port, pids in ports.items():
        result = fake(RECORDED, "why", f"{protocol}/{port}", "--json")
        assert result.code == code, str(result)
        entry = result.json()["asked"][0]
        assert held_by(entry) == pids, (part, port, pids, entry["causes"])
        assert entry["complete"] and not entry["unseen"], entry


@lib.test
def listeners_of_both_families_are_named():
    check_holders("listen")


@lib.test
def udp_sockets_are_named():
    check_holders("receive", "udp")


# It keeps nobody from binding every address beside it.
@lib.test
def a_socket_that_is_bound_and_does_not_listen_is_named():
    check_holders("bind", code=0)


@lib.test
def all_who_share_a_listener_are_named():
    check_holders("share")


# The child of a parent that left, and the one that shares with its parent.
@lib.test
def who_inherited_a_socket_is_named():
    ports = recorded_ports("keep")
    assert sorted(len(pids) for pids in ports.values()) == [1, 2], ports
    check_holders("keep")


@lib.test
def all_listeners_are_listed():
    host = json.loads(RECORDED.read_text())
    ports = {local_port(row) for row in host["sockets"] if row["state"] in ("LISTEN", "UNCONN")}
    rows = fake(RECORDED, "list", "--json").json()["rows"]
    assert {local_port(row) for row in rows} == ports, rows


def what_is_recorded_here_is_answered_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        recording = lib.temp_folder() / "host.json"
        # Wine shows the file system below as drive Z.
        done = lib.run("doctor", "--full", "--record", f"Z:{recording}")
        assert done.code == 0 and recording.exists(), str(done)
        raw = {item["name"]: item.get("bytes") for item in json.loads(recording.read_text())["raw"]}
        assert raw.get("tcp4 module all") and any(name.startswith("processes at ") for name in raw), list(raw)
        rows = fake(recording, "list", "--json").json()["rows"]
        assert port in {local_port(row) for row in rows}, rows


if lib.RUNNER:
    lib.test(what_is_recorded_here_is_answered_again)

if __name__ == "__main__":
    # The server of Wine was started outside.
    lib.main(own_netns=not lib.RUNNER)
