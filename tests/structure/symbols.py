#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The libraries export exactly the functions that the public headers declare.

  symbols.py --headers INCLUDE              print the functions of the public headers
  symbols.py --map INCLUDE MAP              hold the version script against the headers
  symbols.py --shared INCLUDE LIBRARY       hold libcoffer.so's dynamic symbols against them
  symbols.py --static INCLUDE LIBRARY       hold libcoffer.a's global symbols against them
  symbols.py --self-test                    the parser finds what it should, and only that
"""
import os
import re
import subprocess
import sys

VERSION = "COFFER_0.1"
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
CPLUSPLUS = re.compile(r"^#\s*ifdef __cplusplus\n.*?^#\s*endif[^\n]*\n", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*\n", re.MULTILINE)
FUNCTION = re.compile(r"\b(coffer_\w+)\s*\(")


def functions_in(text):
    """The functions that a header declares: the name before the first parenthesis of each
    declaration outside braces."""
    text = DIRECTIVE.sub("", CPLUSPLUS.sub("", COMMENT.sub(" ", text)))
    flat, depth = [], 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth == 0 and character != "}":
            flat.append(character)
    found = set()
    for declaration in "".join(flat).split(";"):
        match = FUNCTION.search(declaration)
        if match and "typedef" not in declaration:
            found.add(match.group(1))
    return found


def declared(include):
    found = set()
    for directory, _, names in os.walk(include):
        for name in names:
            if name.endswith(".h"):
                with open(os.path.join(directory, name)) as file:
                    found |= functions_in(file.read())
    return found


def nm(*arguments):
    output = subprocess.run(["nm", "--format=posix", *arguments], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return [line.split() for line in output.splitlines() if len(line.split()) >= 2]


def exported_by_shared(library):
    """Names with their version, as the loader sees them; the version node itself is no function."""
    return {words[0] for words in nm("--dynamic", "--defined-only", "--with-symbol-versions",
                                     library) if words[1] != "A"}


def exported_by_static(library):
    return {words[0] for words in nm("--extern-only", "--defined-only", library)}


def listed_in(path):
    with open(path) as file:
        text = re.sub(r"#[^\n]*", "", file.read())
    match = re.fullmatch(r"\s*(\w+\.\w+)\s*\{\s*global:(.*?)local:\s*\*;\s*\};\s*", text, re.DOTALL)
    if not match or match.group(1) != VERSION:
        raise SystemExit(f"{path}: not one node {VERSION} with a global list and local: *")
    return {name.strip() for name in match.group(2).split(";") if name.strip()}


def compare(what, have, want):
    for name in sorted(want - have):
        print(f"{what} lacks {name}")
    for name in sorted(have - want):
        print(f"{what} has {name}, which is not public")
    print(f"{what}: {len(have & want)} of {len(want)} public functions")
    return 0 if have == want and want else 1


def self_test():
    text = """
    /* coffer_comment(); */
    #define COFFER_MACRO(x) coffer_macro(x)
    #ifdef __cplusplus
    extern "C" {
    #endif
    struct coffer_s { void (*coffer_field)(int); enum coffer_status (*other)(void); };
    enum coffer_e { COFFER_A };
    COFFER_MUST_CHECK enum coffer_status
    coffer_two_lines(struct coffer *store,
                     void (*each)(void *context), bool (*coffer_parameter)(int));
    const char *coffer_text(void); // coffer_more();
    typedef void coffer_callback(int);
    #ifdef __cplusplus
    }
    #endif
    """
    found = functions_in(re.sub(r"^    ", "", text, flags=re.MULTILINE))
    want = {"coffer_two_lines", "coffer_text"}
    assert found == want, found
    assert compare("the self-test", {"a", "b"}, {"a", "b"}) == 0
    assert compare("the self-test", {"a"}, {"a", "b"}) == 1
    assert compare("the self-test", {"a", "b", "c"}, {"a", "b"}) == 1
    assert compare("the self-test", set(), set()) == 1
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    mode, include, *rest = arguments
    public = declared(include)
    if mode == "--headers":
        print("\n".join(sorted(public)))
        return 0
    if mode == "--map":
        return compare("coffer.map", listed_in(rest[0]), public)
    if mode == "--shared":
        return compare("libcoffer.so", exported_by_shared(rest[0]),
                       {f"{name}@@{VERSION}" for name in public})
    if mode == "--static":
        return compare("libcoffer.a", exported_by_static(rest[0]), public)
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
