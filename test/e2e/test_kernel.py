#!/usr/bin/python3 -B
"""Who may ask the kernel itself who has a port (BPF), what is said where it can't be asked, and that a kernel which lacks
something is asked for the rest."""

import os
import pathlib
import shutil
import subprocess

import kernel
import lib
import shapes
from lib import new_port, only_cause, only_holder, test, why

NOBODY = 65534
GROUP = 54321
TYPES = pathlib.Path("/sys/kernel/btf/vmlinux")
ASKED = "the kernel itself tells who has a socket (BPF)"
NOT_ASKED = "the kernel itself can't be asked (BPF): "


def told_of_kernel(**how):
    """What doctor says of asking the kernel."""
    row = next(row for row in lib.run("doctor", "--json", **how).json()["abilities"] if row["name"] == "holders")
    return row["detail"].rsplit("; ", 1)[1]


def need_kernel():
    lib.need_root()
    told = told_of_kernel()
    if told != ASKED:
        raise lib.Skip(told)


def with_mounts(script):
    """A command to put before another one, which then has these mounts for itself."""
    return ("unshare", "--mount", "sh", "-ec", f'{script}\nexec "$@"', "sh")


def with_rights(*names):
    """A command that gives another one these rights and no others."""
    rights = ",".join(("-all", *("+" + name for name in names)))
    return need_command(("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps", rights,
                         "--ambient-caps", rights))


def need_command(command):
    """The command to put before another one, where it can be run here."""
    done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise lib.Skip(done.stderr.strip())
    return command


def with_types(data):
    """The same, where the kernel says this of its types."""
    path = lib.temp_folder() / "types"
    path.write_bytes(data)
    return with_mounts(f"mount --bind {path} {TYPES}")


# ---- who may ----


