#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds what the command's --help tells against its manual page and its completion: the same verbs,
and for each verb the same options.

    command.py COFFER MANUAL COMPLETION
"""

import re
import subprocess
import sys
from pathlib import Path


def run(*words, **settings):
    return subprocess.run(words, check=True, capture_output=True, text=True, **settings).stdout


def options_of_help(text):
    """Every -x and --xyz at the beginning of a line that explains an option."""
    found = set()
    for line in text.splitlines():
        if re.match(r" {2,6}-", line):
            found |= set(re.findall(r"(?:^|[ ,])(--?[a-z][a-z-]*)", line.strip().split("  ")[0]))
    return found


def from_help(coffer):
    """Options by verb; those of every verb under the empty name."""
    text = run(coffer, "--help")
    verbs = re.findall(r"(?m)^  ([a-z]+) ", text)
    common = options_of_help(text)
    return {"": common} | {verb: options_of_help(run(coffer, verb, "--help")) - common
                           for verb in verbs}


def options_of_item(line):
    found = set()
    for flag in re.findall(r"Fl ((?:[a-z-]+)(?: , [a-z-]+)*)", line):
        found |= {f"-{name}" for name in flag.split(" , ")}
    return found


def from_manual(path):
    text = path.read_text()
    found = {"": set()}
    verbs, options = text.split("The options, before or after the verb, are:")
    for line in re.findall(r"(?m)^\.It (Cm [a-z].*)$", verbs):
        found[line.split()[1]] = options_of_item(line)
    for line in re.findall(r"(?m)^\.It (Fl .*)$", options.split(".Sh ENVIRONMENT")[0]):
        found[""] |= options_of_item(line)
    return found


def complete(path, *words):
    script = f"source '{path}'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _coffer; " \
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    return set(run("bash", "-c", script, "coffer", "coffer", *words).split())


def from_completion(path):
    common = complete(path, "-")
    return {"": common} | {verb: complete(path, verb, "-") - common for verb in complete(path, "")}


def differences(name, told, help_told):
    for verb in sorted(set(help_told) | set(told)):
        for option in sorted(help_told.get(verb, set()) - told.get(verb, set())):
            yield f"{name}: {verb} {option} is missing".replace("  ", " ")
        for option in sorted(told.get(verb, set()) - help_told.get(verb, set())):
            yield f"{name}: {verb} {option} is not in --help".replace("  ", " ")
    for verb in sorted(set(help_told) ^ set(told)):
        yield f"{name}: verb {verb} is {'missing' if verb in help_told else 'not in --help'}"


def main(coffer, manual, completion):
    told = from_help(coffer)
    # A reader that finds nothing would agree with everything.
    if not {"--store", "-q", "--help"} <= told[""] or not {"-l", "--long"} <= told.get("ls", set()):
        print(f"--help was not understood: {told}")
        return 1
    wrong = [*differences("manual page", from_manual(Path(manual)), told),
             *differences("completion", from_completion(completion), told)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
