#!/usr/bin/python3 -B
"""Recorded hosts (test/data/hosts) and what moorage says of them (test/data/golden): one for each kind of cause.

moorage-fake answers from the recording that MOORAGE_FAKE_HOST names, so that a host's answer is the same everywhere.
`test_golden.py --update` writes the golden files anew: read the difference before it is committed.
"""

import difflib
import json
import os
import sys

import docker
import lib
import shapes

HOSTS = lib.ROOT / "test" / "data" / "hosts"
GOLDEN = lib.ROOT / "test" / "data" / "golden"

# Host -> (kind of the first cause, whether it blocks, the questions that are put).
CASES = {
    "address": ("address", True, ["why tcp/192.0.2.7:8080"]),
    "bound": ("bound", True, ["why tcp/8000"]),
    "command": ("listener", True, ["why -- npm start", "why -- ./blind", "why -- ./blind-other", "why -- ./strange",
                                   "why -- ./quiet", "why -- ./missing"]),
    "connection": ("connection", True, ["why tcp/50103", "free tcp/50103 -n"]),
    "container": ("container", True, ["why tcp/8080", "list", "free tcp/8080 -n"]),
    "container-silent": ("container", True, ["why tcp/8080", "list", "free tcp/8080 -n"]),
    "crowd": ("listener", True, ["why 3000", "why 3000-3002", "list", "list --all", "list --pids",
                                 "list -o port,pid,name", "list --csv", "list --no-header node", "node", "doctor"]),
    "denied": ("denied", True, ["why tcp/8080"]),
    "dynamic-range": ("dynamic-range", False, ["why tcp/45005"]),
    "exhausted": ("connection", True, ["why tcp/40000"]),
    "hidden": ("hidden", True, ["why tcp/31337", "free tcp/31337 -n"]),
    "hidden-for-a-moment": (None, False, ["why tcp/8085"]),
    "inherited": ("inherited", True, ["why tcp/9000", "free tcp/9000 -n"]),
    "kernel": ("kernel", True, ["why udp/4789", "list", "free udp/4789 -n"]),
    "leases": ("listener", True, ["why 21340", "why 21341", "why 25820", "why 21339-21342", "list", "lease", "check 21340-21342",
                                  "web"]),
    "lingering": ("lingering", True, ["why tcp/4000", "free tcp/4000 -n", "free tcp/4000 --wait -n"]),
    "lingering-reuse": ("lingering", False, ["why tcp/4000", "free tcp/4000 -n"]),
    "listener": ("listener", True, ["3000", "why tcp/3000", "why tcp/3000 --full", "why tcp/3000 --share", "node", "free tcp/3000 -n", "free tcp/3000 --share -n"]),
    "other-family": ("other-family", False, ["why 127.0.0.1:5173"]),
    "other-namespace": ("other-namespace", False, ["why tcp/80"]),
    "privileged": ("privileged", True, ["why tcp/80", "why tcp/80 --as-root"]),
    "privileged-taken": ("listener", True, ["why tcp/80", "why tcp/80 --as-root", "free tcp/80 -n"]),
    "redirect": ("redirect", False, ["why tcp/8080"]),
    "relay": ("relay", True, ["why tcp/5432", "free tcp/5432 -n"]),
    "reserved": ("reserved", False, ["why tcp/45005"]),
    "reuseport-group": ("reuseport-group", True, ["why tcp/8443", "free tcp/8443 -n"]),
    "run": ("listener", True, ["run --port 3000 -- ./other", "run --port 8085 -- ./server {port}",
                               "run --port 8086 --name web -- ./other", "run --port 8087 --wait --timeout 2s -- ./silent",
                               "run --port 8088 -- ./daemon", "run --port 8089 -- ./missing"]),
    "service": ("service", True, ["why tcp/80", "list", "free tcp/80 -n", "free tcp/80 --yes"]),
    "service-resolved": ("listener", True, ["why 53"]),
    "shared": ("shared", False, ["why udp/5353"]),
    "socket-unit": ("socket-unit", True, ["why tcp/631", "free tcp/631 -n"]),
    "unaccepted": ("unaccepted", True, ["why tcp/4100"]),
    "windows-address": ("address", True, ["why 192.0.2.7:8080"]),
    "windows-bound": ("bound", False, ["why tcp/8000", "why 127.0.0.1:8000"]),
    "windows-connection": ("connection", True, ["why tcp/50103"]),
    "windows-container": ("container", True, ["why tcp/8080", "list"]),
    "windows-container-silent": ("container", True, ["why tcp/8080"]),
    "windows-crowd": ("portproxy", True, ["why tcp/80", "list"]),
    "windows-denied": ("denied", True, ["why tcp/8443"]),
    "windows-excluded-given": ("excluded-range", True, ["why tcp/50051"]),
    "windows-excluded-kept": ("reserved", False, ["why tcp/50051"]),
    "windows-excluded-low": ("excluded-range", True, ["why tcp/3000"]),
    "windows-excluded-other": ("excluded-range", True, ["why tcp/27339"]),
    "windows-excluded-range": ("excluded-range", True, ["8080", "why tcp/8080", "why tcp/8080-8081", "free tcp/8080 --allow system -n"]),
    "windows-exclusive": ("listener", True, ["why 127.0.0.1:8080"]),
    "windows-http-sys": ("http-sys", True, ["why tcp/80", "why tcp/5985", "why tcp/8085", "list", "free tcp/80 -n", "free tcp/80 --allow system -n"]),
    "windows-http-unseen": ("http-sys", True, ["why tcp/5357", "why tcp/8530", "list"]),
    "windows-impostor": ("listener", True, ["why tcp/4444", "why tcp/6379"]),
    "windows-inherited": ("inherited", True, ["why tcp/37777"]),
    "windows-inherited-unseen": ("inherited", True, ["why tcp/37777"]),
    "windows-lingering": ("lingering", False, ["why tcp/4000"]),
    "windows-listener": ("listener", True, ["3000", "why tcp/3000", "why tcp/3000 --full", "why tcp/3000 --share",
                                            "why tcp/3000 --bind exclusive", "node", "list", "doctor"]),
    "windows-other-user": ("listener", True, ["why 127.0.0.1:8080", "why tcp/8080"]),
    "windows-portproxy": ("portproxy", True, ["why tcp/8080", "why tcp/9090", "free tcp/8080 -n"]),
    "windows-relay": ("relay", True, ["why localhost:3000", "why tcp/3000"]),
    "windows-relay-editor": ("relay", True, ["why 127.0.0.1:4200"]),
    "windows-relay-mirrored": ("relay", True, ["why tcp/3000"]),
    "windows-relay-silent": ("relay", True, ["why localhost:3000"]),
    "windows-reuse": ("listener", True, ["why tcp/8080", "why tcp/8080 --bind reuse"]),
    "windows-service": ("service", True, ["why udp/1900", "list", "free udp/1900 -n"]),
    "windows-service-child": ("listener", True, ["why tcp/5432", "list", "free tcp/5432 -n"]),
    "windows-service-unseen": ("listener", True, ["why tcp/5040"]),
    "windows-shared": ("shared", False, ["why tcp/5173", "why tcp/5174", "why 127.0.0.1:5173"]),
    "windows-smb": ("kernel", True, ["why tcp/445", "why tcp/139"]),
    "wsl-mirrored": ("relay", True, ["why tcp/8080"]),
    "wsl-nat": ("shared", False, ["why tcp/8080"]),
}


