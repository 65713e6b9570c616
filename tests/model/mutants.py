#!/usr/bin/env python3
"""mutants.py - breaks the library's source, line by line, and expects a model to notice.

usage: mutants.py --compiler CXX --include DIR --engine OBJECT --library LIBRARY [--link=WHAT]...
                  [--only TEXT] [--jobs N]

Each entry of mutants.txt is applied to a copy of its file; the model that it names is compiled with
the copy and run. A mutant that the model does not notice, that does not compile or whose lines are
not in the source any more fails the test.
"""
# SPDX-License-Identifier: BSL-1.0
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = 120  # that a model may take


def read(path):
    """The entries: dictionaries, with the changes as pairs of old and new text."""
    entries = []
    for line in path.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        key, _, rest = line.partition(":")
        if line[0] not in "-+":
            if key == "mutant":
                entries.append({"changes": []})
            entries[-1][key] = rest.strip()
            continue
        changes = entries[-1]["changes"]
        text = line[2:] + "\n" if line[1:].strip() else ""
        if line[0] == "-":
            if not changes or changes[-1][1] is not None:
                changes.append(["", None])
            changes[-1][0] += text
        else:
            changes[-1][1] = (changes[-1][1] or "") + text
    return entries


def mutate(entry, into):
    """Writes the changed file below `into`; what is wrong with the entry, if anything."""
    source = (ROOT / entry["file"]).read_text()
    for old, new in entry["changes"]:
        new = new or ""
        # The beginning of a line is enough.
        found = source.count(old.rstrip("\n"))
        if found != 1:
            return f"its lines are {found} times in {entry['file']}"
        source = source.replace(old.rstrip("\n"), new.rstrip("\n"))
    target = into / entry["file"]
    target.parent.mkdir(parents=True)
    target.write_text(source)
    return None


def survives(entry, how):
    """None where the model noticed; else what happened."""
    with tempfile.TemporaryDirectory() as directory:
        into = pathlib.Path(directory)
        wrong = mutate(entry, into)
        if wrong:
            return wrong
        program = into / "program"
        command = [how.compiler, "-std=c++20", "-O0", "-w", "-ffunction-sections", "-DCOIR_MODEL",
                   "-DCOIR_MODEL_BARE", "-Dcoir=coir_modelled", f"-I{HERE / 'bare'}",
                   f"-I{into / 'lib'}", f"-I{into / 'include'}", f"-I{ROOT / 'tests'}",
                   f"-I{ROOT / 'lib'}", f"-I{ROOT / 'include'}", f"-I{how.include}",
                   str(HERE / f"{entry['test']}_test.cpp"), how.engine, how.library,
                   "-Wl,--gc-sections", "-pthread", *how.link, "-o", str(program)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            return "it does not compile:\n" + made.stderr[-2000:]
        try:
            ran = subprocess.run([str(program)], capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"the model went on for {SECONDS} s"
        return "no model noticed" if ran.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True, help="where the configured headers are")
    parser.add_argument("--engine", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--link", action="append", default=[], help="--link=-lWHAT")
    parser.add_argument("--only", default="", help="mutants whose name or test has this")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    how = parser.parse_args()
    entries = [e for e in read(HERE / "mutants.txt") if how.only in e["mutant"] + " " + e["test"]]
    alive = 0
    with concurrent.futures.ThreadPoolExecutor(how.jobs) as pool:
        for entry, what in zip(entries, pool.map(lambda e: survives(e, how), entries)):
            if what is not None:
                alive += 1
                print(f"{entry['test']}: {entry['mutant']}: {what}")
    print(f"{len(entries)} mutants, {alive} alive")
    return 1 if alive or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
