"""Running `moorage free` as a script or as a person at a terminal, and the servers that it meets."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import lib
import shapes


def state():
    """A folder for the record of acts, for this test alone."""
    return lib.temp_folder()


def free(*args, code=None, folder=None, env=None, timeout=120, **how):
    """Runs `moorage free ARGS` without a terminal."""
    env = dict(env or lib.environment(), MOORAGE_STATE_DIR=str(folder or state()))
    result = lib.run("free", *args, env=env, timeout=timeout, **how)
    assert code is None or result.code == code, f"exit code {result.code}, not {code}: {in_short(result)}"
    return result


def in_short(result):
    """The answer for a failed test: of a JSON document what came of the plan, since the whole would be cut off before that."""
    try:
        return f"{Freed(json.loads(result.raw))!r}\n{result.err[:2000]}"
    except (ValueError, KeyError, AssertionError):
        return str(result)


class Freed(dict):
    """A document of moorage.free/1 that shows what matters of it, in few lines."""

    def __repr__(self):
        lines = [f"outcome {self['outcome']}, started by {self['started_by']}, acted {self['acted']}"]
        for port in self["ports"]:
            lines.append(f"port {port['port']} bindable {port['bindable']}, freed in {port['freed_ms']} ms, was: {port['was']}")
            for cause in port["now"]["causes"] if port["now"] else []:
                pids = [holder["pid"] for holder in cause["holders"]]
                lines.append(f"  now {cause['kind']}, blocks {cause['blocks']}, pids {pids}: {cause['sentence']}")
            lines.append(f"  last bind {port['probe']}")
        for step in self["plan"]:
            lines.append(f"step {step['lever']}: {step['sentence']}: {step['result']} in {step['took_ms']} ms, "
                         f"if needed {step['if_needed']}, error {step['error']}")
            for target in step["targets"]:
                lines.append(f"  pid {target['pid']} {target['name']}: asked {target['asked']}, ended {target['ended']}, "
                             f"{target['signal']}")
        for refusal in self["refusals"]:
            lines.append(f"refused ({refusal['kind']}, {refusal['allow']}): {refusal['sentence']} -> {refusal['instead']}")
        lines += [f"note: {note}" for note in self["notes"]] + [f"warning: {warning}" for warning in self["warnings"]]
        return "\n".join(lines)


def freed(*args, code=0, **how):
    """The same with --json: the checked document."""
    result = free(*args, "--json", code=code, **how)
    document = Freed(result.json())
    for port in document["ports"]:
        assert port["now"] is None or port["bindable"] == port["now"]["bindable"], port
        if port["now"]:
            lib.check_entry(port["now"])
            lib.validate({"schema": "moorage.why/1", "host": document["host"], "time": document["time"],
                          "asked": [port["now"]]})
    if result.code == 0 and document["outcome"] in ("freed", "already-free"):
        assert all(port["bindable"] for port in document["ports"]), document
    return document


def only_step(document, lever):
    steps = [step for step in document["plan"] if not step["if_needed"]]
    assert [step["lever"] for step in steps] == [lever], steps
    return steps[0]


def pids_of(step):
    return {target["pid"] for target in step["targets"]}


def lives(pid):
    """Whether the process runs: one that waits to be buried does not."""
    return shapes.state_of(pid) not in ("", "Z", "X")


def server(port, on_term=None, uid=None, name="e2e-server", flags=("reuse",), setup=None):
    """Listens; `on_term(number, frame)` is what it does when it is asked to end, signal.SIG_IGN to ignore it."""

    def body(me):
        made = shapes.listening(port, flags=flags)
        if on_term is not None:
            signal.signal(signal.SIGTERM, on_term)
        if setup:
            setup(me, made)
        me.ready(inode=shapes.inode(made))
        while True:
            with contextlib.suppress(InterruptedError):
                me.wait()

    return shapes.Child(body, uid, name)


def program(text, *args, wait_for=None, **how):
    """Another program, as people start theirs: a Python script. Ended with the test, with all that it started. Waits until
    the port is taken."""
    script = lib.temp_folder() / "server.py"
    script.write_text(text)
    process = subprocess.Popen([sys.executable, str(script), *map(str, args)], stdin=subprocess.DEVNULL,
                               start_new_session=True, **how)
    lib.after(process.wait)
    lib.after(end_group, process.pid)
    if wait_for:
        shapes.until(lambda: lib.try_bind("0.0.0.0", wait_for) != 0)
    return process


def end_group(pid):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class Person:
    """moorage at a terminal, and who sits there."""

    def __init__(self, *args, folder=None, env=None, uid=None):
        self.shown = ""
        here, there = pty.openpty()
        env = dict(env or lib.environment(), MOORAGE_STATE_DIR=str(folder or state()), COLUMNS="100", TERM="xterm",
                   NO_COLOR="1")
        who = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        path = lib.program() if uid is None else lib.program_for_everybody()
        self.process = subprocess.Popen([path, *map(str, args)], stdin=there, stdout=there, stderr=there, env=env,
                                        start_new_session=True, preexec_fn=lambda: take_terminal(there), **who)
        os.close(there)
        self.fd = here
        lib.after(os.close, here)
        lib.after(self.process.wait)
        lib.after(end_group, self.process.pid)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            more = os.read(self.fd, 65536)
        except OSError:
            return False
        self.shown += more.decode("utf-8", "replace")
        return bool(more)

    def see(self, text, seconds=60):
        """Waits until this is shown."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} is not shown:\n{self.shown}"
            if not self.read(0.2) and self.process.poll() is not None and not self.read(0):
                raise AssertionError(f"ended ({self.process.returncode}) before {text!r} was shown:\n{self.shown}")
        return self

    def type(self, text):
        os.write(self.fd, text.encode())
        return self

    def end(self, code, seconds=60):
        """Waits for its end and gives all that was shown."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"does not end:\n{self.shown}"
            self.read(0.1)
        while self.read(0.1):
            pass
        assert self.process.returncode == code, f"exit code {self.process.returncode}, not {code}:\n{self.shown}"
        assert "Sanitizer" not in self.shown and "runtime error:" not in self.shown, self.shown
        return self.shown


def take_terminal(fd):
    import fcntl
    import termios

    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
