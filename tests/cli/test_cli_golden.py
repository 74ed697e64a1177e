#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every golden store, through the command: listed and read as its manifest says; and after the
command has written to it, the reader that shares no code with the library reads all of it."""

import hashlib
import json
import os
import shutil
import unittest
from pathlib import Path

from command import CORRUPT, CommandTest, DONE, GOLDEN, HERE, NOT_FOUND
import optee_store

OPTEE = Path(os.environ.get("COFFER_GOLDEN", HERE.parents[2] / "shared" / "golden"))

# Of our stores those in which something is lost for good. (An entry that names another's file is
# no loss: the next commit drops it, as OP-TEE does.)
DAMAGED = {"truncated_defect"}


def cases(directory):
    manifest = directory / "manifest.json"
    if not manifest.exists():
        return []
    return [case for case in json.loads(manifest.read_text())["cases"] if case["storage"] == "ree"]


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


def setting(case, name):
    return case.get(name, True)


class GoldenTest(CommandTest):
    def take(self, source, case):
        """A copy of a golden store, and its key in the environment."""
        self.store = self.dir / case["case"]
        shutil.copytree(source / case["case"], self.store, copy_function=shutil.copyfile)
        self.store.chmod(0o700)
        self.env["COFFER_STORE"] = str(self.store)
        self.env["COFFER_KEY"] = self.write_key("key", (case["huk"] or case["ssk"]).encode())
        profile = "optee" + ("" if setting(case, "huk_compat") else ",huk-compat=no") + \
            ("" if setting(case, "hash_compat") else ",hash-compat=no")
        return ["--profile", profile, "--key-kind", "huk" if case["huk"] else "ssk"]

    def reader(self, case):
        key = {"huk": bytes.fromhex(case["huk"])} if case["huk"] else {
            "ssk": bytes.fromhex(case["ssk"])}
        return optee_store.Store.open(self.store, **key, huk_compat=setting(case, "huk_compat"),
                                      hash_compat=setting(case, "hash_compat"), tolerant=True)

    def hold_listing(self, case, options):
        corrupt = case.get("corrupt", [])
        code, out, err = self.run_raw("ls", "--all", "--json", *options)
        self.assertIn(code, (DONE, CORRUPT) if corrupt else (DONE,), err)
        listed = json.loads(out)
        want = [{"ta": item["ta"], "id_hex": item["oid"], "size": item["size"],
                 "type": int(item["objectType"], 16), "usage": int(item["objectUsage"], 16),
                 "file": item["file"]} for item in case["objects"]]
        # What can be told of a damaged object depends on where it is damaged; that it is there, not.
        names = [(item["ta"], item["oid"], item["file"]) for item in case["objects"] + corrupt]
        names.sort(key=lambda name: (name[0], bytes.fromhex(name[1])))
        self.assertEqual([(item["ta"], item["id_hex"], item["file"]) for item in listed], names)
        broken = {(item["ta"], item["oid"]) for item in corrupt}
        want.sort(key=lambda item: (item["ta"], bytes.fromhex(item["id_hex"])))
        self.assertEqual([{name: item[name] for name in item if name != "id"} for item in listed
                          if (item["ta"], item["id_hex"]) not in broken], want)

    def hold_data(self, case, options):
        for item in case["objects"]:
            data = self.run_coffer("get", f"hex:{item['oid']}", "--ta", item["ta"], *options)
            self.assertEqual(digest(data), item["sha256"])
        for item in case.get("corrupt", []):
            self.run_coffer("get", f"hex:{item['oid']}", "--ta", item["ta"], *options,
                            status=CORRUPT)

    def change(self, case, options):
        """Some of every kind of change; what the store must then hold."""
        want = {(item["ta"], item["oid"]): None for item in case["objects"]}
        sound = [item for item in case["objects"] if not item.get("tolerant")]
        new = "99999999-8888-7777-6666-555555555555"
        data = os.urandom(70000)
        self.run_coffer("put", "hex:00", "--ta", new, *options, data=data)
        want[new, "00"] = data
        for number, item in enumerate(sound[:4]):
            name, key = f"hex:{item['oid']}", (item["ta"], item["oid"])
            old = self.run_coffer("get", name, "--ta", item["ta"], *options)
            if number == 0:
                self.run_coffer("put", "--append", name, "--ta", item["ta"], *options,
                                data=data[:5000])
                want[key] = old + data[:5000]
            elif number == 1:
                self.run_coffer("rm", name, "--ta", item["ta"], *options)
                del want[key]
            elif number == 2:
                self.run_coffer("truncate", name, str(len(old) // 2), "--ta", item["ta"], *options)
                want[key] = old[: len(old) // 2]
            else:
                self.run_coffer("put", name, "--ta", item["ta"], *options, data=b"anew")
                want[key] = b"anew"
        return want

    def hold_other_reader(self, case, want):
        """Objects that were not changed must be as the manifest has them, all others as `want`."""
        digests = {(item["ta"], item["oid"]): item["sha256"] for item in case["objects"]}
        attributes = {(item["ta"], item["oid"]): item["attr_hex"] for item in case["objects"]}
        broken = {item["oid"] for item in case.get("corrupt", [])}
        store, seen = self.reader(case), set()
        for entry in store.entries:
            key = entry.ta, entry.oid.hex()
            if key[1] in broken:
                continue
            item = store.read_entry(entry)
            seen.add(key)
            if want[key] is None:
                self.assertEqual(digest(item.data), digests[key])
            else:
                self.assertEqual(item.data, want[key])
            if want[key] != b"anew":
                self.assertEqual(item.attrs.hex(), attributes.get(key, ""))
        self.assertEqual(seen, set(want))

    def run_cases(self, source):
        for case in cases(source):
            with self.subTest(case=case["case"]):
                options = self.take(source, case)
                if case["case"] == "unfinished":
                    self.run_coffer("ls", *options, status=NOT_FOUND)
                    self.run_coffer("init", *options)
                before = self.image()
                self.hold_listing(case, options)
                self.hold_data(case, options)
                self.assertEqual(self.image(), before, "reading wrote")
                self.hold_other_reader(case, self.change(case, options))
                code, out, _ = self.run_raw("check", *options)
                self.assertEqual(code, CORRUPT if case["case"] in DAMAGED else DONE, out)

    def test_our_stores(self):
        self.assertGreater(len(cases(GOLDEN / "stores")), 10)
        self.run_cases(GOLDEN / "stores")

    @unittest.skipUnless(cases(OPTEE), f"OP-TEE's own stores are not at {OPTEE}")
    def test_stores_of_optee(self):
        self.run_cases(OPTEE)


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
