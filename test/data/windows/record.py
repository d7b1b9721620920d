#!/usr/bin/env python3
"""Writes what Wine tells of a known set of sockets into wine.json beside this file: a recording with its raw bytes.

Run as root in a network namespace of its own, after `make windows`: unshare -n test/data/windows/record.py build-windows.
Another recording, of a real Windows (moorage doctor --record FILE --full), can be put beside it, with a row in
test/decode/win_recorded.c.
"""
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1]).resolve()
PREFIX = BUILD / "wine-record"
WINE = str(HERE.parents[2] / "tools" / "wine.sh")
ENVIRONMENT = dict(os.environ, WINEPREFIX=str(PREFIX))
FOLDER = PREFIX / "drive_c" / "srv"
# The parts that the test of sys/socket_owner plays.
PARTS = ["listen 127.0.0.1", "listen ::1", "receive 0.0.0.0", "receive ::1", "bind 127.0.0.1", "leave 127.0.0.1",
         "share 127.0.0.1"]
KEPT = ["schema", "platform", "system", "host", "time_ms", "admin", "socket_source", "tier", "complete", "ipv6",
        "sockets", "holdings", "processes", "probes", "raw"]


def wine(*words, **how):
    return subprocess.Popen([WINE, *words], env=ENVIRONMENT, cwd=FOLDER, stderr=subprocess.DEVNULL, **how)


def play(part):
    """The process and the port, handle and pid that it tells."""
    player = wine("C:\\srv\\server.exe", *part.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return player, [int(word) for word in player.stdout.readline().split()]


def prune(document, ports):
    """Leaves out what is of this machine and not of the sockets."""
    document = {key: document[key] for key in KEPT if key in document}
    document["host"] = "box"
    document["probes"] = [probe for probe in document["probes"] if probe["port"] in ports]
    for process in document["processes"]:
        process["user"] = "ann"
    document["raw"] = [raw for raw in document["raw"] if raw.get("bytes") and not raw["name"].startswith("spawn")]
    for raw in document["raw"]:
        # A process list as large as it is, but no larger.
        assert len(base64.b64decode(raw["bytes"])) < 1 << 16, raw["name"]
    return document


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run([WINE, "cmd", "/c", "ver"], env=ENVIRONMENT, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    FOLDER.mkdir(exist_ok=True)
    shutil.copy(BUILD / "test" / "test_sys_socket_owner_win.exe", FOLDER / "server.exe")
    shutil.copy(BUILD / "moorage.exe", FOLDER / "moorage.exe")
    try:
        players = [play(part) for part in PARTS]
        outside = socket.create_server(("127.0.0.1", 8080))
        client = socket.create_connection(("127.0.0.1", players[0][1][0]))
        wine("C:\\srv\\moorage.exe", "doctor", "--full", "--record", "C:\\srv\\host.json", stdin=subprocess.DEVNULL,
             stdout=subprocess.DEVNULL).wait()
        ports = {8080} | {told[0] for _, told in players}
        document = prune(json.loads((FOLDER / "host.json").read_text()), ports)
        (HERE / "wine.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        client.close()
        outside.close()
        for player, _ in players:
            player.stdin.close()
            player.wait()
    finally:
        subprocess.run(["wineserver", "-k"], env=ENVIRONMENT, check=False)
        shutil.rmtree(PREFIX, ignore_errors=True)


if __name__ == "__main__":
    main()
