#!/usr/bin/python3 -B
"""Every system call and every allocation of `list` and `why` fails once in turn: no crash, no wrong answer. A port that
is taken is never called free; what can't be found out is said in one sentence with exit code 3."""

import json
import os
import re
import shutil
import subprocess
import time

import lib
import shapes
from lib import new_port, test

# Of a call that is made very often only the first ones and the last one fail; the others are the same lines of code.
FIRST_CALLS = 5
# Refusing these tells nothing of moorage: the program is not started, or is over.
NOT_OURS = {"execve", "exit_group", "exit", "rt_sigreturn", "arch_prctl", "set_tid_address", "set_robust_list"}
# Each file of tests has 5 minutes.
SECONDS = 100


def call(command, env=None):
    done = subprocess.run(command, capture_output=True, env=env or lib.environment(), timeout=60, check=False)
    return lib.Result(command, done.returncode, done.stdout, done.stderr, 0)


def said_nothing_of_moorage(result):
    """The dynamic loader gave up before the program began."""
    return result.code == 127 or "error while loading shared libraries" in result.err


def judge(result, what, is_taken):
    """Whether this outcome is allowed. `is_taken`: it was asked about a port that is taken."""
    if said_nothing_of_moorage(result):
        return
    where = f"{what}: {result}"
    assert result.code >= 0 and result.code < 126, f"crashed: {where}"
    assert result.code in (0, 1, 3), where
    if is_taken:
        assert result.code != 0, f"a taken port is called free: {where}"
    if result.code == 3:
        lines = [line for line in result.err.splitlines() if line.strip()]
        assert len(lines) == 1, f"not one sentence: {where}"
    elif "--json" in result.args and result.out:
        document = json.loads(result.raw.decode("utf-8"))
        lib.validate(document)
        for entry in document.get("asked", ()):
            lib.check_entry(entry)
    assert result.code == 3 or result.out, f"neither an answer nor an error: {where}"


# ---- system calls ----


def need_strace():
    strace = shutil.which("strace")
    if not strace:
        raise lib.Skip("needs strace")
    tried = call([strace, "-f", "-o", "/dev/null", "-e", "inject=chdir:error=EPERM:when=1", "/bin/true"])
    if tried.code != 0:
        raise lib.Skip(f"strace may not trace here: {tried.err.strip()}")
    return strace


def system_calls(strace, command):
    """How often each system call is made in one run."""
    path = lib.temp_folder() / "calls"
    call([strace, "-f", "-c", "-U", "calls,name", "-o", str(path), *command])
    counted = {}
    for line in path.read_text().splitlines():
        row = re.fullmatch(r"\s*(\d+)\s+([a-z_0-9]+)\s*", line)
        if row and row[2] not in NOT_OURS | {"total"}:
            counted[row[2]] = int(row[1])
    return counted


def fail_system_calls(*args, is_taken=False):
    """Fails each kind of call at its first places and at its last, each in a run of its own."""
    strace = need_strace()
    command = [lib.need_plain_program(), *map(str, args)]
    if os.environ.get("E2E_DRY"):
        raise lib.Skip("dry: ready")
    counted = system_calls(strace, command)
    assert "openat" in counted and len(counted) > 10, counted
    end = time.monotonic() + SECONDS
    runs = 0
    # The first call of each kind fails before any second one does: a slow machine leaves out what matters least.
    places = [(number, name) for name, count in counted.items()
              for number in sorted({*range(1, min(count, FIRST_CALLS) + 1), count})]
    for number, name in sorted(places):
        if time.monotonic() > end:
            print(f"# out of time after {runs} of {len(places)} runs")
            break
        inject = f"inject={name}:error=EPERM:when={number}"
        result = call([strace, "-f", "-q", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject, *command])
        judge(result, inject, is_taken)
        runs += 1
    assert runs >= len(counted), f"only {runs} runs for {len(counted)} kinds of calls"


@test
def no_failing_system_call_makes_a_taken_port_free():
    port = new_port()
    shapes.listener(port)
    fail_system_calls("why", f"tcp/{port}", "--json", is_taken=True)


@test
def no_failing_system_call_breaks_the_list():
    port = new_port()
    shapes.listener(port)
    fail_system_calls("list", "--json")


# ---- allocations ----


def count_allocations(command, shim):
    path = lib.temp_folder() / "count"
    result = call(command, lib.environment(LD_PRELOAD=shim, FAIL_ALLOC_COUNT=str(path)))
    assert result.code in (0, 1), str(result)
    return int(path.read_text())


def fail_allocations(*args, is_taken=False):
    shim = os.environ.get("E2E_FAIL_ALLOC")
    if not shim or not os.path.exists(shim):
        raise lib.Skip("needs E2E_FAIL_ALLOC, the library that makes an allocation fail")
    command = [lib.need_plain_program(), *map(str, args)]
    if os.environ.get("E2E_DRY"):
        raise lib.Skip("dry: ready")
    count = count_allocations(command, shim)
    assert count > 0, "no allocation was counted"
    step = max(1, count // 400)
    out_of_memory = 0
    for number in sorted({*range(1, min(count, 200) + 1), *range(1, count + 1, step), count}):
        result = call(command, lib.environment(LD_PRELOAD=shim, FAIL_ALLOC=str(number)))
        judge(result, f"allocation {number} of {count}", is_taken)
        out_of_memory += result.code == 3 and "memory" in result.err
    assert out_of_memory > 0, "no run said that memory is out: the allocations that failed were not moorage's"


@test
def no_failing_allocation_makes_a_taken_port_free():
    port = new_port()
    shapes.listener(port)
    fail_allocations("why", f"tcp/{port}", is_taken=True)


@test
def no_failing_allocation_breaks_the_json_of_why():
    port = new_port()
    shapes.listener(port)
    fail_allocations("why", f"tcp/{port}", "--json", is_taken=True)


@test
def no_failing_allocation_breaks_the_list():
    port = new_port()
    shapes.listener(port)
    fail_allocations("list", "--json")


lib.main(own_netns=True)
