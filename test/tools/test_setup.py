"""Tests tools/setup.sh and what it calls, with programs that only note how they were called."""
import os
import pathlib
import pty
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import source_lists  # noqa: E402 (the path comes first)
from tap import expect, main, test  # noqa: E402

PLAIN = ["sh", "dirname", "mktemp", "mkdir", "rm", "mv", "cat", "sed", "grep", "chmod", "env", "ls"]
BUILD = ["cc", "clang", "make", "meson", "ninja", "python3", "dpkg-source"]


class Machine:
    """A folder with the tools, and a PATH that holds nothing but what is put into it."""

    def __init__(self, folder, has=(), user=0):
        self.root = pathlib.Path(folder)
        self.bin = self.root / "bin"
        self.log = self.root / "log"
        self.bin.mkdir()
        (self.root / "tools").mkdir()
        for name in ["setup.sh", "source_lists.py"]:
            shutil.copy(ROOT / "tools" / name, self.root / "tools" / name)
        for name in PLAIN:
            (self.bin / name).symlink_to(shutil.which(name))
        for name in has:
            self.add(name)
        self.add("id", f"echo {user}")

    def add(self, name, body="exit 0"):
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.log}"\n{body}\n')
        path.chmod(0o755)

    def add_cjson(self):
        (self.root / "deps/cjson").mkdir(parents=True)
        (self.root / "deps/cjson/cJSON.c").touch()

    def add_apt(self):
        """An apt-get that brings cJSON's source, and whatever program a package is named after."""
        self.add("apt-get", 'case "$*" in *"source cjson") mkdir cjson-1; echo >cjson-1/cJSON.c; echo >cjson-1/cJSON.h;; esac')

    def setup(self, level="build", terminal=None, **variables):
        """Runs it; with `terminal` on one, where that is typed."""
        environment = {"PATH": str(self.bin), "HOME": str(self.root), **variables}
        command = ["/bin/sh", str(self.root / "tools/setup.sh"), level]
        if terminal is None:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False, timeout=60)
            return done.returncode, done.stdout.decode()
        ours, theirs = pty.openpty()
        with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                              start_new_session=True) as child:
            os.close(theirs)
            os.write(ours, terminal.encode())
            said = b""
            while True:
                try:
                    piece = os.read(ours, 4096)
                except OSError:
                    break
                if not piece:
                    break
                said += piece
        os.close(ours)
        return child.returncode, said.decode()

    def calls(self):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if not line.startswith("id ")]


@test
def nothing_is_done_when_all_is_there(folder):
    machine = Machine(folder, has=BUILD)
    machine.add_cjson()
    code, said = machine.setup()
    expect((code, said, machine.calls()) == (0, "", []), (code, said, machine.calls()))


@test
def the_line_is_printed_before_it_is_run(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "ninja"])
    machine.add_cjson()
    machine.add_apt()
    code, said = machine.setup()
    expect(code == 0, said)
    expect("  apt-get update && apt-get install -y --no-install-recommends ninja-build\n" in said, said)
    expect(machine.calls() == ["apt-get update -q", "apt-get install -q -y --no-install-recommends ninja-build"],
           machine.calls())


@test
def a_user_installs_through_sudo(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "meson"], user=1000)
    machine.add_cjson()
    machine.add_apt()
    machine.add("sudo", 'exec "$@"')
    code, said = machine.setup(CI="true")
    expect(code == 0, said)
    expect("  sudo apt-get update && sudo apt-get install -y --no-install-recommends meson\n" in said, said)
    expect("sudo apt-get update -q" in machine.calls(), machine.calls())


@test
def a_user_without_sudo_is_told_so(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "meson"], user=1000)
    machine.add_cjson()
    machine.add_apt()
    code, said = machine.setup(CI="true")
    expect(code == 1 and "no sudo here" in said and machine.calls() == [], said)


@test
def on_a_terminal_a_user_is_asked_and_may_refuse(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "meson"], user=1000)
    machine.add_cjson()
    machine.add_apt()
    machine.add("sudo", 'exec "$@"')
    code, said = machine.setup(terminal="n\n")
    expect(code == 1 and "[Y/n]" in said and "Nothing was installed" in said and machine.calls() == [], said)


@test
def on_a_terminal_a_line_end_means_yes(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "meson"], user=1000)
    machine.add_cjson()
    machine.add_apt()
    machine.add("sudo", 'exec "$@"')
    code, said = machine.setup(terminal="\n")
    expect(code == 0 and "[Y/n]" in said and len(machine.calls()) > 0, said)


