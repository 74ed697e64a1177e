#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library against every golden store, through the command (COFFER_BIN).

Each store lists and reads exactly as its manifest says, and no byte of it changes by that. Then all
kinds of changes are made in every TA of a copy, and the reader that shares no code with the library
opens the result as strictly as OP-TEE would and finds what it should.

COFFER_GOLDEN names the folder of the stores that OP-TEE's own code wrote; without it only the
project's own are held."""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from make_stores import HUK, STORES, TA, TA2, blocks
from optee_store import Corrupt, Store, Writer, pattern

HERE = Path(__file__).resolve().parent
BINARY = os.environ.get("COFFER_BIN", str(HERE.parents[1] / "build" / "coffer"))
OPTEE = Path(os.environ.get("COFFER_GOLDEN", HERE.parents[2] / "shared" / "golden"))
NEW_TA = "99999999-8888-7777-6666-555555555555"
DONE, NOT_FOUND, CORRUPT = 0, 3, 5
CHANGED_OF_A_TA = 8  # objects; the largest store has 200


def cases(directory):
    manifest = directory / "manifest.json"
    if not manifest.exists():
        return []
    return [case for case in json.loads(manifest.read_text())["cases"] if case["storage"] == "ree"]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Command:
    """The command on a copy of one store, with the store's key and settings."""

    def __init__(self, test, directory, source, key, kind="huk", huk_compat=True,
                 hash_compat=True):
        self.test, self.store = test, Path(directory) / "store"
        shutil.copytree(source, self.store, copy_function=shutil.copyfile)
        for path in [self.store, *self.store.iterdir()]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        key_file = Path(directory) / "key"
        key_file.write_text(key.hex())
        key_file.chmod(0o600)
        profile = "optee" + ("" if huk_compat else ",huk-compat=no") + \
            ("" if hash_compat else ",hash-compat=no")
        self._options = ["--store", str(self.store), "--key", str(key_file), "--key-kind", kind,
                         "--profile", profile]
        self._reader = {kind: key, "huk_compat": huk_compat, "hash_compat": hash_compat}

    @classmethod
    def of_case(cls, test, directory, source, case):
        key, kind = (case["huk"], "huk") if case["huk"] else (case["ssk"], "ssk")
        return cls(test, directory, source / case["case"], bytes.fromhex(key), kind,
                   case.get("huk_compat", True), case.get("hash_compat", True))

    def run(self, *words, ta=None, data=b"", status=DONE):
        words = [BINARY, *self._options, *(["--ta", ta] if ta else []), *map(str, words)]
        done = subprocess.run(words, input=data, capture_output=True, check=False, timeout=120)
        allowed = status if isinstance(status, tuple) else (status,)
        self.test.assertIn(done.returncode, allowed, (words, done.stderr))
        return done.stdout

    def read(self, tolerant=False):
        return Store.open(self.store, tolerant=tolerant, **self._reader)

    def image(self):
        return {str(path.relative_to(self.store)): path.read_bytes()
                for path in self.store.rglob("*") if path.is_file()}


class StoreTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # In memory where there is such a folder: thousands of barriers are no part of this test.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.dir = tempfile.mkdtemp(prefix="coffer-golden-", dir=memory)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def fresh(self):
        return tempfile.mkdtemp(dir=self.dir)

    def assert_contents(self, command, want):
        """Exactly these objects, strictly read."""
        self.assertEqual({(item.ta, item.oid): (item.size, sha256(item.data))
                          for item in command.read().objects},
                         {key: (len(data), sha256(data)) for key, data in want.items()})


