# object_code.py - functions as objdump shows them, and where each keeps a thread's address.
# SPDX-License-Identifier: BSL-1.0
"""Reads the disassembly of x86-64 and AArch64 objects, archives and programs, and follows addresses
through a function: in registers, in its stack frame, along its jumps.

A value is ("frame", base, offset), an address in the frame; or ("thread", kept, origin), an address
in a thread's own memory that was made at `origin`, and has been kept over a switch since or not.
"""

import collections
import re

import common

Instruction = collections.namedtuple("Instruction", "key name operands symbol target text")

COLD = ".cold"
RELOCATION = re.compile(r"[0-9a-f]+: R_(\S+)\s*(.*)")


class Function:
    def __init__(self, name, instructions):
        self.name = name  # mangled
        self.instructions = instructions


class File:
    """An object or program: its functions, and its instructions by (section, address)."""

    def __init__(self, name):
        self.name = name
        self.functions = []
        self.at = {}        # key: (function, index)
        self.by_name = {}   # name: [function]

    def function_at(self, key):
        function, index = self.at.get(key, (None, 0))
        return function if index == 0 else None


def read(objdump, path):
    """The files in an archive, or the one that is an object or a program."""
    files = []
    section = name = None
    instructions = []

    def finish():
        if name is not None and instructions:
            function = Function(name, list(instructions))
            files[-1].functions.append(function)
            files[-1].by_name.setdefault(name, []).append(function)
            for index, one in enumerate(instructions):
                files[-1].at[one.key] = (function, index)
        instructions.clear()

    for line in common.run(objdump, "-drw", "--no-show-raw-insn", path).splitlines():
        if line.startswith(" "):
            instructions.append(parse(section, line))
        elif match := re.match(r"[0-9a-f]{8,} <(.+)>:$", line):
            finish()
            name = match[1]
        elif match := re.match(r"Disassembly of section (.+):$", line):
            finish()
            section, name = match[1], None
        elif match := re.match(r"(.+):\s+file format", line):
            finish()
            files.append(File(match[1].rsplit("/", 1)[-1]))
    finish()
    return files


def parse(section, line):
    address, *words = line.split("\t")
    relocation = next((RELOCATION.match(" ".join(words[i:])) for i, word in enumerate(words)
                       if RELOCATION.match(word)), None)
    if relocation is not None:
        words = words[:next(i for i, word in enumerate(words) if RELOCATION.match(word))]
    text = re.sub(r"\s+(#|//) .*", "", " ".join(words).strip())
    while match := re.match(r"(lock|repz?|repnz|notrack|bnd|data16|cs|ds|addr32|rex\.\w+) (.+)", text):
        text = match[2]
    text = " ".join(text.split())
    name, _, operands = text.partition(" ")
    symbol = target = None
    if match := re.search(r"\b([0-9a-f]+) <([^>+]+?)(@plt)?(?:\+0x[0-9a-f]+)?>$", operands):
        target, symbol = (section, int(match[1], 16)), match[2]
        operands = operands[:match.start()].strip()
    if relocation is not None and re.search(r"PLT32|PC32|CALL26|JUMP26|TLSDESC_CALL", relocation[1]):
        symbol, _, rest = re.match(r"(.*?)((?:[+-]0x[0-9a-f]+)*)$", relocation[2]).group(1, 0, 2)
        addend = sum(int(part, 16) for part in re.findall(r"[+-]0x[0-9a-f]+", rest))
        past = 4 if relocation[1].startswith("X86") else 0  # it counts from the next instruction
        target = (symbol, addend + past)  # if the symbol is a section
    return Instruction((section, int(address.strip(" :"), 16)), name, split(operands), symbol,
                       target, text)


