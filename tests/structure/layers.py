#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds every #include of the tree against LAYERS.

  python3 tests/structure/layers.py [TREE]   print what is against the rules, exit 1 if anything is

The rules are told at the head of LAYERS; test_layers.py proves that each one rejects.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# What C11 promises without an operating system (4p6), and <string.h>, whose copying, filling and
# comparing every freestanding tool chain has. symbols_core.py holds the calls against a list, too.
FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h"}
CORE_SYSTEM = FREESTANDING | {"string.h"}

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(.*)$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(\"(?:\\.|[^\"\\\n])*\")", re.DOTALL)


def read_layers(path):
    """([(floor, folder)] in the order of the file, {folder outside src: modules it may use})."""
    modules, outside = [], {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0].isdigit() and len(words) == 2:
                modules.append((int(words[0]), words[1]))
            elif words[0].endswith(":"):
                outside[words[0][:-1]] = words[1:]
            else:
                raise SystemExit(f"{path}:{number}: not a line of LAYERS: {line.strip()}")
    return modules, outside


def sources(tree, folder):
    """The C files below a folder, as paths relative to the tree."""
    for directory, folders, names in os.walk(os.path.join(tree, folder)):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h", ".S")):
                yield os.path.relpath(os.path.join(directory, name), tree)


def includes(tree, path):
    """(line, header, angle) of each #include; header None when it isn't a plain one."""
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        text = file.read()
    # Comments go, their line ends stay: the lines keep their numbers. Strings stay.
    text = COMMENT.sub(lambda m: m.group(1) or "\n" * m.group(0).count("\n") or " ", text)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        argument = match.group(1).strip()
        if len(argument) > 2 and argument[0] == "<" and argument[-1] == ">":
            yield line, argument[1:-1], True
        elif len(argument) > 2 and argument[0] == argument[-1] == '"':
            yield line, argument[1:-1], False
        else:
            yield line, None, False


class Tree:
    def __init__(self, top):
        self.top = top
        self.modules, self.outside = read_layers(os.path.join(top, "LAYERS"))
        self.rank = {folder: (floor, place) for place, (floor, folder) in enumerate(self.modules)}
        self.complaints = []

    def complain(self, path, line, text):
        self.complaints.append(f"{path}:{line}: {text}")

    def exists(self, *parts):
        return os.path.isfile(os.path.join(self.top, *parts))

    def module_of(self, header):
        """The module that a path below src/ belongs to: the folder it is in, exactly."""
        folder = os.path.dirname(header)
        return folder if folder in self.rank else None

    def check_listed(self):
        floors = [floor for floor, _ in self.modules]
        if floors != sorted(floors):
            self.complain("LAYERS", 1, "the floors are not in ascending order")
        for folder in {os.path.dirname(path)[len("src/"):] for path in sources(self.top, "src")}:
            if folder not in self.rank:
                self.complain(f"src/{folder}", 0, "holds code but is not a module of LAYERS")

    def check_core(self, path):
        mine = self.module_of(path[len("src/"):])
        for line, header, angle in includes(self.top, path):
            if header is None:
                self.complain(path, line, "an #include whose header isn't written out")
            elif angle:
                if header not in CORE_SYSTEM:
                    self.complain(path, line, f"<{header}> is not freestanding")
            elif self.exists("include", header):
                if header == "coffer/linux.h":
                    self.complain(path, line, "the core knows no port")
            elif not self.exists("src", header):
                self.complain(path, line, f'"{header}" is not a header of src/ or include/')
            elif self.module_of(header) is None:
                self.complain(path, line, f'"{header}" belongs to no module of LAYERS')
            elif mine is not None and not self.may_use(mine, self.module_of(header)):
                self.complain(path, line, f"module {mine} may not include {header}: LAYERS "
                                          f"puts {self.module_of(header)} above it")

    def may_use(self, mine, theirs):
        """Floors below, and on one's own floor what stands above oneself in the list."""
        return mine == theirs or self.rank[theirs] < self.rank[mine]

    def check_public(self, path):
        for line, header, angle in includes(self.top, path):
            if header is None:
                self.complain(path, line, "an #include whose header isn't written out")
            elif angle and header not in FREESTANDING:
                self.complain(path, line, f"public header includes <{header}>")
            elif not angle and not self.exists("include", header):
                self.complain(path, line, f'public header includes "{header}", which is not public')

    def check_outside(self, folder, allowed):
        for path in sources(self.top, folder):
            for line, header, angle in includes(self.top, path):
                if header is None:
                    self.complain(path, line, "an #include whose header isn't written out")
                elif angle and not self.exists("include", header):
                    continue  # the machine and outside libraries: that is what it is for
                elif self.exists("include", header) or self.own(path, folder, header):
                    continue
                elif not self.exists("src", header):
                    self.complain(path, line, f'"{header}" is neither public nor its own')
                elif self.module_of(header) not in allowed:
                    self.complain(path, line, f'{folder} may not include "{header}"')

    def own(self, path, folder, header):
        return (self.exists(os.path.dirname(path), header) or self.exists(folder, header)
                or (header.startswith(folder + "/") and self.exists(header)))

    def check(self):
        self.check_listed()
        for path in sources(self.top, "src"):
            self.check_core(path)
        for path in sources(self.top, "include"):
            self.check_public(path)
        for folder, allowed in self.outside.items():
            for module in allowed:
                if module not in self.rank:
                    self.complain("LAYERS", 0, f"{folder} names {module}, which is not a module")
            self.check_outside(folder, set(allowed))
        return self.complaints


def main(arguments):
    tree = Tree(arguments[0] if arguments else TOP)
    for complaint in tree.check():
        print(complaint)
    count = sum(1 for folder in ("src", "include", *tree.outside)
                for _ in sources(tree.top, folder))
    print(f"{count} files, {len(tree.complaints)} against the rules")
    return 1 if tree.complaints or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
