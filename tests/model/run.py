#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check a protocol's model with spin: the model holds, and spin finds out each broken variant.

Usage: run.py MODEL.pml [--deep]. Skipped (exit code 77), loudly, where spin or a C compiler isn't
installed. Each search must be complete: one that ran out of depth or memory is a failure.
"""
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

# What holds: (name, definitions, what pan is told).
SOUND = [
    ("two pages, one frame", ["FRAMES=1"], []),
    ("two pages, two frames", ["FRAMES=2"], []),
    ("one page", ["PAGES=1", "STORES=3", "EVICTIONS=3"], []),
    ("progress, one frame", ["FRAMES=1", "UNDER_LOCK", "PROGRESS"], ["-l", "-f"]),
]
DEEP = [
    ("three pages, two frames", ["PAGES=3", "FRAMES=2"], []),
    ("two pages, one frame, longer", ["FRAMES=1", "STORES=3", "EVICTIONS=3"], []),
]
BROKEN = ["UNMAP", "EARLY", "DIRTY", "WANTED", "WAKE", "ROOM", "FAILED"]


def search(model, definitions, arguments):
    """(errors, states, complete) of one exhaustive search."""
    with tempfile.TemporaryDirectory() as folder:
        defines = [f"-D{name}" for name in definitions if name != "PROGRESS"]
        compiled = ["-DNP"] if "PROGRESS" in definitions else ["-DSAFETY"]
        subprocess.run(["spin", *defines, "-a", model], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        # Not optimised: compiling takes longer than the search.
        subprocess.run(["cc", "-w", "-DMEMLIM=1500", "-DCOLLAPSE", *compiled, "-o", "pan",
                        "pan.c"], cwd=folder, check=True)
        output = subprocess.run(["./pan", "-m200000", "-w22", *arguments], cwd=folder,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True).stdout
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if errors is None or states is None:
        sys.exit(f"pan says nothing that makes sense:\n{output}")
    complete = "Search not completed" not in output and "max search depth" not in output
    return int(errors.group(1)), int(states.group(1)), complete


def main():
    model = sys.argv[1]
    for tool in ["spin", "cc"]:
        if shutil.which(tool) is None:
            print(f"SKIPPED: {tool} isn't installed, so {model} was not checked")
            return SKIPPED
    failures = 0
    for name, definitions, arguments in SOUND + (DEEP if "--deep" in sys.argv else []):
        errors, states, complete = search(model, definitions, arguments)
        good = errors == 0 and complete
        failures += not good
        print(f"{'holds' if good else 'FAILS'}: {name}: {states} states, {errors} errors"
              f"{'' if complete else ', search not complete'}", flush=True)
    for variant in BROKEN:
        errors, states, _ = search(model, ["FRAMES=1", f"BROKEN_{variant}"], [])
        failures += errors == 0
        print(f"{'found' if errors else 'NOT FOUND'}: BROKEN_{variant} after {states} states",
              flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
