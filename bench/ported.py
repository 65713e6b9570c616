#!/usr/bin/env python3
"""ported.py - times the programs of tests/ported, against std and against coir; writes rows as coir_bench does."""
# SPDX-License-Identifier: BSL-1.0
import argparse
import json
import os
import re
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"coir": "coir", "thread": "std"}
THREADS = (8, 10000)
# What word_count counts: files of a few thousand lines.
FILES = [os.path.join(HERE, name) for name in ("report.py", "operations.txt", "targets.txt", "run")]


def run(program, threads, times):
    """Milliseconds from the start of the process to its end, and those on the processors; None where it fails."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    spent, start = 0, time.perf_counter()
    for _ in range(times):
        child = os.posix_spawn(program, [program, str(threads), *FILES], os.environ, file_actions=quiet)
        _, status, usage = os.wait4(child, 0)
        if status != 0:
            return None
        spent += usage.ru_utime + usage.ru_stime
    return 1000 * (time.perf_counter() - start) / times, 1000 * spent / times


def rows(folder, wanted):
    programs = sorted(name[: -len("_std")] for name in os.listdir(folder) if name.endswith("_std"))
    for stem in programs:
        for threads in THREADS:
            for subject, names in KINDS.items():
                name = f"ported_{stem}/{subject}/{threads}"
                if re.search(wanted, name):
                    yield name, os.path.join(folder, f"{stem}_{names}"), threads


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="the folder they are in")
    parser.add_argument("--filter", default="", help="only rows whose name has a match")
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument("--seconds", help="of no use here: a program takes what it takes")
    parser.add_argument("--list", action="store_true", help="print the names of the rows, and nothing else")
    parser.add_argument("--out", help="where to write the rows, as JSON")
    options = parser.parse_args()
    wanted, runs, times = list(rows(options.programs, options.filter)), [], {}
    if options.list:
        for name, *_ in wanted:
            print(name)
        return
    # What the programs start has two processors, too.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    for repetition in range(options.repetitions + 1):
        for name, program, threads in wanted:
            measured = run(program, threads, times.get(name, 1))
            made = {"run_name": name, "run_type": "iteration", "label": "wall"}
            if measured is None:
                made |= {"error_occurred": True, "error_message": "the program failed"}
            elif repetition == 0:  # how often it is run in one measurement, a tenth of a second
                times[name] = max(1, min(50, round(100 / measured[0])))
                continue
            else:
                made |= {"real_time": measured[0], "cpu_time": measured[1]}
            runs.append(made)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump({"context": {}, "benchmarks": runs}, file)


if __name__ == "__main__":
    main()
