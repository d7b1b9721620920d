#!/usr/bin/python3 -B
"""A program that was started by double click asks on instead of vanishing; and --elevate. On the recorded hosts."""

import os

import lib
from lib import test

HOSTS = lib.ROOT / "test" / "data" / "hosts"


def fake(*args, host="listener", **env):
    path = os.environ.get("MOORAGE_FAKE") or lib.ROOT / "build" / "moorage-fake"
    return lib.run(*args, path=str(path), env=lib.environment(MOORAGE_FAKE_HOST=str(HOSTS / f"{host}.json"), **env))


@test
def double_clicked_it_lists_then_answers_until_an_empty_line():
    said = fake(MOORAGE_FAKE_OWN_CONSOLE="1", MOORAGE_FAKE_ANSWERS="3000|moorage 4000|4000 --no-such||4")
    parts = said.out.split("(Enter closes) ")
    assert len(parts) == 5, said.out
    assert parts[0].startswith("PORT") and parts[0].endswith("\nWhich port? "), parts[0]
    assert parts[1].startswith("\nPort 3000 (TCP) is taken") and "a command from above" in parts[1], parts[1]
    assert parts[2].startswith("\nPort 4000 (TCP) is free"), parts[2]
    assert parts[4] == "" and said.code == 2, said


@test
def with_words_on_its_line_it_does_not_ask():
    said = fake("3000", MOORAGE_FAKE_OWN_CONSOLE="1", MOORAGE_FAKE_ANSWERS="4|")
    assert "Enter closes" not in said.out, said.out


@test
def on_a_console_of_others_it_does_not_ask():
    said = fake(MOORAGE_FAKE_ANSWERS="4|")
    assert "Enter closes" not in said.out, said.out


@test
def elevated_elsewhere_the_other_program_answers():
    said = fake("3000", "--elevate", host="listener")
    assert said.code == 0 and said.out == "", said


@test
def who_is_administrator_already_is_answered_at_once():
    said = fake("80", "--elevate", host="service")
    assert said.code == 1 and said.out.startswith("Port 80"), said


@test
def help_needs_no_rights():
    assert "--elevate" in fake("--help", "--elevate").out


@test
def without_sudo_that_is_said():
    lib.need_root()
    if any(os.path.exists(folder + "/sudo") for folder in ("/usr/bin", "/bin", "/usr/local/bin")):
        raise lib.Skip("sudo is here")
    said = lib.run("8080", "--elevate", uid=65534)
    assert said.code == 3 and "there is no sudo here" in said.err, said
    assert lib.run("64999", "--elevate").code in (0, 1)


lib.main()
