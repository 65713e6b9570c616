# cfi.py - a debugger finds its way home from every instruction of the switch.
# SPDX-License-Identifier: BSL-1.0
#
# Run by python3 it builds cfi_program.cpp and starts gdb; run inside gdb it steps through the
# program. At each instruction of coir_context_switch the walk must end in main on the thread's
# stack, in coir_context_start on the other one, and the frame that called the switch must have the
# registers that it had when it called. At each instruction of coir_context_start the walk ends.
"""usage: cfi.py <source directory> <work directory>"""

import pathlib
import sys

try:
    import gdb
except ImportError:
    gdb = None

SWITCH = "coir_context_switch"
ROOT = "coir_context_start"
# What the convention makes a call keep, and where the frame is.
KEPT = "rbx rbp r12 r13 r14 r15 rsp pc".split()
# Instructions that one run passes: all of the switch, and of the root up to its call.
LEAST = {SWITCH: 21, ROOT: 4}


def walk(frame):
    """The names of all frames, and why there are no more."""
    names = []
    while frame is not None and len(names) < 30:
        names.append(frame.name())
        last, frame = frame, frame.older()
    return names, last.unwind_stop_reason()


class Stepper:
    def __init__(self):
        self.complaints = []
        self.passed = {SWITCH: set(), ROOT: set()}
        self.at_call = {}  # by the stack's last frame: registers of the switch's caller
        self.start = int(gdb.parse_and_eval(f"(long)&{SWITCH}"))

    def look(self, frame):
        """Judges one instruction."""
        place = frame.name()
        where = gdb.execute("x/i $pc", to_string=True).strip()
        names, reason = walk(frame)
        ends_well = reason in (gdb.FRAME_UNWIND_NO_REASON, gdb.FRAME_UNWIND_OUTERMOST)
        if place == ROOT:
            if names != [ROOT] or not ends_well:
                self.complaints.append(f"{where}: the walk goes past the root: {names}, {reason}")
        elif names[-1] not in ("main", ROOT) or len(names) < 3 or not ends_well:
            self.complaints.append(f"{where}: the walk is lost: {names}, {reason}")
        else:
            caller = frame.older()
            registers = {name: int(caller.read_register(name)) for name in KEPT}
            if frame.pc() == self.start:
                self.at_call[names[-1]] = registers
            elif registers != self.at_call[names[-1]]:
                self.complaints.append(f"{where}: the caller's registers were "
                                       f"{self.at_call[names[-1]]}, now they are {registers}")
        self.passed[place].add(frame.pc())

    def run(self):
        """From the first switch until the caller is back in main."""
        while (frame := gdb.newest_frame()).name() != "main":
            if frame.name() in self.passed:
                self.look(frame)
            gdb.execute("stepi", to_string=True)
        for place, least in LEAST.items():
            if len(self.passed[place]) < least:
                self.complaints.append(f"only {len(self.passed[place])} instructions of {place}")


def inside_gdb():
    gdb.execute(f"break {SWITCH}")
    gdb.execute("run", to_string=True)
    gdb.execute("delete")
    stepper = Stepper()
    stepper.run()
    for complaint in stepper.complaints:
        print(complaint)
    print("instructions:", {place: len(seen) for place, seen in stepper.passed.items()})
    if not stepper.complaints:
        print("cfi: right at every instruction")


def main():
    import common

    source, work = (pathlib.Path(word) for word in sys.argv[1:3])
    if not common.have("gdb"):
        common.skip("no gdb")
    library = common.Library(source, work, ("base", "context"))
    complaints = []
    compilers = common.native_compilers()
    if common.target(compilers[0]) != "x86_64":
        common.skip("the registers are those of x86-64")
    for cxx in compilers:
        program = library.build(cxx, ["-g", "-O1"], source / "tests/meta/cfi_program.cpp",
                                work / cxx)
        done = common.attempt("gdb", "-nx", "-batch", "-ex", "set pagination off",
                              "-x", pathlib.Path(__file__).resolve(), program)
        print(f"{cxx}:", *done.stdout.splitlines()[-2:], sep="\n  ")
        if "cfi: right at every instruction" not in done.stdout:
            complaints.append(f"{cxx}:\n{done.stdout}")
    common.verdict(complaints, len(compilers))


if __name__ == "__main__":
    inside_gdb() if gdb else main()
