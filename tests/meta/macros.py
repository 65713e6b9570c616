# macros.py - coir defines few macros, and each begins with COIR_.
# SPDX-License-Identifier: BSL-1.0
"""usage: macros.py <source directory> <directory of the generated config.hpp> <work directory>"""

import pathlib
import re
import sys

import common

FEWER_THAN = 15


def main():
    source, config, work = (pathlib.Path(word) for word in sys.argv[1:4])
    work.mkdir(parents=True, exist_ok=True)
    unit = work / "macros.cpp"
    unit.write_text("#include <coir/coir.hpp>\n")
    complaints = []

    defined = common.run(common.native_compilers()[0], "-std=c++20", "-dM", "-E",
                         f"-I{source}/include", f"-I{config}", unit)
    left = sorted(set(re.findall(r"^#define (COIR_\w*)", defined, re.MULTILINE)))
    print("left defined:", *left)
    if len(left) >= FEWER_THAN:
        complaints.append(f"{len(left)} macros are left defined; {FEWER_THAN - 1} are allowed")

    headers = [*(source / "include/coir").glob("*.hpp"), config / "coir/config.hpp"]
    for header in headers:
        text = header.read_text()
        for name in re.findall(r"^\s*#\s*define\s+(\w+)", text, re.MULTILINE):
            if not name.startswith("COIR_"):
                complaints.append(f"{header}: defines {name}")
        if "#pragma once" not in text:
            complaints.append(f"{header}: lacks #pragma once")
    common.verdict(complaints, len(headers))


if __name__ == "__main__":
    main()
