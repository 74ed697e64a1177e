#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds the table of calls in docs/GP.md against the code's.

  gp_calls.py CALLS MAP DOCUMENT            every row is there, with what the call may return
  gp_calls.py --print CALLS MAP             the table, to be put there
"""

import re
import sys

ROW = re.compile(r'\{"(TEE_\w+)",\s*(0x[0-9A-F]+|0),\s*(IN_BOTH\(([^)]*)\)|\{([^},]*),([^}]*)\})\}',
                 re.DOTALL)
GROUPS = {"STORAGE": ["CORRUPT", "UNAVAILABLE"]}
NAMES = {"NOT_FOUND": "ITEM_NOT_FOUND", "CONFLICT": "ACCESS_CONFLICT",
         "NO_MEMORY": "OUT_OF_MEMORY", "CORRUPT": "CORRUPT_OBJECT",
         "UNAVAILABLE": "STORAGE_NOT_AVAILABLE", "NO_SPACE": "STORAGE_NO_SPACE",
         "OVERFLOWS": "OVERFLOW", "SHORT": "SHORT_BUFFER", "NOT_SUPPORTED": "NOT_SUPPORTED",
         "BAD_ARGUMENT": "BAD_PARAMETERS", "BAD_FORMAT": "BAD_FORMAT", "DENIED": "ACCESS_DENIED",
         "MAC_INVALID": "MAC_INVALID", "CORRUPT_2": "CORRUPT_OBJECT_2",
         "UNAVAILABLE_2": "STORAGE_NOT_AVAILABLE_2", "SECURITY": "SECURITY"}


def codes(text):
    found = []
    for word in re.findall(r"\w+", text):
        found += GROUPS.get(word, [] if word == "0" else [word])
    return ", ".join(NAMES[word] for word in found) or "success alone"


def read_table(calls):
    rows = []
    for match in ROW.finditer(calls):
        name, number, _, both, strict, optee = match.groups()
        cell = codes(both if both is not None else strict)
        if both is None:
            cell += f"; in `optee-4`: {codes(optee)}"
        rows.append(f"| `{name}` | {number if number != '0' else ''} | {cell} |")
    return rows


def main(arguments):
    show = arguments[0] == "--print"
    calls, symbols = (open(path, encoding="utf-8").read() for path in arguments[show:show + 2])
    rows = read_table(calls)
    if show:
        print("\n".join(rows))
        return 0
    document = open(arguments[2], encoding="utf-8").read()
    faults = [f"row is missing: {row}" for row in rows if row not in document.splitlines()]
    for name in re.findall(r"^    ((?:TEE|TEEC)_\w+);", symbols, re.MULTILINE):
        if f"`{name}`" not in document:
            faults.append(f"not mentioned: {name}")
    for name in re.findall(r"^\| `((?:TEE|TEEC)_\w+)`", document, re.MULTILINE):
        if f"    {name};" not in symbols:
            faults.append(f"told of, and not exported: {name}")
    print("\n".join(faults) or f"{len(rows)} rows as the code has them")
    return 1 if faults or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
