# hash_matrix.py - hash_program.cpp gives its one hash whatever the compiler and its options.
# SPDX-License-Identifier: BSL-1.0
#
# An inline switch stands on what it tells the compiler of the registers it changes. Each option
# here changes what a compiler keeps in which register. The floors with a switch in them are compiled
# with the same options as the program; the stack floor, which has none, once per compiler.
"""usage: hash_matrix.py <source directory> <work directory> [<regex of rows>]

Prints one row per build: compiler, options, verdict. With COIR_EVERY_OPTION set in the environment
every option is tried at every level, otherwise at -O0 and -O2.
"""

import os
import pathlib
import re
import sys

import common

LEVELS = ("-O0", "-O1", "-O2", "-O3")
SWITCHING = ("base", "arch", "context")
FIXED = ("stack",)


def native_rows():
    """(compiler, options, words before the program, what is missing to build or run it)"""
    processor = pathlib.Path("/proc/cpuinfo").read_text() if common.target("g++") == "x86_64" else ""
    levels = LEVELS if os.environ.get("COIR_EVERY_OPTION") else ("-O0", "-O2")
    for cxx in common.native_compilers():
        options = ["", "-fPIC -pie", "-flto", "-fno-omit-frame-pointer", "-fomit-frame-pointer"]
        if common.target(cxx) == "x86_64":
            options += ["-march=x86-64-v4", "-fcf-protection=full"]
        for level in LEVELS:
            for option in options if level in levels else [""]:
                missing = ""
                if "x86-64-v4" in option and not {"avx512f", "avx512vl"} <= set(processor.split()):
                    missing = "the processor has no AVX-512"
                if option == "-flto" and "clang" in cxx:
                    option = "-flto -fuse-ld=lld"
                    missing = "" if common.have("ld.lld-19") else "no lld"
                yield cxx, f"{level} {option}", [], missing


def foreign_rows():
    more = {"aarch64": ["-O2 -mbranch-protection=standard", "-O3 -march=armv8-a+sve"], "riscv64": []}
    for isa in common.FOREIGN:
        cross = f"{isa}-linux-gnu-g++"
        absent = [tool for tool in (cross, f"qemu-{isa}") if not common.have(tool)]
        missing = f"no {' '.join(absent)}" if absent else ""
        for option in ("-O0", "-O2", *more[isa]):
            yield cross, option, common.emulated(isa), missing
        if not (common.have("clang++-19") and common.have("ld.lld-19")):
            missing = missing or "no clang++-19 with lld"
        clang = f"clang++-19 --target={isa}-linux-gnu -fuse-ld=lld"
        yield clang, "-O2", common.emulated(isa), missing
        if isa == "riscv64":
            vector = common.emulated(isa)[:1] + ["-cpu", "rv64,v=true"] + common.emulated(isa)[1:]
            yield clang, "-O3 -march=rv64gcv", vector, missing


def main():
    source, work = (pathlib.Path(word) for word in sys.argv[1:3])
    rows = [row for row in [*native_rows(), *foreign_rows()]
            if len(sys.argv) < 4 or re.search(sys.argv[3], " ".join(row[:2]))]
    switching = common.Library(source, work, SWITCHING)
    fixed = common.Library(source, work, FIXED)
    program = source / "tests/meta/hash_program.cpp"

    def name(*words):
        return re.sub(r"[^\w=.+-]+", "_", "_".join(words)).strip("_")

    # The stack floor, one file at a time so that all processors have work.
    compilers = sorted({row[0] for row in rows if not row[3]})
    for cxx in compilers:
        (work / name(cxx)).mkdir(parents=True, exist_ok=True)
    parts = [(cxx, file, work / name(cxx) / f"{file.name}.o")
             for cxx in compilers for file in fixed.sources]
    common.in_parallel(lambda part: fixed.compile(part[0], ["-O2", "-fPIC"], *part[1:]), parts)
    rest = {cxx: [out for compiler, _, out in parts if compiler == cxx] for cxx in compilers}

    def check(row):
        cxx, option, before, missing = row
        title = f"{cxx} {option}"
        if missing:
            return f"{title}: left out, {missing}", []
        built = switching.build(cxx, option.split(), program, work / name(cxx, option), rest[cxx])
        done = common.attempt(*before, built)
        if done.returncode == 0:
            return f"{title}: {done.stdout.strip()}", []
        return f"{title}: wrong", [f"{title}: exit status {done.returncode}\n{done.stdout}"]

    results = common.in_parallel(check, rows)
    for line, _ in results:
        print(line)
    complaints = sum((wrong for _, wrong in results), [])
    common.verdict(complaints, sum("left out" not in line for line, _ in results))


if __name__ == "__main__":
    main()
