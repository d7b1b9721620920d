#!/usr/bin/python3 -B
"""Measures moorage against what people use instead, on this machine: bench.py [--build FOLDER] [FAMILY]...

Each family of rows is a file beside this one, with a text that says what is measured and how, and `run(context)`, which makes
one table (measure.py has what they share). All of them are measured unless some are named. Each cell is the median of several rounds, in
which all ways take turns. What is not installed is left out, and said.
"""

import argparse
import csv
import importlib
import json
import os
import pathlib
import platform
import re

import measure

HERE = pathlib.Path(__file__).resolve().parent
SHARED = ("bench", "measure")


def families():
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)


def write_csv(folder, tables):
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        name = "-".join(re.findall(r"[a-z0-9]+", table.title.lower()))
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(table.rows[0]))
            writer.writeheader()
            writer.writerows(table.rows)


def main():
    options = argparse.ArgumentParser(description="Measures moorage against what people use instead.")
    options.add_argument("--build", default="build", type=pathlib.Path, help="where moorage was built")
    options.add_argument("--rounds", default=5, type=int, help="how often each way is measured")
    options.add_argument("--json", type=pathlib.Path, metavar="FILE", help="writes the numbers there too")
    options.add_argument("--csv", type=pathlib.Path, metavar="FOLDER", help="writes each table there as well, as CSV")
    options.add_argument("family", nargs="*", help=f"of {', '.join(families())}; all, unless some are named")
    chosen = options.parse_args()
    unknown = set(chosen.family) - set(families())
    if unknown or chosen.rounds < 1:
        options.error(f"there is no family {', '.join(unknown)}" if unknown else "there is no round")
    context = measure.Context(chosen.build.resolve(), chosen.rounds)
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {platform.system()} "
          f"{platform.release()}")
    for name in chosen.family or families():
        importlib.import_module(name).run(context)
    if chosen.csv:
        write_csv(chosen.csv, context.tables)
    if chosen.json:
        tables = [{"title": table.title, "rows": table.rows} for table in context.tables]
        chosen.json.write_text(json.dumps({"schema": "moorage.bench/1", "tables": tables}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
