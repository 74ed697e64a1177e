#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts down is enough: a program that uses every public function builds with
the installed headers, libraries and pkg-config file alone, against each library, and runs. So do
the programs of README.md, and TAs made for OP-TEE. The manual, the completion and the command must be there as well.

  install.py BUILD COMPILER...
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import symbols

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PROGRAM = """
#include <stdio.h>

typedef void function(void);
static function *const functions[] = {%s};

int main(void)
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        count += functions[i] != NULL;
    printf("%%zu functions\\n", count);
    return count != sizeof(functions) / sizeof(functions[0]);
}
"""


def output(command, **extra):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **extra).stdout


def find(root, pattern):
    found = glob.glob(os.path.join(root, "**", pattern), recursive=True)
    if not found:
        raise SystemExit(f"not installed: {pattern}")
    return found[0]


def readme_programs():
    with open(os.path.join(TOP, "README.md")) as file:
        return re.findall(r"^```c\n(.*?)^```$", file.read(), re.DOTALL | re.MULTILINE)


def readme_look():
    """How README.md has a reader look at what its first program has left."""
    with open(os.path.join(TOP, "README.md")) as file:
        return "\n".join(re.findall(r"^    (\(umask.*|coffer ls.*)$", file.read(), re.MULTILINE))


def check_look(root):
    """In the folder where the program ran."""
    folders = {"PATH": os.path.dirname(find(root, "bin/coffer")),
               "LD_LIBRARY_PATH": os.path.dirname(find(root, "libcoffer.so"))}
    shell = subprocess.run(["/bin/sh", "-ec", readme_look()], cwd=root, env=folders, text=True,
                           capture_output=True)
    if shell.returncode != 0 or shell.stderr or "letter" not in shell.stdout:
        raise SystemExit(f"README's way to the letter: {shell.stdout}{shell.stderr}")


def check_headers(include):
    """Names that are somebody else's as well aren't where every compiler looks."""
    others = [name for name in os.listdir(include) if not name.startswith(("coffer", "los_"))]
    if others:
        raise SystemExit(f"beside coffer.h: {' '.join(others)}")


def check_library(root, library, name, compiler, program):
    """Build a program against the shared or the static library as a user would, and run it."""
    pkg_config = os.path.dirname(find(root, f"pkgconfig/{library}.pc"))
    arguments = ["--static"] if name == "static" else []
    flags = output(["pkg-config", "--cflags", "--libs", *arguments, library],
                   env=dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
                            PKG_CONFIG_PATH=pkg_config)).split()
    if name == "static":
        flags = [re.sub(r"^-l(coffer.*)$", r"-l:lib\1.a", flag) for flag in flags]
    binary = os.path.join(root, f"{library}-{name}")
    output([*compiler, "-Wall", "-Wextra", "-Werror", "-x", "c", "-", "-x", "none", "-o", binary,
            *flags], input=program)
    needs_shared = "libcoffer" in output(["readelf", "-d", binary])
    if needs_shared != (name == "shared"):
        raise SystemExit(f"{name}: linked against the wrong library")
    directory = os.path.dirname(find(root, "libcoffer.so"))
    return output([binary], cwd=root, env=dict(os.environ, LD_LIBRARY_PATH=directory)).strip()


def environment(root):
    """Of a user who has installed everything, and looks for it below root."""
    return dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
                PKG_CONFIG_PATH=os.path.dirname(find(root, "pkgconfig/coffer-tee.pc")),
                LD_LIBRARY_PATH=os.path.dirname(find(root, "libcoffer.so")),
                PATH=os.path.dirname(find(root, "bin/coffer")) + os.pathsep + os.environ["PATH"])


def flags(root, *arguments):
    return output(["pkg-config", *arguments, "coffer-tee"], env=environment(root)).split()


def readme_ta():
    """How README.md has a reader make a TA and its client, and use them."""
    with open(os.path.join(TOP, "README.md")) as file:
        return re.search(r"^    cc -g \$\(pkg-config --variable=ta_flags.*?^$", file.read(),
                         re.DOTALL | re.MULTILINE).group()


def check_readme_ta(root):
    folder = os.path.join(root, "readme")
    shutil.copytree(os.path.join(TOP, "examples"), os.path.join(folder, "examples"))
    shell = subprocess.run(["/bin/sh", "-ec", readme_ta()], cwd=folder, env=environment(root),
                           text=True, capture_output=True)
    if shell.returncode != 0 or shell.stderr or "hunter2" not in shell.stdout:
        raise SystemExit(f"README's trusted application: {shell.stdout}{shell.stderr}")


