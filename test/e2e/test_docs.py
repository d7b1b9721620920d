#!/usr/bin/python3 -B
"""The manual, --help and shell completion say the same as the program's own tables."""

import json
import re
import shutil
import subprocess

import lib
from lib import run, test

MAN = lib.ROOT / "man"
COMMANDS = ("list", "why", "free", "log", "undo", "pick", "lease", "check", "range", "run", "wait", "doctor")
# scdoc leaves empty paragraphs and names pages in lower case: not what a lint is for.
NOISE = re.compile(r"skipping paragraph macro|lower case character in document title|longer than 80 bytes")


def help_sections(*args):
    """Heading -> lines below it."""
    sections, name = {}, ""
    for line in run(*args).out.splitlines():
        if line and not line.startswith(" ") and not line.startswith("moorage"):
            name = line
        sections.setdefault(name, []).append(line)
    return sections


def option_lines(lines):
    """Names and letters that begin a line of help, as {"--json", "-j"}."""
    found = set()
    for line in lines:
        match = re.match(r"  (?:(-\w)(?:, )?|    )(--[a-z-]+)?", line)
        if match and (match[1] or match[2]):
            found |= {text for text in match.groups() if text}
    return found


def manual_options(name, heading="OPTIONS"):
    text = (MAN / f"{name}.1.scd").read_text()
    section = text.split(f"\n# {heading}\n", 1)[1].split("\n# ", 1)[0]
    found = set()
    for line in section.splitlines():
        if line.startswith("*-"):
            found |= set(re.findall(r"\*(--?[a-z-]+|-[A-Z])\*", line))
    return found


@test
def the_manual_has_the_options_of_each_command():
    for name in COMMANDS:
        said = option_lines(help_sections(name, "--help")["Options"])
        assert said, name
        assert said == manual_options(f"moorage-{name}"), (name, said ^ manual_options(f"moorage-{name}"))


@test
def the_manual_has_the_options_of_every_command():
    said = option_lines(help_sections("--help")["Options of every command"])
    written = manual_options("moorage", "OPTIONS OF EVERY COMMAND")
    assert said and said == written, said ^ written


@test
def the_manual_names_every_command_and_alias():
    text = (MAN / "moorage.1.scd").read_text()
    for line in help_sections("--help")["Commands"]:
        for name in line.split()[:1]:
            assert name == "Commands" or f"*{name}*" in text, name
    for command in COMMANDS:
        known = re.search(r"^also known as: (.*)$", run(command, "--help").out, re.M)
        for alias in known[1].split() if known else ():
            assert f"*{alias}*" in text and f"*{alias}*" in (MAN / f"moorage-{command}.1.scd").read_text(), alias


@test
def choices_in_the_manual_are_those_of_the_program():
    for command, option in (("list", "--sort"), ("why", "--bind"), ("list", "--color")):
        page = "moorage" if option == "--color" else f"moorage-{command}"
        said = run(command, option, "nonsense").err
        choices = re.search(r"must be (.*), not", said)[1].replace(" or ", ", ").split(", ")
        section = (MAN / f"{page}.1.scd").read_text().split(f"*{option}* ", 1)[1].split("\n\n", 1)[0]
        for choice in choices:
            assert f"*{choice}*" in section, (option, choice)


@test
def columns_in_the_manual_are_those_of_the_program():
    names = re.search(r"the columns are (.*)$", run("list", "-o", "nonsense").err.strip())[1].split()
    section = (MAN / "moorage-list.1.scd").read_text().split("*--columns*", 1)[1].split("\n\n", 1)[0]
    assert set(names) == set(re.findall(r"\*([a-z]+)\*", section)), names


@test
def kinds_of_causes_in_the_manual_are_those_of_the_schema():
    schema = (lib.SCHEMAS / "why.json").read_text()
    page = (MAN / "moorage-why.1.scd").read_text().split("\n# CAUSES\n", 1)[1].split("\n# ", 1)[0]
    for kind in re.findall(r"^\*([a-z-]+)\*", page, re.M) + re.findall(r", \*([a-z-]+)\*", page):
        assert f'"{kind}"' in schema, kind


