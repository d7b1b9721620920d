"""How much slower a program starts that `moorage why -- CMD` watches: one that binds a port once, and then ends. Both are
measured in turn, and each watched start is set against the plain one of its own round. By the clock what else runs on the
machine counts too; the processor's time counts moorage's own work in full, also what a second processor did meanwhile."""

import shutil
import statistics
import sys

import measure

ROUNDS = 8  # for each round of the driver: a start is short

BIND = "import socket; socket.create_server(('127.0.0.1', 0))"
SERVE = "import http.server; http.server.HTTPServer(('127.0.0.1', 0), None)"
NODE = "const server = require('http').createServer().listen(0, '127.0.0.1', () => server.close())"


def programs():
    yield "python3, a bare socket", [sys.executable, "-c", BIND]
    yield "python3, http.server", [sys.executable, "-c", SERVE]
    node = shutil.which("node")
    if node:
        yield "node, http", [node, "-e", NODE]
    else:
        measure.say("a server of Node is left out: there is no Node")


COLUMNS = [("plain ms", "{:.1f}"), ("with why ms", "{:.1f}"), ("slower by", "{:+.1f} %"), ("lower quarter", "{:+.1f} %"),
           ("upper quarter", "{:+.1f} %"), ("processor", "{:+.1f} %")]


def median_ms(costs):
    return statistics.median(clock for clock, _ in costs) * 1000


def percent(times):
    return [(one - 1) * 100 for one in times]


def run(context):
    table = context.table("a start that binds once", *COLUMNS)
    with measure.Book() as env:
        for name, command in programs():
            watched = [context.moorage, "why", "--", *command]
            plain, why = measure.rounds_of([lambda: measure.cost(command, env), lambda: measure.cost(watched, env)],
                                           context.rounds * ROUNDS)
            clock, work = (percent(measure.ratio([one[at] for one in why], [one[at] for one in plain])) for at in (0, 1))
            table.add(name, median_ms(plain), median_ms(why), *clock, work[0])
