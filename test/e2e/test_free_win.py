#!/usr/bin/python3 -B
"""moorage.exe free, under Wine: programs are asked in the ways of Windows, and nobody else hears it.

Wine has no Ctrl-Break, and takes Ctrl-C to those alone who descend from one program: so the test's own starts moorage too.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time

import lib
from lib import test

ASKED = os.environ.get("E2E_ASKED", "")
LINES = 200
DRIVERS = "mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d"


def windows_path(path):
    return "Z:" + str(path).replace("/", "\\")


class Freed:
    def __init__(self, code, lines, file):
        self.code, self.file = code, file
        self.port, self.pid = (int(word) for word in lines[0].split())
        self.ended = lines[-1] == "ended"
        self.document = json.loads("\n".join(lines[1:-1]))
        self.outcome = self.document["outcome"]
        self.step = (self.document["plan"] or [None])[0]

    def saved(self):
        return self.file.exists() and len(self.file.read_text().splitlines()) == LINES


def free(shape, *words, runner=None, **more):
    """The server in this shape, and what moorage made of it."""
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")
    file = lib.temp_folder() / "saved"
    state = lib.temp_folder()
    env = lib.environment(MOORAGE_STATE_DIR=windows_path(state), **more)
    line = [*(runner or lib.RUNNER), ASKED, "free", shape, windows_path(file), windows_path(lib.program()), "--json",
            "--yes", "--watch", "0", *words]
    done = lib.finish(line, env=env, timeout=240)
    lines = done.stdout.decode().replace("\r", "").splitlines()
    assert len(lines) > 2, done
    freed = Freed(done.returncode, lines, file)
    freed.state = state
    return freed


@test
def a_console_program_is_asked_by_ctrl_c_and_saves_its_file():
    freed = free("saves")
    assert freed.outcome == "freed" and freed.code == 0 and freed.ended, freed.document
    target = freed.step["targets"][0]
    assert freed.step["result"] == "done" and target["signal"] == "interrupt" and target["ended"], freed.step
    assert freed.saved(), freed.file


@test
def the_act_stands_in_the_record():
    freed = free("saves")
    acts = [json.loads(line) for line in (freed.state / "acts.jsonl").read_text().splitlines()]
    assert acts and acts[-1]["result"] == "done", acts


@test
def one_that_ignores_ctrl_c_is_left_alone():
    freed = free("ignores", "--timeout", "1s")
    assert freed.outcome == "timed-out" and freed.code == 1 and not freed.ended, freed.document


@test
def one_that_ignores_ctrl_c_is_ended_hard_with_the_word_for_it():
    freed = free("ignores", "--timeout", "1s", "--kill")
    assert freed.outcome == "freed" and freed.code == 0 and freed.ended, freed.document
    assert freed.step["targets"][0]["signal"] == "kill", freed.step


@test
def with_a_bystander_on_the_console_nothing_is_pressed():
    freed = free("bystander", "--timeout", "60s")
    assert freed.outcome == "refused" and freed.code == 1 and not freed.ended, freed.document
    assert "Ctrl-C on its console would reach e2e_asked" in freed.step["error"], freed.step
    assert freed.step["took_ms"] < 50000, freed.step  # nothing is waited for that was not asked
    assert not freed.file.exists() and not pathlib.Path(f"{freed.file}.heard").exists()


@test
def with_a_bystander_the_program_alone_is_ended_hard():
    freed = free("bystander", "--kill")
    assert freed.outcome == "freed" and freed.ended, freed.document
    assert freed.step["targets"][0]["signal"] == "kill", freed.step
    assert not pathlib.Path(f"{freed.file}.heard").exists()


@test
def a_program_without_window_and_console_says_so():
    freed = free("detached")
    assert freed.outcome == "refused" and not freed.ended, freed.document
    assert "neither a window nor a console" in freed.step["error"], freed.step
    freed = free("detached", "--kill")
    assert freed.outcome == "freed" and freed.ended, freed.document


@test
def a_program_in_a_job_ends_like_any_other():
    freed = free("job")
    assert freed.outcome == "freed" and freed.ended and freed.saved(), freed.document


@test
def of_a_socket_whose_opener_has_ended_the_heir_is_asked():
    freed = free("heir")
    assert freed.outcome == "freed" and freed.ended and freed.saved(), freed.document
    assert [target["pid"] for target in freed.step["targets"]] == [freed.pid], freed.step


@test
def who_is_connected_to_the_port_is_not_touched():
    freed = free("visited")
    assert freed.outcome == "freed" and freed.ended and freed.saved(), freed.document
    assert [target["pid"] for target in freed.step["targets"]] == [freed.pid], freed.step
    left = pathlib.Path(f"{freed.file}.left")
    end = time.monotonic() + 60
    while time.monotonic() < end and not (left.exists() and len(left.read_text().splitlines()) == LINES):
        time.sleep(0.1)
    assert left.exists() and len(left.read_text().splitlines()) == LINES, left


@test
def a_client_of_the_same_number_is_not_touched():
    freed = free("client")
    assert freed.outcome == "already-free" and not freed.ended, freed.document


def control(*words):
    done = lib.finish([*lib.RUNNER, "sc", *words], env=lib.environment(), timeout=120)
    return done.stdout.decode("utf-8", "replace")


def service(name, stop_ms, *needs):
    """A service that listens, and takes this long to stop; its port."""
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")
    port = lib.new_port()
    line = f"{windows_path(ASKED)} service {name} {port} {stop_ms}"
    said = control("create", name, "binPath=", line, *(["depend=", "/".join(needs)] if needs else []))
    lib.after(control, "delete", name)
    lib.after(control, "stop", name)
    said += control("start", name)
    end = time.monotonic() + 60
    while lib.run("why", f"tcp/127.0.0.1:{port}").code != 1 and time.monotonic() < end:
        time.sleep(0.2)
    return port, said


def free_service(port, *words):
    state = lib.temp_folder()
    env = lib.environment(MOORAGE_STATE_DIR=windows_path(state))
    said = lib.run("free", f"tcp/127.0.0.1:{port}", "--yes", "--json", "--watch", "0", *words, env=env, timeout=240)
    return said, said.json(), env


def state_of(name):
    return control("query", name)


@test
def a_service_is_stopped_by_its_manager_and_undo_starts_it_again():
    port, said = service("moorage_asked", 700)
    said_free, document, env = free_service(port)
    assert said_free.code == 0 and document["outcome"] == "freed", (said, document)
    step = document["plan"][0]
    assert step["lever"] == "service" and step["result"] == "done" and step["took_ms"] >= 600, step
    assert step["undo"]["possible"], step
    back = lib.run("undo", "--yes", "--json", env=env, timeout=240)
    assert back.code == 0 and back.json()["outcome"] == "undone", str(back)
    end = time.monotonic() + 60
    while lib.run("why", f"tcp/127.0.0.1:{port}").code != 1 and time.monotonic() < end:
        time.sleep(0.2)
    assert lib.run("why", f"tcp/127.0.0.1:{port}").code == 1


@test
def a_service_that_takes_longer_than_it_may_is_told_as_that():
    port, _ = service("moorage_slow", 20000)
    said, document, _ = free_service(port, "--timeout", "1s")
    assert said.code == 1 and document["outcome"] == "timed-out", document
    assert document["plan"][0]["result"] == "timed-out", document["plan"]


PROXY = r"HKLM\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp"


def registry(*words):
    lib.finish([*lib.RUNNER, "reg", *words], env=lib.environment(), timeout=120)


def proxy_rule():
    """A rule of the port proxy, and a service by its name that listens for it; the port."""
    port, _ = service("iphlpsvc", 0)
    lib.after(registry, "delete", PROXY, "/f")
    registry("add", PROXY, "/v", f"127.0.0.1/{port}", "/t", "REG_SZ", "/d", "127.0.0.1/80", "/f")
    return port


@test
def a_rule_of_the_port_proxy_is_deleted_only_with_the_word():
    port = proxy_rule()
    said, document, _ = free_service(port)
    assert said.code == 3 and document["outcome"] == "refused", document
    assert [refusal["allow"] for refusal in document["refusals"]] == ["system"], document["refusals"]
    assert [step["lever"] for step in document["plan"]] == ["system"], document["plan"]


@test
def what_netsh_says_to_have_done_is_looked_at():
    """Wine's netsh agrees to everything and does nothing."""
    port = proxy_rule()
    said, document, _ = free_service(port, "--allow", "system")
    step = document["plan"][0]
    assert said.code == 1 and document["outcome"] == "refused" and step["result"] == "failed", document
    assert "it was said to be done, and is still there" in step["error"], step
    assert step["undo"]["command"] == (f"netsh interface portproxy add v4tov4 listenport={port} listenaddress=127.0.0.1 "
                                       "connectport=80 connectaddress=127.0.0.1"), step


@contextlib.contextmanager
def display():
    """A screen for windows, for as long as it is needed."""
    try:
        server = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x8"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
    except FileNotFoundError as missing:
        raise lib.Skip("needs Xvfb") from missing
    try:
        yield ":" + server.stdout.readline().decode().strip()
    finally:
        server.terminate()
        server.wait()


@test
def a_window_is_closed_and_its_program_saves_its_file():
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")
    assert lib.run("--version", timeout=240).code == 0
    prefix = os.environ.get("WINEPREFIX", str(pathlib.Path(lib.program()).parent / "wine"))
    with display() as screen:
        freed = free("window", runner=["wine"], DISPLAY=screen, WINEPREFIX=prefix, WINEARCH="win64", WINEDEBUG="-all",
                     WINEDLLOVERRIDES=DRIVERS)
    assert freed.outcome == "freed" and freed.ended and freed.saved(), freed.document
    assert freed.step["targets"][0]["signal"] == "end", freed.step


lib.main()
