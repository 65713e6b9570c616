# common.py - what the meta tests share: running tools, skipping, and coir compiled without CMake.
# SPDX-License-Identifier: BSL-1.0
import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77

# A public function of asm/ and the file it is in, by what the compiler calls its target.
ASSEMBLY = {"x86_64": "x86_64_sysv.S", "aarch64": "aarch64_aapcs64.S", "riscv64": "riscv64_lp64d.S"}
FOREIGN = ("aarch64", "riscv64")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def run(*command, env=None, timeout=240):
    """Runs a command that must succeed; its output."""
    done = attempt(*command, env=env, timeout=timeout)
    if done.returncode != 0:
        print(shown(command))
        print(done.stdout)
        sys.exit(f"exit status {done.returncode}")
    return done.stdout


def attempt(*command, env=None, timeout=240):
    """Runs a command that may fail; what became of it, both streams in `stdout`."""
    return subprocess.run([str(word) for word in command], text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=None if env is None else {**os.environ, **env})


def shown(command):
    return " ".join(str(word) for word in command)


def verdict(complaints, checked):
    """Prints what was found wrong, and exits."""
    for complaint in complaints:
        print(complaint)
    print(f"{checked} checked, {len(complaints)} complaints")
    if checked == 0:
        sys.exit("nothing was checked")
    sys.exit(1 if complaints else 0)


def in_parallel(work, items):
    """[work(item) for item in items], as many at once as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


def have(*tools):
    return all(shutil.which(tool) for tool in tools)


def cached():
    """What to put before a compiler whose work may have been done before."""
    return ["ccache"] if have("ccache") else []


def native_compilers():
    return [cxx for cxx in ("g++", "clang++-19") if have(cxx)] or [os.environ.get("CXX", "c++")]


@functools.cache
def target(cxx):
    """x86_64, aarch64, riscv64: what a compiler compiles for. `cxx` may carry options."""
    return run(*cxx.split(), "-dumpmachine").split("-")[0]


def emulated(isa):
    """The words before a program of another instruction set."""
    triple = f"{isa}-linux-gnu"
    return [f"qemu-{isa}", "-L", f"/usr/{triple}", "-E", f"LD_LIBRARY_PATH=/usr/{triple}/lib"]


class Library:
    """coir's sources, to be compiled with any compiler and any flags: the switch is our own.

    All of them, or only those on some floors."""

    def __init__(self, source, work, floors=None):
        self.source = pathlib.Path(source)
        self.config = pathlib.Path(work) / "include"
        self.sources = [file for file in sorted((self.source / "lib").rglob("*.cpp"))
                        if floors is None or file.parent.name in floors]
        (self.config / "coir").mkdir(parents=True, exist_ok=True)
        values = {"PROJECT_VERSION": "0", "COIR_CONTEXT_BACKEND": "1", "COIR_HAS_ASM": "1",
                  "COIR_HAS_UCONTEXT": "1"}
        template = (self.source / "include/coir/config.hpp.in").read_text()
        text = re.sub(r"@(\w+)@", lambda match: values.get(match[1], "0"), template)
        (self.config / "coir/config.hpp").write_text(text)

    def assembly(self, isa):
        return self.source / "asm" / ASSEMBLY[isa]

    def flags(self):
        return ["-std=c++20", f"-I{self.config}", f"-I{self.source}/include", f"-I{self.source}/lib",
                f"-I{self.source}/asm", "-DCOIR_HAS_VALGRIND=0"]

    def compile(self, cxx, flags, file, out):
        run(*cached(), *cxx.split(), *self.flags(), *flags, "-c", file, "-o", out)
        return out

    def build(self, cxx, flags, program, out, more=()):
        """A program from one source and the library, every file with these flags, and `more`."""
        out.mkdir(parents=True, exist_ok=True)
        objects = [*more]
        for file in [*self.sources, self.assembly(target(cxx)), pathlib.Path(program)]:
            name = f"{file.parent.name}_{file.name}.o"
            objects.append(self.compile(cxx, flags, file, out / name))
        executable = out / "program"
        run(*cxx.split(), *flags, *objects, "-pthread", "-o", executable)
        return executable
