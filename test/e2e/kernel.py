"""Kernel interfaces that Python has no call for: namespaces, Landlock, bpf(2), io_uring, thread tricks.

Constants are those of the kernel's uapi headers (linux/sched.h, linux/landlock.h, linux/bpf.h, linux/io_uring.h).
"""

import ctypes
import fcntl
import os
import platform
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)

CLONE_FILES = 0x400
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
SYS_EXIT, SYS_BPF = {"x86_64": (60, 321), "aarch64": (93, 280)}.get(platform.machine(), (None, None))
SYS_IO_URING_SETUP, SYS_IO_URING_REGISTER = 425, 427
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446


def check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(number, *args):
    if number is None:
        raise OSError(38, "a system call whose number is not known on this machine")
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return check(libc.syscall(ctypes.c_long(number), *wide), f"system call {number}")


def prctl(option, value):
    check(libc.prctl(option, ctypes.c_ulong(value) if isinstance(value, int) else value, 0, 0, 0), f"prctl {option}")


def unshare(flags):
    check(libc.unshare(flags), f"unshare {flags:#x}")


def is_real_root():
    """Root of the machine, not of a user namespace that this file made."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map", encoding="ascii") as uid_map:
        return uid_map.read().split() == ["0", "0", "4294967295"]


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def enter_own_netns():
    """Moves this process to a fresh network namespace with `lo` up; gives why it can't, or None."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            unshare(CLONE_NEWNET)
        else:
            unshare(CLONE_NEWUSER | CLONE_NEWNET)
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        raise_loopback()
    except OSError as problem:
        return f"needs the right to make a network namespace ({problem})"
    return None


# ---- ways to hold a socket without a descriptor ----


def map_socket(fd):
    """Maps a TCP socket into memory, as for zero-copy receive: the map keeps it alive when the descriptor is closed."""
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))
    check(-1 if address == ctypes.c_void_p(-1).value else 0, "mmap of a socket")


def register_in_io_uring(fd):
    """Gives the descriptor of a ring that keeps the socket as its registered file."""
    params = ctypes.create_string_buffer(120)
    ring = syscall(SYS_IO_URING_SETUP, 2, params)
    files = (ctypes.c_int * 1)(fd)
    syscall(SYS_IO_URING_REGISTER, ring, 2, files, 1)
    return ring


def exit_thread():
    """Ends the calling thread alone, below Python's feet: a main thread stays behind as a zombie leader."""
    libc.syscall(ctypes.c_long(SYS_EXIT), ctypes.c_long(0))


# ---- policies that refuse a bind ----


def forbid_tcp_bind():
    """Puts this process under a Landlock rule set that allows no TCP bind (ABI 4, kernel 6.7)."""
    attributes = struct.pack("QQ", 0, 1)
    ruleset = syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18
BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND = 8, 9
BPF_FUNC_SET_RETVAL = 187


def instruction(code, destination=0, source=0, offset=0, value=0):
    return struct.pack("<BBhi", code, source << 4 | destination, offset, value)


def load_bind_refusal(hook, code):
    """A program that refuses every bind: with EPERM for code 0, else with this errno."""
    program = b""
    if code:
        program += instruction(0xB7, 1, value=-code) + instruction(0x85, value=BPF_FUNC_SET_RETVAL)
    program += instruction(0xB7, 0, value=0) + instruction(0x95)
    text = ctypes.create_string_buffer(program)
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    program_at, licence_at, log_at = map(ctypes.addressof, (text, licence, log))
    attributes = struct.pack("<IIQQIIQII16sII", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, len(program) // 8, program_at, licence_at,
                             1, len(log), log_at, 0, 0, b"refuse_bind", 0, hook)
    return syscall(SYS_BPF, BPF_PROG_LOAD, attributes, len(attributes))


def refuse_binds(cgroup, code=0):
    """Refuses every bind in this cgroup until the cgroup is removed."""
    target = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for hook in (BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND):
            loaded = load_bind_refusal(hook, code)
            attributes = struct.pack("<IIII", target, loaded, hook, 0)
            syscall(SYS_BPF, BPF_PROG_ATTACH, attributes, len(attributes))
            os.close(loaded)
    finally:
        os.close(target)


def cgroup2_mount():
    """Where the cgroup v2 tree is mounted, None if it is not."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            before, _, behind = line.partition(" - ")
            if behind.startswith("cgroup2 "):
                return before.split()[4]
    return None
