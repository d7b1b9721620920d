"""How long it takes to tell who has a port, against the programs that people use for it: ss, lsof, fuser, netstat.

A load (load.c) is built in a network namespace of its own, as root, and each program runs on it in turn (launch.c); its whole life
counts, from fork to end. Before anything is measured, each must have named the very processes that the load says have the
ports. moorage is also measured without the rights to ask the kernel by BPF.

find    one listening port and who has it
list    all listening ports and who has them
growth  find, with ever more open files on the machine
calls   the system calls of each command, by strace: these don't depend on what else the machine does
"""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import measure

FIRST_PORT = 12000
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
COLUMNS = [("ms", "{:.2f}"), ("CPU ms", "{:.2f}"), ("peak MiB", "{:.1f}"), ("ratio", "{:.2f}x")]


class Size:
    """How busy the machine is, in totals."""

    def __init__(self, name, processes, fds, listeners, connections, users, namespaces=0):
        self.name, self.fds = name, fds
        self.numbers = [processes, fds, listeners, connections, users, namespaces, FIRST_PORT]
        self.words = (f"{processes:,} processes, {fds:,} open files, {listeners:,} listeners, "
                      f"{2 * connections:,} ends of connections, {users} users")
        if namespaces:
            self.words += f", {namespaces} other networks"


SIZES = [Size("SMALL", 300, 10_000, 60, 200, 10), Size("BIG", 2_000, 215_000, 10_000, 40_000, 40),
         Size("FAT", 20, 200_000, 20, 0, 1), Size("HOST", 400, 43_000, 2_000, 8_000, 10, namespaces=50)]
GROWTH = [Size("GROWTH", 400, fds, 400, 0, 10) for fds in (10_000, 50_000, 200_000, 400_000)]


