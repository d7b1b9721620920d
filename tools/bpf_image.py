#!/usr/bin/env python3
"""Turns an object file of clang's target bpf into a C file that the kernel can be given as it is:

    bpf_image.py OBJECT OUTPUT NAME

The section "program" comes first, the functions of ".text" after it; calls and addresses of functions between the two are
settled here. What stays open are the maps (sections .map.N.NAME, in the order of N), whose numbers are known only at run
time: NAME_maps lists the instructions that take one. The kernel wants a type for each function, and no more than that is
given to it (Documentation/bpf/btf.rst of the kernel): a function of ".text" that is not static takes one number, and is
verified by itself.
"""
import struct
import sys

BPF_LOAD_WIDE = 0x18
MAP_FD, MAP_VALUE, FUNC, CALL = 1, 2, 4, 1
R_WIDE, R_CALL = 1, 10
GLOBAL_FUNCTION = 0x12


def read_object(data):
    if data[:6] != b"\x7fELF\x02\x01" and data[:6] != b"\x7fELF\x02\x02":
        sys.exit("bpf_image.py: this is no 64-bit ELF file")
    end = "<" if data[5] == 1 else ">"
    place, = struct.unpack_from(end + "Q", data, 0x28)
    size, count, names = struct.unpack_from(end + "HHH", data, 0x3A)
    sections = []
    for i in range(count):
        name, kind, _, _, offset, length, link, info, _, _ = struct.unpack_from(end + "IIQQQQIIQQ", data, place + i * size)
        sections.append({"name": name, "kind": kind, "data": data[offset:offset + length] if kind != 8 else b"",
                         "link": link, "info": info})
    for section in sections:
        section["name"] = sections[names]["data"][section["name"]:].split(b"\0", 1)[0].decode()
    return end, sections


def main():
    source, target, name = sys.argv[1:4]
    with open(source, "rb") as file:
        end, sections = read_object(file.read())
    numbers = {section["name"]: i for i, section in enumerate(sections)}
    maps = sorted((i for i, section in enumerate(sections) if section["name"].startswith(".map.")),
                  key=lambda i: sections[i]["name"])
    code = [numbers["program"]] + ([numbers[".text"]] if ".text" in numbers else [])
    begin, insns = {}, []
    for number in code:
        begin[number] = len(insns)
        insns += [list(insn) for insn in struct.iter_unpack(end + "BBhi", sections[number]["data"])]
    used = []
    functions = {0}
    symbols = next(section for section in sections if section["kind"] == 2)["data"]
    alone = {begin[where] + value // 8 for _, info, _, where, value, _ in struct.iter_unpack(end + "IBBHQQ", symbols)
             if info == GLOBAL_FUNCTION and where == numbers.get(".text")}
    for section in sections:
        if section["kind"] != 9 or section["info"] not in begin:
            continue
        for offset, info in struct.iter_unpack(end + "QQ", section["data"]):
            at = begin[section["info"]] + offset // 8
            _, _, _, where, value, _ = struct.unpack_from(end + "IBBHQQ", symbols, (info >> 32) * 24)
            insn = insns[at]
            if where in maps:
                by_value = sections[where]["name"] == ".map.0.state"
                assert insn[0] == BPF_LOAD_WIDE and (by_value or value + insn[3] == 0)
                insns[at + 1][3] = value + insn[3] if by_value else 0
                insn[1], insn[3] = insn[1] & 15 | (MAP_VALUE if by_value else MAP_FD) << 4, 0
                used.append((at, maps.index(where)))
            elif where in begin and info & 0xFFFFFFFF == R_CALL:
                place = begin[where] + value // 8 + insn[3] + 1
                insn[3] = place - at - 1
            elif where in begin and info & 0xFFFFFFFF == R_WIDE:
                place = begin[where] + (value + insn[3]) // 8
                insn[1], insn[3] = insn[1] & 15 | FUNC << 4, place - at - 1
                functions.add(place)
            else:
                sys.exit(f"bpf_image.py: instruction {at} refers to section {where}, which is neither code nor a map")
    functions |= {at + insn[3] + 1 for at, insn in enumerate(insns) if insn[0] == 0x85 and insn[1] >> 4 == CALL}
    names = b"\0u64\0at\0"
    types = struct.pack("=IIII", 1, 1 << 24, 8, 64)  # an integer of 64 bits
    types += struct.pack("=III", 0, 13 << 24, 1)     # a function that gives one
    types += struct.pack("=IIIII", 0, 13 << 24 | 1, 1, 5, 1)  # and one that takes one too
    for i, place in enumerate(sorted(functions)):
        types += struct.pack("=III", len(names), 12 << 24 | (place in alone), 3 if place in alone else 2)
        names += f"f{i}\0".encode()
    btf = struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(names)) + types + names

    def array(kind, suffix, values, each):
        rows = [", ".join(values[i:i + each]) for i in range(0, len(values), each)]
        return f"const {kind} {name}_{suffix}[] = {{\n    " + ",\n    ".join(rows) + ",\n};\n"

    packed = [struct.unpack("=Q", struct.pack("=BBhi", *insn))[0] for insn in insns]
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "sys/bpf_linux.h"\n\n')
        file.write("static " + array("uint64_t", "code", [f"0x{value:x}u" for value in packed], 6))
        file.write("static " + array("struct bpf_use", "maps", [f"{{{at}, {which}}}" for at, which in used], 8))
        file.write("static " + array("struct bpf_function", "functions",
                                     [f"{{{place}, {4 + i}}}" for i, place in enumerate(sorted(functions))], 8))
        file.write("static " + array("unsigned char", "types", [str(byte) for byte in btf], 24))
        file.write(f"\nextern const struct bpf_image {name};\n")
        file.write(f"const struct bpf_image {name} = {{\n    {name}_code, {len(packed)}, {name}_maps, {len(used)},\n"
                   f"    {name}_functions, {len(functions)}, {name}_types, {len(btf)},\n}};\n")


main()