@test
def with_ci_set_nobody_is_asked_even_on_a_terminal(folder):
    machine = Machine(folder, has=[name for name in BUILD if name != "meson"], user=1000)
    machine.add_cjson()
    machine.add_apt()
    machine.add("sudo", 'exec "$@"')
    code, said = machine.setup(terminal="", CI="1")
    expect(code == 0 and "[Y/n]" not in said, said)


@test
def elsewhere_missing_packages_are_named(folder):
    machine = Machine(folder, has=["make", "python3"])
    code, said = machine.setup()
    expect(code == 1, said)
    for name in ["gcc", "meson", "ninja-build"]:
        expect(name in said, said)


@test
def building_for_windows_takes_less_than_running_it(folder):
    machine = Machine(folder, has=BUILD)
    machine.add_cjson()
    _, cross = machine.setup(level="cross")
    _, windows = machine.setup(level="windows")
    for name in ["gcc-mingw-w64-x86-64-win32", "binutils-mingw-w64-x86-64"]:
        expect(name in cross and name in windows, (cross, windows))
    expect("wine" not in cross.replace("mingw", "") and " wine " in windows, (cross, windows))


@test
def benchmarks_take_what_is_compared_with(folder):
    machine = Machine(folder, has=BUILD)
    machine.add_cjson()
    code, said = machine.setup(level="bench")
    expect(code == 1 and "nodejs" in said and "npm" in said, said)
    for name in ["node", "npm", "ss", "lsof", "fuser", "netstat", "strace", "gnuplot"]:
        machine.add(name)
    expect(machine.setup(level="bench")[0] == 0, machine.calls())


@test
def the_source_of_cjson_is_fetched_without_touching_etc(folder):
    machine = Machine(folder, has=BUILD)
    machine.add("python3", f'exec {sys.executable} "$@"')
    machine.add_apt()
    code, said = machine.setup()
    if code and "No package sources" in said:
        return "this system has no package sources"
    expect(code == 0 and (machine.root / "deps/cjson/cJSON.c").exists(), said)
    for call in machine.calls():
        if call.startswith("apt-get"):
            expect("Dir::Etc::sourcelist=/dev/null" in call and "Dir::State::lists=/tmp" in call, call)
    return None


@test
def an_unknown_level_is_wrong_usage(folder):
    code, said = Machine(folder).setup(level="all")
    expect(code == 2 and said.startswith("usage:"), said)


@test
def both_forms_of_package_sources_are_read(folder):
    etc = pathlib.Path(folder, "apt")
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list").write_text("# deb http://a.example x main\n"
                                      "deb [arch=amd64 signed-by=/k.gpg] http://a.example noble main universe # note\n"
                                      "deb-src http://a.example noble main\n"
                                      "deb http://a.example noble main\n")
    (etc / "sources.list.d/own.sources").write_text("# The system's own\nTypes: deb\nURIs: http://b.example\n"
                                                    "Suites: noble noble-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n"
                                                    " x\n\n\nEnabled: no\nTypes: deb\nURIs: http://c.example\nSuites: noble\n")
    (etc / "sources.list.d/other.list").write_text("deb http://d.example stable main\n")
    (etc / "sources.list.d/old.list.save").write_text("deb http://e.example noble main\n")
    out = pathlib.Path(folder, "out")
    out.mkdir()
    expect(source_lists.main(etc, out, "noble") == 0, "no sources")
    expect((out / "moorage.list").read_text() == "deb-src [arch=amd64 signed-by=/k.gpg] http://a.example noble main universe\n"
           "deb-src http://a.example noble main\n", (out / "moorage.list").read_text())
    expect((out / "moorage.sources").read_text() == "Types: deb-src\nURIs: http://b.example\nSuites: noble noble-updates\n"
           "Components: main\nSigned-By:\n -----BEGIN\n .\n x\n\n", (out / "moorage.sources").read_text())


@test
def without_a_suite_of_its_own_all_sources_are_taken(folder):
    etc = pathlib.Path(folder, "apt")
    etc.mkdir()
    (etc / "sources.list").write_text("deb http://d.example stable main\n")
    out = pathlib.Path(folder, "out")
    out.mkdir()
    expect(source_lists.main(etc, out, "noble") == 0, "no sources")
    expect((out / "moorage.list").read_text() == "deb-src http://d.example stable main\n", "not taken")


@test
def no_sources_at_all_are_said(folder):
    expect(source_lists.main(pathlib.Path(folder, "none"), folder, "noble") == 1, "should fail")


main()
