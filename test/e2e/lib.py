"""What the end-to-end tests share: TAP output, running moorage, checking what every answer must fulfil.

A test file registers functions whose names are sentences and ends with `lib.main(...)`:

    @lib.test
    def a_listener_is_named_with_its_process():
        ...

Everything a test starts is ended after it (`lib.after`). Nothing but what the tests started is ever signalled. With
`own_netns=True` the whole file runs in a network namespace of its own, so that fixed ports are safe.
"""

import contextlib
import errno
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import jsonschema

import kernel

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A program for Windows that Wine runs here: then it is what this names (tools/wine.sh), followed by the program.
RUNNER = os.environ.get("MOORAGE_RUNNER", "").split()
SCHEMAS = ROOT / "man" / "schema"
HARMS = ["none", "low", "some", "high"]
CODE_WORDS = re.compile(r"\b(holders?|levers?|tiers?|probes?|probed|bindable)\b", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
NO_UTF8 = re.compile("[\udc80-\udcff]")

_tests = []
_cleanup = contextlib.ExitStack()
_netns_refused = None


class Skip(Exception):
    """The test can't run here; the text says why."""


def test(function):
    _tests.append(function)
    return function


def after(function, *args):
    """Calls the function when the running test is over, however it ends."""
    _cleanup.callback(function, *args)


def need_root():
    if not kernel.is_real_root():
        raise Skip("needs root")


if os.name == "posix":
    # Paths of sockets are short, lines that are typed have no quotes, and other users look in: not every TMPDIR is so.
    tempfile.tempdir = "/tmp"


def temp_folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="moorage-e2e."))
    path.chmod(0o755)
    after(shutil.rmtree, path, True)
    return path


def set_sysctl(name, value):
    """Sets a kernel setting of this network namespace until the test is over."""
    path = pathlib.Path("/proc/sys", *name.split("."))
    before = path.read_text()
    try:
        path.write_text(f"{value}\n")
    except OSError as problem:
        raise Skip(f"may not set {name}: {problem}") from problem
    after(path.write_text, before)


def own_cgroup(name):
    """A cgroup v2 of our own, removed with the test; processes in it must have ended by then."""
    mount = kernel.cgroup2_mount()
    if mount is None:
        raise Skip("no cgroup v2 is mounted")
    parent = pathlib.Path(mount, f"moorage{os.getpid()}.slice")
    path = parent / name
    try:
        parent.mkdir(exist_ok=True)
        path.mkdir()
    except OSError as problem:
        raise Skip(f"may not make a cgroup: {problem}") from problem
    after(remove_cgroup, parent)
    after(remove_cgroup, path)
    return path


def remove_cgroup(path):
    """A cgroup may be busy for a moment after its last process was waited for."""
    for _ in range(6000):
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError(f"{path} can't be removed")


# ---- ports and binds ----

