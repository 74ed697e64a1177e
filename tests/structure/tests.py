#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the C tests can't tell of themselves.

  tests.py TESTS INCLUDE    every test asserts something, and every public function is called by one
  tests.py --self-test      both are noticed when they aren't so

A test asserts when it, or a function that it calls, has an assert_, a fail or a must in it. A
function that the tests hand on by name, such as a callback, counts as called.
"""
import os
import re
import sys

import symbols

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
# The house's layout: a function's head begins in the first column, and its braces stand there.
FUNCTION = re.compile(r"^\w[\w \n*]*?[ *\n](\w+)\(([^;{}]*?)\)\n\{\n(.*?)^\}",
                      re.MULTILINE | re.DOTALL)
MACRO = re.compile(r"^#\s*define\s+(\w+)((?:[^\n\\]|\\.|\\\n)*)", re.MULTILINE)
ASSERTION = re.compile(r"\b(?:assert_\w+|fail|fail_msg|must)\s*\(")
TEST = re.compile(r"\bstatic void (test_\w+)\(void \*\*\w+\)\n\{")
NAME = re.compile(r"\b[A-Za-z_]\w*\b")


def sources(folder):
    """{path: text} of the C files below a folder, without comments and strings."""
    found = {}
    for directory, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".c", ".h")):
                path = os.path.join(directory, name)
                with open(path) as file:
                    found[path] = STRING.sub('""', COMMENT.sub(" ", file.read()))
    return found


def bodies(text):
    """{name: body} of a file's functions and macros."""
    found = {match.group(1): match.group(3) for match in FUNCTION.finditer(text)}
    found.update((match.group(1), match.group(2)) for match in MACRO.finditer(text))
    return found


def asserting(functions, shared):
    """The names in functions, of one file, that assert by themselves or through what they name."""
    known = {**shared, **functions}
    good = {name for name, body in known.items() if ASSERTION.search(body)}
    names = {name: set(NAME.findall(body)) for name, body in known.items()}
    while True:
        more = {name for name in known if name not in good and names[name] & good}
        if not more:
            return good
        good |= more


def idle_tests(files):
    """(how many tests there are, ["path: name" of each that asserts nothing])"""
    shared = {}
    for path, text in files.items():
        if path.endswith(".h") or "/support/" in path:
            shared.update(bodies(text))
    count, idle = 0, []
    for path, text in sorted(files.items()):
        if not path.endswith(".c"):
            continue
        functions = bodies(text)
        good = asserting(functions, shared)
        for name in sorted(TEST.findall(text)):
            count += 1
            if name not in good:
                idle.append(f"{path}: {name}")
    return count, idle


def uncalled(files, headers, public):
    """The public functions that no function of a test names, nor a macro of a header that one does."""
    named = set()
    for text in files.values():
        for body in bodies(text).values():
            named |= set(NAME.findall(body))
    for text in headers.values():
        for name, body in bodies(text).items():
            if name in named:
                named |= set(NAME.findall(body))
    return sorted(set(public) - named)


def self_test():
    files = {
        "t/support/help.h": "static inline void\nheld(int x)\n{\n    assert_true(x);\n}\n",
        "t/a.c": 'static void deep(int x)\n{\n    held(x);\n}\n\n'
                 'static void test_one(void **state)\n{\n    deep(coffer_one());\n}\n\n'
                 'static void test_two(void **state)\n{\n    coffer_two(TWO);\n    "";\n}\n\n'
                 'int main(void)\n{\n    cmocka_unit_test(test_one);\n'
                 '    cmocka_unit_test(test_two);\n}\n',
    }
    assert idle_tests(files) == (2, ["t/a.c: test_two"]), idle_tests(files)
    headers = {"h.h": "#define TWO coffer_three()\n#define FOUR coffer_four()\n"}
    public = {"coffer_one", "coffer_two", "coffer_three", "coffer_four"}
    found = uncalled(files, headers, public)
    assert found == ["coffer_four"], found
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    files = sources(arguments[0])
    public = {name for library in symbols.LIBRARIES
              for name, _ in symbols.versioned(arguments[1], library)}
    count, idle = idle_tests(files)
    missing = uncalled(files, sources(arguments[1]), public)
    for test in idle:
        print(f"asserts nothing: {test}")
    for name in missing:
        print(f"called by no test: {name}")
    print(f"{count - len(idle)} of {count} tests assert, "
          f"{len(public) - len(missing)} of {len(public)} public functions are called")
    return 1 if idle or missing or not count or not public else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