@test
def the_manual_s_recipe_lets_a_group_ask_and_nobody_else():
    need_kernel()
    if not shutil.which("setcap"):
        raise lib.Skip("needs setcap")
    manual = (lib.ROOT / "man" / "moorage-doctor.1.scd").read_text(encoding="utf-8")
    recipe = [line[3:] for line in manual.split("\n") if line.startswith("\t# ")]
    assert len(recipe) == 3 and "setcap" in recipe[1] and "setcap" in recipe[2], recipe
    folder = lib.temp_folder()
    copy = shutil.copy(lib.need_plain_program(), folder / "moorage")
    port = new_port()
    child = shapes.listener(port)

    def told(groups):
        done = subprocess.run([copy, "why", f"tcp/{port}", "--json"], capture_output=True, env=lib.environment(),
                              user=NOBODY, group=NOBODY, extra_groups=groups, timeout=60, check=False)
        assert done.returncode == 1, done
        entry = lib.Result([], done.returncode, done.stdout, done.stderr, 0).json()["asked"][0]
        assert entry["tier"] == "bpf" and entry["complete"], entry
        return only_holder(only_cause(entry, "listener"), child.pid)

    for at, line in enumerate(recipe):
        done = subprocess.run(line.replace("_GROUP_", str(GROUP)), shell=True, cwd=folder, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise lib.Skip(done.stderr.strip())
        if at == 0:
            continue
        holder = told([GROUP])
        assert holder["name"] == "e2e-listener" and holder["user"] == "root", holder
        assert (holder["cwd"] is not None) == (at == 2), holder
        try:
            told([])
        except PermissionError:
            continue
        raise AssertionError("others may run it too")


@test
def why_the_kernel_is_not_asked_is_said():
    need_kernel()
    refuse = os.environ.get("E2E_REFUSE")
    lockdown = lib.temp_folder()
    (lockdown / "lockdown").write_text("none integrity [confidentiality]\n", encoding="ascii")
    locked = with_mounts(f"mount --bind {lockdown} /sys/kernel/security")
    cases = [
        ("CAP_BPF and CAP_PERFMON are missing", {"uid": NOBODY}),
        ("CAP_PERFMON is missing", {"wrap": with_rights("bpf"), "path": lib.program_for_everybody()}),
        ("CAP_BPF is missing", {"wrap": with_rights("perfmon"), "path": lib.program_for_everybody()}),
        ("MOORAGE_TIER is set to proc", {"env": lib.environment(MOORAGE_TIER="proc")}),
        ("it takes Linux 5.17 or later", {"wrap": ("setarch", "--uname-2.6")}),
        ("this kernel does not tell its types (/sys/kernel/btf/vmlinux)",
         {"wrap": with_mounts(f"mount -t tmpfs none {TYPES.parent}")}),
        ("the type information of this kernel is of a kind that is not known here", {"wrap": with_types(b"no types")}),
        ("/proc shows the processes of another container, or none", {"wrap": ("unshare", "--pid", "--fork")}),
        ("BPF_MAP_CREATE: Operation not permitted", {"wrap": ("unshare", "--user", "--map-root-user")}),
    ]
    if refuse:
        cases.append(("BPF_MAP_CREATE: Function not implemented", {"wrap": (refuse, "bpf")}))
    if refuse and os.path.isdir("/sys/kernel/security"):
        cases.append(("BPF_MAP_CREATE: Function not implemented, the kernel is locked down (lockdown=confidentiality)",
                      {"wrap": (*locked, refuse, "bpf")}))
    for reason, how in cases:
        assert told_of_kernel(**how) == NOT_ASKED + reason, (reason, told_of_kernel(**how))


@test
def a_list_for_programs_tells_how_it_was_made():
    need_kernel()
    child = shapes.listener(new_port())
    for tier, how in (("bpf", {}), ("proc", {"env": lib.environment(MOORAGE_TIER="proc")}), ("own", {"uid": NOBODY})):
        listed = lib.run("list", "--json", **how).json()
        assert listed["tier"] == tier and listed["complete"] == (not listed["unseen"]), listed
        own = {"pid": child.pid, "what": "fds", "reason": "not-allowed"} in listed["unseen"]
        assert own == (tier == "own"), listed["unseen"]
        assert tier != "bpf" or listed["complete"], listed["unseen"]


@test
def a_program_that_proc_hides_is_named_by_the_kernel():
    need_kernel()
    port = new_port()
    child = shapes.listener(port)
    hide = need_command(with_mounts("mount -t proc -o hidepid=invisible none /proc"))
    result = lib.run("why", f"tcp/{port}", "--json", wrap=(*hide, *with_rights("bpf", "perfmon")),
                     path=lib.program_for_everybody())
    assert result.code == 1, result
    entry = result.json()["asked"][0]
    assert entry["tier"] == "bpf" and entry["complete"], entry
    holder = only_holder(only_cause(entry, "listener"), child.pid)
    assert holder["name"] == "e2e-listener" and holder["user"] == "root" and holder["started"], holder
    assert holder["unknown"] == dict.fromkeys(("exe", "command", "cwd"), "not-allowed"), holder


@test
def inside_a_container_the_kernel_is_asked_too():
    need_kernel()
    assert told_of_kernel(wrap=("unshare", "--pid", "--fork", "--mount-proc")) == ASKED


# ---- kernels that lack something ----


def without(name):
    """The kernel's types with another name for what is called so."""
    data = TYPES.read_bytes()
    name = name.encode()
    assert b"\0" + name + b"\0" in data, name
    return data.replace(b"\0" + name + b"\0", b"\0" + name[:-1] + b"~\0")


@test
def without_what_each_question_needs_all_is_as_without_rights():
    need_kernel()
    for name, owner in (("fdt", "files_struct"), ("max_fds", "fdtable"), ("nsproxy", "task_struct")):
        how = {"wrap": with_types(without(name))}
        assert told_of_kernel(**how) == f"{NOT_ASKED}this kernel has no {name} in its {owner}", (name, told_of_kernel(**how))
        port = new_port()
        child = shapes.listener(port)
        entry = why(f"tcp/{port}", code=1, own=False, **how)
        assert entry["tier"] == "proc", entry
        only_holder(only_cause(entry, "listener"), child.pid)


PARTS = ("bhash2", "bhash", "skc_cookie", "skc_reuse", "udp_table", "lhash2", "icsk_ulp_ops", "icsk_ulp_data",
         "mptcp_subflow_context", "skc_prot", "skc_v6_daddr", "thread_pid",
         "start_boottime", "inet_bind_bucket", "udp_hslot", "ib_net")


@test
def without_what_some_questions_need_the_kernel_is_asked_for_the_rest():
    need_kernel()
    ports = {}
    for proto in ("tcp", "udp", "udplite", "mptcp"):
        port = new_port()
        ports[shapes.listener(port, proto=proto).pid] = (proto, port)
    for name in PARTS:
        how = {"wrap": with_types(without(name))}
        assert told_of_kernel(**how) == ASKED, (name, told_of_kernel(**how))
        for pid, (proto, port) in ports.items():
            entry = why(f"{'tcp' if proto == 'mptcp' else proto}/{port}", code=1, own=False, **how)
            assert entry["tier"] == "bpf" and entry["complete"], (name, entry)
            only_holder(only_cause(entry, "listener"), pid)
        rows = lib.run("list", "--json", **how).json()["rows"]
        for pid, (proto, port) in ports.items():
            held = [row for row in rows if row["local"].endswith(f":{port}")]
            assert held and all([holder["pid"] for holder in row["holders"]] == [pid] for row in held), (name, held)


@test
def a_container_needs_a_kernel_that_tells_its_numbers():
    need_kernel()
    inside = (*with_types(without("thread_pid")), "unshare", "--pid", "--fork", "--mount-proc")
    assert told_of_kernel(wrap=inside) == NOT_ASKED + "it does not tell the numbers that processes have in this container"


# ---- what is kept of the kernel's types ----


def kept(text):
    """The text with the sum that belongs to it."""
    body = text.rpartition(b"sum ")[0]
    number = 0xCBF29CE484222325
    for byte in body:
        number = (number ^ byte) * 0x100000001B3 % 2**64
    return body + f"sum {number:016x}\n".encode()


@test
def what_is_kept_is_used_only_where_it_can_be_right():
    need_kernel()
    folder = lib.temp_folder()
    file = folder / "kernel-layout"
    # The program that ran before may stand there, and keeps its books elsewhere.
    how = {"wrap": with_mounts(f"mount -t tmpfs none /var/lib; mount -t tmpfs none /run; mkdir /run/moorage\n"
                               f"mount --bind {folder} /run/moorage")}
    how["env"] = lib.environment()
    del how["env"]["MOORAGE_STATE_DIR"]
    assert told_of_kernel(**how) == ASKED and folder.stat().st_mode & 0o777 == 0o755
    good = file.read_bytes()
    assert good == kept(good) and file.stat().st_mode & 0o777 == 0o644, good
    key = good.split(b" ")[3]
    offset = next(line for line in good.split(b"\n") if line.startswith(b"file f_inode "))
    spoilt = {
        "empty": b"",
        "cut": good[:-200],
        "changed": good.replace(offset, offset.replace(b" 1 ", b" 1 1", 1)),
        "of another kernel": kept(good.replace(key, b"0" * len(key))),
        "of another program": kept(good.replace(b"task_struct tasks", b"task_struct others")),
    }
    for name, text in spoilt.items():
        assert text != good, name
        file.write_bytes(text)
        assert told_of_kernel(**how) == ASKED and file.read_bytes() == good, name
    # Whole, but not so: what the program sees of itself gives it away.
    wrong = kept(spoilt["changed"])
    file.write_bytes(wrong)
    assert told_of_kernel(**how) == NOT_ASKED + "BPF_PROG_TEST_RUN: not all could be read", told_of_kernel(**how)
    # What others may have written is passed over, and written anew where that may be.
    for mode in (0o664, 0o646):
        file.write_bytes(wrong)
        file.chmod(mode)
        assert told_of_kernel(**how) == ASKED and file.read_bytes() == good and file.stat().st_mode & 0o777 == 0o644, oct(mode)
    for mode in (0o775, 0o757, 0o1777):
        file.write_bytes(wrong)
        folder.chmod(mode)
        assert told_of_kernel(**how) == ASKED and file.read_bytes() == wrong, oct(mode)
        folder.chmod(0o755)
    target = lib.temp_folder() / "target"
    target.write_bytes(wrong)
    file.unlink()
    file.symlink_to(target)
    assert told_of_kernel(**how) == ASKED and target.read_bytes() == wrong and not file.is_symlink()
    # Other users keep nothing.
    file.unlink()
    how["wrap"] += ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    assert told_of_kernel(**how, path=lib.program_for_everybody()).startswith(NOT_ASKED) and not file.exists()


lib.main(own_netns=True)
