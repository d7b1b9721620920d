#!/usr/bin/env python3
"""Turns a JSON file into a C file with the same document, so that the program need not parse it: json_image.py INPUT OUTPUT NAME.

A node stands before what is in it, and that in order: see src/base/json_image.h. Numbers must be whole.
"""
import json
import sys

TYPES = {dict: "cJSON_Object", list: "cJSON_Array", str: "cJSON_String", int: "cJSON_Number"}


class Image:
    def __init__(self):
        self.text, self.places, self.nodes = b"\0", {"": 0}, []

    def place(self, text):
        if text not in self.places:
            self.places[text] = len(self.text)
            self.text += text.encode() + b"\0"
        return self.places[text]

    def add(self, key, value):
        """The index of the new node, which has no sibling yet."""
        kind = {True: "cJSON_True", False: "cJSON_False"}[value] if isinstance(value, bool) else TYPES[type(value)]
        index = len(self.nodes)
        node = {"key": self.place(key), "text": self.place(value) if isinstance(value, str) else 0,
                "number": value if kind == "cJSON_Number" else 0, "next": 0, "type": kind, "filled": "false"}
        self.nodes.append(node)
        last = None
        for name, item in value.items() if isinstance(value, dict) else [("", item) for item in value] \
                if isinstance(value, list) else []:
            child = self.add(name, item)
            node["filled"] = "true"
            if last is not None:
                self.nodes[last]["next"] = child
            last = child
        return index


def main():
    source, target, name = sys.argv[1:4]
    image = Image()
    with open(source, encoding="utf-8") as file:
        image.add("", json.load(file))
    rows = ["{" + ", ".join(str(value) for value in node.values()) + "}" for node in image.nodes]
    text = [", ".join(str(byte) for byte in image.text[i:i + 24]) for i in range(0, len(image.text), 24)]
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "base/json_image.h"\n\n'
                   f"static const struct json_node {name}_nodes[] = {{\n    " + ",\n    ".join(rows) + ",\n};\n"
                   f"static const unsigned char {name}_text[] = {{\n    " + ",\n    ".join(text) + ",\n};\n\n"
                   f"extern const struct json_image {name};\n"
                   f"const struct json_image {name} = {{{name}_nodes, {len(rows)}, {name}_text}};\n")


main()