class Load:
    """The load while it stands: `owners` is the pid of each port's holder."""

    def __init__(self, build, size):
        self.process = subprocess.Popen([build / "bench" / "bench_load", *map(str, size.numbers)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.owners = {}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            port, pid = map(int, line.split())
            self.owners[port] = pid
        else:
            sys.exit(f"the load could not be built: {size.words}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Way:
    """A command, and how to read from its output who has which port: a function of the text, giving {port: {pids}}."""

    def __init__(self, name, args, read, options=(), rounds=None):
        self.name, self.args, self.read, self.options, self.rounds = name, list(map(str, args)), read, options, rounds
        self.taken = []

    @property
    def short(self):
        """For the head of a column."""
        return " ".join([pathlib.Path(self.args[0]).name, *(["--first"] if "--first" in self.args else []),
                         *(["no BPF"] if self.options else [])])

    def run(self, build, out=os.devnull):
        done = subprocess.run([build / "bench" / "bench_launch", *self.options, "-o", out, *self.args], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{self.name}: {done.stderr.strip()}")
        wall, cpu, memory, code = map(int, done.stdout.split())
        if code > 1:
            sys.exit(f"{self.name} failed with {code}: {' '.join(self.args)}")
        return wall / 1000, cpu / 1000, memory

    def answer(self, build):
        with tempfile.NamedTemporaryFile() as out:
            self.run(build, out.name)
            return self.read(pathlib.Path(out.name).read_text(encoding="utf-8", errors="replace"))

    def median(self, which):
        return statistics.median(sample[which] for sample in self.taken)


def pairs(pattern):
    """Reads every line that has a port and a pid, by a pattern with groups of these names."""
    pattern = re.compile(pattern, re.MULTILINE)

    def read(text):
        found = {}
        for match in pattern.finditer(text):
            found.setdefault(int(match["port"]), set()).add(int(match["pid"]))
        return found

    return read


def read_ss(text):
    """A line may name several."""
    found = {}
    for line in text.splitlines():
        port = re.search(r"^LISTEN\s+\d+\s+\d+\s+\S+:(\d+)\s", line)
        if port:
            found.setdefault(int(port[1]), set()).update(map(int, re.findall(r"pid=(\d+)", line)))
    return found


read_why = pairs(r"^Port (?P<port>\d+) \(TCP\) is taken by .*?\(pid (?P<pid>\d+)")
read_netstat = pairs(r"^tcp6?\s+\d+\s+\d+\s+\S+:(?P<port>\d+)\s.*LISTEN\s+(?P<pid>\d+)/")
read_lsof = pairs(r"^\S+\s+(?P<pid>\d+)\s.*TCP \S+:(?P<port>\d+) \(LISTEN\)")
read_list = pairs(r"^(?P<port>\d+)\s+(?P<pid>\d+)\s")  # moorage list -o port,pid,...


def read_fuser(port):
    def read(text):
        return {port: set(map(int, re.findall(r"\b\d+\b", text.split(":", 1)[-1])))}

    return read


def present(ways):
    for way in ways:
        if shutil.which(way.args[0]):
            yield way
        else:
            measure.say(f"{way.name} is left out: {way.args[0]} is not installed")


def ways_to_find(moorage, port):
    yield Way("moorage PORT", [moorage, "--color=never", port], read_why)
    yield Way("moorage PORT, no BPF", [moorage, "--color=never", port], read_why, ["-b"])
    yield Way("moorage PORT --first, no BPF", [moorage, "--color=never", port, "--first"], read_why, ["-b"])
    yield from present([
        Way("ss -ltnp sport = :PORT", ["ss", "-ltnp", f"sport = :{port}"], read_ss),
        Way("fuser PORT/tcp", ["fuser", f"{port}/tcp"], read_fuser(port)),
        Way("lsof -iTCP:PORT -sTCP:LISTEN", ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN"], read_lsof),
    ])


def ways_to_list(moorage):
    columns = [moorage, "--color=never", "list", "-o", "port,pid,name,user", "--no-header"]
    yield Way("moorage list", columns, read_list)
    yield Way("moorage list, no BPF", columns, read_list, ["-b"])
    yield from present([
        Way("ss -ltnp", ["ss", "-ltnp"], read_ss),
        Way("netstat -ltnp", ["netstat", "-ltnp"], read_netstat),
        # It reads the text of /proc/net for each process: minutes where much is open.
        Way("lsof -iTCP -sTCP:LISTEN", ["lsof", "-nP", "-iTCP", "-sTCP:LISTEN"], read_lsof, rounds=1),
    ])


def must_agree(ways, owners, build):
    """Every command names who the load says has the ports, and nobody else."""
    for way in ways:
        found = {port: pids for port, pids in way.answer(build).items() if port >= FIRST_PORT}
        if found != owners:
            wrong = {port: (found.get(port), pids) for port, pids in owners.items() if found.get(port) != pids}
            sys.exit(f"{way.name} names others than the load has: {len(wrong)} of {len(owners)} ports, "
                     f"such as {dict(list(wrong.items())[:3])}")


def measure_ways(ways, rounds, build):
    """In turns, so that what else the machine does meets all alike."""
    for number in range(rounds):
        for way in ways:
            if way.rounds is None or number < way.rounds:
                way.taken.append(way.run(build))


def one_table(context, title, ways, rounds):
    floor = Way("(any program)", [context.build / "bench" / "bench_nothing"], None)
    measure_ways([*ways, floor], rounds, context.build)
    table = context.table(title, *COLUMNS)
    for way in [*ways, floor]:
        table.add(way.name, way.median(0), way.median(1), way.median(2) / 1024, way.median(0) / ways[0].median(0))


def one_size(context, size):
    print(f"\n{size.name}: {size.words}")
    with Load(context.build, size) as load:
        port = sorted(load.owners)[len(load.owners) // 2]
        all_owners = {port: {pid} for port, pid in load.owners.items()}
        for name, ways, owners in (("find", list(ways_to_find(context.moorage, port)), {port: all_owners[port]}),
                                   ("list", list(ways_to_list(context.moorage)), all_owners)):
            must_agree(ways, owners, context.build)
            one_table(context, f"{name}, {size.name}", ways, context.rounds)


def growth(context):
    table = None
    for size in GROWTH:
        with Load(context.build, size) as load:
            port = sorted(load.owners)[len(load.owners) // 2]
            ways = list(ways_to_find(context.moorage, port))
            must_agree(ways, {port: {load.owners[port]}}, context.build)
            measure_ways(ways, context.rounds, context.build)
            if not table:
                table = context.table("growth, ms", *((way.short, "{:.1f}") for way in ways))
            table.add(f"{size.fds:,} open files", *(way.median(0) for way in ways))


def calls(context):
    if not shutil.which("strace"):
        measure.say("system calls are not counted: strace is not installed")
        return
    size = SIZES[0]
    with Load(context.build, size) as load:
        port = sorted(load.owners)[len(load.owners) // 2]
        table = context.table(f"system calls, {size.name}", ("calls", "{:,}"))
        for way in [*ways_to_find(context.moorage, port), *ways_to_list(context.moorage)]:
            with tempfile.NamedTemporaryFile() as out:
                launch = [context.build / "bench" / "bench_launch", *way.options]
                subprocess.run([*launch, "strace", "-f", "-c", "-o", out.name, *way.args], capture_output=True, check=False)
                total = re.search(r"^100\.00\s.*?(\d+)(?:\s+\d+)?\s+total$", pathlib.Path(out.name).read_text(encoding="utf-8"),
                                  re.MULTILINE)
            table.add(way.name, int(total[1]) if total else None)


@contextlib.contextmanager
def own_network():
    """Nothing else listens there, and its ports are nobody's."""
    with open("/proc/self/ns/net", encoding="utf-8") as before:
        if LIBC.unshare(CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
        LIBC.setns(before.fileno(), CLONE_NEWNET)


def run(context):
    if os.geteuid() != 0:
        measure.say("who has a port is measured as root only: it takes a network namespace, and 40 users")
        return
    with own_network():
        for size in SIZES:
            one_size(context, size)
        growth(context)
        calls(context)
