#!/usr/bin/env python3
"""Writes the system's own package sources again as sources of source code: source_lists.py FROM TO.

FROM is /etc/apt, which is only read; TO is an empty folder for Dir::Etc::sourceparts. Only the distribution's own suites are
taken (their names begin with its code name), unless there is none: others need not be asked.
"""
import pathlib
import re
import sys


def code_name(path="/etc/os-release"):
    try:
        found = re.search(r'^VERSION_CODENAME="?(\w+)', pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else ""


def stanzas(text):
    """The stanzas of a deb822 file (.sources), without comments."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [stanza for stanza in re.split(r"\n\s*\n", "\n".join(lines)) if stanza.strip()]


def field(stanza, name):
    found = re.search(rf"^{name}:[ \t]*((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE | re.IGNORECASE)
    return found[1].split() if found else []


def from_sources(text):
    """(suites, entry) for each stanza that is in use."""
    for stanza in stanzas(text):
        if field(stanza, "Types") and field(stanza, "Enabled") != ["no"]:
            entry = re.sub(r"^Types:.*", "Types: deb-src", stanza.strip(), flags=re.MULTILINE | re.IGNORECASE)
            yield field(stanza, "Suites"), entry + "\n\n"


def from_list(text):
    """(suites, entry) for each line of the older form (.list): type, [options], address, suite, components."""
    for line in text.splitlines():
        found = re.match(r"\s*deb(?:-src)?\s+((?:\[[^\]]*\]\s+)?\S+\s+(\S+).*?)\s*(?:#.*)?$", line)
        if found:
            yield [found[2]], f"deb-src {found[1]}\n"


def read(folder):
    """All entries as (ending, suites, entry). apt reads these endings and no others."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        reader = {".list": from_list, ".sources": from_sources}.get(file.suffix)
        if reader and file.is_file():
            for suites, entry in reader(file.read_text(encoding="utf-8", errors="replace")):
                yield file.suffix, suites, entry


def main(source, target, name):
    entries = list(read(pathlib.Path(source)))
    own = [row for row in entries if name and any(suite.startswith(name) for suite in row[1])]
    written = {}
    for ending, _, entry in own or entries:
        if entry not in written.setdefault(ending, []):
            written[ending].append(entry)
    for ending, rows in written.items():
        (pathlib.Path(target) / f"moorage{ending}").write_text("".join(rows), encoding="utf-8")
    return 0 if written else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], code_name()))
