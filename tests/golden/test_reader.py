#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""optee_store.py against stores that OP-TEE's own code wrote.

They aren't in this repository: COFFER_GOLDEN names their folder, which holds manifest.json and one
folder a case. Without it every test here is skipped, and the program's exit status is 77."""

import hashlib
import json
import os
import struct
import sys
import unittest
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import optee_store
from optee_store import BLOCK, Corrupt, NODE, NoStore, Store, Writer

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("COFFER_GOLDEN") or ROOT / ".." / "shared" / "golden").resolve()
ABSENT = not (GOLDEN / "manifest.json").is_file()
WHY_SKIPPED = f"SKIPPED: no OP-TEE golden stores in {GOLDEN}; set COFFER_GOLDEN to their folder"

HUK = bytes(range(16))
TA = "11111111-2222-3333-4444-555555555555"


def load(*parts):
    return json.loads(GOLDEN.joinpath(*parts).read_text())


def ree_cases():
    cases = [case for case in load("manifest.json")["cases"] if case["storage"] == "ree"]
    for case in cases:
        case["objects"].sort(key=lambda row: row["slot"])
    return cases


def read_directory(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def pattern(text):
    """Contents as the manifest's scripts write them: '-' or 'pat:SEED:SIZE'."""
    if text == "-":
        return b""
    _, seed, size = text.split(":")
    return optee_store.pattern(int(seed), int(size), label=b"optee-golden")


def rpmb_anchor(image, ssk):
    """What OP-TEE's RPMB file /dirfile.db.hash holds: the root hash of dirf.db."""
    for offset in range(512, len(image), 256):
        start, size, flags, _, sealed, name = struct.unpack_from("<IIII16s224s", image, offset)
        if flags & 1 and name.rstrip(b"\0") == b"/dirfile.db.hash":
            break
        if flags & 2:
            raise AssertionError("the RPMB image has no anchor")
    tsk = optee_store.derive_tsk(ssk, str(uuid.UUID(int=0)))
    fek = Cipher(algorithms.AES(tsk), modes.ECB()).decryptor().update(sealed)
    essiv = Cipher(algorithms.AES(hashlib.sha256(fek).digest()[:16]), modes.ECB()).encryptor()
    iv = essiv.update(struct.pack("<H14x", start // 256))
    decryptor = Cipher(algorithms.AES(fek), modes.CBC(iv)).decryptor()
    return decryptor.update(image[start : start + 256])[:size]


def answer(read):
    """What a read came to, in the words that summarise OP-TEE's answers."""
    try:
        data = read()
    except Corrupt:
        return "corrupt"
    except NoStore:
        return "no store"
    return len(data), hashlib.sha256(data).hexdigest()[:12]


def optee_answer(lines):
    """The same from the manifest's record of open and read."""
    codes = [line.split(":")[1].split()[0] for line in lines]
    if "0xf0100001" in codes:
        return "corrupt"
    if codes[0] in ("0xffff0008", "0xffff000f"):  # not found, security: there is no dirf.db
        return "no store"
    _, length, digest = lines[1].split()
    return int(length.removeprefix("len=")), digest.removeprefix("sha=")


@unittest.skipIf(ABSENT, WHY_SKIPPED)
class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_every_case_reads_as_its_manifest_says(self):
        self.assertGreater(len(ree_cases()), 15)
        for case in ree_cases():
            for key in ("huk", "ssk"):
                with self.subTest(case=case["case"], key=key):
                    store = Store.open(GOLDEN / case["case"], **{key: bytes.fromhex(case[key])})
                    objects = [item.as_manifest() for item in store.objects]
                    self.assertEqual(objects, case["objects"])
                    self.assertEqual((store.warnings, store.problems()), ([], []))

    def test_every_file_is_the_one_in_the_manifest(self):
        for case in ree_cases():
            files = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                     for name, data in read_directory(GOLDEN / case["case"]).items()}
            with self.subTest(case=case["case"]):
                self.assertEqual(files, case["files"])

    def test_the_anchor_in_rpmb_is_the_root_of_dirf_db(self):
        case = next(c for c in ree_cases() if c["case"] == "ree_rpmb_integrity")
        directory = GOLDEN / case["case"]
        anchor = rpmb_anchor((directory / "rpmb.bin").read_bytes(), bytes.fromhex(case["ssk"]))
        self.assertEqual(anchor, Store.open(directory, huk=HUK).catalogue.root_hash)
        self.assertEqual(len(Store.open(directory, huk=HUK, anchor=anchor).objects), 5)

    def test_other_keys_and_settings_do_not_open_it(self):
        directory = GOLDEN / "size_1"
        for wrong in (dict(huk=bytes(16)), dict(huk=HUK, huk_compat=False),
                      dict(huk=HUK, hash_compat=False)):
            with self.subTest(**wrong), self.assertRaises(Corrupt):
                Store.open(directory, **wrong)


@unittest.skipIf(ABSENT, WHY_SKIPPED)
class DamagedTest(unittest.TestCase):
    """OP-TEE was asked to open and read objects A and B of a damaged store, and to enumerate."""

    def test_damage_is_answered_as_op_tee_answered(self):
        cases = load("damaged", "manifest.json")["cases"]
        self.assertGreater(len(cases), 20)
        for case in cases:
            with self.subTest(case=case["case"]):
                self.check(case)

    def check(self, case):
        answers = case["answers"]
        files = read_directory(GOLDEN / "damaged" / case["case"])
        anchor = None
        if "rpmb.bin" in files:
            anchor = rpmb_anchor(files["rpmb.bin"], optee_store.derive_ssk(HUK))

        def read(oid):
            return answer(lambda: Store.open(files, huk=HUK, anchor=anchor).object(TA, oid).data)

        found = {oid: read(oid) for oid in (b"A", b"B")}
        self.assertEqual(found[b"A"], optee_answer(answers["openA_read"]))
        # Opening dirf.db while it is corrupt makes OP-TEE start a new one, so that its next
        # answer, on B, is "not found". A reader that changes nothing says "corrupt" again.
        optee_b = optee_answer(answers["openB_read"])
        if optee_b == "no store" and "dirf.db" in files:
            optee_b = "corrupt"
        self.assertEqual(found[b"B"], optee_b)
        enumerated = sum(line == "enum:0x00000000" for line in answers["enum"])
        self.assertEqual(sum(isinstance(result, tuple) for result in found.values()), enumerated)


@unittest.skipIf(ABSENT, WHY_SKIPPED)
class WriterTest(unittest.TestCase):
    """The writer, given a case's script, must leave what OP-TEE left but for the random bytes."""

    maxDiff = None

    def test_scripts_leave_the_same_shape(self):
        for case in ree_cases():
            with self.subTest(case=case["case"]):
                key = {"huk": bytes.fromhex(case["huk"])}
                writer = self.replay(case, Writer(**key, seed=case["case"].encode()))
                golden = {name: data for name, data in
                          read_directory(GOLDEN / case["case"]).items() if "rpmb" not in name}
                self.assertEqual(self.shapes(writer.images, key), self.shapes(golden, key))
                ours = [item.as_manifest() for item in Store.open(writer.images, **key).objects]
                for row in ours + case["objects"]:
                    del row["root_hash"], row["fek"]  # random, or made of it
                self.assertEqual(ours, case["objects"])

    def replay(self, case, writer):
        handles, ta = {}, None
        keys = {o["oid"]: o for o in case["objects"]}
        for line in case["script"]:
            verb, *words = line.split()
            handle = words[0]
            if verb == "ta":
                ta = words[0]
            elif verb in ("create", "createk"):
                oid = b"" if words[1] == "-" else bytes.fromhex(words[1])
                extra = self.key_fields(keys[oid.hex()]) if verb == "createk" else {}
                writer.create(ta, oid, pattern(words[-1]), **extra)
                handles[handle] = [oid, 0]
            elif verb == "open":
                handles[handle] = [bytes.fromhex(words[1]), 0]
            elif verb == "seek":
                self.assertEqual(words[2], "0")
                handles[handle][1] = int(words[1])
            elif verb == "write":
                data = pattern(words[1])
                writer.write(ta, *handles[handle], data)
                handles[handle][1] += len(data)
            elif verb == "trunc":
                writer.truncate(ta, handles[handle][0], int(words[1]))
            elif verb == "rename":
                new = bytes.fromhex(words[1])
                writer.rename(ta, handles[handle][0], new)
                handles[handle][0] = new
            elif verb == "del":
                writer.delete(ta, handles.pop(handle)[0])
            else:
                self.assertIn(verb, ("close", "key", "ecckey"))
        return writer

    @staticmethod
    def key_fields(row):
        return dict(attrs=bytes.fromhex(row["attr_hex"]), type=int(row["objectType"], 16),
                    usage=int(row["objectUsage"], 16), have_attrs=row["have_attrs"],
                    object_size=row["objectSize"], max_object_size=row["maxObjectSize"])

    def shapes(self, images, key):
        store = Store.open(images, **key)
        trees = {entry.file: store.tree(entry) for entry in store.entries}
        trees["dirf.db"] = store.catalogue
        self.assertEqual(set(trees), set(images))
        return {name: self.shape(images[name], tree) for name, tree in trees.items()}

    @staticmethod
    def shape(image, tree):
        """Length, head counters, flags of both versions of each node, and which slots are used."""
        count = max(1, tree.max_node_id)
        counters = [struct.unpack_from("<I", image, optee_store.head_offset(v) + 64)[0]
                    for v in (0, 1)]
        flags = [[NODE.unpack_from(image, optee_store.node_offset(n, v))[3] for v in (0, 1)]
                 for n in range(1, count + 1)]
        used = [[any(image[(at := optee_store.block_offset(b, v)) : at + BLOCK]) for v in (0, 1)]
                for b in range(count)]
        return len(image), tree.length, tree.max_node_id, counters, flags, used


if __name__ == "__main__":
    if ABSENT:
        print(WHY_SKIPPED)
        sys.exit(77)
    unittest.main()