def check_ta(root, compiler):
    """A TA and a client in the shape that they have for OP-TEE. Compiled without a warning; the TA
    has a function that is called as one of libc's."""
    own = os.path.join(HERE, "increment")
    strict = [*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", os.path.join(own, "ta")]
    output([*strict, *flags(root, "--variable=ta_flags"), *flags(root, "--cflags"),
            *glob.glob(os.path.join(own, "ta", "*.c")), *flags(root, "--variable=ta_header"),
            "-o", os.path.join(root, "5d1c2f4e-90ab-4b6d-8e21-3c47d5f0167a.so")])
    client = os.path.join(root, "increment")
    output([*strict, *flags(root, "--cflags"), os.path.join(own, "host", "main.c"), "-o", client,
            *flags(root, "--libs")])
    with open(os.path.join(root, "key"), "wb") as file:
        file.write(bytes(range(16)))
    told = output([client], env=dict(environment(root), COFFER_STORE=os.path.join(root, "store"),
                                     COFFER_KEY=os.path.join(root, "key"), COFFER_TA_PATH=root))
    if told != "43 1200\n":
        raise SystemExit(f"42 and one more, 1234 in hundreds: {told}")


def check_refused(root, compiler):
    """What isn't there, and what is of the other version, isn't compiled as a TA's source."""
    command = [*compiler, "-x", "c", *flags(root, "--variable=ta_flags"), *flags(root, "--cflags"),
               "-", "-o", os.path.join(root, "refused.so")]
    old = "-D__OPTEE_CORE_API_COMPAT_1_1=1"
    for text, arguments, compiles in (
            ("void f(void) { TEE_Free(0); }", [], True),
            ("void f(void) { TEE_AsymmetricEncrypt(0, 0, 0, 0, 0, 0, 0); }", [], False),
            ("void f(uint32_t *n) { TEE_DigestDoFinal(0, 0, 0, 0, n); }", [], False),
            ("void f(uint32_t *n) { TEE_DigestDoFinal(0, 0, 0, 0, n); }", [old], True),
            ("void f(size_t *n) { TEE_DigestDoFinal(0, 0, 0, 0, n); }", [], True),
            ("void f(size_t *n) { TEE_DigestDoFinal(0, 0, 0, 0, n); }", [old], False)):
        compiled = subprocess.run([*command, *arguments], text=True, capture_output=True,
                                  input=f"#include <tee_internal_api.h>\n{text}\n")
        if (compiled.returncode == 0) != compiles:
            raise SystemExit(f"{text} {' '.join(arguments)}: {compiled.stderr or 'compiles'}")


def check_page(root, name):
    """A call's page is found by its name, be it the page of another one."""
    page = find(root, f"man/man3/{name}.3*")
    with open(page) as file:
        if f".Fo {name}\n" not in file.read():
            raise SystemExit(f"{page} doesn't tell of {name}")


def main(build, *compiler):
    with tempfile.TemporaryDirectory(prefix="coffer-install-") as root:
        output(["meson", "install", "-C", build, "--no-rebuild", "--quiet"],
               env=dict(os.environ, DESTDIR=root))
        for pattern in ("man/man1/coffer.1*", "man/man7/coffer-tee.7*",
                        "bash-completion/completions/coffer", "bin/coffer"):
            find(root, pattern)
        check_headers(os.path.dirname(find(root, "include/coffer.h")))
        include = os.path.join(TOP, "include")
        for library, exported in symbols.LIBRARIES.items():
            names = sorted(name for name, _ in symbols.versioned(include, library))
            for name in names if library == "coffer-tee" else []:
                check_page(root, name)
            headers = "".join(f'#include "{header}"\n' for _, some in exported for header in some)
            program = headers + PROGRAM % ", ".join(f"(function *){name}" for name in names)
            for name in ("shared", "static"):
                print(f"{library} {name}: "
                      f"{check_library(root, library, name, compiler, program)}")
        for name in ("shared", "static"):
            letter, pages = readme_programs()
            check_library(root, "coffer", name, compiler, letter)
            check_library(root, "coffer-memory", name, compiler, pages)
            if not os.path.exists(os.path.join(root, "vault", "dirf.db")):
                raise SystemExit(f"{name}: README's program made no store")
            check_look(root)
            print(f"{name}: the programs of README.md run, and what they leave can be seen")
        check_readme_ta(root)
        check_ta(root, compiler)
        check_refused(root, compiler)
        print("TAs made for OP-TEE run, and what isn't there isn't compiled")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
