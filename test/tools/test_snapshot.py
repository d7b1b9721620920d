#!/usr/bin/env python3
"""moorage.snapshot/1 has every member of the model (src/decode/host.h), its schema names them all, and the recorded hosts
fit the schema. A member that was added to one of the three and forgotten in another is found here."""

import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Members that stand in the document as part of another one.
TOLD_BY_ANOTHER = {"local_port", "remote_port", "uid_known", "started_known", "command_known", "session_known"}
# Structs whose definition in the schema has another name.
RENAMED = {"socket_row": "socket", "published_port": "published", "port_range": "range", "netns": "namespace",
           "raw_bytes": "raw"}


def model():
    """The members of each struct of the model: {"process": {"pid", ...}}."""
    text = re.sub(r"//[^\n]*", "", (ROOT / "src/decode/host.h").read_text())
    structs = {}
    parts = {}  # structs that lie within another one: {"supervisor_entry": {("process", "entry")}}
    for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", text, re.M | re.S):
        body = re.sub(r"struct \{[^}]*\}", "list", match[2])
        structs[match[1]] = set(re.findall(r"(\w+)\s*;", body))
        for part, member in re.findall(r"struct (supervisor_entry) (\w+);", body):
            parts.setdefault(part, set()).add((match[1], member))
    for part, places in parts.items():
        members = structs.pop(part)
        for struct, member in places:
            structs[struct] = structs[struct] - {member} | {f"{member}.{name}" for name in members}
    del structs["fact"]
    return structs


def table():
    """What snapshot_shape.c has: {"process": {"pid": "pid", ...}}, member and key."""
    text = (ROOT / "src/decode/snapshot_shape.c").read_text()
    text = text[text.index("static const struct field "):]
    found = {}
    named = re.compile(r'FIELD(?:_TWO|_NAMED|_MANY)?\("(\w+)",\s*[\w&]+,\s*(\w+),\s*([\w.]+)')
    for key, struct, member in named.findall(text):
        found.setdefault(struct, {})[member] = key
    return found


def members_are_written():
    have = table()
    return [f"struct {struct}: {member} is in no table of snapshot_shape.c" for struct, members in model().items()
            for member in sorted(members - TOLD_BY_ANOTHER - set(have.get(struct, {})))]


def keys_are_in_the_schema():
    defs = schema()["$defs"]
    problems = []
    for struct, members in table().items():
        known = set(defs[RENAMED.get(struct, struct)]["properties"]) - {"unknown", "command_raw"}
        problems += [f"{struct}: {key} is not in the schema" for key in sorted(set(members.values()) - known)]
        problems += [f"{struct}: {key} is only in the schema" for key in sorted(known - set(members.values()))]
    return problems


def strict(node):
    """The schema with every unknown member refused: a typing error in a recorded host must not pass as an addition."""
    if isinstance(node, dict):
        closed = {key: strict(value) for key, value in node.items()}
        if closed.get("type") == "object" and "additionalProperties" not in closed and "allOf" not in closed:
            closed["additionalProperties"] = False
            closed["patternProperties"] = {"_raw$": True, "^(schema|script)$": True}
        return closed
    return [strict(item) for item in node] if isinstance(node, list) else node


def schema():
    return json.loads((ROOT / "man/schema/snapshot.json").read_text())


def hosts_fit_the_schema():
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(strict(schema()))
    problems = []
    for path in sorted((ROOT / "test/data/hosts").glob("*.json")):
        problem = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(path.read_text())))
        if problem:
            problems.append(f"{path.name}: {problem.json_path}: {problem.message}")
    return problems


CHECKS = [members_are_written, keys_are_in_the_schema, hosts_fit_the_schema]

print(f"1..{len(CHECKS)}")
FAILED = 0
for number, check in enumerate(CHECKS, 1):
    found = check()
    for line in found:
        print(f"# {line}")
    print(f"{'not ok' if found else 'ok'} {number} {check.__name__}")
    FAILED += bool(found)
sys.exit(1 if FAILED else 0)
