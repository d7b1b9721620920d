"""How soon `moorage wait` knows of a new server: from listen()'s return in the server to wait's answer, and to the end of the whole
command, with the kernel telling of it (BPF) and without. What the end of any waiting program costs stands below: no command
can be faster than that."""

import os
import statistics
import subprocess

import measure

ROUNDS = 10  # for each round of the driver
COLUMNS = [("answer us", "{:.0f}"), ("upper quarter", "{:.0f}"), ("command us", "{:.0f}"), ("upper quarter ", "{:.0f}")]


def times(context, env, *args):
    out = subprocess.run([context.build / "bench" / "bench_wait", str(ROUNDS), *map(str, args)], stdout=subprocess.PIPE,
                         env=env, text=True, check=True).stdout
    return [float(line) for line in out.split()]


def middle(rounds):
    _, median, upper = statistics.quantiles([time for one in rounds for time in one], n=4)
    return median, upper


def run(context):
    tiers = [("moorage wait", os.environ), ("without BPF", dict(os.environ, MOORAGE_TIER="proc"))]
    ways = [lambda: times(context, os.environ, "pipe", "head", "-c1")]
    for _, env in tiers:
        ways += [lambda env=env: times(context, env, "look"),
                 lambda env=env: times(context, env, "end", context.moorage, "wait", "-q")]
    floor, *taken = measure.rounds_of(ways, context.rounds)
    if "the kernel tells" not in subprocess.run([context.moorage, "doctor"], stdout=subprocess.PIPE, text=True, check=False).stdout:
        measure.say("the kernel does not tell of new servers here (moorage doctor says why): both rows look for them")
    table = context.table("a new server is known", *COLUMNS)
    for at, (name, _) in enumerate(tiers):
        table.add(name, *middle(taken[2 * at]), *middle(taken[2 * at + 1]))
    table.add("head -c1, by a pipe", None, None, *middle(floor))
