#!/usr/bin/env python3
"""Turns a data file into a C array: embed.py INPUT OUTPUT NAME."""
import sys

source, target, name = sys.argv[1:4]
with open(source, "rb") as file:
    data = file.read()
lines = [", ".join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(target, "w", encoding="ascii") as file:
    file.write(f"#include <stddef.h>\n\nextern const unsigned char {name}[];\nextern const size_t {name}_size;\n\n")
    file.write(f"const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + ", 0,\n};\n")
    file.write(f"const size_t {name}_size = {len(data)};\n")
