"""Helper processes in the shapes in which ports are held for real.

A child runs a function in a fork of the test with no descriptor but its own. It says that it is ready by
`me.ready(...)`, waits for the test by `me.wait()`, and ends when the test lets go of it or is gone.
"""

import ctypes
import json
import os
import select
import signal
import socket
import threading
import time
import traceback

import kernel
import lib


class Me:
    """The child's side."""

    def __init__(self, out, control):
        self._out = out
        self._control = control

    def ready(self, **data):
        os.write(self._out, json.dumps(data).encode() + b"\n")

    def wait(self):
        """Returns when the test says go on; ends the process when the test lets go of it."""
        if not os.read(self._control, 1):
            os._exit(0)

    def rest(self):
        while True:
            self.wait()

    def descriptors(self):
        return (self._out, self._control)


class Child:
    """The test's side: `pid`, and in `data` what the child said last."""

    def __init__(self, body, uid=None, name="e2e-child"):
        self._out, out = os.pipe()
        control, self._control = os.pipe()
        self._text = b""
        self._over = False
        self.data = {}
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(body, Me(out, control), uid, name)
        os.close(out)
        os.close(control)
        lib.after(self.end)
        self.listen()

    def listen(self, timeout=60):
        """Waits for the child's next `ready`."""
        until = time.monotonic() + timeout
        while b"\n" not in self._text:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._out], [], [], left)[0]:
                raise AssertionError("a helper process is not ready in time")
            more = os.read(self._out, 65536)
            if not more:
                raise AssertionError("a helper process ended early")
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        said = json.loads(line)
        if "skip" in said:
            raise lib.Skip(said["skip"])
        assert "problem" not in said, said["problem"]
        self.data.update(said)
        return self.data

    def step(self):
        """Lets the child go on to its next `ready`."""
        os.write(self._control, b".")
        return self.listen()

    def end(self, number=signal.SIGKILL):
        """Ends the child and waits until it is gone."""
        if self._over:
            return
        self._over = True
        os.kill(self.pid, number)
        os.close(self._control)
        os.close(self._out)
        os.waitpid(self.pid, 0)


def _be_child(body, me, uid, name):
    try:
        kept = sorted(me.descriptors())
        os.closerange(3, kept[0])
        os.closerange(kept[0] + 1, kept[1])
        os.closerange(kept[1] + 1, 65536)
        if uid is not None:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NAME, ctypes.c_char_p(name.encode("utf-8", "surrogateescape")))
        body(me)
        me.rest()
    except lib.Skip as why:
        me.ready(skip=str(why))
    except BaseException:
        me.ready(problem=traceback.format_exc())
    finally:
        os._exit(0)


def until(fulfilled, timeout=60):
    """Waits until it is so; a test that waits in vain fails."""
    end = time.monotonic() + timeout
    while not fulfilled():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def all_pids():
    """All processes, those of tests that run beside this one among them: they come and go, and their names are any bytes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def facts_of(pid):
    """What follows the name in its stat, as proc(5) has it: the state, the parent and so on; none for one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return []


def state_of(pid):
    """The letter of its state; none for one that is gone."""
    return "".join(facts_of(pid)[:1])


