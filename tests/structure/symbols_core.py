#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows by the symbol tables that src/ calls nothing but itself and has no state of its own.

  python3 tests/structure/symbols_core.py ARCHIVE_OR_OBJECT...   (the static core library)

For every object: each undefined symbol is defined by another object of the library or is on the
short list below, so there is no malloc, no mmap and no other call into a C library or operating
system; and no symbol lies in a writable section, so there is no file-scope or static state.
(Constant tables that hold addresses are in .data.rel.ro: read-only once the program is loaded.)
"""
import re
import subprocess
import sys

# Every freestanding tool chain supplies these: compilers emit calls to the first four by
# themselves, and clang makes bcmp of a memcmp that is only asked for equality.
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen", "strcmp", "strncmp"}

# The functions that a port supplies by name and not in a table (src/los/los.h, src/gp/gp.h).
ALLOWED |= {"los_current", "gp_current", "gp_leave", "gp_run"}

# What compilers add: sanitizers, coverage, stack protector, wide arithmetic, counting of bits, GOT.
COMPILER = re.compile(r"""^(
    __(asan|ubsan|tsan|sanitizer|sancov|gcov|llvm_(gcov|prof|coverage))_\w+ |
    __(mem(cpy|move|set))_chk | __stack_chk_(fail|guard) |
    __u?(div|mod|divmod|mul)[sdt]i[34] | __(popcount|parity|clz|ctz|ffs|bswap)[sdt]i2 | _GLOBAL_OFFSET_TABLE_ |
    __(start|stop)_(__sancov|asan)\w*
    )$""", re.VERBOSE)

# A sanitizer's notes on our code: counters and descriptions in sections or names of its own
# (clang's UBSan calls them __unnamed_N; what C code defines always has a name).
SANITIZER_SECTION = re.compile(r"^(asan_globals|__sancov_\w+)$")
SANITIZER_NAME = re.compile(r"^(\.L|__(asan|ubsan|tsan|sancov|sanitizer)_|__odr_asan|___asan_gen_|"
                            r"__unnamed_\d+$)")

OBJECT = re.compile(r"^(?P<name>.+):\s+file format ")
# objdump -t: value, seven flag characters, section, tab, size, visibility, name.
SYMBOL = re.compile(r"^[0-9a-f]+ (?P<flags>.{7}) (?P<section>\S+)\t[0-9a-f]+ +"
                    r"(?:\.(?:hidden|internal|protected) )?(?P<name>.*)$")


def is_writable(section):
    if section.startswith(".data.rel.ro"):
        return False
    return section == "*COM*" or section.startswith((".data", ".bss", ".tdata", ".tbss", ".sdata",
                                                     ".sbss", ".ldata", ".lbss", ".lcomm"))


class Objects:
    def __init__(self, paths):
        self.defined = set()
        self.undefined = []  # (object, name)
        self.writable = []   # (object, section, name)
        self.count = 0
        for path in paths:
            self.read(subprocess.run(["objdump", "-t", path], check=True, text=True,
                                     stdout=subprocess.PIPE).stdout)

    def read(self, text):
        current = None
        for line in text.splitlines():
            start = OBJECT.match(line)
            symbol = SYMBOL.match(line)
            if start:
                current = start["name"]
                self.count += 1
            elif symbol:
                self.take(current, symbol)

    def take(self, current, symbol):
        flags, section, name = symbol["flags"], symbol["section"], symbol["name"]
        if section == "*UND*":
            if name:
                self.undefined.append((current, name))
            return
        # Local names serve only their own object; "d" marks section names, "f" file names.
        if flags[0] in "gu!" or flags[1] == "w":
            self.defined.add(name)
        if flags[5] in "df" or not is_writable(section):
            return
        if not SANITIZER_SECTION.match(section) and not SANITIZER_NAME.match(name):
            self.writable.append((current, section, name))

    def complaints(self):
        for current, name in self.undefined:
            if name not in self.defined and name not in ALLOWED and not COMPILER.match(name):
                yield f"{current}: refers to {name}, which src/ does not define"
        for current, section, name in self.writable:
            yield f"{current}: {name} is mutable state (in {section})"


def main(paths):
    objects = Objects(paths)
    complaints = list(objects.complaints())
    for complaint in complaints:
        print(complaint)
    print(f"{objects.count} objects, {len(objects.defined)} symbols, "
          f"{len(complaints)} against the rules")
    return 1 if complaints or not objects.defined else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
