#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds the manual of libcoffer-tee against its headers and its table of calls.

  manual.py INCLUDE CALLS PAGE...     every call and macro to be called has a page; a page's names
                                      are those of its SYNOPSIS, its prototypes the headers'; the
                                      codes and numbers of its ERRORS are the table's; the
                                      options that its calls take are told; what it refers to is
                                      there
  manual.py --self-test               what is wrong is found
"""
import os
import re
import sys

import gp_calls
import symbols

ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
MARKS = re.compile(r"\b(?:TA_EXPORT|COFFER_MUST_CHECK)\b")
DECLARATION = re.compile(r"(.*?)\b(\w+)\s*\((.*)\)")
MACRO = re.compile(r"^#define ([A-Z]+MSG(?:_RAW)?|DHEXDUMP)\(", re.MULTILINE)
OPTIONS = re.compile(r"^struct (\w+_options) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(r"(\w+);")
INCLUDES = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
OLD = "__GP11_"  # the form of version 1.1, which no NAME needs
ELSEWHERE = {"coffer", "gdb", "getrandom", "printf", "valgrind"}  # pages that aren't ours


def tokens(text):
    return re.findall(r"\w+|\.\.\.|[^\w\s]", text)


def prototypes(text):
    """{name: (tokens of the type, tokens of the parameters)} of what a header declares."""
    text = symbols.DIRECTIVE.sub("", symbols.CPLUSPLUS.sub("", symbols.COMMENT.sub(" ", text)))
    flat, depth = [], 0
    for character in MARKS.sub("", ATTRIBUTE.sub("", text)):
        depth += (character == "{") - (character == "}")
        if depth == 0 and character != "}":
            flat.append(character)
    found = {}
    for declaration in "".join(flat).split(";"):
        match = DECLARATION.fullmatch(" ".join(declaration.split()))
        if match and "typedef" not in declaration:
            found[match.group(2)] = (tokens(match.group(1)), tokens(match.group(3)))
    return found


class Headers:
    """What the headers declare: `texts` by their names. `others` have words, too."""

    def __init__(self, texts, others=""):
        self.texts = texts
        self.words = set(re.findall(r"\w+", "".join(texts.values()) + others))
        self.calls, self.macros, self.place, self.options = {}, set(), {}, {}
        for header, text in texts.items():
            found = prototypes(text)
            self.calls.update(found)
            for name, members in OPTIONS.findall(symbols.COMMENT.sub("", text)):
                self.options[name] = MEMBER.findall(members)
            self.macros.update(MACRO.findall(text))
            self.place.update({name: header for name in [*found, *MACRO.findall(text)]})

    def reached(self, header):
        """A header and all that it includes."""
        seen, left = set(), [header]
        while left:
            name = left.pop()
            if name in self.texts and name not in seen:
                seen.add(name)
                left += INCLUDES.findall(self.texts[name])
        return seen


class Page:
    """What a page in mdoc tells."""

    def __init__(self, path, text):
        self.path = path
        self.sections = {part.split("\n", 1)[0].strip(): part
                         for part in re.split(r"^\.Sh ", text, flags=re.MULTILINE)[1:]}
        self.names = re.findall(r"^\.Nm (\S+)", self.sections.get("NAME", ""), re.MULTILINE)
        self.text = text

    def synopsis(self):
        """[(name, tokens of the type, tokens of the parameters)]"""
        found, kind, name, parameters = [], "", None, []
        for line in self.sections.get("SYNOPSIS", "").splitlines():
            word, _, rest = line.partition(" ")
            rest = rest.strip('"')
            if word == ".Ft":
                kind = rest
            elif word == ".Fo":
                name, parameters = rest, []
            elif word == ".Fa":
                parameters.append(rest)
            elif word == ".Fc":
                found.append((name, tokens(kind), tokens(", ".join(parameters))))
                kind = ""
        return found

    def errors(self):
        """{name: (number, codes)}; items without a text share the next one's."""
        found, waiting = {}, []
        for item in re.split(r"^\.It ", self.sections.get("ERRORS", ""), flags=re.MULTILINE)[1:]:
            head, _, body = item.partition("\n")
            match = re.match(r"Fn (\w+)(?: Pq (\w+))?", head)
            waiting.append((match.group(1), match.group(2) or "0"))
            if body.strip():
                told = body.split("\n.El\n")[0].split("Panics:")[0]
                codes = re.findall(r"^\.Dv TEE_ERROR_(\w+)", told, re.MULTILINE)
                found.update({name: (number, set(codes)) for name, number in waiting})
                waiting = []
        return found


