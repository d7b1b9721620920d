"""What the files of rows share: running commands, rounds, and tables. See bench.py."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


class Context:
    """What a file of rows is given: where the programs are, how often to measure, and where its table goes."""

    def __init__(self, build, rounds):
        self.build, self.rounds, self.tables = build, rounds, []

    @property
    def moorage(self):
        return self.build / "moorage"

    def table(self, title, *columns):
        self.tables.append(Table(title, columns))
        return self.tables[-1]


class Table:
    """Prints its rows as they come; keeps them for --json. A column is its title and how a number is shown in it."""

    WIDTH = 32

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, []
        print(f"\n{title:{self.WIDTH}}", *(f"{column:>15}" for column, _ in columns), flush=True)

    def add(self, name, *numbers):
        """None is what was not measured."""
        cells = [(column, number, "-" if number is None else form.format(number))
                 for (column, form), number in zip(self.columns, numbers, strict=True)]
        self.rows.append({"name": name, **{column: number for column, number, _ in cells}})
        print(f"{name:{self.WIDTH}}", *(f"{cell:>15}" for _, _, cell in cells), flush=True)


def say(what):
    """What is left out, and why."""
    print(f"# {what}", file=sys.stderr, flush=True)


class Book:
    """An environment whose leases and records stand in a folder of their own, which goes with it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="moorage-bench.")
        return dict(os.environ, MOORAGE_STATE_DIR=self.folder)

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def timed(commands, env):
    """Runs them at once; gives the seconds and the words that each of them printed."""
    start = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=env, text=True) for command in commands]
    outputs = [child.communicate()[0] for child in running]
    seconds = time.monotonic() - start
    if any(child.returncode for child in running):
        sys.exit(f"failed: {' '.join(map(str, commands[0]))}")
    return seconds, [output.split() for output in outputs]


def cost(command, env):
    """Seconds by the clock and of the processor that one run takes, with all that it started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rounds_of(ways, count):
    """Measures each way once a round, every second round in the other order: what else the machine does meanwhile reaches all
    of them alike. Gives a list of results for each way."""
    results = [[] for _ in ways]
    for number in range(count):
        for at in (range(len(ways)), reversed(range(len(ways))))[number % 2]:
            results[at].append(ways[at]())
    return results


def ratio(these, those):
    """How many times as much these are as those of the same round: the median, and the range of the middle half."""
    each = [this / that for this, that in zip(these, those)]
    low, middle, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
    return middle, low, high
