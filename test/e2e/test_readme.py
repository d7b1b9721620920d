#!/usr/bin/env python3
"""Every sample screen of the README and the manual is what the program prints.

A sample is a ```console block behind a line `<!-- host NAME -->`: its `$ moorage ...` lines are run by moorage-fake on the
recorded host test/data/hosts/NAME.json, as on a terminal of 100 columns, without colour. `--update` writes what it prints
into the files.
"""

import os
import re
import shlex
import subprocess
import sys

import lib

FILES = [lib.ROOT / "README.md", *sorted((lib.ROOT / "docs").glob("*.md"))]
SAMPLE = re.compile(r"(<!-- host (?P<host>[\w-]+) -->\n```console\n)(?P<body>.*?)(```\n)", re.DOTALL)


def screen(host, command):
    env = lib.environment(MOORAGE_FAKE_HOST=str(lib.ROOT / "test" / "data" / "hosts" / f"{host}.json"),
                          MOORAGE_FAKE_COLUMNS="100", NO_COLOR="1")
    words = shlex.split(command)
    assert words[0] == "moorage", command
    done = subprocess.run([os.environ["MOORAGE_FAKE"], *words[1:]], capture_output=True, env=env, timeout=60, check=False)
    assert done.returncode in (0, 1), f"{command}: exit {done.returncode}: {done.stderr.decode()}"
    # Beside a command of the user's, moorage speaks on error output.
    said = done.stdout + (done.stderr if "--" in words else b"")
    return "".join(line.rstrip() + "\n" for line in said.decode().strip("\n").splitlines())


def renew(match):
    body = ""
    for command in re.findall(r"^\$ (.*)$", match["body"], re.MULTILINE):
        body += ("\n" if body else "") + f"$ {command}\n" + screen(match["host"], command)
    return match[1] + body + match[4]


def samples():
    for path in FILES:
        for match in SAMPLE.finditer(path.read_text()):
            yield path, match


@lib.test
def every_sample_screen_is_what_the_program_prints():
    found = 0
    for path, match in samples():
        found += 1
        want = renew(match)
        assert match[0] == want, f"{path.name}, host {match['host']}: run test_readme.py --update\n{want}"
    assert found >= 4, f"only {found} samples were found"


@lib.test
def every_sample_names_a_recorded_host():
    for path in FILES:
        text = path.read_text()
        # A screen without a host could not be renewed, and would rot.
        for block in re.finditer(r"```console\n\$ moorage", text):
            before = text[:block.start()].rstrip("\n").rsplit("\n", 1)[-1]
            assert before.startswith("<!-- host "), f"{path.name}: a sample without a host: {text[block.start():][:80]}"


def update():
    for path in FILES:
        text = path.read_text()
        renewed = SAMPLE.sub(renew, text)
        if renewed != text:
            path.write_text(renewed)
            print(f"renewed {path.relative_to(lib.ROOT)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        lib.main()
