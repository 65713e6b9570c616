# tls.py - nothing keeps an address in a thread's own memory across a switch.
# SPDX-License-Identifier: BSL-1.0
"""usage: tls.py <objdump> <work directory> <copies.txt | none> -- <compiler> [flag]... -- <file>...

A computation that was switched away from may go on in another thread. A compiler does not know
that: it may compute the address of a thread_local, or of errno, once, keep it over the switch, and
then read the old thread's. This test looks for that in the machine code of libcoir.a and of
programs, for x86-64 and AArch64.

What is followed: an address made from the thread pointer (%fs:0, tpidr_el0), or returned by
__tls_get_addr, __errno_location, __cxa_get_globals, by a function that wraps a thread_local or by
any function found here to return such an address; from register to register, through the
function's frame, along all jumps and into the parts that a compiler moved away (.cold).

What is a switch: the inline one; a call of a function that switches by itself, or calls one that
does, however deep; any call through a pointer.

What is a fault: after a switch, to read or write through such an address made before it, to pass it
to a function or to return it. To compare it is none.

What is not seen: a value that was read from a thread's memory before (a pointer to the old worker
in a register); an address stored outside of the frame, or in it by another function; one that a
jump through a table brings along; the target of a call that std code makes on somebody's behalf.

That the test would see what it looks for is shown by tls_program.cpp, compiled as the files were:
each of its functions says by its name whether it is a fault.

The copies of the inline switch are counted, too, by function, and held against copies.txt; `none`
where another backend switches.
"""

import pathlib
import re
import sys

import common
import object_code

SWITCHES = {"coir_context_switch", "jump_fcontext", "ontop_fcontext", "swapcontext", "setcontext"}
ADDRESSES = {"__tls_get_addr", "__errno_location", "__cxa_get_globals", "__cxa_get_globals_fast",
             "_ZN4coir2v111this_threadEv"}
OWN_ASSEMBLY = "coir_context_"


def is_thread(value):
    return value is not None and value[0] == "thread"


def joined(a, b):
    """What a place holds where two ways meet."""
    if a == b:
        return a
    if is_thread(a) and is_thread(b):
        return ("thread", a[1] or b[1], min(a[2], b[2]))
    return a if is_thread(a) else b if is_thread(b) else None


def join(old, new):
    """Of two states, each {register or place in the frame: value}."""
    both = {place: joined(old.get(place), new.get(place)) for place in old.keys() | new.keys()}
    return {place: value for place, value in both.items() if value is not None}


