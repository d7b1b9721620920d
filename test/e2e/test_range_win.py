#!/usr/bin/python3 -B
"""range under Wine, whose netsh agrees to everything and does nothing: what is planned, recorded and taken back."""

import lib
from lib import environment, run, temp_folder, test


def state():
    """A folder for the record, as Windows names it."""
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")
    return environment(MOORAGE_STATE_DIR="Z:" + str(temp_folder()).replace("/", "\\"))


@test
def a_reservation_is_planned_for_each_protocol_and_family():
    plan = run("range", "reserve", "27231", "--dry-run", "--json", env=state(), timeout=200).json()["plan"]
    assert [step["target"] for step in plan["steps"]] == ["netsh"] * 4 and not plan["done"], plan
    assert plan["steps"][0]["by_hand"] == ("netsh interface ipv4 add excludedportrange protocol=tcp startport=27231 "
                                           "numberofports=1 store=active"), plan
    assert plan["undo"] == "moorage range release 27231", plan


@test
def what_was_set_is_recorded_and_taken_back():
    env = state()
    done = run("range", "reserve", "27231", "--tcp", "--persist", "--yes", env=env, timeout=200)
    assert done.code == 0 and "done: Reserve 27231-27231 for TCP over IPv6" in done.out, str(done)
    acts = run("log", "--json", env=env, timeout=200).json()["acts"]
    assert [(act["lever"], act["result"], act["can_undo"]) for act in acts] == [("setting", "done", True)] * 2, acts
    document = run("undo", "--yes", "--json", env=env, timeout=200).json()
    assert document["outcome"] == "undone" and [step["by_hand"] for step in document["plan"]] == \
        [f"netsh interface ipv{number} delete excludedportrange protocol=tcp startport=27231 numberofports=1 "
         "store=persistent" for number in (6, 4)], document
    assert run("undo", "--yes", env=env, timeout=200).code == 1


lib.main()