def fake(host, *args):
    """What moorage says where it runs on this recorded host."""
    path = os.environ.get("MOORAGE_FAKE") or lib.ROOT / "build" / "moorage-fake"
    if not os.access(path, os.X_OK):
        raise lib.Skip(f"no program at {path}: set MOORAGE_FAKE")
    return lib.run(*args, path=str(path), env=lib.environment(MOORAGE_FAKE_HOST=str(host)))


def said(name):
    """The text and the JSON of all questions to this host."""
    texts, documents = [], []
    for question in CASES[name][2]:
        args = question.split()
        result = fake(HOSTS / f"{name}.json", *args)
        for text in (result.out, result.err):
            assert not lib.CODE_WORDS.search(text), f"{question}: a word of the code is said to people: {text}"
        texts.append(f"$ moorage {question}\n{result.out}{result.err}exit {result.code}\n")
        if "--csv" in args or "-o" in args:
            continue
        if args[0] == "run":
            report = lib.temp_folder() / "report.json"
            answer = fake(HOSTS / f"{name}.json", "run", "--report", report, *args[1:])
            document = json.loads(report.read_text())
            lib.validate(document)
        else:
            answer = fake(HOSTS / f"{name}.json", args[0], "--json", *args[1:])
            document = answer.json()
        for entry in document.get("asked", ()):
            lib.check_entry(entry)
        documents.append({"question": question, "exit": answer.code, "answer": document})
    return "\n".join(texts), json.dumps(documents, indent=2, ensure_ascii=False) + "\n"