def split(operands):
    """At the commas outside of brackets."""
    return [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", operands) if part.strip()]


# --- what an instruction does --------------------------------------------------------------------
#
# A list of steps, each a tuple:
#     copy to from | add to from number | mix to from... | clear to | thread to
#     load to memory bytes | store from memory bytes | touch memory
# where memory is (base, index, offset); and how it ends: next, jump, branch, return, anywhere (a
# jump through a table), stop, call, switch.

class X86:
    frame, result = "rsp", "rax"
    arguments = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
    kept = ("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15")
    switched = ("rsp", "rbp")  # what a switch itself saves

    # Just before the jump, which brings the old values back.
    SWITCHING = ("mov (%rsi),%rsp", "mov 0x8(%rsi),%rbp")

    names = {}
    for whole in "rax rbx rcx rdx rsi rdi rbp rsp".split():
        stem = whole[1:]
        for part in (whole, "e" + stem, stem, stem.rstrip("x") + "l", stem.rstrip("x") + "h"):
            names["%" + part] = whole
    for i in range(8, 16):
        for suffix in ("", "d", "w", "b"):
            names[f"%r{i}{suffix}"] = f"r{i}"
    for i in range(32):
        for kind in "xyz":
            names[f"%{kind}mm{i}"] = f"xmm{i}"

    MEMORY = re.compile(r"(?:(%\ws):)?(-?(?:0x)?[0-9a-f]*)(?:\((%\w+)?(?:,(%\w+)(?:,\d)?)?\))?$")
    MOVES = re.compile(r"mov(abs|[bwlq]|aps|apd|ups|upd|dqa|dqu|[shl]ps|[hl]pd|[zs][bwl][wlq]|slq|d)?$"
                       r"|vmov\w+$")
    ADDS = re.compile(r"(add|sub|adc|sbb|or|and|xor|punpck\w+|por|pinsrq|unpck\w+)[bwlq]?$")
    READS = re.compile(r"(cmp|test|ucomis\w|comis\w|bt|prefetch\w*|nop)[bwlq]?$")

    @classmethod
    def memory(cls, operand):
        """(segment, base, index, offset)"""
        match = cls.MEMORY.match(operand)
        if match is None:
            return None
        offset = int(match[2], 16) if match[2] not in ("", "-") else 0
        return match[1], cls.names.get(match[3]), cls.names.get(match[4]), offset

    @classmethod
    def steps(cls, before, one):
        name, operands = one.name, one.operands
        if name.startswith("j"):
            if one.target is not None:
                return [], "jump" if name == "jmp" else "branch"
            inner = operands[0].lstrip("*") == "0x10(%rsi)" and before is not None and \
                before.text == cls.SWITCHING[1]
            return [], "switch" if inner else "anywhere"
        if name in ("ret", "hlt", "ud2", "int3"):
            return [], "return" if name == "ret" else "stop"
        if name == "call":
            return [], "call"
        if name == "push":
            source = cls.names.get(operands[0])
            return [("add", "rsp", "rsp", -8), ("store", source, ("rsp", None, 0), 8)], "next"
        if name == "pop":
            return [("load", cls.names.get(operands[0]), ("rsp", None, 0), 8),
                    ("add", "rsp", "rsp", 8)], "next"
        if name == "leave":
            return [("copy", "rsp", "rbp"), ("load", "rbp", ("rsp", None, 0), 8),
                    ("add", "rsp", "rsp", 8)], "next"
        if not operands or one.text in cls.SWITCHING:
            return [], "next"
        return cls.moved(name, operands), "next"

    @classmethod
    def moved(cls, name, operands):
        source, last = operands[0], operands[-1]
        to = cls.names.get(last)
        start = cls.names.get(source)
        memory = None
        for operand in operands:
            if operand[0] != "$" and operand not in cls.names:
                memory = cls.memory(operand)
        segment, *place = memory or (None, None, None, 0)
        place = tuple(place)
        bytes = 16 if any("mm" in one for one in operands) and name not in ("movq", "movd") else 8
        if name == "lea":
            if place[1] is None and place[0] is not None:
                return [("add", to, place[0], place[2])]
            return [("mix", to, *place[:2])]
        if segment is not None:  # the thread's own word at 0 is its address
            if to is None or place != (None, None, 0) or not (cls.MOVES.match(name) or
                                                              cls.ADDS.match(name)):
                return [("clear", to)] if to is not None else []
            return [("thread", to)]
        steps = []
        if cls.READS.match(name):
            return [("touch", place)] if memory is not None and name[0] in "ctub" else []
        if cls.MOVES.match(name):
            if to is not None and memory is not None:
                return [("load", to, place, bytes)]
            if memory is not None:
                return [("store", start, place, bytes)]
            return [("copy", to, start)] if start is not None else [("clear", to)]
        if name.startswith("xchg") and to is not None and start is not None:
            return [("mix", to, to, start), ("mix", start, to, start)]
        if memory is not None:
            steps.append(("touch", place))
        if to is None:
            return steps
        if name in ("add", "sub") and source[0] == "$":
            number = int(source[1:], 16)
            return [("add", to, to, number if name == "add" else -number)]
        if name in ("xor", "pxor", "xorps") and start == to:
            return [("clear", to)]
        if cls.ADDS.match(name) or name.startswith("cmov"):
            if memory is not None:
                return steps + [("load", "mixed", place, 8), ("mix", to, to, "mixed")]
            if start is None and name == "and" and to == "rsp":
                return [("align", to)]
            return steps + [("mix", to, to, start)]
        return steps + [("clear", to)]


class AArch64:
    frame, result = "sp", "x0"
    arguments = tuple(f"x{i}" for i in range(8))
    kept = ("sp",) + tuple(f"x{i}" for i in range(19, 30))
    switched = ("sp", "x29")

    SWITCHING = ("ldp x16, x29, [x1]", "mov sp, x16")

    names = {"sp": "sp"}
    for i in range(31):
        names[f"x{i}"] = names[f"w{i}"] = f"x{i}"

    MEMORY = re.compile(r"\[(\w+)(?:, (?:#(-?\w+)|(\w+)[^\]]*|#:?[^\]]*))?\](!)?$")

    @classmethod
    def steps(cls, before, one):
        name, operands = one.name, one.operands
        if name == "br":
            inner = operands == ["x17"] and before is not None and before.text == cls.SWITCHING[1]
            return [], "switch" if inner else "anywhere"
        if name in ("b", "bl"):
            return [], "jump" if name == "b" else "call"
        if name == "blr":
            return [], "call"
        if name.startswith("b.") or name in ("cbz", "cbnz", "tbz", "tbnz"):
            return [], "branch"
        if name in ("ret", "brk", "udf"):
            return [], "return" if name == "ret" else "stop"
        if not operands or one.text in cls.SWITCHING:
            return [], "next"
        return cls.moved(name, operands), "next"

    @classmethod
    def moved(cls, name, operands):
        to = cls.names.get(operands[0])
        memory = next((one for one in operands if one.startswith("[")), None)
        if memory is not None:
            return cls.accessed(name, operands, cls.MEMORY.match(memory))
        if name == "mrs":
            return [("thread" if operands[1] == "tpidr_el0" else "clear", to)]
        if to is None or name in ("cmp", "cmn", "tst", "ccmp"):
            return []
        sources = [cls.names.get(one) for one in operands[1:] if one in cls.names]
        if name == "mov" and sources:
            return [("copy", to, sources[0])]
        if name in ("add", "sub") and len(sources) == 1 and operands[2].startswith("#"):
            number = int(operands[2][1:], 16 if "0x" in operands[2] else 10)
            if len(operands) > 3:
                number <<= 12
            return [("add", to, sources[0], number if name == "add" else -number)]
        if name in ("add", "sub", "orr", "csel", "and"):
            return [("mix", to, *sources)]
        return [("clear", to)]

    @classmethod
    def accessed(cls, name, operands, match):
        if match is None:
            return []
        base = cls.names.get(match[1])
        offset = int(match[2], 16 if "0x" in match[2] else 10) if match[2] else 0
        index = cls.names.get(match[3])
        first = int(offset) if not match[4] else 0
        values = [cls.names.get(one) for one in operands[:2 if name[2] == "p" else 1]]
        vector = operands[0][0] in "qdsv"
        step = 16 if operands[0][0] == "q" else 8
        steps = [("add", base, base, offset)] if match[4] else []
        for i, value in enumerate(values):
            place = (base, index, first + step * i)
            if name.startswith("ld"):
                steps.append(("load", value, place, 8) if not vector else ("touch", place))
            elif name.startswith("st") and not name.startswith("stx"):
                steps.append(("store", value, place, step))
            else:
                steps.append(("touch", place))
        if operands[-1].startswith("#") and not match[4]:
            steps.append(("add", base, base, int(operands[-1][1:], 0)))
        return steps
