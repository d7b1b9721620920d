#!/usr/bin/python3 -B
"""pick, lease and check of moorage.exe, under Wine: who has a port is told by the book, whose folder is made by moorage."""

import concurrent.futures
import subprocess

import lib
from lib import environment, run, temp_folder, test


def need_wine():
    if not lib.RUNNER:
        raise lib.Skip("needs Wine")


def state():
    """A folder for leases, as Windows names it."""
    need_wine()
    return environment(MOORAGE_STATE_DIR="Z:" + str(temp_folder()).replace("/", "\\"))


@test
def sixteen_programs_at_once_get_sixteen_ports():
    env = state()
    run("--version")  # alone, while Wine may still have to start
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: run("pick", env=env, timeout=200), range(16)))
    ports = [result.out.strip() for result in results]
    assert all(port.isdigit() for port in ports), [str(result) for result in results if result.code]
    assert len(set(ports)) == 16, ports


@test
def a_name_keeps_its_port_until_it_is_released():
    env = state()
    first = run("pick", "web", env=env)
    assert first.code == 0 and "is kept for web in Z:\\" in first.err, str(first)
    assert run("pick", "web", env=env).out == first.out
    port = first.out.strip()
    listed = run("lease", env=env)
    assert listed.code == 0 and port in listed.out and "web" in listed.out, str(listed)
    assert run("check", port, "--json", env=env).json()["ports"][0]["lease"]["name"] == "web"
    assert run("lease", "take", "api", "--port", port, env=env).code == 1
    assert run("lease", "release", "web", env=env).code == 0
    assert run("lease", env=env).code == 1


@test
def time_and_tokens_are_kept_to():
    env = state()
    taken = run("lease", "take", "db", "--ttl", "1h", env=env)
    port, name, _, token = taken.out.split()
    assert taken.code == 0 and name == "db", str(taken)
    assert run("lease", "renew", "db", "--token", "0" * 32, env=env).code == 1
    assert run("lease", "renew", "db", "--ttl", "2h", env=env).code == 0
    assert run("lease", "release", port, "--token", token, env=env).code == 0


@test
def a_process_ends_its_lease():
    env = state()
    server = subprocess.Popen([*lib.RUNNER, lib.os.environ["E2E_SERVER"], "listen", "127.0.0.1", "0"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
    lib.after(server.wait, 120)
    pid = server.stdout.readline().split()[1].decode()
    assert run("lease", "take", "x", "--pid", pid, env=env).code == 0
    assert f"process {pid}" in run("lease", env=env).out
    server.stdin.close()
    server.stdout.close()
    server.wait(120)
    assert run("lease", env=env).code == 1
    assert run("lease", "take", "y", "--pid", "999996", env=env).code == 3


lib.main()
