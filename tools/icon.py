#!/usr/bin/env python3
"""Draws the program's icon: icon.py OUT.ico

A mooring bollard with a rope around it, on a round field of sea. Shapes are distances, so that every size is drawn as itself
and looks the same in each build.
"""
import math
import struct
import sys
import zlib

SEA, IRON, ROPE = (19, 78, 122), (242, 244, 246), (240, 168, 48)
SIZES = [16, 24, 32, 48, 64, 256]
LARGE = 256  # from here on as PNG, which Windows takes since Vista


def box(x, y, left, top, right, bottom, corner):
    """Distance to a rectangle with round corners: negative inside."""
    dx = abs(x - (left + right) / 2) - (right - left) / 2 + corner
    dy = abs(y - (top + bottom) / 2) - (bottom - top) / 2 + corner
    return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - corner


def rope(x, y):
    """A band that falls a little to the right, and its end to the right edge."""
    middle = 0.52 + 0.10 * (x - 0.5)
    band = max(abs(y - middle) - 0.045, abs(x - 0.5) - 0.19)
    end = max(abs(y - (0.545 + 0.62 * (x - 0.68) ** 2)) - 0.032, 0.66 - x, x - 0.99)
    return min(band, end)


def layers(x, y):
    """(distance, colour) from the bottom to the top."""
    yield math.hypot(x - 0.5, y - 0.5) - 0.49, SEA
    yield box(x, y, 0.34, 0.30, 0.66, 0.74, 0.04), IRON
    yield box(x, y, 0.24, 0.19, 0.76, 0.37, 0.09), IRON
    yield box(x, y, 0.22, 0.70, 0.78, 0.80, 0.03), IRON
    yield rope(x, y), ROPE


def pixel(column, row, size):
    """Blue, green, red, opacity of one pixel."""
    colour, alpha = (0.0, 0.0, 0.0), 0.0
    for distance, own in layers((column + 0.5) / size, (row + 0.5) / size):
        cover = min(max(0.5 - distance * size, 0.0), 1.0)
        total = cover + alpha * (1 - cover)
        if total > 0:
            colour = tuple((o * cover + c * alpha * (1 - cover)) / total for o, c in zip(own, colour))
        alpha = total
    # Nothing outside of the round field.
    alpha *= min(max(0.5 - (math.hypot((column + 0.5) / size - 0.5, (row + 0.5) / size - 0.5) - 0.49) * size, 0.0), 1.0)
    red, green, blue = (round(part) for part in colour)
    return blue, green, red, round(alpha * 255)


def rows(size):
    return [[pixel(column, row, size) for column in range(size)] for row in range(size)]


def as_bitmap(size):
    """A bitmap of twice the height, as icons have it: colours from the bottom up, then an empty mask."""
    header = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    colours = b"".join(bytes(part for dot in row for part in dot) for row in reversed(rows(size)))
    return header + colours + bytes((size + 31) // 32 * 4 * size)


def as_png(size):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + bytes(part for b, g, r, a in row for part in (r, g, b, a)) for row in rows(size))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def main(out):
    images = [as_png(size) if size >= LARGE else as_bitmap(size) for size in SIZES]
    place = 6 + 16 * len(SIZES)
    head = struct.pack("<HHH", 0, 1, len(SIZES))
    for size, image in zip(SIZES, images):
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), place)
        place += len(image)
    with open(out, "wb") as file:
        file.write(head + b"".join(images))


if __name__ == "__main__":
    main(sys.argv[1])
