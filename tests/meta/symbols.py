# symbols.py - the library exports nothing but coir:: and coir_.
# SPDX-License-Identifier: BSL-1.0
"""usage: symbols.py <nm> <libcoir.a or libcoir.so>..."""

import re
import sys

import common

OURS = re.compile(
    r"coir_|(?:typeinfo(?: name)? for |vtable for |VTT for |guard variable for |TLS \w+ function for "
    r"|construction vtable for |(?:non-)?virtual thunk to )?coir::")
# A template of std that coir's code instantiated names its types, and is weak everywhere.
WEAK = "WVuw"


def main():
    nm, *libraries = sys.argv[1:]
    complaints = []
    ours = 0
    for library in libraries:
        dynamic = ["--dynamic"] if ".so" in library else []
        listing = common.run(nm, "--extern-only", "--defined-only", "--demangle", *dynamic, library)
        for line in listing.splitlines():
            match = re.match(r"[0-9a-f]+ (\w) (.*)", line)
            if not match:
                continue
            kind, name = match.groups()
            # A template's name begins with what it returns.
            if OURS.match(name) or (kind in WEAK and "coir::" in name):
                ours += 1
            elif kind not in WEAK:
                complaints.append(f"{library}: exports {name} ({kind})")
    common.verdict(complaints, ours)


if __name__ == "__main__":
    main()