class Flow:
    """One function, from its entry to all its ends."""

    def __init__(self, machine, file, function, switching, addresses):
        self.machine = machine
        self.file = file
        self.function = function
        self.switching = switching
        self.addresses = addresses
        self.states = {}
        self.after_calls = {}  # where an exception may come from: what its handler finds
        self.faults = {}
        self.returns_address = False
        self.parts = [function]
        for part in file.by_name.get(function.name + object_code.COLD, []):
            self.parts.append(part)

    def run(self):
        start = {self.machine.frame: ("frame", 0, 0)}
        todo = [(self.function.instructions[0].key, start)]
        while todo:
            while todo:
                todo.extend(self.visit(*todo.pop()))
            todo = [(key, self.after_calls) for key in self.orphans()]
        return self

    def orphans(self):
        """The first instructions, in each part, that no jump leads to: handlers of exceptions."""
        for part in self.parts:
            lost = False
            for one in part.instructions:
                if one.name.startswith("nop") or one.text in ("xchg %ax,%ax", "int3"):
                    continue
                if one.key not in self.states and not lost:
                    yield one.key
                lost = one.key not in self.states

    def visit(self, key, state):
        old = self.states.get(key)
        if old is not None:
            state = join(old, state)
            if state == old:
                return []
        self.states[key] = state
        function, index = self.file.at[key]
        one = function.instructions[index]
        before = function.instructions[index - 1] if index > 0 else None
        following = function.instructions[index + 1] if index + 1 < len(function.instructions) else None
        steps, end = self.machine.steps(before, one)
        state = dict(state)
        for step in steps:
            self.take(one, state, *step)
        ways = []
        if end in ("jump", "branch"):
            ways.extend(self.jump(one, state))
        elif end == "call":
            state = self.call(one, state)
            self.throw(state)
        elif end == "switch":
            state = self.crossed(state, self.machine.switched)
        elif end == "return":
            self.leave(one, state)
        elif end == "anywhere":
            self.throw(state)
        if end in ("next", "branch", "call", "switch") and following is not None:
            ways.append((following.key, state))
        return ways

    def throw(self, state):
        """What a handler of exceptions surely finds: which call it belongs to is not known."""
        found = {place: value for place, value in state.items()
                 if not is_thread(value) and (isinstance(place, tuple) or place in self.machine.kept)}
        self.after_calls = join(self.after_calls, found) if self.after_calls else found

    def jump(self, one, state):
        if one.target in self.file.at:
            function, index = self.file.at[one.target]
            if function is self.function or function.name.endswith(object_code.COLD):
                if function not in self.parts:
                    self.parts.append(function)
                return [(one.target, state)]
        elif one.symbol in self.file.by_name and one.symbol.endswith(object_code.COLD):
            return [(self.file.by_name[one.symbol][0].instructions[0].key, state)]
        self.leave(one, self.call(one, state))  # another function's turn, which returns for this one
        return []

    def call(self, one, state):
        for register in self.machine.arguments:
            if is_thread(state.get(register)):
                self.fault(one, state[register], "passes on")
        if one.symbol is None or one.symbol in self.switching:
            after = self.crossed(state, self.machine.kept)
        else:
            after = {place: value for place, value in state.items()
                     if isinstance(place, tuple) or place in self.machine.kept}
        if one.symbol in self.addresses or (one.symbol or "").startswith("_ZTW"):
            after[self.machine.result] = ("thread", False, one.key)
        return after

    def crossed(self, state, registers):
        after = {}
        for place, value in state.items():
            if isinstance(place, tuple) or place in registers:
                after[place] = ("thread", True, value[2]) if is_thread(value) else value
        return after

    def leave(self, one, state):
        value = state.get(self.machine.result)
        if is_thread(value):
            self.returns_address = True
            self.fault(one, value, "returns")

    def fault(self, one, value, what):
        if value[1]:
            self.faults[one.key] = (what, value[2], one.text)

    def place(self, one, state, memory):
        """Where in the frame that is, or None; a thread's address is looked at."""
        base, index, offset = memory
        for register in (base, index):
            if is_thread(state.get(register)):
                self.fault(one, state[register], "goes through")
        value = state.get(base)
        if value is not None and value[0] == "frame" and index is None:
            return ("frame", value[1], value[2] + offset)
        return None

    def take(self, one, state, step, to, *rest):
        def put(place, value):
            if place is None:
                return
            if value is None:
                state.pop(place, None)
            else:
                state[place] = value

        if step == "copy":
            put(to, state.get(rest[0]))
        elif step == "add":
            value = state.get(rest[0])
            if value is not None and value[0] == "frame":
                value = ("frame", value[1], value[2] + rest[1])
            put(to, value)
        elif step == "mix":
            values = [state[place] for place in rest if is_thread(state.get(place))]
            put(to, values[0] if len(values) < 2 and values else joined(*values[:2]) if values else None)
        elif step == "align":
            put(to, ("frame", one.key[1], 0))
        elif step == "thread":
            put(to, ("thread", False, one.key))
        elif step == "clear":
            put(to, None)
        elif step == "touch":
            self.place(one, state, to)
        elif step == "load":
            put(to, state.get(self.place(one, state, rest[0])))
        elif step == "store":
            place = self.place(one, state, rest[0])
            if place is not None:
                for more in range(0, rest[1], 8):
                    put((*place[:2], place[2] + more), state.get(to))


class Code:
    """The functions of some files together."""

    def __init__(self, objdump, machine, paths):
        self.machine = machine
        self.files = [file for path in paths for file in object_code.read(objdump, path)]
        self.copies = {}     # name: inline switches in it
        self.sources = []    # (file, function) that may make a thread's address
        self.callers = {}    # name: who calls it
        self.addresses = set(ADDRESSES)
        self.switching = set(SWITCHES)
        for file in self.files:
            for function in file.functions:
                if not function.name.startswith(OWN_ASSEMBLY):
                    self.look(file, function)
        self.spread()

    def look(self, file, function):
        name = function.name.removesuffix(object_code.COLD)
        makes = False
        before = None
        for one in function.instructions:
            makes = makes or "%fs:0x0" in one.text or "tpidr_el0" in one.text or \
                (one.symbol or "").startswith("_ZTW")
            # adrp names what lies at the beginning of a page; who it is for, the next one names.
            if one.symbol not in (None, function.name) and not one.text.startswith("adrp"):
                self.callers.setdefault(one.symbol, set()).add((name, file, function))
            if self.machine.steps(before, one)[1] == "switch":
                self.copies[name] = self.copies.get(name, 0) + 1
                self.switching.add(name)
            before = one
        if makes:
            self.sources.append((file, function))

    def spread(self):
        todo = list(self.switching)
        while todo:
            for name, _, _ in self.callers.get(todo.pop(), ()):
                if name not in self.switching:
                    self.switching.add(name)
                    todo.append(name)

    def faults(self):
        """[(file, function's name, kind, what is wrong)], and how many were looked at."""
        todo = dict.fromkeys(id(function) for _, function in self.sources)
        work = list(self.sources)
        for name in ADDRESSES:
            for _, file, function in self.callers.get(name, ()):
                if id(function) not in todo:
                    todo[id(function)] = None
                    work.append((file, function))
        found = {}
        looked_at = 0
        while work:
            file, function = work.pop()
            if function.name.endswith(object_code.COLD):
                name = function.name.removesuffix(object_code.COLD)
                work.extend((file, whole) for whole in file.by_name.get(name, ()))
                continue
            looked_at += 1
            flow = Flow(self.machine, file, function, self.switching, self.addresses).run()
            found[file.name, function.name, function.instructions[0].key] = flow.faults
            if flow.returns_address and function.name not in self.addresses:
                self.addresses.add(function.name)
                work.extend((caller_file, caller)
                            for _, caller_file, caller in self.callers.get(function.name, ()))
        faults = []
        for (file, function, _), places in found.items():
            for (section, address), (what, origin, text) in places.items():
                faults.append((file, function, what,
                               f"{section}+{address:#x} `{text}` {what} a thread's address that "
                               f"was made at {origin[1]:#x}, before a switch"))
        return faults, looked_at