class GoldenTest(StoreTest):
    def hold_each(self, hold):
        self.assertGreater(len(cases(STORES)), 15)
        for source in (STORES, OPTEE):
            for case in cases(source):
                if case["case"] == "unfinished":
                    continue  # see test_a_cut_creation_is_no_store_yet
                with self.subTest(store=f"{source.name}/{case['case']}"):
                    hold(source, case)

    def hold_reading(self, source, case):
        command = Command.of_case(self, self.fresh(), source, case)
        before = command.image()
        corrupt = {(item["ta"], item["oid"]) for item in case.get("corrupt", [])}
        rows = json.loads(command.run("ls", "--all", "--json",
                                      status=(DONE, CORRUPT) if corrupt else DONE))
        # Of a damaged object the listing may know as much as its first block tells.
        listed = sorted((row["ta"], row["id_hex"], row["file"], row["size"], row["type"],
                         row["usage"]) for row in rows
                        if (row["ta"], row["id_hex"]) not in corrupt)
        self.assertEqual(listed, sorted(
            (item["ta"], item["oid"], item["file"], item["size"],
             int(item["objectType"], 16), int(item["objectUsage"], 16))
            for item in case["objects"]))
        self.assertEqual(len(rows), len(case["objects"]) + len(corrupt))
        for item in case["objects"]:
            data = command.run("get", f"hex:{item['oid']}", ta=item["ta"])
            self.assertEqual((len(data), sha256(data)), (item["size"], item["sha256"]))
        for ta, oid in corrupt:
            command.run("get", f"hex:{oid}", ta=ta, status=CORRUPT)
        self.assertEqual(command.image(), before)

    def test_stores_read_as_their_manifest_says_and_do_not_change(self):
        self.hold_each(self.hold_reading)

    def change(self, command, number, ta, oid, contents):
        """One change of one object, each kind in turn; `contents` follows."""
        name, old = f"hex:{oid.hex()}", contents[ta, oid]
        data = pattern(number, 9000)
        kind = number % 8
        if kind == 0:
            command.run("put", name, ta=ta, data=data)
            contents[ta, oid] = data
        elif kind == 1:
            at = len(old) // 2 + 100
            command.run("put", "--offset", at, name, ta=ta, data=data[:5000])
            grown = bytearray(old.ljust(at + 5000, b"\0"))
            grown[at : at + 5000] = data[:5000]
            contents[ta, oid] = bytes(grown)
        elif kind == 2:
            command.run("put", "--append", name, ta=ta, data=data[:4999])
            contents[ta, oid] = old + data[:4999]
        elif kind == 3:
            command.run("truncate", name, len(old) // 3, ta=ta)
            contents[ta, oid] = old[: len(old) // 3]
        elif kind == 4:
            command.run("truncate", name, len(old) + 20000, ta=ta)
            contents[ta, oid] = old + bytes(20000)
        elif kind == 5:
            new = b"moved " + oid[:50]
            command.run("mv", name, f"hex:{new.hex()}", ta=ta)
            contents[ta, new] = contents.pop((ta, oid))
        elif kind == 6:
            command.run("rm", name, ta=ta)
            del contents[ta, oid]
        else:
            command.run("put", "--offset", 0, name, ta=ta, data=b"!")
            contents[ta, oid] = b"!" + old[1:]

    def hold_changes(self, source, case, turn):
        command = Command.of_case(self, self.fresh(), source, case)
        # What can't be read goes to quarantine first, and broken trees are mended.
        command.run("check", "--repair")
        before = {(item.ta, item.oid): item for item in command.read().objects}
        contents = {key: item.data for key, item in before.items()}
        self.assertEqual({(ta, oid.hex(), sha256(data)) for (ta, oid), data in contents.items()},
                         {(item["ta"], item["oid"], item["sha256"]) for item in case["objects"]})
        replaced = set()
        for ta in sorted({ta for ta, _ in contents} | {NEW_TA}):
            mine = [key for key in contents if key[0] == ta][:CHANGED_OF_A_TA]
            for number, (_, oid) in enumerate(mine, turn):
                self.change(command, number, ta, oid, contents)
                if number % 8 == 0:
                    replaced.add((ta, oid))
            contents[ta, b"new"] = pattern(77 + turn, 70001)
            command.run("put", "new", ta=ta, data=contents[ta, b"new"])
        self.assert_contents(command, contents)
        for item in command.read().objects:
            old = before.get((item.ta, item.oid))
            if old and (item.ta, item.oid) not in replaced:
                self.assertEqual((item.attrs, item.type, item.usage, item.have_attrs),
                                 (old.attrs, old.type, old.usage, old.have_attrs))
        command.run("check", "--deep")

    def test_changes_in_every_ta_are_read_by_the_other_reader(self):
        turn = itertools.count()  # begins with another kind of change in every store
        self.hold_each(lambda source, case: self.hold_changes(source, case, next(turn)))

    def test_a_cut_creation_is_no_store_yet(self):
        case = next(case for case in cases(STORES) if case["case"] == "unfinished")
        command = Command.of_case(self, self.fresh(), STORES, case)
        before = command.image()
        command.run("ls", "--all", status=NOT_FOUND)
        self.assertEqual(command.image(), before)
        command.run("init")
        command.run("put", "a", ta=TA, data=b"first")
        self.assert_contents(command, {(TA, b"a"): b"first"})

    def test_broken_trees_are_mended_by_repair_and_by_whole_writes(self):
        case = next(case for case in cases(STORES) if case["case"] == "truncated_defect")
        command = Command.of_case(self, self.fresh(), STORES, case)
        broken = [entry.oid for entry in command.read().entries]
        self.assertEqual(len(command.read().problems()), len(broken))
        command.run("check", "--repair")
        self.assertEqual(command.read().problems(), [])
        self.assertEqual([(item.oid.hex(), sha256(item.data)) for item in command.read().objects],
                         [(item["oid"], item["sha256"]) for item in case["objects"]])
        left = sorted(path.name for path in (command.store / "quarantine").iterdir())
        self.assertEqual(left, [f"{item['file']}.0" for item in case["corrupt"]])

    @unittest.skipUnless(cases(OPTEE), f"OP-TEE's own stores are not at {OPTEE}")
    def test_stores_of_optee_are_there(self):
        self.assertGreater(len(cases(OPTEE)), 15)


class TruncatedTest(StoreTest):
    """Objects that OP-TEE's truncate broke, and that are then changed here without being read."""

    # Blocks of the object; blocks that OP-TEE's truncate left.
    CUTS = ((5, 4), (6, 3), (10, 8), (31, 29), (40, 33), (62, 50), (64, 63), (120, 100), (124, 94))

    def readable(self, command, data):
        try:
            (item,) = command.read(tolerant=True).objects
        except Corrupt:
            return False
        self.assertEqual(item.data, data)
        return True

    def test_no_change_loses_what_was_readable(self):
        held = 0
        for blocks_made, blocks_left in self.CUTS:
            writer = Writer(huk=HUK, seed=b"cut")
            writer.create(TA, b"a", pattern(1, blocks(blocks_made)))
            writer.truncate(TA, b"a", blocks(blocks_left) - 100)
            source = Path(self.fresh()) / "made"
            writer.save(source)
            old = bytes(writer.contents[TA, b"a"])
            size = len(old)
            for size_after in (size - 1, size - 4096, size * 9 // 10, size * 3 // 5, size // 3,
                               size + 50000):
                command = Command(self, self.fresh(), source, HUK)
                if size_after < 0 or not self.readable(command, old):
                    continue
                with self.subTest(made=blocks_made, left=blocks_left, after=size_after):
                    held += 1
                    command.run("truncate", "a", size_after, ta=TA)
                    want = old[:size_after].ljust(size_after, b"\0")
                    self.assertTrue(self.readable(command, want))
                    command.run("put", "--append", "a", ta=TA, data=b"more" * 3000)
                    want += b"more" * 3000
                    self.assertEqual(command.run("get", "a", ta=TA), want)
                    command.run("check", "--repair")
                    self.assert_contents(command, {(TA, b"a"): want})
        self.assertGreater(held, 25)


class CatalogueTest(StoreTest):
    def test_a_catalogue_with_holes_fills_up_without_loss(self):
        """Slots and file numbers that are larger than there are objects."""
        writer = Writer(huk=HUK, seed=b"holes")
        for number in range(60):
            writer.create((TA, TA2)[number % 2], b"%d" % number, b"x" * number)
        for number in range(50):
            writer.delete((TA, TA2)[number % 2], b"%d" % number)
        source = Path(self.fresh()) / "made"
        writer.save(source)
        command = Command(self, self.fresh(), source, HUK)
        want = {key: bytes(data) for key, data in writer.contents.items()}
        for number in range(55):
            command.run("put", f"n{number}", ta=TA2, data=b"y" * number)
            want[TA2, b"n%d" % number] = b"y" * number
        self.assert_contents(command, want)


if __name__ == "__main__":
    unittest.main(verbosity=2)
