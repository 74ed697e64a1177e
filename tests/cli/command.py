# SPDX-License-Identifier: BSD-2-Clause
"""Runs the built command (COFFER_BIN) on stores in temporary directories."""

import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(GOLDEN))

BINARY = os.environ.get("COFFER_BIN", str(HERE.parents[1] / "build" / "coffer"))
TEST_KEY = bytes(range(16))
TA = "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63e"  # the command's own
TA_2 = "11111111-2222-3333-4444-555555555555"
DATA = 0xA00000BF

DONE, OTHER, USAGE, NOT_FOUND, CONFLICT, CORRUPT, ROLLED_BACK, SHORTAGE, IO = range(9)


class CommandTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="coffer-cli-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.store = self.dir / "store"
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("COFFER_", "XDG_")) and name != "NO_COLOR"}
        self.env |= {"HOME": str(self.dir / "home"), "COFFER_STORE": str(self.store),
                     "LC_ALL": "C", "TERM": "xterm"}

    def start(self, *words, **settings):
        settings = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                    "stderr": subprocess.PIPE, "cwd": self.dir, "env": self.env} | settings
        return subprocess.Popen([BINARY, *map(os.fsencode, map(str_or_bytes, words))], **settings)

    def run_raw(self, *words, data=b"", **settings):
        process = self.start(*words, **settings)
        out, err = process.communicate(data, timeout=60)
        return process.returncode, out or b"", err or b""

    def run_coffer(self, *words, data=b"", status=DONE, **settings):
        """Standard output. The exit status is held, and that an error is one line and told."""
        code, out, err = self.run_raw(*words, data=data, **settings)
        self.assertEqual(code, status, f"coffer {words}: {err.decode(errors='replace')}")
        lines = [line for line in err.splitlines()
                 if not line.startswith((b"coffer: note:", b"coffer: warning:",
                                         b"coffer: using the published test key"))]
        self.assertEqual(len(lines), 0 if status == DONE else 1, (words, err))
        for line in lines:
            self.assertRegex(line, rb"^coffer: ")
        self.last_error = lines[0].decode() if lines else ""
        return out

    def run_json(self, *words, **settings):
        return json.loads(self.run_coffer("--json", *words, **settings))

    def fails(self, status, *words, **settings):
        """The error's line. It is the same with --json, where it is told as a value too."""
        self.run_coffer(*words, status=status, **settings)
        line = self.last_error
        value = self.run_json(*words, status=status, **settings)
        self.assertEqual(set(value), {"error"})
        self.assertEqual(set(value["error"]), {"code", "status", "message"})
        self.assertEqual(value["error"]["code"], status)
        self.assertEqual(f"coffer: {value['error']['message']}", line)
        return line

    def terminal(self):
        try:
            return pty.openpty()
        except OSError as error:
            self.skipTest(f"a terminal is needed, and there is none to be had: {error}")

    def init(self, *words):
        self.run_coffer("init", *words)

    def put(self, name, data, *words):
        self.run_coffer("put", *words, name, data=data)

    def get(self, name, *words):
        return self.run_coffer("get", *words, name)

    def ids(self):
        return self.run_coffer("ls").decode().splitlines()

    def key(self):
        return bytes.fromhex(Path(f"{self.store}.key").read_text())

    def image(self):
        """All bytes of the store, by file."""
        return {str(path.relative_to(self.store)): path.read_bytes()
                for path in sorted(self.store.rglob("*")) if path.is_file()}

    def write_key(self, name, data, mode=0o600):
        path = self.dir / name
        path.write_bytes(data)
        path.chmod(mode)
        return str(path)


def str_or_bytes(word):
    return word if isinstance(word, (str, bytes)) else str(word)


def flip(path, offset, bit=0x10):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bit]))
