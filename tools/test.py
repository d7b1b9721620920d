#!/usr/bin/python3
"""Builds moorage with sanitizers in build-debug, runs all tests, and counts the single ones.

    tools/test.py [--build FOLDER] [--setup OPTION]... [NAME]...
    tools/test.py --windows [NAME]...       the same of the build for Windows, under Wine

Says which tests failed, with their output, and which were skipped and why. The last line is `N passed, N failed`.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZED = ["--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined"]
TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#]*?)\s*(?:#\s*(skip\S*|todo)\s*(.*))?$", re.IGNORECASE)
MESON = "/usr/bin/meson" if os.access("/usr/bin/meson", os.X_OK) else "meson"


class Count:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []
        self.problems = []

    def add(self, program):
        """Adds one program's TAP. A program that ends badly although no test of it failed is a failure itself."""
        output = program.get("stdout", "")
        failed_here = 0
        planned = re.search(r"^1\.\.(\d+)", output, re.MULTILINE)
        seen = 0
        for line in output.splitlines():
            row = TAP_LINE.match(line)
            if not row:
                continue
            seen += 1
            if row[1] and (row[3] or "").lower() != "todo":
                failed_here += 1
            elif (row[3] or "").lower().startswith("skip"):
                self.skipped.append((program["name"], row[2], row[4]))
            else:
                self.passed += 1
        complete = planned and int(planned[1]) == seen and seen > 0
        whole_skipped = planned and planned[1] == "0" and program["result"] == "SKIP"
        if whole_skipped:
            self.skipped.append((program["name"], "all", output.partition("#")[2].strip()))
        elif failed_here == 0 and (program["result"] not in ("OK", "SKIP") or not complete):
            failed_here = 1
        self.failed += failed_here
        if failed_here:
            self.problems.append(program)

    def line(self):
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def call(*command):
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def build(folder, options, windows):
    """Configures and builds; what Meson and Ninja say is shown only when they fail."""
    if windows:
        return call("tools/windows.sh", "--folder", folder) == 0
    if (ROOT / folder / "build.ninja").exists():
        # The lists of sources are read when configuring, so that new files come in.
        steps = [[MESON, "setup", "--reconfigure", folder]]
    else:
        shutil.rmtree(ROOT / folder, ignore_errors=True)
        steps = [[MESON, "setup", folder, *options]]
    for step in steps + [["ninja", "-C", folder, "all", "meson-test-prereq"]]:
        done = subprocess.run(step, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.stdout.write(done.stdout.decode("utf-8", "replace"))
            return False
    return True


def show(program):
    print(f"\n--- {program['name']} ({program['result']}) ---")
    for stream in ("stdout", "stderr"):
        lines = program.get(stream, "").splitlines()
        if stream == "stdout":
            lines = [line for line in lines if not re.match(r"ok\b", line)]
        if len(lines) > 400:
            lines = lines[:200] + [f"... {len(lines) - 400} lines ..."] + lines[-200:]
        print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", action="store_true")
    parser.add_argument("--build")
    parser.add_argument("--setup", action="append", default=[])
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    folder = asked.build or ("build-windows" if asked.windows else "build-debug")
    if not build(folder, asked.setup or SANITIZED, asked.windows):
        print("0 passed, 1 failed")
        return 1
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    call(MESON, "test", "-C", folder, "--no-rebuild", *asked.names)
    if asked.windows:
        call("tools/wine.sh", "--stop")
    count = Count()
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            count.add(json.loads(line))
    for name, test, why in count.skipped:
        print(f"skipped: {name}: {test}: {why}")
    for program in count.problems:
        show(program)
    if count.passed + count.failed == 0:
        count.failed = 1
    print(count.line(), flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
