"""Reads what the tests want to know of a program for Windows ("PE Format", Microsoft): imports, exports, resources."""
import struct


class Image:
    def __init__(self, data):
        self.data = data
        header = self.number(0x3C, "I")
        if data[:2] != b"MZ" or data[header:header + 4] != b"PE\0\0":
            raise ValueError("no program for Windows")
        self.stamp = self.number(header + 8, "I")
        sections, optional = self.number(header + 6, "H"), self.number(header + 20, "H")
        start = header + 24
        wide = self.number(start, "H") == 0x20B
        self.thunk = "Q" if wide else "I"
        self.flags = self.number(start + 70, "H")
        folders = start + (112 if wide else 96)
        self.folders = [struct.unpack_from("<II", data, folders + 8 * i) for i in range(self.number(folders - 4, "I"))]
        table = start + optional
        self.sections = [struct.unpack_from("<IIII", data, table + 40 * i + 8) for i in range(sections)]

    def number(self, at, kind):
        return struct.unpack_from("<" + kind, self.data, at)[0]

    def place(self, address):
        """Where in the file stands what is at this address in memory."""
        for size, start, stored, at in self.sections:
            if start <= address < start + max(size, stored):
                return address - start + at
        raise ValueError(f"no section has address {address:#x}")

    def text(self, address):
        at = self.place(address)
        return self.data[at:self.data.index(b"\0", at)].decode("ascii")

    def imports(self):
        """Library, in small letters -> functions."""
        found = {}
        at = self.place(self.folders[1][0])
        while self.number(at + 12, "I"):
            names = found.setdefault(self.text(self.number(at + 12, "I")).lower(), [])
            thunk = self.place(self.number(at, "I") or self.number(at + 16, "I"))
            step = struct.calcsize(self.thunk)
            while value := self.number(thunk, self.thunk):
                by_number = value >> (8 * step - 1)
                names.append(f"#{value & 0xFFFF}" if by_number else self.text(value + 2))
                thunk += step
            at += 20
        return found

    def exports(self):
        if not self.folders[0][0]:
            return set()
        at = self.place(self.folders[0][0])
        names = self.place(self.number(at + 32, "I"))
        return {self.text(self.number(names + 4 * i, "I")) for i in range(self.number(at + 24, "I"))}

    def resources(self):
        """(type, name) -> bytes; of several languages the last."""
        start = self.place(self.folders[2][0])
        found = {}

        def entries(at):
            for i in range(self.number(at + 12, "H") + self.number(at + 14, "H")):
                yield struct.unpack_from("<II", self.data, at + 16 + 8 * i)

        for kind, kind_place in entries(start):
            for name, name_place in entries(start + (kind_place & 0x7FFFFFFF)):
                for _, leaf in entries(start + (name_place & 0x7FFFFFFF)):
                    address, size = struct.unpack_from("<II", self.data, start + leaf)
                    at = self.place(address)
                    found[kind, name] = self.data[at:at + size]
        return found
