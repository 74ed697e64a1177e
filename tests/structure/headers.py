#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every public header compiles alone, twice in a row, in C11 and as C++.

  headers.py INCLUDE COMPILER...     COMPILER is the build's C compiler

The C++ compiler is the first one found of a short list; none is an error, not a pass.
"""
import os
import shutil
import subprocess
import sys

C_FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wstrict-prototypes"]
CPP_FLAGS = ["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
CPP_COMPILERS = ("g++", "clang++-14", "clang++", "c++")


def main(include, *compiler):
    cpp = next(filter(None, map(shutil.which, CPP_COMPILERS)), None)
    if cpp is None:
        print(f"no C++ compiler: none of {', '.join(CPP_COMPILERS)}")
        return 1
    headers = sorted(os.path.relpath(os.path.join(directory, name), include)
                     for directory, _, names in os.walk(include)
                     for name in names if name.endswith(".h"))
    failed = 0
    for header in headers:
        # A header may have nothing but macros, a program may not.
        text = f'#include "{header}"\n' * 2 + "extern int something;\n"
        for language, command in (("C", [*compiler, "-x", "c", *C_FLAGS]), ("C++", [cpp, *CPP_FLAGS])):
            result = subprocess.run([*command, "-I", include, "-fsyntax-only", "-"], input=text,
                                    text=True)
            print(f"{header} as {language}: {'ok' if result.returncode == 0 else 'FAILED'}")
            failed += result.returncode != 0
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
