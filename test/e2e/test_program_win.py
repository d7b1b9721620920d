#!/usr/bin/python3 -B
"""moorage.exe as a user of Windows runs it, under Wine: what has a port, a list, exit codes, consoles and pipes.

Wine's kernel is Linux, so which binds it refuses proves nothing of Windows; who has a socket, and what is said of it, does.
"""

import codecs
import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import lib
from lib import run, test

SERVER = os.environ.get("E2E_SERVER", "")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def need_wine():
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")


def server(shape="listen", address="127.0.0.1", port=0, path=SERVER):
    """Starts a server for Windows; its port and process id, as Windows sees them."""
    need_wine()
    child = subprocess.Popen([*lib.RUNNER, path, shape, address, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, env=lib.environment())
    lib.after(child.wait, 120)
    lib.after(child.stdin.close)
    lib.after(child.stdout.close)
    words = child.stdout.readline().split()
    assert len(words) == 2 and words[0].isdigit(), f"no server: {words}"
    return int(words[0]), int(words[1])


def linux_listener():
    made = socket.socket()
    lib.after(made.close)
    made.bind(("127.0.0.1", 0))
    made.listen(5)
    return made.getsockname()[1]


def why(question, *args, code=1):
    result = run("why", question, *args, "--json")
    assert result.code == code, str(result)
    entry = result.json()["asked"][0]  # TCP, where both were looked at
    assert entry["bindable"] == (code == 0), entry
    return entry


def only_holder(entry, pid):
    holders = [holder for cause in entry["causes"] if cause["blocks"] for holder in cause["holders"]]
    assert [holder["pid"] for holder in holders] == [pid], (holders, entry["unseen"], entry["causes"])
    return holders[0]


@test
def a_server_is_named_with_all_that_is_known_of_it():
    port, pid = server()
    entry = why(f"127.0.0.1:{port}", "--full")
    holder = only_holder(entry, pid)
    assert entry["tier"] == "windows" and entry["proved"], entry
    assert holder["name"].startswith("e2e_server"), holder
    assert holder["exe"].lower().endswith("\\e2e_server.exe"), holder
    assert holder["command"][1:] == ["listen", "127.0.0.1", "0"], holder
    assert holder["user"] and holder["started"] and holder["cwd"], holder
    said = run(f"127.0.0.1:{port}")
    assert said.code == 1 and f"is taken by e2e_server (pid {pid})" in said.out.splitlines()[0].replace(".exe", ""), said


@test
def a_program_that_is_none_of_windows_is_not_named_and_yet_the_port_is_taken():
    need_wine()
    port = linux_listener()
    entry = why(f"tcp/{port}")
    assert not any(holder for cause in entry["causes"] for holder in cause["holders"]), entry
    assert run(str(port)).out.startswith(f"Port {port} (TCP) is taken"), port


@test
def a_socket_that_is_bound_and_does_not_listen_is_found():
    port, pid = server("bound")
    entry = why(f"127.0.0.1:{port}")
    assert [cause["kind"] for cause in entry["causes"] if cause["blocks"]] == ["bound"], entry["causes"]
    only_holder(entry, pid)


@test
def a_socket_whose_opener_has_ended_is_found_with_its_heir():
    port, pid = server("ghost")
    entry = why(f"127.0.0.1:{port}")
    # Wine's table has forgotten the opener and names the heir; Windows' would name the opener, who is dead.
    only_holder(entry, pid)


@test
def udp_and_ipv6_have_owners_too():
    port, pid = server("udp")
    only_holder(why(f"udp/127.0.0.1:{port}"), pid)
    port, pid = server("listen", "::1")
    only_holder(why(f"[::1]:{port}"), pid)


@test
def a_free_port_is_free():
    need_wine()
    # One that no client is given.
    port = lib.new_port()
    entry = why(f"127.0.0.1:{port}", code=0)
    assert [probe["bind"] for probe in entry["probes"]][:1] == ["plain"], entry["probes"]
    assert run(f"127.0.0.1:{port}").code == 0


@test
def an_address_of_another_host_is_told():
    need_wine()
    entry = why("tcp/192.0.2.1:80")
    assert entry["causes"][0]["kind"] == "address", entry["causes"]
    assert {"WSAEADDRNOTAVAIL"} == {probe["result"] for probe in entry["probes"]}, entry["probes"]


@test
def the_list_has_programs_of_windows():
    port, pid = server()
    rows = [row for row in run("list", "--all", "--json").json()["rows"] if row["local"] == f"127.0.0.1:{port}"]
    assert [holder["pid"] for row in rows for holder in row["holders"]] == [pid], rows
    assert str(port) in run("list", "e2e_server").out
    assert run("e2e_server").code == 0 and run("list", "no-such-program").code == 1


@test
def exit_codes_are_those_of_the_contract():
    port, _ = server()
    for words, code in [(["why", f"127.0.0.1:{port}"], 1), (["why", "70000"], 2), (["0"], 2), (["list", "--no-such"], 2),
                        ([f"127.0.0.1:{port}", "--exit-zero"], 0), (["--version"], 0), (["why"], 2)]:
        said = run(*words)
        assert said.code == code, (words, str(said))
        assert code != 2 or said.err.startswith("moorage: "), str(said)


@test
def words_with_stars_blanks_and_umlauts_arrive():
    need_wine()
    folder = lib.temp_folder()
    (folder / "80").touch()
    said = lib.finish([*lib.RUNNER, lib.program(), "*:27321"], cwd=folder, env=lib.environment(), timeout=120)
    assert said.returncode in (0, 1) and b"27321" in said.stdout, said
    said = run("grün und blau")
    assert said.code in (1, 2) and "grün" in said.out + said.err, str(said)


@test
def what_another_program_printed_is_read_from_standard_input():
    port, pid = server()
    text = f"Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}\r\n"
    for data in (text.encode(), codecs.BOM_UTF16_LE + text.encode("utf-16-le")):
        said = run("-", stdin=data)
        assert said.code == 1 and f"(pid {pid})" in said.out, str(said)


@test
def programs_with_other_letters_in_their_names_are_shown():
    copy = shutil.copy(SERVER, lib.temp_folder() / "größer 港.exe") if lib.RUNNER else SERVER
    port, pid = server(path=copy)
    holder = only_holder(why(f"127.0.0.1:{port}"), pid)
    assert holder["exe"].endswith("größer 港.exe"), holder
    assert "größer 港" in run(f"127.0.0.1:{port}").out


@test
def doctor_tells_what_can_be_seen():
    need_wine()
    document = run("doctor", "--json").json()
    assert document["platform"] == "windows" and "Wine" in document["system"], document
    assert [entry["name"] for entry in document["abilities"]][:2] == ["sockets", "holders"], document["abilities"]
    assert run("doctor").code in (0, 1)


@test
def a_recording_gives_the_same_answer_again_on_both_systems():
    port, pid = server()
    question = f"127.0.0.1:{port}"
    recording = lib.temp_folder() / "host.json"
    said = run("doctor", "--record", recording, "--full")
    assert said.code in (0, 1) and recording.exists(), str(said)
    first = why(question, "--full")
    fakes = [([*lib.RUNNER], os.environ["MOORAGE_FAKE"])]
    linux = lib.ROOT / "build" / "moorage-fake"
    if os.access(linux, os.X_OK):
        fakes.append(([], str(linux)))
    for wrap, fake in fakes:
        again = run("why", question, "--json", "--full", path=fake, wrap=wrap,
                    env=lib.environment(MOORAGE_FAKE_HOST=str(recording)))
        assert again.code == 1, str(again)
        entry = again.json()["asked"][0]
        assert only_holder(entry, pid)["command"] == only_holder(first, pid)["command"]
        assert [cause["sentence"] for cause in entry["causes"]] == [cause["sentence"] for cause in first["causes"]]


# ---- consoles ----


def on_console(*args, typed=(), timeout=120):
    """What is seen on a console on which moorage.exe is alone, and its exit code. `typed`: (text to wait for, answer)."""
    need_wine()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(lib.RUNNER[0], [*lib.RUNNER, lib.program(), *args], lib.environment(TERM="xterm"))
    lib.after(os.close, terminal)
    mode = termios.tcgetattr(terminal)
    mode[0] &= ~termios.ICRNL
    mode[3] &= ~(termios.ECHO | termios.ICANON)  # Ctrl-C stays a signal, which Wine turns into a console's event
    termios.tcsetattr(terminal, termios.TCSANOW, mode)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    typed, seen, looked = list(typed), "", 0
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            seen += decode(data)
        plain = ESCAPES.sub("", seen)
        if typed and typed[0][0] in plain[looked:]:
            looked = len(plain)
            os.write(terminal, typed.pop(0)[1].encode())
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise AssertionError(f"no end within {timeout} s: {seen!r}")
    return seen, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@test
def alone_on_its_console_it_asks_on_instead_of_vanishing():
    port, pid = server()
    seen, code = on_console(typed=[("Which port? (Enter closes)", f"127.0.0.1:{port}\r"), ("from above?", "\r")])
    plain = ESCAPES.sub("", seen)
    assert plain.lstrip().startswith("PORT") and f"(pid {pid})" in plain and code == 1, seen


@test
def a_console_gets_colour_and_a_pipe_does_not():
    port, _ = server()
    seen, code = on_console("why", f"127.0.0.1:{port}")
    assert code == 1 and "\x1b[1m" in seen, seen
    said = run("why", f"127.0.0.1:{port}")
    assert "\x1b" not in said.out and b"\r" not in said.raw, said.raw


@test
def letters_of_the_world_come_out_whole_on_a_console():
    copy = shutil.copy(SERVER, lib.temp_folder() / "größer.exe") if lib.RUNNER else SERVER
    port, _ = server(path=copy)
    seen, _ = on_console("why", f"127.0.0.1:{port}")
    assert "größer" in ESCAPES.sub("", seen), seen


@test
def ctrl_c_ends_it_with_a_clean_screen():
    port, _ = server()
    seen, code = on_console("list", "--watch", "1", "--all", typed=[(str(port), "\x03")])
    assert code == 130, (code, seen)
    assert "\x1b[0m\x1b[?25h" in seen[-60:], seen[-200:]
    seen, code = on_console(typed=[("Which port?", "\x03")])
    assert code == 130, (code, seen)


@test
def a_reader_that_leaves_changes_no_answer():
    port, _ = server()
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(subprocess.Popen([*lib.RUNNER, lib.program(), f"127.0.0.1:{port}"],
                                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                     stderr=subprocess.PIPE, env=lib.environment()))
        child.stdout.close()
        assert child.stderr.read() == b"" and child.wait(120) == 1


lib.main()