def check_cause(name, document):
    kind, blocks, _ = CASES[name]
    causes = document["asked"][0]["causes"]
    if kind is None:
        assert not causes and document["asked"][0]["bindable"], causes
        return
    first = [cause for cause in causes if cause["kind"] == kind]
    assert first and first[0]["blocks"] == blocks, [(cause["kind"], cause["blocks"]) for cause in causes]


def add_case(name):
    def answers():
        texts, documents = said(name)
        check_cause(name, json.loads(documents)[0]["answer"])
        assert texts == (GOLDEN / f"{name}.txt").read_text(), difference(GOLDEN / f"{name}.txt", texts)
        assert documents == (GOLDEN / f"{name}.json").read_text(), difference(GOLDEN / f"{name}.json", documents)

    answers.__name__ = f"the_recorded_host_{name.replace('-', '_')}_is_answered_as_before"
    lib.test(answers)


def difference(path, got):
    lines = difflib.unified_diff(path.read_text().splitlines(), got.splitlines(), str(path), "now", lineterm="")
    return "\n".join(lines)


for case in CASES:
    add_case(case)


@lib.test
def every_recorded_host_has_its_questions():
    hosts = {path.stem for path in HOSTS.glob("*.json")}
    assert {name for name in hosts if not name.startswith("readme-")} == set(CASES), hosts ^ set(CASES)


def need_linux():
    if lib.RUNNER:
        raise lib.Skip("what is recorded is this Linux")


@lib.test
def a_recording_of_this_machine_gives_the_same_answer_again():
    need_linux()
    port = lib.new_port()
    child = shapes.listener(port)
    recording = lib.temp_folder() / "host.json"
    assert lib.run("doctor", "--record", recording, "--full").code in (0, 1)
    entry = lib.why(f"tcp/{port}", code=1)
    again = fake(recording, "why", f"tcp/{port}", "--json")
    assert again.code == 1, str(again)
    cause = lib.only_cause(again.json()["asked"][0], "listener")
    lib.only_holder(cause, child.pid)
    assert cause["sentence"] == lib.only_cause(entry, "listener")["sentence"], cause


@lib.test
def a_recording_of_a_machine_with_containers_names_them_again():
    need_linux()
    port = lib.new_port()
    docker.forwarder(port)
    env = docker.daemon(docker.serve(docker.one_container(port), chunked=False))
    recording = lib.temp_folder() / "host.json"
    assert lib.run("doctor", "--record", recording, "--full", env=env).code in (0, 1)
    cause = lib.only_cause(fake(recording, "why", f"tcp/{port}", "--json").json()["asked"][0], "container")
    assert "shop-web-1" in cause["sentence"], cause["sentence"]


def update():
    GOLDEN.mkdir(exist_ok=True)
    for name in CASES:
        texts, documents = said(name)
        (GOLDEN / f"{name}.txt").write_text(texts)
        (GOLDEN / f"{name}.json").write_text(documents)
        print(f"{name}: written")


if sys.argv[1:] == ["--update"]:
    update()
else:
    # The server of Wine was started outside.
    lib.main(own_netns=not lib.RUNNER)