# What is a fault in others, and why not here.
EXEMPT = {
    # A signal's handler: what it calls are handlers, and those do not switch.
    ("on_fault", "goes through"),
    # The address serves as the name of a plain thread, which waits without a switch.
    ("mutex::lock_slowly", "passes on"),
    ("shared_mutex::lock_slowly", "passes on"),
}


def readable(names):
    """Without parameters and what is always the same."""
    shown = common.run("c++filt", "-p", *names).splitlines() if names else []
    return [re.sub(r"<.*>| \[clone.*|\(anonymous namespace\)::|\bcoir::v1::", "", name)
            for name in shown]


class Planted:
    """tls_program.cpp, compiled: does the test tell the faulty functions from the others?"""

    def __init__(self, objdump, machine, library, compiler, work):
        program = work / "tls_program.o"
        source = pathlib.Path(__file__).resolve().with_name("tls_program.cpp")
        common.run(*compiler, "-O2", "-c", source, "-o", program)
        self.code = Code(objdump, machine, [program, library])
        faults, self.looked_at = self.code.faults()
        self.found = {function for file, function, *_ in faults if file == program.name}
        self.names = {function.name for function in self.code.files[0].functions
                      if not function.name.endswith(object_code.COLD)}

    def complaints(self):
        for name in sorted(self.names):
            if name.startswith("faulty") and name not in self.found:
                yield f"tls_program.cpp: nothing is found in {name}"
            if name.startswith("sound") and name in self.found:
                yield f"tls_program.cpp: a fault is seen in {name}"
        if not any(name.startswith("faulty") for name in self.names):
            yield "tls_program.cpp: no faulty function was compiled"


def recorded(path):
    """{function: (least, most)}"""
    expected = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            count, name = line.split(maxsplit=1)
            least, _, most = count.partition("-")
            expected[name] = int(least), int(most or least)
    return expected


def check_copies(copies, expected):
    """Complaints about what is in the library and in the functions named copies_."""
    found = {}
    for name, count in zip(readable(copies), copies.values()):
        if not re.match("(faulty|sound|either|switches)_", name):
            found[name] = found.get(name, 0) + count
    for name, count in found.items():
        least, most = expected.get(name, (0, 0))
        if not least <= count <= most:
            yield f"{count} copies of the switch in {name}; expected {least} to {most}"
    for name, (least, _) in expected.items():
        if least > 0 and name not in found:
            yield f"no copy of the switch in {name}; expected {least}"


def main():
    words = " ".join(sys.argv[1:]).split(" -- ")
    (objdump, work, copies), compiler, paths = (part.split() for part in words)
    machine = {"x86_64": object_code.X86, "aarch64": object_code.AArch64}.get(
        common.target(" ".join(compiler)))
    if machine is None:
        common.skip("only x86-64 and AArch64 code is understood")
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)

    planted = Planted(objdump, machine, paths[0], compiler, work)
    complaints = list(planted.complaints())
    print(f"planted: {len(planted.found)} found")
    checked = planted.looked_at
    for path in paths:
        faults, looked_at = Code(objdump, machine, [path]).faults()
        checked += looked_at
        names = readable([function for _, function, *_ in faults])
        complaints += [f"{path}: {file}: {name}: {text}"
                       for name, (file, _, what, text) in zip(names, faults)
                       if (name, what) not in EXEMPT]
    if copies != "none":
        complaints += check_copies(planted.code.copies, recorded(pathlib.Path(copies)))
    print(f"{sum(planted.code.copies.values())} copies of the switch in the library and tls_program.cpp")
    common.verdict(complaints, checked)


if __name__ == "__main__":
    main()