@test
def what_several_schemas_define_is_the_same_in_each():
    known = {}
    for path in sorted(lib.SCHEMAS.glob("*.json")):
        if path.stem == "snapshot":
            continue
        for name, definition in json.loads(path.read_text()).get("$defs", {}).items():
            assert known.setdefault(name, definition) == definition, (path.name, name)


@test
def each_promise_of_the_readme_is_a_test():
    text = (lib.ROOT / "README.md").read_text()
    listed = text.split("Each line is the name of a test", 1)[1].split("\n## ", 1)[0]
    promises = re.findall(r"^- `(\w+)`$", listed, re.M)
    tests = "\n".join(path.read_text() for kind in ("*.c", "*.py") for path in (lib.ROOT / "test").rglob(kind))
    assert len(promises) >= 20
    for name in promises:
        assert re.search(rf"^(TEST\({name}\)|def {name}\(\):)$", tests, re.M), name


@test
def manual_pages_are_without_errors():
    scdoc, mandoc = shutil.which("scdoc"), shutil.which("mandoc")
    if not scdoc or not mandoc:
        raise lib.Skip("needs scdoc and mandoc")
    for page in sorted(MAN.glob("*.scd")):
        made = subprocess.run([scdoc], input=page.read_bytes(), capture_output=True, check=False)
        assert made.returncode == 0, f"{page.name}: {made.stderr.decode()}"
        path = lib.temp_folder() / page.stem
        path.write_bytes(made.stdout)
        linted = subprocess.run([mandoc, "-T", "lint", str(path)], capture_output=True, text=True, check=False)
        problems = [line for line in linted.stdout.splitlines() if not NOISE.search(line)]
        assert not problems, problems


def completion(shell):
    result = run("completion", shell)
    assert result.code == 0 and result.err == "", str(result)
    return result.out


@test
def completions_have_every_option():
    for shell in ("bash", "zsh", "fish"):
        script = completion(shell)
        for command in COMMANDS:
            for option in option_lines(help_sections(command, "--help")["Options"]):
                name = option.lstrip("-")
                wanted = (f"-l {name}" if option.startswith("--") else f"-s {name}") if shell == "fish" else option
                assert wanted in script, (shell, command, option)


@test
def completions_are_read_by_their_shells():
    for shell in ("bash", "zsh", "fish"):
        path = shutil.which(shell)
        if not path:
            print(f"# {shell} is not installed")
            continue
        script = lib.temp_folder() / f"moorage.{shell}"
        script.write_text(completion(shell))
        done = subprocess.run([path, "-n", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stderr == "", f"{shell}: {done.stderr}"


def complete(*words):
    """What bash offers behind these words, the last of which is being typed."""
    script = lib.temp_folder() / "moorage.bash"
    script.write_text(completion("bash"))
    quoted = " ".join(f"'{word}'" for word in ("moorage", *words))
    program = f'. {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _moorage; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "", done.stderr
    return set(done.stdout.split())


@test
def bash_completes_commands_options_and_values():
    assert complete("do") == {"doctor"}
    assert "--as-root" in complete("why", "--a") and "--all" in complete("why", "--a")
    assert complete("list", "--sort", "") == {"port", "name", "pid", "user", "since"}
    assert complete("list", "--jso") == {"--json"}
    assert "why" in complete("help", "")
    assert "--bind" in complete("8080", "--b")


@test
def every_file_of_the_manual_is_built():
    rules = (MAN / "meson.build").read_text()
    for page in MAN.glob("*.scd"):
        assert f"'{page.name.removesuffix('.1.scd')}'" in rules, page.name
    assert (lib.ROOT / "meson.build").read_text().count("subdir('man')") == 1


lib.main()