def check_synopsis(page, headers):
    section = page.path.rsplit(".", 1)[1]
    own = os.path.basename(page.path).rsplit(".", 1)[0]
    if section != "3":
        return [] if page.names == [own] else [f"NAME isn't {own}"]
    faults = []
    told = page.synopsis()
    names = [name for name, _, _ in told if not name.startswith(OLD)]
    if own not in page.names or sorted(page.names) != sorted(names):
        faults.append(f"NAME has {page.names}, SYNOPSIS {names}")
    includes = re.findall(r"^\.In (\S+)", page.sections.get("SYNOPSIS", ""), re.MULTILINE)
    reached = set().union(*(headers.reached(header) for header in includes))
    for name, kind, parameters in told:
        if name in headers.macros and headers.place[name] in reached:
            continue
        if name not in headers.calls:
            faults.append(f"there is no {name}")
        elif headers.calls[name] != (kind, parameters):
            faults.append(f"{name} isn't declared so, but {' '.join(headers.calls[name][1])}")
        elif headers.place[name] not in reached:
            faults.append(f"{name} isn't in {includes}")
    return faults


def check_errors(page, table):
    faults = []
    told = page.errors()
    for name, _, _ in page.synopsis():
        if name in table and name not in told:
            faults.append(f"ERRORS doesn't tell of {name}")
        if name in table and name in told and told[name] != table[name]:
            faults.append(f"ERRORS has {name} with {told[name]}, not {table[name]}")
    faults += [f"ERRORS tells of {name}" for name in told
               if name not in {call for call, _, _ in page.synopsis()}]
    return faults


def check_options(page, headers):
    taken = {word for _, _, parameters in page.synopsis() for word in parameters}
    return [f"{name} has {member}" for name in sorted(taken & set(headers.options))
            for member in headers.options[name] if not re.search(rf"^\.It Va .*\b{member}\b",
                                                                 page.text, re.MULTILINE)]


def check_words(page, headers, known):
    """What is referred to and what is written as a call or a constant is there."""
    faults = [f"there is no page {name}({section})"
              for name, section in re.findall(r"\.?Xr (\S+) (\d)", page.text)
              if name not in ELSEWHERE and (name, section) not in known]
    words = set(re.findall(r"\b((?:__GP11_)?(?:TEEC?|TA|COFFER|TRACE)_[A-Z]\w*[a-z0-9A-Z])\b",
                           re.sub(r"^\.Dt .*", "", page.text, flags=re.MULTILINE)))
    words |= set(re.findall(r"^\.Fn (\w+)", page.text, re.MULTILINE))
    words -= set(re.findall(r"^\.(?:It )?Ev (\w+)", page.text, re.MULTILINE))
    return faults + [f"{word} is in no header" for word in sorted(words - headers.words)]


def check(pages, headers, table):
    """All that is wrong, as lines."""
    known = {(name, "3") for page in pages for name, _, _ in page.synopsis()}
    known |= {(name, page.path.rsplit(".", 1)[1]) for page in pages for name in page.names}
    faults, seen = [], {}
    for page in pages:
        found = check_synopsis(page, headers) + check_errors(page, table)
        found += check_options(page, headers)
        found += check_words(page, headers, known)
        faults += [f"{os.path.basename(page.path)}: {fault}" for fault in found]
        for name, _, _ in page.synopsis():
            if name in seen:
                faults.append(f"{name} is in {seen[name]} and {page.path}")
            seen[name] = page.path
    return faults + [f"no page tells of {name}"
                     for name in sorted(set(headers.calls) | headers.macros) if name not in seen]


