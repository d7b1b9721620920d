"""Tests tools/untested.py on the list that it reads, and the list itself."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import untested  # noqa: E402 (the path comes first)
from tap import expect, main, test  # noqa: E402

SAMPLE = """# Title

| a | b | c | d |
|---|---|---|---|
| other system | x | `moorage 1` | `one` |

## Windows

Words.

| what | why not here | run this | should print |
|---|---|---|---|
| pipes | none | `echo 1 \\| moorage -` then `moorage 2` | `taken` and `two words` |
| by people | none | by hand: double-click it | a question |

## More
| x | y | `z` | `w` |
"""


@test
def rows_of_windows_are_read(_):
    rows = list(untested.rows(SAMPLE))
    expect(rows == [("pipes", "echo 1 | moorage -; moorage 2", ["taken", "two words"]), ("by people", None, [])], rows)


@test
def each_row_of_the_list_can_be_run_and_judged(_):
    rows = list(untested.rows(untested.LIST.read_text(encoding="utf-8")))
    expect(rows, "nothing is listed for Windows")
    for what, command, fragments in rows:
        expect(command is None or ("moorage" in command and fragments), f"{what}: {command} should print {fragments}")


main()