def name_of(pid):
    """Its short name; none for one that is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
            return comm.read().rstrip("\n")
    except OSError:
        return ""


def until_in_front(terminal, name):
    """Waits until the job in the foreground of this terminal is led by a process of this name, and runs."""

    def is_in_front():
        leader = os.tcgetpgrp(terminal)
        return name_of(leader) == name and state_of(leader) not in "TZX"

    until(is_in_front)


def tcp_states(port):
    """The states of the IPv4 rows with this local port in this network namespace, as proc(5) numbers them."""
    rows = [line.split() for line in open("/proc/thread-self/net/tcp", encoding="ascii")][1:]
    return {int(row[3], 16) for row in rows if int(row[1].rpartition(":")[2], 16) == port}


def inode(of):
    return os.fstat(of if isinstance(of, int) else of.fileno()).st_ino


def bound(port, address="0.0.0.0", proto="tcp", flags=(), device=None):
    made = lib.inet_socket(address, proto, flags)
    if device:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    made.bind((address, port))
    return made


def listening(port, address="0.0.0.0", proto="tcp", flags=(), device=None):
    made = bound(port, address, proto, flags, device)
    made.listen(16)
    return made


def listener(port, address="0.0.0.0", proto="tcp", flags=(), device=None, uid=None, name="e2e-listener"):
    """A process that listens; for UDP and UDP-Lite one that is bound."""

    def body(me):
        make = listening if proto in ("tcp", "mptcp") else bound
        made = make(port, address, proto, flags, device)
        me.ready(inode=inode(made), fd=made.fileno())
        me.rest()

    return Child(body, uid, name)


def binder(port, address="0.0.0.0", proto="tcp", flags=()):
    """A process that binds and does not listen."""

    def body(me):
        made = bound(port, address, proto, flags)
        me.ready(inode=inode(made), fd=made.fileno())
        me.rest()

    return Child(body, name="e2e-binder")


def in_flight(port):
    """The only reference to the listener is a message that nobody has received yet."""

    def body(me):
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        made = listening(port)
        number = inode(made)
        socket.send_fds(ours, [b"x"], [made.fileno()])
        made.close()
        me.ready(inode=number)
        me.rest()
        theirs.close()

    return Child(body, name="e2e-in-flight")


def io_uring(port):
    def body(me):
        made = listening(port)
        number = inode(made)
        try:
            kernel.register_in_io_uring(made.fileno())
        except OSError as problem:
            raise lib.Skip(f"no io_uring here: {problem}") from problem
        made.close()
        me.ready(inode=number)
        me.rest()

    return Child(body, name="e2e-io-uring")


def mapped(port):
    def body(me):
        made = listening(port)
        number = inode(made)
        try:
            kernel.map_socket(made.fileno())
        except OSError as problem:
            raise lib.Skip(f"a TCP socket can't be mapped here: {problem}") from problem
        made.close()
        me.ready(inode=number)
        me.rest()

    return Child(body, name="e2e-mapped")


def private_thread(port):
    """A thread whose table of descriptors is its own listens; the other threads know nothing of it."""

    def body(me):
        def listen_alone():
            kernel.unshare(kernel.CLONE_FILES)
            made = listening(port)
            me.ready(inode=inode(made), tid=threading.get_native_id(), fd=made.fileno())
            threading.Event().wait()

        threading.Thread(target=listen_alone, daemon=True).start()
        me.rest()

    return Child(body, name="e2e-thread")


def dead_leader(port):
    """The main thread has ended, another thread lives on and has the listener."""

    def body(me):
        made = listening(port)

        def live_on():
            with open(f"/proc/{os.getpid()}/stat", encoding="ascii") as stat:
                while stat.read().rsplit(")", 1)[1].split()[0] != "Z":
                    time.sleep(0.01)
                    stat.seek(0)
            me.ready(inode=inode(made), tid=threading.get_native_id(), fd=made.fileno())
            me.rest()

        threading.Thread(target=live_on, daemon=True).start()
        kernel.exit_thread()

    return Child(body, name="e2e-leader")


def connection(port, flags=(), close_listener=True, accept=True):
    """A server with one connection from a client in the same process; `step()` steps: the server's end is closed (1),
    the client's end is closed (2)."""

    def body(me):
        server = listening(port, "127.0.0.1", flags=flags)
        client = socket.create_connection(("127.0.0.1", port))
        accepted = server.accept()[0] if accept else None
        if close_listener:
            server.close()
        me.ready(inode=inode(accepted or server))
        me.wait()
        accepted.close()
        me.ready()
        me.wait()
        client.close()
        me.ready()
        me.rest()

    return Child(body, name="e2e-server")


def half_closed(port):
    """The client has closed, the server has not: CLOSE_WAIT."""

    def body(me):
        server = listening(port, "127.0.0.1")
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        server.close()
        client.close()
        accepted.recv(1)
        me.ready(inode=inode(accepted))
        me.rest()

    return Child(body, name="e2e-forgetful")


def heirs(port, count=3):
    """Processes that inherited a listener from a parent that is gone. They end when the test does."""
    lifeline, line = os.pipe()
    lib.after(os.close, line)

    def parent(me):
        made = listening(port)
        pids = []
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                for fd in me.descriptors():
                    os.close(fd)
                os.read(0, 1)
                os._exit(0)
            pids.append(pid)
        me.ready(inode=inode(made), heirs=pids)
        me.rest()

    # A child closes all descriptors but its own and the standard ones, so the line comes as its standard input.
    saved = os.dup(0)
    os.dup2(lifeline, 0)
    os.close(lifeline)
    try:
        child = Child(parent, name="e2e-parent")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
    child.end()
    return child


def other_namespace(port, count=1):
    """A listener in a network namespace of its own, or so many, on one port after the other."""

    def body(me):
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.raise_loopback()
        made = [listening(port + i) for i in range(count)]
        me.ready(inode=inode(made[0]), netns=os.stat("/proc/self/ns/net").st_ino)
        me.rest()

    return Child(body, name="e2e-elsewhere")
