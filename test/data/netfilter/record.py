#!/usr/bin/env python3
"""Writes what the kernel tells of the packet rules of this network namespace: record.py nft|ipv4|ipv6 FILE.

nft: the answers to GETCHAIN, GETRULE, GETSET and, for each set, GETSETELEM, one behind the other, as moorage asks.
ipv4, ipv6: struct ipt_getinfo (84 bytes), then all entries of the table nat of legacy iptables.
"""
import ctypes
import socket
import struct
import sys

NFT = 10 << 8


def ask(sock, kind, family=0, attributes=b""):
    body = struct.pack("=BBH", family, 0, 0) + attributes
    sock.send(struct.pack("=IHHII", 16 + len(body), NFT | kind, 0x301, 1, 0) + body)
    messages = []
    while True:
        data = sock.recv(1 << 20)
        while data:
            length, what = struct.unpack_from("=IH", data)
            if what == 3:
                return messages
            if what == 2:
                sys.exit("the kernel refused: %d" % struct.unpack_from("=i", data, 16))
            messages.append(data[:length])
            data = data[(length + 3) & ~3:]


def attribute(kind, value):
    return (struct.pack("=HH", 4 + len(value), kind) + value).ljust((4 + len(value) + 3) & ~3, b"\0")


def attributes(message):
    at, found = 20, {}
    while at < len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        found[kind & 0x3fff] = message[at + 4:at + length]
        at += (length + 3) & ~3
    return found


def record_nft():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    messages = ask(sock, 4) + ask(sock, 7)
    sets = ask(sock, 10)
    messages += sets
    for one in sets:
        names = attributes(one)
        messages += ask(sock, 13, one[16], attribute(1, names[1]) + attribute(2, names[2]))
    return b"".join(m.ljust((len(m) + 3) & ~3, b"\0") for m in messages)


def record_legacy(domain, level):
    sock = socket.socket(domain, socket.SOCK_DGRAM)
    info = get(sock, level, 64, b"nat".ljust(84, b"\0"))
    size = struct.unpack_from("=I", info, 80)[0]
    head = b"nat".ljust(32, b"\0") + struct.pack("=I", size) + bytes(4)
    return info + get(sock, level, 65, head + bytes(size))[40:]


def get(sock, level, option, value):
    """getsockopt(2) of Python gives the kernel no bytes to read, which these options want."""
    buffer = ctypes.create_string_buffer(value, len(value))
    length = ctypes.c_uint(len(value))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(sock.fileno(), level, option, buffer, ctypes.byref(length)) < 0:
        sys.exit("getsockopt: errno %d" % ctypes.get_errno())
    return buffer.raw[:length.value]


KINDS = {"nft": record_nft,
         "ipv4": lambda: record_legacy(socket.AF_INET, 0),
         "ipv6": lambda: record_legacy(socket.AF_INET6, 41)}
with open(sys.argv[2], "wb") as out:
    out.write(KINDS[sys.argv[1]]())
