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
# Refusing these tells nothing of moorage: the program is not started, or is over; brk(2) has no error code that could be
# put in its place (allocations are failed below), and futex(2) none that a wait for the end of a thread could meet: libc
# ends the program over one.
NOT_OURS = {"execve", "exit_group", "exit", "rt_sigreturn", "arch_prctl", "set_tid_address", "set_robust_list", "brk", "futex"}
# For the calls of each command: what a slow machine comes to in it is enough.
SECONDS = 100


def call(command, env=None):
    done = subprocess.run(command, capture_output=True, env=env or lib.environment(), timeout=120, check=False)
    return lib.Result(command, done.returncode, done.stdout, done.stderr, 0)


def said_nothing_of_moorage(result):
    """The dynamic loader gave up before the program began."""
    return result.code == 127 or "error while loading shared libraries" in result.err


def check_outcome(result, is_taken):
    assert 0 <= result.code < 126, "crashed"
    assert result.code in (0, 1, 3), "an exit code that means something else"
    assert not is_taken or result.code != 0, "a taken port is called free"
    if result.code == 3:
        lines = [line for line in result.err.splitlines() if line.strip()]
        assert len(lines) == 1, "not one sentence"
        return
    assert result.out, "neither an answer nor an error"
    if "--json" in result.args:
        document = json.loads(result.raw.decode("utf-8"))
        lib.validate(document)
        for entry in document.get("asked", ()):
            lib.check_entry(entry)


class Judge:
    """Collects what went wrong in many runs. `is_taken`: they asked about a port that is taken."""

    def __init__(self, is_taken):
        self.is_taken = is_taken
        self.problems = []

    def look(self, what, result):
        try:
            check_outcome(result, self.is_taken)
        except (AssertionError, ValueError) as problem:
            self.problems.append(f"{what}: {problem}: exit {result.code}: {result.out[:200]!r} {result.err[:200]!r}")

    def speak(self):
        assert not self.problems, "\n".join([f"{len(self.problems)} problems", *self.problems[:40]])


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
    """Each kind of system call of one run, with how many of them are the dynamic loader's and how many there are in all.

    The loader's last act is to unmap its cache (ld.so(8)); a failure before that tells nothing of moorage."""
    path = lib.temp_folder() / "calls"
    call([strace, "-f", "-o", str(path), *command])
    names = re.findall(r"^\d+ +([a-z_0-9]+)\(", path.read_text(errors="replace"), re.MULTILINE)
    loader = names[:names.index("munmap") + 1]
    return {name: (loader.count(name), names.count(name)) for name in dict.fromkeys(names) if name not in NOT_OURS}


def fail_system_calls(*args, is_taken=False):
    """Fails each kind of call at its first places and at its last, each in a run of its own."""
    strace = need_strace()
    command = [lib.need_plain_program(), *map(str, args)]
    places = set()
    for name, (loaders, count) in system_calls(strace, command).items():
        places |= {(number, number + loaders, name) for number in {*range(1, FIRST_CALLS + 1), count - loaders}
                   if 0 < number <= count - loaders}
    assert {"openat", "sendto", "close"} <= {name for _, _, name in places}, f"this is no run of moorage: {places}"
    judge = Judge(is_taken)
    end = time.monotonic() + SECONDS
    # The first call of each kind fails before any second one does: a slow machine leaves out what matters least.
    for done, (_, number, name) in enumerate(sorted(places)):
        if time.monotonic() > end:
            print(f"# out of time after {done} of {len(places)} runs")
            assert done >= len({name for _, _, name in places}), "too slow to fail each kind of call once"
            break
        inject = f"inject={name}:error=EPERM:when={number}"
        result = call([strace, "-f", "-q", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject, *command])
        judge.look(inject, result)
    judge.speak()


@test
def no_failing_system_call_makes_a_taken_port_free():
    port = new_port()
    shapes.listener(port)
    fail_system_calls("why", f"tcp/{port}", "--json", is_taken=True)


@test
def a_signal_that_stops_the_kernel_while_it_reads_the_program_changes_nothing():
    lib.need_root()
    strace = need_strace()
    port = new_port()
    shapes.listener(port)
    command = [lib.need_plain_program(), "why", f"tcp/{port}", "--json"]
    calls = lib.temp_folder() / "calls"
    whole = call([strace, "-f", "-q", "-o", str(calls), "-e", "trace=bpf", *command])
    if json.loads(whole.raw)["asked"][0]["tier"] != "bpf":
        raise lib.Skip("the kernel can't be asked here")
    made = re.findall(r"^\d+ +bpf\((\w+)", calls.read_text(), re.MULTILINE)
    first = made.index("BPF_PROG_LOAD") + 1
    inject = f"inject=bpf:error=EAGAIN:when={first}..{first + 1}"
    result = call([strace, "-f", "-q", "-o", "/dev/null", "-e", "trace=bpf", "-e", inject, *command])
    assert json.loads(result.raw)["asked"][0]["tier"] == "bpf", result.out


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
    # The loader would take a path with a space for two.
    link = lib.temp_folder() / "fail_alloc.so"
    link.symlink_to(shim)
    shim = str(link)
    command = [lib.need_plain_program(), *map(str, args)]
    count = count_allocations(command, shim)
    assert count > 0, "no allocation was counted"
    step = max(1, count // 400)
    judge = Judge(is_taken)
    out_of_memory = 0
    for number in sorted({*range(1, min(count, 200) + 1), *range(1, count + 1, step), count}):
        result = call(command, lib.environment(LD_PRELOAD=shim, FAIL_ALLOC=str(number)))
        judge.look(f"allocation {number} of {count}", result)
        out_of_memory += result.code == 3 and "memory" in result.err
    judge.speak()
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
