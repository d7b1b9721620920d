#!/usr/bin/env python3
"""Writes what this kernel tells of a known set of sockets, addresses and devices into the folder of this file.

Run as root in a network namespace of its own: unshare -n ./record.py. The files are of a little-endian machine.
"""
import os
import shutil
import socket
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DUMP = 0x301
MPTCP = 262
UDPLITE = 136
DEVICES = """
link set lo up
link add vx0 type vxlan id 5 dstport 4789 dev lo
link set vx0 up
addr add fe80::7/64 dev vx0 nodad
link add vx6 type vxlan id 6 dstport 4790 local ::1 dev lo
link set vx6 up
link add vxm type vxlan external dstport 4791
link set vxm up
addr add 10.1.1.1 peer 10.1.1.2/32 dev vxm
link add vxd type vxlan id 9 dstport 4792 dev lo
"""


def dump(family, kind, payload):
    """The whole answer to one request, without the message that ends it."""
    answer = b""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as asking:
        asking.send(struct.pack("=IHHII", 16 + len(payload), kind, DUMP, 1, 0) + payload)
        while True:
            chunk = asking.recv(65536)
            while chunk:
                length, message = struct.unpack_from("=IH", chunk)
                if message in (2, 3):
                    return answer
                answer += chunk[:length]
                chunk = chunk[length:]


def keep(name, content):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(content)


def make_sockets():
    made = []

    def make(family, kind, protocol, address, v6only=None, device=None, listen=None):
        sock = socket.socket(family, kind, protocol)
        if v6only is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        if device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device + b"\0")
        sock.bind(address)
        if listen:
            sock.listen(listen)
        made.append(sock)
        return sock

    v4, v6, stream, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
    make(v4, stream, 0, ("127.0.0.1", 8080), listen=5)
    dual = make(v6, stream, 0, ("::", 8081), v6only=0, listen=6)
    make(v6, stream, 0, ("::", 8082), v6only=1, listen=7)
    mapped = make(v6, stream, 0, ("::ffff:127.0.0.1", 8083), v6only=0, listen=8)
    make(v4, stream, 0, ("0.0.0.0", 8084))
    make(v4, stream, 0, ("0.0.0.0", 8085), device=b"lo", listen=9)
    make(v6, stream, 0, ("fe80::7", 8086, 0, socket.if_nametoindex("vx0")), listen=10)
    make(v4, stream, 0, ("127.0.0.1", 40001)).connect(("127.0.0.1", 8080))
    make(v4, stream, 0, ("127.0.0.1", 40002)).connect(("127.0.0.1", 8081))
    made.append(dual.accept()[0])
    lingering = make(v4, stream, 0, ("127.0.0.1", 40003))
    lingering.connect(("127.0.0.1", 8083))
    other_end = mapped.accept()[0]
    lingering.close()
    time.sleep(0.1)
    other_end.close()
    make(v4, datagram, 0, ("127.0.0.1", 5353))
    make(v6, datagram, 0, ("::1", 5354)).connect(("::1", 9))
    make(v4, datagram, UDPLITE, ("127.0.0.1", 5355))
    make(v4, stream, MPTCP, ("127.0.0.1", 8090), listen=3)
    make(v4, stream, MPTCP, ("127.0.0.1", 8091))
    return made


def main():
    for line in DEVICES.strip().splitlines():
        subprocess.run(["ip"] + line.split(), check=True)
    sockets = make_sockets()
    identity = bytes(40) + b"\xff" * 8
    keep("tcp.bin", dump(4, 18, bytes(4) + identity + struct.pack("=II", 0x3fff, 0)))
    for name, family, protocol in (("udp_ipv4", socket.AF_INET, 17), ("udp_ipv6", socket.AF_INET6, 17)):
        keep(name + ".bin", dump(4, 20, struct.pack("=BBHI", family, protocol, 0, 0x3fff) + identity))
    extended = struct.pack("=HHI", 8, 3, MPTCP)
    keep("mptcp.bin", dump(4, 20, struct.pack("=BBHI", socket.AF_INET, 0, 0, 0x3fff) + identity + extended))
    keep("addresses.bin", dump(0, 22, bytes(8)))
    keep("links.bin", dump(0, 18, bytes(16)))
    keep("families.bin", dump(16, 16, b"\x03\x01\0\0"))
    for table in ("tcp", "tcp6", "udp", "udp6", "udplite"):
        shutil.copyfile("/proc/net/" + table, os.path.join(HERE, "proc_" + table))
    for sock in sockets:
        sock.close()


main()
