# floors.py - every file of the library includes its own floor and those below, as floors.txt has it.
# SPDX-License-Identifier: BSL-1.0
"""usage: floors.py <source directory> [floors.txt]"""

import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
CONDITION = re.compile(r"^\s*#\s*(?:el)?if")
PLATFORM = re.compile(
    r"\b(__x86_64__|__i386__|__aarch64__|__arm__|__riscv|__powerpc64?__|__s390x?__|__mips\w*"
    r"|__linux__|__unix__|__APPLE__|_WIN32|__FreeBSD__|__ANDROID__"
    r"|__SANITIZE_\w+|__has_feature|COIR_ASAN|COIR_TSAN|COIR_HAS_VALGRIND)\b")


class Floors:
    """What floors.txt says."""

    def __init__(self, path):
        self.below = {}    # floor or room -> the names its files may include
        self.headers = []  # (pattern of public headers, floor)
        self.seam = []
        ladder = []
        for line in path.read_text().splitlines():
            line = line.split("#")[0].strip()
            if not line:
                continue
            match = re.fullmatch(r"(\w+)\s*(?:\(([\w ]+)\))?\s*:\s*(.*)", line)
            if not match:
                sys.exit(f"{path}: cannot read '{line}'")
            name, room, words = match.groups()
            if name == "seam":
                self.seam = words.split()
                continue
            if room is None:
                ladder.append(name)
                self.below[name] = set(ladder)
            else:
                self.below[name] = {name}.union(*(self.below[on] for on in room.split()))
            self.headers += [(pattern, name) for pattern in words.split()]

    def of_header(self, name):
        """The floors that claim a public header; one, if all is well."""
        return [floor for pattern, floor in self.headers if fnmatch.fnmatchcase(name, pattern)]


def check(root, floors):
    complaints = []
    public = root / "include" / "coir"
    lib = root / "lib"

    # config.hpp.in is config.hpp once CMake has been there.
    names = {p: p.name.removesuffix(".in") for p in sorted(public.rglob("*")) if p.is_file()}
    floor_of = {}
    for path, name in names.items():
        claims = floors.of_header(name)
        if len(claims) == 1:
            floor_of[path] = claims[0]
        elif claims:
            complaints.append(f"{path}: on several floors: {', '.join(claims)}")
        else:
            complaints.append(f"{path}: no floor lists this public header")
    for pattern, floor in floors.headers:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names.values()):
            complaints.append(f"floors.txt: {floor} lists {pattern}, which does not exist")

    for path in sorted(lib.iterdir()):
        if path.is_dir() and path.name not in floors.below:
            complaints.append(f"{path}: no such floor")
    for path in sorted(lib.rglob("*.[ch]pp")):
        folder = path.relative_to(lib).parts[0]
        if folder in floors.below:
            floor_of[path] = folder
        elif path.parent == lib:
            complaints.append(f"{path}: a source lives in the folder of its floor")

    for path, floor in floor_of.items():
        is_public = path in names
        at_seam = floor in floors.seam or (is_public and names[path] in floors.seam)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path}:{number}"
            if CONDITION.match(line) and not at_seam and (asks := PLATFORM.search(line)):
                complaints.append(f"{where}: asks for {asks[0]}, but {floor} is no seam")
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, target = match.groups()
            if quote == "<" and target.startswith("coir/"):
                claims = floors.of_header(target.removeprefix("coir/"))
                other = claims[0] if claims else None
            elif quote == "<":
                continue
            elif is_public:
                complaints.append(f"{where}: a public header includes \"{target}\"; only <...>")
                continue
            else:
                other = target.split("/")[0]
                if not (lib / target).is_file():
                    complaints.append(f"{where}: \"{target}\" is no file below lib/")
                    continue
            if other not in floors.below:
                complaints.append(f"{where}: includes {target}, which is on no floor")
            elif other not in floors.below[floor]:
                complaints.append(f"{where}: {floor} includes {target} of {other}, which is above")
    return complaints, len(floor_of)


def main():
    root = pathlib.Path(sys.argv[1])
    listed = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent / "floors.txt")
    complaints, files = check(root, Floors(listed))
    for complaint in complaints:
        print(complaint)
    if files == 0:
        sys.exit("no files were found")
    print(f"{files} files, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
