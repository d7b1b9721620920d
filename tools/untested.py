#!/usr/bin/env python3
"""Runs on a real Windows what docs/untested.md lists for it: untested.py MOORAGE.EXE [WORD]...

Each row of the table under "## Windows" has commands for PowerShell and what they should print. Those are run where they can
be (a row that begins with "by hand:" is not), and each `fragment` of what should be printed is looked for in the answer.
With words, only rows that have one of them. Prints TAP. Meant for a machine that is thrown away: some rows change settings.
"""
import pathlib
import re
import subprocess
import sys

LIST = pathlib.Path(__file__).resolve().parent.parent / "docs" / "untested.md"
CODE = re.compile(r"`` (.+?) ``|`([^`]+)`")


def cells(line):
    """The cells of a row; "\\|" is no border."""
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [part.strip().replace("\\|", "|") for part in parts]


def codes(text):
    return [found[0] or found[1] for found in CODE.findall(text)]


def rows(text):
    """(what, command or None, fragments) for each row of the Windows table."""
    section = text.partition("\n## Windows\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    for line in table[2:]:
        what, _, run, prints = cells(line)
        by_hand = run.startswith("by hand:")
        yield what, None if by_hand else "; ".join(codes(run)), codes(prints)


def ask(program, command):
    """What the command prints, in a PowerShell in which "moorage" is the program."""
    script = f"Set-Alias moorage '{program}'; [Console]::OutputEncoding = [Text.Encoding]::UTF8; {command}"
    try:
        done = subprocess.run(["powershell", "-NoProfile", "-NonInteractive", "-Command", script], timeout=120, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode("utf-8", "replace") + "\n(no end within 120 s)"
    return done.stdout.decode("utf-8", "replace")


def main(program, *words):
    chosen = [row for row in rows(LIST.read_text(encoding="utf-8")) if not words or any(word in row[0] for word in words)]
    failed = 0
    print(f"1..{len(chosen)}")
    for number, (what, command, fragments) in enumerate(chosen, 1):
        if command is None:
            print(f"ok {number} {what} # SKIP by hand")
            continue
        said = ask(pathlib.Path(program).resolve(), command)
        # The answer is folded to the width of a terminal, so that blanks and line ends are the same.
        plain = " ".join(said.split())
        lost = [fragment for fragment in fragments if " ".join(fragment.split()) not in plain]
        failed += bool(lost)
        print(f"# > {command}")
        print("".join(f"# {line}\n" for line in said.splitlines()), end="")
        if lost:
            print(f"# not printed: {lost}")
        print(f"{'not ok' if lost else 'ok'} {number} {what}", flush=True)
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
