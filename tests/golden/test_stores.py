#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The project's own stores, and the reader's and writer's rules where OP-TEE's stores show none."""

import hashlib
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import make_stores
import optee_store
from make_stores import HUK, STORES, TA, blocks
from optee_store import (BLOCK, Corrupt, HEAD, NODE, NoStore, NotFound, Refused, Store, Writer,
                         block_offset, head_offset, node_offset, pattern, pick_version)


def read_directory(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def keys_of(case):
    # By the hardware key where there is one, so that its derivation is shown too.
    key = {"huk": bytes.fromhex(case["huk"])} if case["huk"] else {
        "ssk": bytes.fromhex(case["ssk"])}
    return key | {"huk_compat": case["huk_compat"], "hash_compat": case["hash_compat"]}


def readable(store):
    """Manifest rows of the objects that read, and the names of the others."""
    rows, corrupt = [], []
    for entry in store.entries:
        try:
            item = store.read_entry(entry)
        except Corrupt:
            corrupt.append(entry.oid.hex())
            continue
        rows.append(item.as_manifest() | {"tolerant": bool(item.mended)})
    return rows, corrupt


class CommittedStoresTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cases = json.loads((STORES / "manifest.json").read_text())["cases"]

    def test_make_stores_reproduces_every_byte(self):
        stores, manifest = make_stores.build_all()
        self.assertEqual((STORES / "manifest.json").read_text(), manifest)
        self.assertEqual(set(stores) | {"manifest.json"}, {path.name for path in STORES.iterdir()})
        for name, images in stores.items():
            with self.subTest(case=name):
                committed = read_directory(STORES / name)
                self.assertEqual(set(committed), set(images))
                for file, image in images.items():
                    self.assertTrue(committed[file] == image, f"{file} differs")

    def test_tolerant_reading_is_what_the_manifest_says(self):
        for case in self.cases:
            with self.subTest(case=case["case"]):
                store = Store.open(STORES / case["case"], tolerant=True, **keys_of(case))
                rows, corrupt = readable(store)
                self.assertEqual(rows, case["objects"])
                self.assertEqual(corrupt, [row["oid"] for row in case["corrupt"]])
                self.assertEqual(bool(store.warnings), case["warning"])

    def test_strict_reading_refuses_what_needs_tolerance(self):
        needed = 0
        for case in self.cases:
            with self.subTest(case=case["case"]):
                rows, corrupt = readable(Store.open(STORES / case["case"], **keys_of(case)))
                sound = [row for row in case["objects"] if not row["tolerant"]]
                self.assertEqual(rows, sound)
                self.assertEqual(len(corrupt),
                                 len(case["objects"]) - len(sound) + len(case["corrupt"]))
                needed += len(case["objects"]) - len(sound)
        self.assertGreater(needed, 3)

    def test_other_settings_do_not_open_them(self):
        for case in self.cases:
            if case["case"] in ("empty_store", "unfinished"):
                continue
            keys = keys_of(case)
            wrong = [keys | {"hash_compat": not keys["hash_compat"]}]
            if "huk" in keys:
                wrong.append(keys | {"huk_compat": not keys["huk_compat"]})
            for settings in wrong:
                with self.subTest(case=case["case"]), self.assertRaises(Corrupt):
                    Store.open(STORES / case["case"], **settings)

    def test_command_line(self):
        def run(*arguments):
            return subprocess.run([sys.executable, optee_store.__file__, *arguments], text=True,
                                  capture_output=True, check=False)

        huk = ("--huk", HUK.hex())
        listed = run("list", str(STORES / "small"), *huk, "--json")
        self.assertEqual([row["sha256"] for row in json.loads(listed.stdout)],
                         [hashlib.sha256(pattern(1, 100)).hexdigest(),
                          hashlib.sha256(pattern(2, 1000)).hexdigest()])
        self.assertEqual(run("verify", str(STORES / "small"), *huk).returncode, 0)
        broken = run("verify", str(STORES / "truncated_defect"), *huk)
        self.assertEqual(broken.returncode, 1)
        self.assertIn("0 node 2: node doesn't match its hash", broken.stdout)
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(run("make", "small", directory).returncode, 0)
            self.assertEqual(read_directory(Path(directory)), read_directory(STORES / "small"))
            self.assertEqual(run("list", f"{directory}/none", *huk).returncode, 1)


class ReaderTest(unittest.TestCase):
    def setUp(self):
        writer = Writer(huk=HUK, seed=b"reader")
        writer.create(TA, b"a", pattern(1, blocks(3)))
        writer.write(TA, b"a", 5000, pattern(2, 100))
        self.data = bytes(writer.contents[TA, b"a"])
        self.images = {name: bytes(image) for name, image in writer.images.items()}

    def read_with_flip(self, name, offset):
        image = bytearray(self.images[name])
        image[offset] ^= 0x10
        return Store.open(self.images | {name: image}, huk=HUK).object(TA, b"a").data

    @staticmethod
    def committed(tree):
        """The byte ranges that the committed version of a file stands on."""
        yield head_offset(tree.version), HEAD.size
        yield node_offset(1, tree.version), NODE.size
        for number, node in tree.nodes.items():
            if number > 1:
                version = tree.nodes[number // 2].child_version(number)
                yield node_offset(number, version), NODE.size
            yield block_offset(number - 1, node.block_version()), BLOCK

    def test_a_flip_is_corrupt_where_it_counts_and_nothing_elsewhere(self):
        store = Store.open(self.images, huk=HUK)
        tree = store.tree(store.entries[0])
        used = {at for start, size in self.committed(tree) for at in range(start, start + size)}
        for at in range(0, len(self.images["0"])):
            if at % BLOCK > 800 and at % 61:  # the blocks in samples
                continue
            with self.subTest(at=at):
                if at in used:
                    with self.assertRaises(Corrupt):
                        self.read_with_flip("0", at)
                else:
                    self.assertEqual(self.read_with_flip("0", at), self.data)

    def test_a_flip_in_dirf_db_never_gives_wrong_data(self):
        # The plain head counters may turn the choice to the version before: the object was
        # shorter by a write then and its old root is still there.
        before = pattern(1, blocks(3))
        corrupt = 0
        for at in range(0, len(self.images["dirf.db"])):
            if at % BLOCK > 800 and at % 61:
                continue
            with self.subTest(at=at):
                try:
                    self.assertIn(self.read_with_flip("dirf.db", at), (self.data, before))
                except (Corrupt, NotFound):
                    corrupt += 1
        self.assertGreater(corrupt, HEAD.size + NODE.size)

    def test_errors_name_the_place(self):
        store = Store.open(self.images, huk=HUK)
        node = store.tree(store.entries[0]).nodes[3]
        with self.assertRaises(Corrupt) as caught:
            self.read_with_flip("0", block_offset(2, node.block_version()))
        self.assertEqual((caught.exception.file, caught.exception.block), ("0", 2))

    def test_a_short_file_is_corrupt(self):
        tree = Store.open(self.images, huk=HUK)
        tree = tree.tree(tree.entries[0])
        need = max(start + size for start, size in self.committed(tree))
        for size in (0, 1, HEAD.size, 2 * HEAD.size, BLOCK, BLOCK + 100, need - 1):
            images = self.images | {"0": self.images["0"][:size]}
            with self.subTest(size=size), self.assertRaises(Corrupt):
                Store.open(images, huk=HUK).object(TA, b"a")
        images = self.images | {"0": self.images["0"][:need]}
        self.assertEqual(Store.open(images, huk=HUK).object(TA, b"a").data, self.data)

    def test_missing_files(self):
        with self.assertRaises(NoStore):
            Store.open({}, huk=HUK)
        with self.assertRaises(Corrupt):
            Store.open({"dirf.db": self.images["dirf.db"]}, huk=HUK).object(TA, b"a")
        with self.assertRaises(NotFound):
            Store.open(self.images, huk=HUK).object(TA, b"b")

    def test_versions_by_counter(self):
        for counters, version in (((2, 0), 0), ((0, 1), 1), ((4, 3), 0), ((4, 5), 1), ((1, 3), 1)):
            self.assertEqual(pick_version(*counters), version)
        with self.assertRaises(Refused):
            pick_version(3, 4)

    def test_a_catalogue_below_the_counter_or_off_the_anchor_is_refused(self):
        tree = Store.open(self.images, huk=HUK).catalogue
        Store.open(self.images, huk=HUK, min_counter=tree.counter)
        with self.assertRaises(Refused):
            Store.open(self.images, huk=HUK, min_counter=tree.counter + 1)
        Store.open(self.images, huk=HUK, anchor=tree.root_hash)
        with self.assertRaises(Corrupt):
            Store.open(self.images, huk=HUK, anchor=bytes(32))


class TruncateTest(unittest.TestCase):
    """Truncates from some counts of blocks to all smaller ones; which objects break, and which
    can still be read, is told from node numbers and file lengths alone."""

    @staticmethod
    def predict(old, kept, end):
        broken = readable_still = False
        for node in range(2, kept + 1):
            dropped = [c for c in (2 * node, 2 * node + 1) if kept < c <= old]
            if dropped:
                lost = any(node_offset(c, 1) + NODE.size > end for c in dropped)
                broken, readable_still = True, (readable_still or not broken) and not lost
        return broken, readable_still

    def outcome(self, writer, **settings):
        try:
            data = Store.open(writer.images, huk=HUK, **settings).object(TA, b"a").data
        except Corrupt:
            return False
        self.assertEqual(data, writer.contents[TA, b"a"])
        return True

    def test_every_shape(self):
        seen = set()
        for old in (2, 3, 4, 5, 8, 17, 33, 64):
            for kept in range(1, old + 1):
                with self.subTest(old=old, kept=kept):
                    writer = Writer(huk=HUK, seed=b"truncate")
                    writer.create(TA, b"a", pattern(old, blocks(old)))
                    writer.truncate(TA, b"a", blocks(kept) - 7)
                    broken, still = self.predict(old, kept, len(writer.images["0"]))
                    self.assertEqual(self.outcome(writer), not broken)
                    self.assertEqual(self.outcome(writer, tolerant=True), not broken or still)
                    seen.add((broken, still))
        self.assertEqual(seen, {(False, False), (True, True), (True, False)})

    def test_mended_parents_are_never_broken(self):
        for old, kept in ((5, 4), (5, 3), (17, 9), (64, 20)):
            writer = Writer(huk=HUK, seed=b"mended")
            writer.create(TA, b"a", pattern(old, blocks(old)))
            writer.truncate(TA, b"a", blocks(kept) - 7, defect=False)
            self.assertTrue(self.outcome(writer))

    def test_tolerance_accepts_no_other_node(self):
        writer = Writer(huk=HUK, seed=b"tolerance")
        writer.create(TA, b"a", pattern(1, blocks(5)))
        writer.truncate(TA, b"a", blocks(3) - 7)
        for node in (2, 4, 5):  # the parent, and both dropped children in their version
            for field in (0, 32, 48, 64):
                image = bytearray(writer.images["0"])
                if node > 2 and field > 0:
                    continue  # of a dropped child only its hash is needed
                image[node_offset(node, 1) + field] ^= 1
                images = writer.images | {"0": image}
                with self.subTest(node=node, field=field), self.assertRaises(Corrupt):
                    Store.open(images, huk=HUK, tolerant=True).object(TA, b"a")


class WriterTest(unittest.TestCase):
    def test_block_zero_of_each_file_starts_in_the_slot_of_its_placement(self):
        for side_by_side in (False, True):
            writer = Writer(huk=HUK, seed=b"slots", side_by_side=side_by_side)
            writer.create(TA, b"a", pattern(1, blocks(4)))
            store = Store.open(writer.images, huk=HUK)
            nodes = store.tree(store.entries[0]).nodes
            versions = [nodes[n].block_version() for n in sorted(nodes)]
            self.assertEqual(versions, [0, 1, 0, 1] if side_by_side else [1, 1, 1, 1])

    def test_placement_of_nodes_and_blocks(self):
        self.assertEqual([node_offset(n, 0) // BLOCK for n in (1, 31, 32, 62, 63)],
                         [1, 1, 63, 63, 125])
        self.assertEqual([block_offset(*b) // BLOCK for b in ((0, 0), (30, 0), (30, 1), (31, 0))],
                         [2, 62, 64, 65])

    def test_nothing_overlaps(self):
        used = set()
        for block in range(1000):
            for version in (0, 1):
                used.add(block_offset(block, version) // BLOCK)
        self.assertEqual(len(used), 2000)
        self.assertFalse(used & {node_offset(n, 0) // BLOCK for n in range(1, 1001)} | used & {0})


if __name__ == "__main__":
    unittest.main()
