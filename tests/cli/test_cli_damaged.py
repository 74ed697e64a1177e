#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stores of OP-TEE that were damaged on purpose, through the command. (That sound ones are read and
written right through the command is held in tests/golden/test_engine.py.)"""

import hashlib
import os
import shutil
import unittest
from pathlib import Path

from command import CORRUPT, CommandTest, DONE, HERE, NOT_FOUND
import optee_store

OPTEE = Path(os.environ.get("COFFER_GOLDEN", HERE.parents[2] / "shared" / "golden"))

def digest(data):
    return hashlib.sha256(data).hexdigest()


def older(directory):
    """A store as it was before its last commit: the newest head of dirf.db loses its counter."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    image = bytearray(files["dirf.db"])
    counters = [optee_store.HEAD.unpack_from(image, 68 * slot)[4] for slot in (0, 1)]
    newest = optee_store.pick_version(*counters)
    image[68 * newest + 64 : 68 * newest + 68] = newest.to_bytes(4, "little")
    return files | {"dirf.db": bytes(image)}


class DamagedTest(CommandTest):
    """OP-TEE's damaged stores: only data that was stored once is ever handed out, and whole."""

    @unittest.skipUnless((OPTEE / "damaged").is_dir(), f"OP-TEE's own stores are not at {OPTEE}")
    def test_nothing_wrong_is_handed_out(self):
        right = {}
        # Where dirf.db was rolled back, or only its older version is whole, the older data counts.
        for files in (OPTEE / "damaged" / "_base", older(OPTEE / "damaged" / "_base"),
                      OPTEE / "damaged" / "store_rolled_back_no_protection"):
            store = optee_store.Store.open(files, huk=bytes(range(16)))
            for entry in store.entries:
                data = store.read_entry(entry).data
                right.setdefault((entry.ta, entry.oid), set()).add(digest(data))
        for source in sorted((OPTEE / "damaged").iterdir()):
            if not (source / "dirf.db").exists() or source.name.startswith("_"):
                continue
            with self.subTest(case=source.name):
                self.hold(source, right)

    def hold(self, source, right):
        store = self.dir / source.name
        shutil.copytree(source, store, copy_function=shutil.copyfile)
        store.chmod(0o700)
        before = {path: path.read_bytes() for path in store.iterdir()}
        for (ta, oid), versions in right.items():
            words = "get", f"hex:{oid.hex()}", "--ta", ta, "--test-key", "-q", "--store", store
            code, out, err = self.run_raw(*words)
            self.assertIn(code, (DONE, CORRUPT, NOT_FOUND), err)
            self.assertIn(digest(out), versions if code == DONE else {digest(b"")})
        code, _, err = self.run_raw("check", "--test-key", "-q", "--store", store)
        self.assertIn(code, (DONE, CORRUPT), err)
        self.assertEqual({path: path.read_bytes() for path in store.iterdir()}, before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
