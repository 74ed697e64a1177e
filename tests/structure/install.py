#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts down is enough: a program that uses every public function builds with
the installed headers, libraries and pkg-config file alone, against each library, and runs.

  install.py BUILD COMPILER...

The manual page, the completion and the command must be there as well.
"""
import glob
import os
import subprocess
import sys
import tempfile

import symbols

PROGRAM = """
#include <coffer.h>
#include <coffer/linux.h>

#include <stdio.h>
#include <string.h>

typedef void function(void);
static function *const functions[] = {%s};

int main(void)
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        count += functions[i] != NULL;
    printf("%%zu functions of coffer %%s\\n", count, coffer_version());
    return strcmp(coffer_version(), COFFER_VERSION) != 0;
}
"""


def output(command, **extra):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **extra).stdout


def find(root, pattern):
    found = glob.glob(os.path.join(root, "**", pattern), recursive=True)
    if not found:
        raise SystemExit(f"not installed: {pattern}")
    return found[0]


def main(build, *compiler):
    with tempfile.TemporaryDirectory(prefix="coffer-install-") as root:
        output(["meson", "install", "-C", build, "--no-rebuild", "--quiet"],
               env=dict(os.environ, DESTDIR=root))
        for pattern in ("man/man1/coffer.1*", "bash-completion/completions/coffer", "bin/coffer"):
            find(root, pattern)
        header = find(root, "include/coffer.h")
        public = symbols.declared(os.path.dirname(header))
        source = os.path.join(root, "program.c")
        with open(source, "w") as file:
            file.write(PROGRAM % ", ".join(f"(function *){name}" for name in sorted(public)))

        library = os.path.dirname(find(root, "libcoffer.so"))
        environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root, LD_LIBRARY_PATH=library,
                           PKG_CONFIG_PATH=os.path.dirname(find(root, "pkgconfig/coffer.pc")))
        # The system's own libraries are not below the sysroot.
        for name, arguments in (("shared", []), ("static", ["--static"])):
            flags = output(["pkg-config", "--cflags", "--libs", *arguments, "coffer"],
                           env=dict(environment)).split()
            if name == "static":
                flags = [flag.replace("-lcoffer", "-l:libcoffer.a") for flag in flags]
            program = os.path.join(root, name)
            output([*compiler, "-Wall", "-Wextra", source, "-o", program, *flags])
            needs_shared = "libcoffer" in output(["readelf", "-d", program])
            if needs_shared != (name == "shared"):
                raise SystemExit(f"{name}: linked against the wrong library")
            print(f"{name}: {output([program], env=environment).strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