def first_port():
    """Each file begins elsewhere: files run side by side, and moorage looks into the namespaces of the others too."""
    files = sorted(path.name for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    name = pathlib.Path(sys.argv[0]).name
    return 12000 + 500 * (files.index(name) if name in files else len(files))


_next_port = first_port()


def new_port():
    """A port below the dynamic range that no other test uses: for files with a namespace of their own."""
    global _next_port
    _next_port += 7
    return _next_port


def inet_socket(address, proto="tcp", flags=()):
    """A socket for the family of the address, with the named options set: reuse, reuseport, v6only, dual."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind, number = {
        "tcp": (socket.SOCK_STREAM, 0),
        "udp": (socket.SOCK_DGRAM, 0),
        "udplite": (socket.SOCK_DGRAM, 136),
        "mptcp": (socket.SOCK_STREAM, 262),
    }[proto]
    try:
        made = socket.socket(family, kind, number)
    except OSError as problem:
        raise Skip(f"this kernel has no {proto}: {problem}") from problem
    if "reuse" in flags:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "reuseport" in flags:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if "dual" in flags else 1)
    return made


def try_bind(address, port, mode="reuse", proto="tcp"):
    """The errno of a real bind, 0 when it works."""
    with inet_socket(address, proto, (mode,)) as made:
        try:
            made.bind((address, port))
        except OSError as problem:
            return problem.errno
    return 0


def expect_binds(pattern, port, address="0.0.0.0", proto="tcp"):
    """Asserts that the conflict is real. The pattern is for plain/reuse/reuseport: "U/ok/U" (U = EADDRINUSE)."""
    codes = [try_bind(address, port, mode, proto) for mode in ("plain", "reuse", "reuseport")]
    got = "/".join("U" if code == errno.EADDRINUSE else "ok" if code == 0 else errno.errorcode[code] for code in codes)
    assert got == pattern, f"binds of {proto} {address}:{port} are {got}, not {pattern}: the case was not reproduced"


# ---- running moorage ----


class Result:
    def __init__(self, args, code, out, err, seconds):
        self.args = args
        self.code = code
        self.raw = out
        self.out = out.decode("utf-8", "surrogateescape")
        self.err = err.decode("utf-8", "surrogateescape")
        self.seconds = seconds

    def __str__(self):
        return f"moorage {' '.join(map(str, self.args))} -> {self.code}\n{self.out[:4000]}\n{self.err[:2000]}"

    def json(self):
        try:
            document = json.loads(self.raw.decode("utf-8"))
        except ValueError as problem:
            raise AssertionError(f"no JSON: {self!s}") from problem
        validate(document)
        return document


@functools.cache
def program():
    """The program under test."""
    path = os.environ.get("MOORAGE") or ROOT / "build" / "moorage"
    if not os.access(path, os.X_OK):
        raise Skip(f"no program at {path}: set MOORAGE")
    return str(path)


@functools.cache
def plain_program():
    """The program without sanitizers, which are slow and make calls of their own; None if there is none."""
    for path in (os.environ.get("MOORAGE_PLAIN"), os.environ.get("MOORAGE"), ROOT / "build" / "moorage"):
        if path and os.access(path, os.X_OK) and b"__asan_init" not in pathlib.Path(path).read_bytes():
            return str(path)
    return None


def need_plain_program():
    path = plain_program()
    if path is None:
        raise Skip("needs a build without sanitizers: set MOORAGE_PLAIN")
    return path


def wait_for_exec(pid):
    """Waits until the command line of another program stands: Popen returns as soon as exec(2) has closed its pipe, which it
    does before."""
    end = time.monotonic() + 60
    while not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def stand_in(name, *args):
    """Starts a program of this name that does nothing, with these arguments; gives its Popen."""
    idle = os.environ.get("E2E_IDLE")
    if not idle:
        raise Skip("needs E2E_IDLE, the program that only waits")
    copy = shutil.copy(idle, temp_folder() / name)
    process = subprocess.Popen([copy, *map(str, args)], close_fds=False)
    after(process.wait)
    after(process.kill)
    wait_for_exec(process.pid)
    return process


def typed_program():
    """The program by a path that can be typed as it is: it has no spaces, and fits into a line."""
    link = temp_folder() / "moorage"
    link.symlink_to(program())
    return str(link)


@functools.cache
def program_for_everybody():
    """A copy that other users can run: build folders are often private."""
    folder = tempfile.mkdtemp(prefix="moorage-e2e.")
    os.chmod(folder, 0o755)
    _at_exit.callback(shutil.rmtree, folder, True)
    copy = shutil.copy(program(), os.path.join(folder, "moorage"))
    os.chmod(copy, 0o755)
    return copy


_at_exit = contextlib.ExitStack()


@functools.cache
def state_folder():
    """Where moorage keeps its files in these tests, for all users: never in the machine's own places."""
    folder = tempfile.mkdtemp(prefix="moorage-e2e.")
    os.chmod(folder, 0o1777)
    _at_exit.callback(shutil.rmtree, folder, True)
    return folder


def environment(**more):
    """A small environment of known content, so that the machine's own can't change an answer."""
    env = {"MOORAGE_STATE_DIR": state_folder(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE", "GCOV_PREFIX"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(more)
    return env


def finish(command, stdin=b"", **how):
    """Runs a command until it ends itself, and gives what it wrote. What Wine starts beside a program (conhost.exe, of which one
    hangs at times whose client was just ended) has the same error output, so that nobody can wait for the end of a pipe."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(command, input=stdin, stdout=out, stderr=err, check=False, **how)
        for stream in (out, err):
            stream.seek(0)
        done.stdout, done.stderr = out.read(), err.read()
    return done


def run(*args, uid=None, setup=None, env=None, stdin=b"", timeout=120, path=None, wrap=RUNNER):
    """Runs moorage. `setup` is called in the child before the program starts; `wrap` is a command put before it."""
    path = path or (program() if uid is None else program_for_everybody())
    who = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    command = [*wrap, path, *map(str, args)]
    start = time.monotonic()
    how = {"env": env or environment(), "preexec_fn": setup, "timeout": timeout, **who}
    if RUNNER:
        done = finish(command, stdin, **how)
    else:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, **how)
    result = Result(args, done.returncode, done.stdout, done.stderr, time.monotonic() - start)
    assert done.returncode >= 0, f"ended by signal {-done.returncode}: {result}"
    assert "Sanitizer" not in result.err and "runtime error:" not in result.err, str(result)
    assert not CONTROL.search(result.out + result.err), f"control characters reach the terminal: {result!s}"
    assert not NO_UTF8.search(result.out + result.err), f"the output is no UTF-8: {result!s}"
    return result


@functools.cache
def schema(name):
    path = SCHEMAS / f"{name}.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def validate(document):
    named = re.fullmatch(r"moorage\.([a-z]+)/1", document.get("schema", ""))
    assert named, f"no schema is named: {document}"
    validator = schema(named[1])
    if validator is None:
        return
    problem = jsonschema.exceptions.best_match(validator.iter_errors(document))
    assert problem is None, f"{problem.json_path}: {problem.message}"


# ---- answers of why ----


def socket_key(row):
    inode = int(row["inode"] or 0)
    return (row["protocol"], inode) if inode else (row["protocol"], row["local"], row["remote"], row["state"],
                                                row.get("owner_pid"))


def check_remedies(cause):
    harms = [HARMS.index(remedy["harm"]) for remedy in cause["remedies"]]
    assert harms == sorted(harms), f"remedies are not ordered by harm: {cause['remedies']}"
    for remedy in cause["remedies"]:
        assert not CODE_WORDS.search(remedy["sentence"]), remedy["sentence"]
        if remedy["lever"] in ("process", "service", "socket-unit", "container"):
            assert remedy["command"], f"nothing to type: {remedy}"
    if not cause["holders"]:
        assert "process" not in {remedy["lever"] for remedy in cause["remedies"]}, f"stops nobody: {cause}"
    if cause["blocks"]:
        assert cause["remedies"], f"{cause['kind']} blocks and nothing is offered"


def check_entry(entry):
    """What every entry of `asked` must fulfil, whatever the case."""
    blocking = [cause for cause in entry["causes"] if cause["blocks"]]
    flags = [cause["blocks"] for cause in entry["causes"]]
    assert flags == sorted(flags, reverse=True), f"what blocks does not come first: {flags}"
    assert bool(blocking) != entry["bindable"], f"bindable and causes disagree: {entry}"
    seen = set()
    for cause in entry["causes"]:
        assert cause["sentence"].strip(), cause
        assert not CODE_WORDS.search(cause["sentence"]), cause["sentence"]
        check_remedies(cause)
        pids = [holder["pid"] for holder in cause["holders"]]
        assert len(pids) == len(set(pids)), f"a process stands twice: {pids}"
        for row in cause["sockets"]:
            assert row["local"].endswith(f":{entry['port']}"), f"{row} is not on port {entry['port']}"
            if cause["blocks"]:
                key = socket_key(row)
                assert key not in seen, f"{key} stands in two causes that block"
                seen.add(key)
    assert entry["complete"] or entry["unseen"], "not complete, and nothing is said of what was not seen"
    assert entry["port"] not in entry["suggest"], entry["suggest"]
    check_probes(entry)


# What a bind may fail with: here, and on the recorded hosts that run Windows.
ERRORS = {**errno.errorcode, 10013: "WSAEACCES", 10048: "WSAEADDRINUSE", 10049: "WSAEADDRNOTAVAIL"}


def check_probes(entry):
    asked = [probe for probe in entry["probes"] if probe["bind"] == entry["bind"]]
    for probe in entry["probes"]:
        if probe["result"] == "ok":
            assert probe["code"] == 0, probe
        elif probe["result"] != "unsupported":
            assert ERRORS[probe["code"]] == probe["result"], probe
    failed = [probe for probe in asked if probe["result"] not in ("ok", "unsupported")]
    if entry["proved"] and failed:
        assert not entry["bindable"], f"a bind failed and yet it is said to work: {failed}"
    if entry["proved"] and not entry["bindable"] and not failed:
        kinds = {cause["kind"] for cause in entry["causes"] if cause["blocks"]}
        assert kinds <= {"bound", "inherited", "service", "container"}, f"all binds worked, and yet {kinds} block"


def check_probes_are_true(entry):
    """Compares the binds that moorage reports with our own, made now by the same user."""
    if entry["address"] is None:
        addresses = {probe["address"].strip("[]") for probe in entry["probes"]}
        assert addresses == {"0.0.0.0", "::"}, f"both families are to be tried: {addresses}"
    for probe in entry["probes"]:
        if probe["result"] == "unsupported":
            continue
        code = try_bind(probe["address"].strip("[]"), entry["port"], probe["bind"], entry["protocol"])
        assert code == probe["code"], f"{probe}, but our own bind gives {code}"


def check_unknown(entry):
    """What could not be read says why. (Under --share, null is what was left out.)"""
    for holder in [holder for cause in entry["causes"] for holder in cause["holders"]]:
        for fact in ("exe", "command", "cwd", "user"):
            assert holder[fact] is not None or fact in holder.get("unknown", ()), f"why is {fact} not known? {holder}"


def entries(*args, code=None, **how):
    """Runs `moorage why ARGS --json` and gives the checked entries of `asked`."""
    result = run("why", *args, "--json", **how)
    assert code is None or result.code == code, f"exit code {result.code}, not {code}: {result}"
    asked = result.json()["asked"]
    for entry in asked:
        check_entry(entry)
        check_unknown(entry)
    if result.code in (0, 1) and len(asked) == 1:
        assert asked[0]["bindable"] == (result.code == 0), str(result)
    return asked


def why(*args, code=None, own=True, **how):
    """The one entry of a question about one endpoint. `own`: our own binds must have the same results."""
    asked = entries(*args, code=code, **how)
    assert len(asked) == 1, f"{len(asked)} answers to {args}"
    if own and not how:
        check_probes_are_true(asked[0])
    return asked[0]


def cause_of(entry, kind, blocks=True):
    """The one cause of this kind."""
    found = [cause for cause in entry["causes"] if cause["kind"] == kind]
    said = [(cause["kind"], cause["blocks"], cause["sentence"]) for cause in entry["causes"]]
    assert len(found) == 1, f"{len(found)} causes of kind {kind}, said: {said}"
    assert found[0]["blocks"] == blocks, said
    return found[0]


def only_cause(entry, kind):
    """The cause of this kind, which must be the only one that blocks."""
    cause = cause_of(entry, kind)
    blocking = [other["kind"] for other in entry["causes"] if other["blocks"]]
    assert blocking == [kind], f"{blocking} block, not {kind} alone: {json.dumps(entry['causes'])}"
    return cause


def holder_of(cause, pid, how=r"fd \d+"):
    """The holder with this pid, which must hold in this way."""
    found = [holder for holder in cause["holders"] if holder["pid"] == pid]
    assert len(found) == 1, f"pid {pid} is not among {[(holder['pid'], holder['how']) for holder in cause['holders']]}"
    assert re.search(how, found[0]["how"]), f"pid {pid} holds by {found[0]['how']!r}, not {how!r}"
    return found[0]


def only_holder(cause, pid, how=r"fd \d+"):
    holder = holder_of(cause, pid, how)
    assert len(cause["holders"]) == 1, cause["holders"]
    return holder


def inodes_of(cause):
    return {int(row["inode"] or 0) for row in cause["sockets"]}


def levers_of(entry):
    return {remedy["lever"] for cause in entry["causes"] for remedy in cause["remedies"]}


def words_of(entry):
    """All sentences of an entry, to look for words in."""
    lines = []
    for cause in entry["causes"]:
        lines += [cause["sentence"], *cause.get("notes", [])]
        for remedy in cause["remedies"]:
            lines += [remedy["sentence"], remedy["command"] or ""]
        for holder in cause["holders"]:
            lines += holder["warnings"]
    return "\n".join(lines)


def check_seconds(text, least, most):
    """Some number of seconds in the text lies between these."""
    said = [int(number) for number in re.findall(r"\b(\d+) ?s(?:econds?)?\b", text)]
    assert any(least <= number <= most for number in said), f"no {least} to {most} s are said: {said} in {text}"


# ---- the run of a file ----


def run_test(function):
    global _cleanup
    _cleanup = contextlib.ExitStack()
    try:
        if _netns_refused:
            raise Skip(_netns_refused)
        function()
        outcome = ("ok", "")
    except Skip as why_not:
        outcome = ("ok", f" # SKIP {why_not}")
    except Exception:  # any problem is this test's failure, the others still run
        outcome = ("not ok", "")
        for line in traceback.format_exc().rstrip().splitlines():
            print(f"# {line}")
    try:
        _cleanup.close()
    except Exception:
        outcome = ("not ok", "")
        print(f"# cleaning up: {traceback.format_exc().rstrip()}".replace("\n", "\n# "))
    return outcome


def hear_signals():
    """nohup, and shells that run something in the background, have ignored signals inherited: what the tests are about."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def stand_on_own_feet():
    """Whoever starts the tests may have closed descriptors, and a mask that keeps other users out of what they write."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    os.umask(0o022)


def main(own_netns=False):
    """Runs the tests of the file, or those whose names are given as arguments, and exits."""
    global _netns_refused
    if os.name == "posix":
        hear_signals()
        stand_on_own_feet()
    chosen = [function for function in _tests if not sys.argv[1:] or function.__name__ in sys.argv[1:]]
    if own_netns:
        _netns_refused = kernel.enter_own_netns()
    print("TAP version 13")
    print(f"1..{len(chosen)}")
    failed = 0
    with _at_exit:
        for number, function in enumerate(chosen, 1):
            outcome, remark = run_test(function)
            failed += outcome != "ok"
            print(f"{outcome} {number} {function.__name__}{remark}", flush=True)
    sys.exit(1 if failed or not chosen else 0)
