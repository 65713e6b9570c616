#!/usr/bin/env python3
"""asyncio_tasks.py - the operations of task_bench.cpp by Python's asyncio; writes rows as coir_bench does."""
# SPDX-License-Identifier: BSL-1.0
import argparse
import asyncio
import json
import platform
import re
import time

CROWD = 1000


async def one():
    return 1


async def spawn_get(times):
    for _ in range(times):
        await asyncio.create_task(one())


async def task_gather(times):
    for _ in range(times // CROWD):
        await asyncio.gather(*[asyncio.create_task(one()) for _ in range(CROWD)])


async def measure(operation, seconds):
    """Nanoseconds of processor time for each of as many as fill the time."""
    times = CROWD
    while True:
        start = time.process_time_ns()
        await operation(times)
        spent = time.process_time_ns() - start
        if spent >= seconds * 1e9:
            return spent / times
        times *= 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filter", default="", help="only rows whose name has a match")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each repetition, at least")
    parser.add_argument("--out", required=True, help="where to write the rows, as JSON")
    options = parser.parse_args()
    runs = []
    for operation in (spawn_get, task_gather):
        name = f"{operation.__name__}/asyncio"
        if not re.search(options.filter, name):
            continue
        for _ in range(options.repetitions):
            each = asyncio.run(measure(operation, options.seconds))
            runs.append({"run_name": name, "run_type": "iteration", "real_time": each, "cpu_time": each})
    context = {"subject:asyncio": f"Python {platform.python_version()}, its own event loop; a program of its own"}
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump({"context": context, "benchmarks": runs}, file)


if __name__ == "__main__":
    main()
