"""How many free ports a second: asked one after another in one process, by one command a port, and by eight processes at once;
and how often these eight were told a port that one of them had been told already. moorage keeps a port for who was told of
it; get-port (npm) and loops of bind(0), as portpicker and most test helpers have them, close it and hope."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import measure

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 8

BIND_LOOP = """
import socket, sys
ports = []
for _ in range(int(sys.argv[1])):
    # As portpicker does: any port, TCP over both families where there are two, then UDP on the same.
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(("", 0))
            try:
                udp.bind(("", tcp.getsockname()[1]))
            except OSError:
                continue
            ports.append(tcp.getsockname()[1])
            break
print("\\n".join(map(str, ports)))
"""


class Row:
    """One way to get ports: the command that prints COUNT of them, and the one that prints one."""

    def __init__(self, name, many, one):
        self.name, self.many, self.one = name, many, one


def get_port(build):
    """The script that asks get-port, which is installed by its name and the lock file; None where it can't be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    modules = build / "bench" / "npm"
    lock = modules / "package-lock.json"
    if not node or not npm:
        measure.say("get-port is left out: there is no Node, or no npm")
        return None
    same = lock.exists() and lock.read_bytes() == (HERE / "package-lock.json").read_bytes()
    modules.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "get_port.js"):
        shutil.copy(HERE / name, modules / name)
    if not (same and (modules / "node_modules" / "get-port").exists()):
        done = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=modules, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            measure.say("get-port is left out: npm could not install it")
            return None
    return [node, modules / "get_port.js"]


def ways(build):
    picker = build / "bench" / "bench_pick"
    yield Row("moorage pick", lambda count: [picker, str(count)], [build / "moorage", "pick"])
    yield Row("moorage lease take + release", lambda count: [picker, str(count), f"n{os.getpid()}"], None)
    script = get_port(build)
    if script:
        yield Row("get-port (npm)", lambda count: [*script, str(count)], [*script, "1"])
    loop = [sys.executable, "-c", BIND_LOOP]
    yield Row("bind(0) loop (portpicker)", lambda count: [*loop, str(count)], [*loop, "1"])


def in_one_process(row, count):
    with measure.Book() as env:
        return count / measure.timed([row.many(count)], env)[0]


def by_commands(row, count):
    if not row.one:
        return None
    with measure.Book() as env:
        return count / sum(measure.cost(row.one, env)[0] for _ in range(count))


def at_once(row, count):
    """Ports a second, and how often one was told again. Few enough for less than the 30 seconds that moorage keeps a port for
    nobody's name; processes that share one name would share its lease."""
    if not row.one:
        return None
    with measure.Book() as env:
        seconds, lists = measure.timed([row.many(count)] * PROCESSES, env)
    told = [port for ports in lists for port in ports]
    return PROCESSES * count / seconds, len(told) - len(set(told))


def median(results):
    return None if results[0] is None else float(statistics.median(results))


def run(context):
    rows = list(ways(context.build))
    single = measure.rounds_of([lambda row=row: in_one_process(row, 1000) for row in rows], context.rounds)
    commands = measure.rounds_of([lambda row=row: by_commands(row, 10) for row in rows], context.rounds)
    together = measure.rounds_of([lambda row=row: at_once(row, 200) for row in rows], context.rounds)
    table = context.table("ports a second", ("one process", "{:.0f}"), ("command each", "{:.0f}"), ("8 at once", "{:.0f}"),
                          ("told twice", "{}"))
    for row, one, each, all_of in zip(rows, single, commands, together):
        shared = all_of[0] is not None
        table.add(row.name, median(one), median(each), median([result[0] for result in all_of]) if shared else None,
                  sum(result[1] for result in all_of) if shared else None)
