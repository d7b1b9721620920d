"""Tests what the benchmarks count with (bench/measure.py), and that each family of rows says what it measures."""
import contextlib
import importlib
import io
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "bench"))

import bench  # noqa: E402 (the path comes first)
import measure  # noqa: E402
from tap import expect, main, test  # noqa: E402


@test
def ways_take_turns(_):
    said = []
    ways = [lambda name=name: said.append(name) or name for name in "ab"]
    results = measure.rounds_of(ways, 3)
    expect(said == list("abbaab"), said)
    expect(results == [["a"] * 3, ["b"] * 3], results)


@test
def a_ratio_compares_within_a_round(_):
    # The machine was ten times as slow in the last round, for both.
    middle, low, high = measure.ratio([1.1, 2.2, 33], [1, 2, 30])
    expect(all(abs(one - 1.1) < 1e-9 for one in (low, middle, high)), (low, middle, high))
    expect(measure.ratio([3], [2]) == (1.5, 1.5, 1.5), measure.ratio([3], [2]))


@test
def a_table_shows_and_keeps_its_rows(_):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        table = measure.Context(pathlib.Path("build"), 1).table("ports", ("a second", "{:.0f}"), ("twice", "{}"))
        table.add("pick", 12.6, None)
    words = out.getvalue().split()
    expect(words == ["ports", "a", "second", "twice", "pick", "13", "-"], words)
    expect(table.rows == [{"name": "pick", "a second": 12.6, "twice": None}], table.rows)


@test
def a_run_costs_time_and_one_that_fails_ends_it(_):
    clock, work = measure.cost([sys.executable, "-c", "pass"], None)
    expect(clock > 0 and work > 0, (clock, work))
    try:
        measure.cost(["false"], None)
    except subprocess.CalledProcessError:
        return
    expect(False, "a failed run was measured")


@test
def each_family_can_be_run_and_says_what_it_measures(_):
    names = bench.families()
    expect("pick" in names and "start" in names, names)
    for name in names:
        module = importlib.import_module(name)
        expect(callable(module.run) and len(module.__doc__) > 80, name)


@test
def an_unknown_family_is_wrong_usage(_):
    done = subprocess.run([sys.executable, "-B", ROOT / "bench" / "bench.py", "nonsense"], capture_output=True, text=True,
                          check=False)
    expect(done.returncode == 2 and "nonsense" in done.stderr, done.stderr)


main()
