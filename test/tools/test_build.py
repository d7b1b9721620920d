"""Tests the build's own promises: the front door's exit codes, and that no platform may lack a file."""
import os
import pathlib
import shutil
import subprocess

from tap import expect, main, test

ROOT = pathlib.Path(__file__).resolve().parents[2]
MESON = "/usr/bin/meson" if os.access("/usr/bin/meson", os.X_OK) else "meson"


def script(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def make(folder, goal, *words, ninja="exit 0", moorage="exit 0"):
    """Runs the Makefile where the tools it calls only seem to work."""
    root = pathlib.Path(folder)
    shutil.copy(ROOT / "Makefile", root)
    for name in ["setup.sh", "sources.sh"]:
        script(root / "tools" / name, "exit 0")
    script(root / "bin/ninja", ninja)
    script(root / "build/moorage", moorage)
    environment = {**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}"}
    for name in ["MAKEFLAGS", "MAKELEVEL", "PORT", "ARGS"]:
        environment.pop(name, None)
    done = subprocess.run(["make", "-C", folder, "--no-print-directory", "MESON=true", goal, *words], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
    return done.returncode, done.stdout.decode()


@test
def make_run_prints_the_answer(folder):
    code, said = make(folder, "run", "PORT=8080", "ARGS=--json", moorage='echo "asked $*"')
    expect((code, said) == (0, "asked 8080 --json\n"), (code, said))


@test
def make_run_ends_well_when_the_port_is_taken(folder):
    code, said = make(folder, "run", "PORT=8080", moorage="echo taken; exit 1")
    expect((code, said) == (0, "taken\n"), (code, said))


@test
def make_run_fails_when_there_is_no_answer(folder):
    for bad in (2, 3, 99, 139):
        code, _ = make(folder, "run", "PORT=x", moorage=f"exit {bad}")
        expect(code == 2, code)


@test
def a_broken_build_is_shown_and_not_run(folder):
    code, said = make(folder, "run", "PORT=1", ninja="echo no compiler; exit 1", moorage="echo old program")
    expect(code == 2 and "no compiler" in said and "old program" not in said, said)


@test
def whoever_wants_the_program_waits_for_no_test_to_be_built(folder):
    make(folder, "run", "PORT=8080", ninja='echo "$*"')
    said = (pathlib.Path(folder) / "build/ninja.log").read_text()
    expect(said == "-C build product\n", said)


@test
def installing_says_where_and_not_how(folder):
    code, said = make(folder, "install", f"PREFIX={folder}/x", ninja="echo noise")
    expect((code, said) == (0, f"Installed moorage under {folder}/x\n"), (code, said))


@test
def configuring_fails_when_a_platform_lacks_a_file(folder):
    tree = pathlib.Path(folder, "tree")
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build*", ".git", "deps", "data"))
    shutil.copytree(ROOT / "data", tree / "data")
    (tree / "deps").symlink_to(ROOT / "deps")
    for gone in ["clock_linux.c", "process_fake.c"]:
        place = tree / "src/sys" / gone
        place.rename(tree / gone)
        done = subprocess.run([MESON, "setup", tree / "build", tree], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        said = done.stdout.decode()
        expect(done.returncode != 0 and f"has no src/sys/{gone}" in said, said[-2000:])
        shutil.rmtree(tree / "build", ignore_errors=True)
        (tree / gone).rename(place)


main()