def read_calls(text):
    """{name: (number, codes in any profile)} of the table in the code."""
    table = {}
    for match in gp_calls.ROW.finditer(text):
        name, number, _, *cells = match.groups()
        words = re.findall(r"\w+", " ".join(cell or "" for cell in cells))
        codes = [code for word in words for code in gp_calls.GROUPS.get(word, [word])]
        table[name] = (number, {gp_calls.NAMES[code] for code in codes if code != "0"})
    return table


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def self_test():
    header = ("/* TEE_Gone(void); */\n#define EMSG(...) x\n#define TEE_ERROR_OVERFLOW 1\n"
              "struct one_options {\n    int deep; /* or; */\n};\n"
              "TEE_Result TEE_One(uint32_t a,\n    const struct one_options *b);\n"
              "void TEE_Two(void);\n")
    row = '    [GP_CALL_ONE] = {"TEE_One", 0x1A, IN_BOTH(OVERFLOWS)},\n'
    good = (".Sh NAME\n.Nm TEE_One ,\n.Nm TEE_Two ,\n.Nm EMSG\n.Nd two\n.Sh SYNOPSIS\n.In h.h\n"
            '.Ft TEE_Result\n.Fo TEE_One\n.Fa "uint32_t a"\n.Fa "const struct one_options *b"\n.Fc\n'
            ".Ft void\n.Fo TEE_Two\n.Fa void\n.Fc\n.Fo EMSG\n.Fa ...\n.Fc\n"
            ".Sh DESCRIPTION\n.Bl -tag\n.It Va deep\n.El\n"
            ".Sh ERRORS\n.Bl -tag\n.It Fn TEE_One Pq 0x1A\n.Dv TEE_ERROR_OVERFLOW .\nPanics:\n.El\n"
            ".Sh SEE ALSO\n.Xr TEE_Two 3\n")
    headers, table = Headers({"h.h": header}), read_calls(row)

    def faults(text, name="TEE_One.3"):
        return check([Page(name, text)], headers, table)

    assert faults(good) == [], faults(good)
    for old, new, what in (
            (".Nm TEE_Two ,\n", "", "NAME has"),
            (".Nd two", ".Nm TEE_Three\n.Nd two", "NAME has"),
            (".Fo TEE_Two\n.Fa void\n.Fc\n", "", "no page tells of TEE_Two"),
            (".Fo TEE_Two", ".Fo TEE_Three", "there is no TEE_Three"),
            ("uint32_t a", "uint32_t x", "TEE_One isn't declared so"),
            ("const struct", "struct", "TEE_One isn't declared so"),
            (".Ft TEE_Result", ".Ft void", "TEE_One isn't declared so"),
            (".It Va deep", ".It Va high", "one_options has deep"),
            (".In h.h", ".In other.h", "isn't in ['other.h']"),
            ("0x1A", "0x1B", "ERRORS has TEE_One"),
            (".Dv TEE_ERROR_OVERFLOW .\n", "None.\n", "ERRORS has TEE_One"),
            (".It Fn TEE_One", ".It Fn EMSG", "ERRORS doesn't tell of TEE_One"),
            (".Xr TEE_Two 3", ".Xr TEE_Two 7", "there is no page TEE_Two(7)"),
            (".Nd two", ".Nd two TEE_THREE", "TEE_THREE is in no header")):
        assert old in good, old
        found = faults(good.replace(old, new))
        assert any(what in fault for fault in found), (what, found)
    assert any("NAME has" in fault for fault in faults(good, "TEE_Other.3"))
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) < 3:
        raise SystemExit(__doc__)
    include, calls, *paths = arguments
    headers = Headers({name: read(os.path.join(include, name)) for name in symbols.TEE_HEADERS},
                      "".join(read(os.path.join(include, name))
                              for name in symbols.MEMORY_HEADERS + symbols.STORAGE_HEADERS))
    table = read_calls(read(calls))
    pages = [Page(path, read(path)) for path in paths]
    faults = check(pages, headers, table)
    print("\n".join(faults) or f"{len(pages)} pages tell of {len(headers.calls)} calls and "
          f"{len(headers.macros)} macros as the headers and the table have them")
    return 1 if faults or not headers.calls or not table else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
