# notes.py - what the linker is told of coir: no executable stacks, landing pads, no shadow stack.
# SPDX-License-Identifier: BSL-1.0
"""usage: notes.py <source directory> <work directory>"""

import pathlib
import re
import sys

import common


def main():
    source, work = (pathlib.Path(word) for word in sys.argv[1:3])
    work.mkdir(parents=True, exist_ok=True)
    library = common.Library(source, work, ("base", "context"))
    if not common.have("readelf"):
        common.skip("no readelf")
    complaints = []
    checked = 0

    def expect(met, what):
        nonlocal checked
        checked += 1
        if not met:
            complaints.append(what)

    def sections(file):
        return common.run("readelf", "-SW", file)

    def properties(file):
        return common.run("readelf", "-nW", file)

    compilers = common.native_compilers() + [
        f"{isa}-linux-gnu-g++" for isa in common.FOREIGN if common.have(f"{isa}-linux-gnu-g++")]
    for cxx in compilers:
        isa = common.target(cxx)
        if isa not in common.ASSEMBLY:
            continue
        assembled = library.compile(cxx, [], library.assembly(isa), work / f"{cxx}.o")
        note = re.search(r"\.note\.GNU-stack\s+PROGBITS\s+\S+ \S+ \S+ \S+\s+(\w*)\s", sections(assembled))
        expect(note is not None, f"{cxx}: {isa} asm has no .note.GNU-stack")
        expect(note is not None and "X" not in note[1], f"{cxx}: {isa} asm asks for executable stacks")
        if isa == "aarch64":
            expect("BTI" in properties(assembled), f"{cxx}: aarch64 asm is not marked BTI")
        if isa == "x86_64":
            expect("IBT" in properties(assembled), f"{cxx}: x86-64 asm is not marked IBT")
            expect("SHSTK" not in properties(assembled), f"{cxx}: x86-64 asm is marked SHSTK")
            # The linker keeps of both marks what all objects have. A program's own objects, which
            # stand here for all of it, have both.
            unit = work / "unit.cpp"
            unit.write_text("int answer() { return 42; }\n")
            marked = library.compile(cxx, ["-fcf-protection=full"], unit, work / f"{cxx}_unit.o")
            for name, objects, shadowed in (("without", [marked], True),
                                            ("with", [marked, assembled], False)):
                joined = work / f"{cxx}_{name}.o"
                common.run("ld", "-r", *objects, "-o", joined)
                expect("IBT" in properties(joined), f"{cxx}: {name} coir a program loses IBT")
                expect(("SHSTK" in properties(joined)) == shadowed,
                       f"{cxx}: {name} coir a program is {'not ' if shadowed else ''}marked SHSTK")

        flags = ["-fcf-protection=full"] if isa == "x86_64" else []
        program = library.build(cxx, ["-O1", *flags], source / "tests/meta/cfi_program.cpp",
                                work / f"{cxx}_program")
        stack = re.search(r"GNU_STACK\s.*?\s(RW\w?)\s", common.run("readelf", "-lW", program))
        expect(stack is not None and stack[1] == "RW", f"{cxx}: a program's stack is executable")
        expect("SHSTK" not in properties(program), f"{cxx}: a program is marked SHSTK")
        defined = common.run("nm", "--defined-only", program)
        expect("coir_context_start" in defined, f"{cxx}: a program lacks the assembly file")
    common.verdict(complaints, checked)


if __name__ == "__main__":
    main()
