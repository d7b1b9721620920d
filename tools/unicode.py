#!/usr/bin/env python3
"""Makes src/base/utf8_ranges.c from the Unicode Character Database (Debian: unicode-data). Run by hand for a new version.

    tools/unicode.py [/usr/share/unicode]
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode")
target = pathlib.Path(__file__).resolve().parent.parent / "src/base/utf8_ranges.c"


def read(name, keep):
    """The code points of the rows in the file `name` whose property `keep` accepts."""
    found = set()
    for line in (source / name).read_text(encoding="utf-8").splitlines():
        row = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if row and keep(row[3]):
            found.update(range(int(row[1], 16), int(row[2] or row[1], 16) + 1))
    return found


def ranges(points, joins=frozenset()):
    """Sorted ranges; what lies between two of them may be covered too if all of it is in `joins`."""
    rows = []
    for point in sorted(points):
        if rows and all(gap in joins for gap in range(rows[-1][1] + 1, point)):
            rows[-1][1] = point
        else:
            rows.append([point, point])
    return rows


def table(name, rows):
    cells = [f"{{0x{first:04x}, 0x{last:04x}}}" for first, last in rows]
    lines = [", ".join(cells[i:i + 6]) for i in range(0, len(cells), 6)]
    return (f"const struct utf8_range {name}[] = {{\n    " + ",\n    ".join(lines) + ",\n};\n"
            f"const size_t {name}_count = sizeof {name} / sizeof *{name};\n")


version = re.search(r"-([0-9.]+)\.txt", (source / "EastAsianWidth.txt").read_text(encoding="utf-8"))[1]
assigned = read("extracted/DerivedGeneralCategory.txt", lambda kind: kind != "Cn")
unassigned = set(range(0x110000)) - assigned
invisible = read("DerivedCoreProperties.txt", lambda kind: kind == "Default_Ignorable_Code_Point")
# Line and paragraph separators, interlinear annotation and Egyptian format controls draw nothing either; noncharacters
# may not be exchanged at all.
invisible |= read("extracted/DerivedGeneralCategory.txt", lambda kind: kind in ("Zl", "Zp"))
invisible |= set(range(0xFFF9, 0xFFFC)) | set(range(0x13430, 0x13440)) | set(range(0xFDD0, 0xFDF0))
invisible |= {plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)}
zero = read("extracted/DerivedGeneralCategory.txt", lambda kind: kind in ("Mn", "Me"))
# Vowels and final consonants of Hangul join the syllable before them.
zero |= set(range(0x1160, 0x1200)) | set(range(0xD7B0, 0xD800))
wide = read("EastAsianWidth.txt", lambda kind: kind in ("W", "F")) - zero

target.write_text(f"""// Made by tools/unicode.py from Unicode {version}.

#include "base/utf8_ranges.h"

""" + "\n".join([table("utf8_zero", ranges(zero | invisible, unassigned - wide)),
                 table("utf8_wide", ranges(wide - invisible, unassigned)),
                 table("utf8_invisible", ranges(invisible))]), encoding="ascii")
