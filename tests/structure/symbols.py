#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each library exports exactly the functions that its public headers declare.

  symbols.py --headers INCLUDE NAME           print the functions of a library's headers
  symbols.py --map INCLUDE NAME MAP           hold its version script against them
  symbols.py --shared INCLUDE NAME LIBRARY    hold the dynamic symbols of NAME.so against them
  symbols.py --static INCLUDE NAME LIBRARY    hold the global symbols of NAME.a against them
  symbols.py --self-test                      the parser finds what it should, and only that

NAME is coffer (which has the memory system's functions, too), coffer-memory, coffer-los or
coffer-tee.
"""
import os
import re
import subprocess
import sys

MEMORY_HEADERS = ["coffer/area.h", "coffer/linux_memory.h", "coffer/memory.h", "coffer/space.h",
                  "coffer/status.h"]
STORAGE_HEADERS = ["coffer.h", "coffer/inspect.h", "coffer/linux.h",
                   "coffer/trace.h"]
LOS_HEADERS = ["los_membox.h", "los_memory.h", "los_start.h", "los_typedef.h", "los_vm.h"]
TEE_HEADERS = ["tee_api.h", "tee_api_compat.h", "tee_api_defines.h",
               "tee_api_defines_extensions.h", "tee_api_types.h", "tee_internal_api.h",
               "tee_internal_api_extensions.h", "tee_ta_api.h", "tee_client_api.h", "trace.h",
               "user_ta_header.h", "coffer/tee.h", "coffer/linux_tee.h", "coffer/ta_compiler.h"]

# For each library: (version node, headers) of what it exports; the first is its version script's.
LIBRARIES = {
    "coffer": [("COFFER_0.1", STORAGE_HEADERS), ("COFFER_MEMORY_0.1", MEMORY_HEADERS)],
    "coffer-memory": [("COFFER_MEMORY_0.1", MEMORY_HEADERS)],
    "coffer-los": [("COFFER_LOS_0.1", LOS_HEADERS)],
    "coffer-tee": [("COFFER_TEE_0.1", TEE_HEADERS)],
}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
CPLUSPLUS = re.compile(r"^#\s*ifdef __cplusplus\n.*?^#\s*endif[^\n]*\n", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*\n", re.MULTILINE)
FUNCTION = re.compile(r"\b(coffer_\w+|LOS_[A-Z]\w*|(?:__GP11_)?TEEC?_[A-Z]\w*)\s*\(")


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


def declared(include, headers):
    found = set()
    for name in headers:
        with open(os.path.join(include, name)) as file:
            found |= functions_in(file.read())
    return found


def versioned(include, library):
    """(name, version) of every function that a library is to have."""
    return {(name, version) for version, headers in LIBRARIES[library]
            for name in declared(include, headers)}


def unlisted(include):
    """Public headers that belong to no library: their functions would be held against nothing."""
    known = set(MEMORY_HEADERS + STORAGE_HEADERS + LOS_HEADERS + TEE_HEADERS)
    return sorted({os.path.relpath(os.path.join(directory, name), include)
                   for directory, _, names in os.walk(include)
                   for name in names if name.endswith(".h")} - known)


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


def listed_in(path, version):
    with open(path) as file:
        text = re.sub(r"#[^\n]*", "", file.read())
    match = re.fullmatch(r"\s*(\w+\.\w+)\s*\{\s*global:(.*?)local:\s*\*;\s*\};\s*", text, re.DOTALL)
    if not match or match.group(1) != version:
        raise SystemExit(f"{path}: not one node {version} with a global list and local: *")
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
    if len(arguments) < 3 or arguments[2] not in LIBRARIES:
        raise SystemExit(__doc__)
    mode, include, library, *rest = arguments
    if unlisted(include):
        raise SystemExit(f"of no library: {', '.join(unlisted(include))}")
    public = versioned(include, library)
    if mode == "--headers":
        print("\n".join(sorted(name for name, _ in public)))
        return 0
    if mode == "--map":
        version = LIBRARIES[library][0][0]
        return compare(f"{library}.map", listed_in(rest[0], version),
                       {name for name, node in public if node == version})
    if mode == "--shared":
        return compare(f"lib{library}.so", exported_by_shared(rest[0]),
                       {f"{name}@@{version}" for name, version in public})
    if mode == "--static":
        return compare(f"lib{library}.a", exported_by_static(rest[0]), {name for name, _ in public})
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
