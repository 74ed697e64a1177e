#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each verb does when all is well: its effect, its text, its JSON."""

import hashlib
import json
import os
import re
import signal
import stat
import threading
import time
import unittest
from pathlib import Path

from command import (CONFLICT, CORRUPT, CommandTest, DATA, DONE, NOT_FOUND, OTHER, SHORTAGE, TA,
                     TA_2, TEST_KEY, USAGE, flip)
import optee_store

SIZES = (0, 1, 4071, 4072, 4073, 8168, 8169, 100000, 600000)


def pattern(size, seed=b"cli"):
    return hashlib.shake_256(seed + str(size).encode()).digest(size)


def read_all(test, key=None):
    """The store as the independent reader sees it: (ta, id) to data."""
    store = optee_store.Store.open(test.store, huk=key or test.key())
    test.assertEqual(store.warnings, [])
    return {(item.ta, item.oid): item.data for item in store.objects}


class InitTest(CommandTest):
    def test_makes_a_store_and_a_private_key_beside_it(self):
        value = self.run_json("init")
        path = Path(f"{self.store}.key")
        self.assertEqual(value, {"store": str(self.store), "key": str(path), "key_made": True})
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(len(self.key()), 16)
        self.assertEqual(read_all(self), {})

    def test_says_where_both_are(self):
        text = self.run_coffer("init").decode()
        self.assertIn(str(self.store), text)
        self.assertIn(f"{self.store}.key", text)

    def test_keys_differ(self):
        self.init()
        first = self.key()
        self.init("--store", self.dir / "other")
        self.assertNotEqual(first, bytes.fromhex((self.dir / "other.key").read_text()))

    def test_a_given_key_is_used_and_none_is_made(self):
        path = self.write_key("mine", pattern(32))
        self.assertEqual(self.run_json("init", "--key", path)["key_made"], False)
        self.assertFalse(Path(f"{self.store}.key").exists())
        self.assertEqual(read_all(self, pattern(32)), {})

    def test_an_existing_store_is_a_conflict_and_stays(self):
        self.init()
        self.put("a", b"data")
        before = self.image(), self.key()
        self.fails(CONFLICT, "init")
        self.assertEqual((self.image(), self.key()), before)

    def test_an_existing_key_file_is_used_not_replaced(self):
        self.write_key("store.key", TEST_KEY.hex().encode())
        self.init()
        self.assertEqual(self.key(), TEST_KEY)
        self.assertEqual(read_all(self, TEST_KEY), {})

    def test_the_default_place(self):
        del self.env["COFFER_STORE"]
        self.init()
        self.assertTrue((self.dir / "home/.local/share/coffer/dirf.db").exists())
        self.env["XDG_DATA_HOME"] = str(self.dir / "data")
        self.init()
        self.assertTrue((self.dir / "data/coffer/dirf.db").exists())
        self.put("x", b"there")
        self.assertEqual(self.get("x"), b"there")

    def test_failure_leaves_no_key_behind(self):
        (self.dir / "file").write_bytes(b"")
        code, _, err = self.run_raw("init", "--store", self.dir / "file")
        self.assertNotEqual(code, DONE)
        self.assertEqual(len(err.splitlines()), 1)
        self.assertFalse((self.dir / "file.key").exists())

    def test_only_the_default_place_gets_directories_above_it(self):
        for place in (self.dir / "no/such/store", self.dir / "no/store"):
            for words in (("init", "--store", place), ("init",)):
                self.env["COFFER_STORE"] = str(place)
                self.assertIn(f"directory {place.parent}: No such file",
                              self.fails(NOT_FOUND, *words))
        self.assertFalse((self.dir / "no").exists())
        (self.dir / "file").write_bytes(b"")
        for place in ("file", "file/x", self.dir / "file"):
            self.assertIn("Not a directory", self.fails(OTHER, "init", "--store", place))
        self.assertEqual([path.name for path in self.dir.iterdir()], ["file"])

    def test_dir_urls(self):
        self.init("--store", f"dir:{self.dir}/deep//")
        self.assertEqual(self.run_coffer("--store", self.dir / "deep", "ls"), b"")


class PutGetTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_standard_streams_are_binary_safe(self):
        for size in SIZES:
            with self.subTest(size=size):
                self.put("stream", pattern(size))
                self.assertEqual(self.get("stream"), pattern(size))
        self.put("all", bytes(range(256)) * 3)
        self.assertEqual(self.get("all"), bytes(range(256)) * 3)

    def test_files(self):
        (self.dir / "in").write_bytes(pattern(300000))
        self.assertEqual(self.run_coffer("put", "f", "in"), b"")
        self.assertEqual(self.run_coffer("get", "f", "out"), b"")
        self.assertEqual((self.dir / "out").read_bytes(), pattern(300000))
        self.assertEqual(stat.S_IMODE((self.dir / "out").stat().st_mode), 0o600)
        self.assertEqual(self.run_coffer("get", "f", "-"), pattern(300000))
        self.run_coffer("put", "g", "-", data=b"dash")
        self.assertEqual(self.get("g"), b"dash")
        self.assertEqual(read_all(self), {(TA, b"f"): pattern(300000), (TA, b"g"): b"dash"})

    def test_get_replaces_a_file_and_keeps_its_mode(self):
        self.put("a", b"new")
        out = self.dir / "out"
        out.write_bytes(b"old and longer")
        out.chmod(0o644)
        os.symlink(out, self.dir / "link")
        self.run_coffer("get", "a", "link")
        self.assertEqual(out.read_bytes(), b"new")
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o644)
        self.assertTrue((self.dir / "link").is_symlink())

    def test_get_writes_to_what_is_no_file(self):
        self.put("a", b"x")
        self.run_coffer("get", "a", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_get_a_range(self):
        data = pattern(50000)
        self.put("a", data)
        for offset, length in ((0, 10), (4070, 10), (49990, 100), (50000, 1), (70000, 5), (5, 0)):
            with self.subTest(offset=offset, length=length):
                self.assertEqual(self.get("a", "--offset", offset, "--length", length),
                                 data[offset : offset + length])
        self.assertEqual(self.get("a", "--offset=48K"), data[48 * 1024 :])
        for offset, told in ((50000, False), (50001, True)):
            code, out, err = self.run_raw("get", "a", "--offset", offset)
            self.assertEqual((code, out, b"beyond the end, at 50000" in err), (DONE, b"", told))

    def test_a_copy_through_a_pipe(self):
        self.put("a", pattern(200000))
        for words in ((), ("--append",)):
            reader = self.start("get", "a")
            code, _, err = self.run_raw("put", "b", *words, stdin=reader.stdout, data=None)
            reader.communicate()
            self.assertEqual((reader.returncode, code), (DONE, DONE), err)
        self.assertEqual(self.get("b"), 2 * pattern(200000))

    def test_replace_and_no_replace(self):
        self.put("a", b"one")
        self.put("a", b"two")
        self.assertEqual(self.get("a"), b"two")
        self.fails(CONFLICT, "put", "--no-replace", "a", data=b"three")
        self.assertEqual(self.get("a"), b"two")
        self.put("b", b"new", "--no-replace")
        self.assertEqual(self.get("b"), b"new")

    def test_append(self):
        self.put("a", b"one ", "--append")
        self.put("a", pattern(1000000), "--append")
        (self.dir / "more").write_bytes(pattern(700000, b"more"))
        self.run_coffer("put", "--append", "a", "more")
        self.put("a", b"", "--append")
        whole = b"one " + pattern(1000000) + pattern(700000, b"more")
        self.assertEqual(self.get("a"), whole)
        self.assertEqual(read_all(self), {(TA, b"a"): whole})

    def test_offset(self):
        self.put("a", b"0123456789")
        self.put("a", b"AB", "--offset", 4)
        self.assertEqual(self.get("a"), b"0123AB6789")
        self.put("a", b"end", "--offset", 5000)
        self.assertEqual(self.get("a"), b"0123AB6789" + bytes(4990) + b"end")
        self.fails(NOT_FOUND, "put", "--offset", 0, "missing", data=b"x")
        self.assertEqual(self.ids(), ["a"])

    def test_a_mapped_file_from_the_middle(self):
        (self.dir / "in").write_bytes(pattern(20000))
        with open(self.dir / "in", "rb") as file:
            file.seek(4999)
            os.lseek(file.fileno(), 4999, os.SEEK_SET)
            self.run_coffer("put", "--append", "a", stdin=file, data=None)
        self.assertEqual(self.get("a"), pattern(20000)[4999:])

    def test_json(self):
        want = {"ta": TA, "id": "a", "id_hex": "61", "size": 5, "type": DATA, "usage": 0xFFFFFFFF,
                "file": "0"}
        self.assertEqual(self.run_json("put", "a", data=b"12345"), want)
        self.assertEqual(self.run_json("get", "a", "out"), want)
        self.assertEqual((self.dir / "out").read_bytes(), b"12345")
        self.fails(USAGE, "get", "a", "--offset", "x")
        self.assertIn("error", self.run_json("get", "a", status=USAGE))

    def test_progress_on_a_terminal_only(self):
        for quiet in (False, True):
            shown, process = self.slow_put(quiet)
            self.assertEqual(process.returncode, DONE)
            self.assertEqual(b"/s" in shown, not quiet, shown)

    def slow_put(self, quiet):
        ours, theirs = self.terminal()
        process = self.start(*(["-q"] if quiet else []), "put", "slow", stderr=theirs)
        os.close(theirs)
        chunks = []
        reader = threading.Thread(target=read_terminal, args=(ours, chunks))
        reader.start()
        process.stdin.write(bytes(600000))  # more than is read before the store is opened
        process.stdin.flush()
        time.sleep(1.3)
        process.communicate(bytes(600000), timeout=30)
        reader.join()
        os.close(ours)
        return b"".join(chunks), process


def read_terminal(fd, chunks):
    try:
        while chunk := os.read(fd, 4096):
            chunks.append(chunk)
    except OSError:
        pass  # the other end is closed


class NamesTest(CommandTest):
    IDS = {
        "plain": b"plain", "with space": b"with space", "a/b": b"a/b", "..": b"..",
        "gr\u00fc\u00dfe": "gr\u00fc\u00dfe".encode(), "hex:": b"", "hex:00": b"\0",
        "hex:ff00ff": b"\xff\0\xff", "hex:6865783a": b"hex:", "hex:0a": b"\n",
        "hex:1b5b326a": b"\x1b[2j", "hex:2061": b" a", "hex:c3": b"\xc3", "hex:e280ae61":
        "\u202ea".encode(), "hex:c285": "\u0085".encode(), "x" * 64: b"x" * 64,
        "hex:" + "80" * 64: b"\x80" * 64,
    }

    def setUp(self):
        super().setUp()
        self.init()

    def test_odd_ids_go_in_and_come_out(self):
        for text, raw in self.IDS.items():
            self.put(text, raw + b"!")
        self.assertEqual(sorted(self.run_coffer("ls").decode().splitlines()), sorted(self.IDS))
        listed = {item["id"]: item["id_hex"] for item in self.run_json("ls")}
        self.assertEqual(listed, {text: raw.hex() for text, raw in self.IDS.items()})
        for text, raw in self.IDS.items():
            self.assertEqual(self.get(text), raw + b"!")
            self.assertEqual(self.get("hex:" + raw.hex().upper()), raw + b"!")
        self.assertEqual(read_all(self), {(TA, raw): raw + b"!" for raw in self.IDS.values()})

    def test_ids_like_options(self):
        self.run_coffer("put", "--", "-x", data=b"dash")
        self.assertEqual(self.run_coffer("get", "--", "-x"), b"dash")

    def test_text_that_is_no_utf8(self):
        self.put(b"\xff\xfe", b"raw")
        self.assertEqual(self.ids(), ["hex:fffe"])

    def test_wrong_ids(self):
        for name in ("", "x" * 65, "hex:0", "hex:0g", "hex:" + "00" * 65, "hex: 00"):
            with self.subTest(name=name):
                self.fails(USAGE, "put", name, data=b"")

    def test_each_ta_has_its_own(self):
        self.put("same", b"mine")
        self.put("same", b"theirs", "--ta", TA_2)
        self.run_coffer("--ta", "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", "put", "up", data=b"3")
        self.assertEqual(self.get("same"), b"mine")
        self.assertEqual(self.get("same", "--ta", TA_2), b"theirs")
        self.assertEqual([(item["ta"], item["id"]) for item in self.run_json("ls", "--all")],
                         [(TA_2, "same"), (TA, "same"),
                          ("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "up")])
        self.assertEqual(self.ids(), ["same"])
        self.run_coffer("rm", "same", "--ta", TA_2)
        self.assertEqual(self.get("same"), b"mine")


class ListTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("b", bytes(2000))
        self.put("a", bytes(100000))

    def test_options_stand_before_or_behind(self):
        want = self.run_json("ls")
        self.assertEqual(json.loads(self.run_coffer("ls", "--json")), want)
        self.assertEqual([item["id"] for item in want], ["a", "b"])
        self.assertEqual(set(want[0]), {"ta", "id", "id_hex", "size", "type", "usage", "file"})

    def test_columns(self):
        lines = self.run_coffer("ls", "-l").decode().splitlines()
        self.assertEqual(lines[0].split(), ["SIZE", "TYPE", "USAGE", "FILE", "ID"])
        self.assertEqual([line.split() for line in lines[1:]],
                         [["100000", "a00000bf", "ffffffff", "1", "a"],
                          ["2000", "a00000bf", "ffffffff", "0", "b"]])
        self.assertEqual(len({line.rindex(" ") for line in lines}), 1)
        human = self.run_coffer("ls", "-l", "-h", "--all").decode().splitlines()
        self.assertEqual(human[1].split(), [TA, "98K", "a00000bf", "ffffffff", "1", "a"])
        self.assertNotIn("\033", "".join(human))

    def test_bold_on_a_terminal_unless_unwanted(self):
        for terminal, unwanted in (({}, False), ({"TERM": "dumb"}, True), ({"NO_COLOR": "1"}, True)):
            ours, theirs = self.terminal()
            env = self.env | terminal
            process = self.start("ls", "-l", stdout=theirs, env=env)
            os.close(theirs)
            chunks = []
            read_terminal(ours, chunks)
            process.communicate(timeout=30)
            os.close(ours)
            self.assertEqual(b"\033" in b"".join(chunks), not unwanted)

    def test_an_empty_store(self):
        self.run_coffer("rm", "a", "b")
        self.assertEqual(self.run_coffer("ls"), b"")
        self.assertEqual(self.run_json("ls", "--all"), [])


class ChangeTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        for name in "abc":
            self.put(name, name.encode() * 5000)

    def test_stat(self):
        value = self.run_json("stat", "a")
        self.assertEqual(value["size"], 5000)
        self.assertEqual(value["tolerated"], False)
        self.assertEqual({"object_size", "max_size", "have", "attributes_size"} - set(value), set())
        text = self.run_coffer("stat", "a").decode()
        self.assertRegex(text, r"(?m)^size +5000$")
        self.assertRegex(self.run_coffer("stat", "-h", "a").decode(), r"(?m)^size +4\.9K$")

    def test_rm(self):
        self.assertEqual(self.run_json("rm", "a", "c"), {"removed": ["a", "c"], "errors": []})
        self.assertEqual(self.ids(), ["b"])
        value = self.run_json("rm", "x", "b", status=NOT_FOUND)
        self.assertEqual(value["removed"], ["b"])
        self.assertEqual(value["errors"], [{"id": "x", "code": 3, "status": "NOT_FOUND"}])
        self.assertEqual(read_all(self), {})

    def test_rm_reads_all_names_first(self):
        self.fails(USAGE, "rm", "a", "hex:0")
        self.assertEqual(self.ids(), ["a", "b", "c"])

    def test_mv(self):
        self.assertEqual(self.run_json("mv", "a", "hex:00")["id"], "hex:00")
        self.assertEqual(self.get("hex:00"), b"a" * 5000)
        self.fails(CONFLICT, "mv", "b", "c")
        self.fails(NOT_FOUND, "mv", "x", "y")
        self.assertEqual(read_all(self), {(TA, b"\0"): b"a" * 5000, (TA, b"b"): b"b" * 5000,
                                          (TA, b"c"): b"c" * 5000})

    def test_truncate(self):
        self.assertEqual(self.run_json("truncate", "a", "100")["size"], 100)
        self.run_coffer("truncate", "a", "20K")
        self.run_coffer("truncate", "b", "0")
        self.assertEqual(self.get("a"), b"a" * 100 + bytes(20 * 1024 - 100))
        self.assertEqual(read_all(self)[TA, b"b"], b"")
        for size in ("-1", "x", "1Z", "", "99999999999999999999", "1.5K"):
            self.fails(USAGE, "truncate", "--", "a", size)


class CheckTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("hurt", pattern(100000))
        self.put("sound", b"sound")

    def hurt_block(self, block):
        """Flip a bit of the committed version of a data block, found by the other reader."""
        store = optee_store.Store.open(self.store, huk=self.key())
        entry = [item for item in store.entries if item.oid == b"hurt"][0]
        version = committed(self.store / entry.file, block + 1).block_version()
        flip(self.store / entry.file, optee_store.block_offset(block, version) + 7)
        return entry.file

    def test_clean(self):
        value = self.run_json("check")
        self.assertEqual(value["clean"], True)
        self.assertEqual(value["findings"], [])
        self.assertEqual(value["summary"]["objects"], 2)
        self.assertEqual(value["summary"]["damaged"], 0)
        self.assertGreaterEqual(value["summary"]["bytes"], 100005)
        self.assertRegex(self.run_coffer("check").decode(), r"^clean: 2 objects, \d+K of blocks and "
                         r"\d+ hashes verified; 0 damaged, 0 repaired, 0 notes$")

    def test_damage_is_told_by_object_file_and_range(self):
        file = self.hurt_block(10)
        before = self.image()
        value = json.loads(self.run_raw("check", "--json")[1])
        self.assertEqual(self.run_raw("check")[0], CORRUPT)
        self.assertEqual(value["clean"], False)
        damage = [item for item in value["findings"] if item["damage"]]
        self.assertEqual(len(damage), 1)
        self.assertEqual(damage[0]["kind"], "data")
        self.assertEqual(damage[0]["file"], file)
        self.assertEqual(damage[0]["object"], {"ta": TA, "id": "hurt", "id_hex": "68757274"})
        start, size = damage[0]["offset"], damage[0]["size"]
        self.assertEqual((start, size), (10 * 4096 - 24, 4096))
        self.assertEqual(damage[0]["repaired"], False)
        text = self.run_raw("check")[1].decode()
        self.assertIn(f"object hurt of TA {TA}, file {file}, data bytes {start} to "
                      f"{start + size - 1}", text)
        self.assertEqual(self.image(), before)

    def test_get_never_hands_out_damaged_data(self):
        self.hurt_block(10)
        (self.dir / "out").write_bytes(b"old")
        self.fails(CORRUPT, "get", "hurt", "out")
        self.assertEqual((self.dir / "out").read_bytes(), b"old")
        self.assertEqual([path.name for path in self.dir.glob(".*")], [])
        out = self.run_coffer("get", "hurt", status=CORRUPT)
        self.assertEqual(out, pattern(100000)[: len(out)])
        self.assertLessEqual(len(out), 10 * 4096 - 24)
        self.assertEqual(self.get("hurt", "--length", "100"), pattern(100000)[:100])
        self.assertEqual(self.get("sound"), b"sound")

    def test_repair(self):
        self.hurt_block(10)
        value = self.run_json("check", "--repair")
        self.assertGreaterEqual(value["summary"]["repaired"], 1)
        self.assertEqual(value["summary"]["repaired"], value["summary"]["damaged"])
        self.assertTrue(any((self.store / "quarantine").iterdir()))
        self.assertEqual(self.run_json("check")["clean"], True)
        self.assertEqual(self.get("sound"), b"sound")
        self.fails(NOT_FOUND, "get", "hurt", "out")

    def test_deep_finds_orphans(self):
        (self.store / "7f").write_bytes(bytes(16384))
        kinds = [item["kind"] for item in self.run_json("check", "--deep")["findings"]]
        self.assertIn("orphan", kinds)

    def test_a_mended_spare_catalogue_is_told_as_mended(self):
        counters = [head["counter"] for head in self.run_json("dump", "dirf.db")["heads"]]
        flip(self.store / "dirf.db", 68 * counters.index(min(counters)) + 16)
        self.assertRegex(self.run_coffer("check", "--deep"), rb"(?m)^note .*dirf\.db")
        self.assertRegex(self.run_coffer("check", "--deep", "--repair"), rb"(?m)^mended .*dirf\.db")
        self.assertRegex(self.run_coffer("check", "--deep"), rb"^clean: ")

    def test_progress_counts_entries(self):
        self.put("large", bytes(20000000))
        shown = b""
        for delay in range(20):
            shown = shown or self.check_with_a_pause(delay / 100)
        self.assertRegex(shown, rb"check.* entry [123] of \d")
        self.assertNotIn(b"/s", shown)

    def check_with_a_pause(self, delay):
        """What is shown when it takes longer than a second, because it is stopped in between."""
        ours, theirs = self.terminal()
        process = self.start("check", stderr=theirs)
        os.close(theirs)
        time.sleep(delay)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        process.send_signal(signal.SIGCONT)
        chunks = []
        read_terminal(ours, chunks)
        os.close(ours)
        process.communicate(timeout=60)
        return b"".join(chunks)

    def test_a_damaged_object_is_listed_all_the_same(self):
        store = optee_store.Store.open(self.store, huk=self.key())
        file = [item.file for item in store.entries if item.oid == b"hurt"][0]
        for version in (0, 1):
            flip(self.store / file, version * 68 + 16)  # both heads' tags
        listed = self.run_json("ls", status=CORRUPT)
        self.assertEqual([(item["id"], item["size"]) for item in listed],
                         [("hurt", None), ("sound", 5)])
        self.assertEqual(listed[0]["error"], "CORRUPT")
        self.assertEqual(self.ids(), ["hurt", "sound"])
        self.run_coffer("rm", "hurt")
        self.assertEqual(self.run_json("check")["clean"], True)


def committed(path, node):
    """A node's committed image, going down from the root by the flags."""
    image = Path(path).read_bytes()
    counters = [optee_store.HEAD.unpack_from(image, 68 * v)[4] for v in (0, 1)]
    version = optee_store.pick_version(*counters)
    found = 1
    for bit in bin(node)[3:]:
        parent = optee_store.Node(*optee_store.NODE.unpack_from(
            image, optee_store.node_offset(found, version)))
        found = 2 * found + int(bit)
        version = parent.child_version(found)
    return optee_store.Node(*optee_store.NODE.unpack_from(
        image, optee_store.node_offset(found, version)))


class DumpTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("a", pattern(300000))
        self.put("a", pattern(9000), "--offset", "150000")

    def test_agrees_with_the_other_reader(self):
        image = (self.store / "0").read_bytes()
        value = self.run_json("dump", "0")
        self.assertEqual(value["size"], len(image))
        room = value["node_room"]
        self.assertLessEqual(optee_store.node_offset(room, 1) + 66, len(image))
        self.assertGreater(optee_store.node_offset(room + 1, 1) + 66, len(image))
        self.assertEqual([head["version"] for head in value["heads"]], [0, 1])
        for head in value["heads"]:
            iv, tag, fek, meta, counter = optee_store.HEAD.unpack_from(image, head["offset"])
            self.assertEqual((head["iv"], head["tag"], head["enc_fek"], head["meta"],
                              head["counter"]),
                             (iv.hex(), tag.hex(), fek.hex(), meta.hex(), counter))
        current = [node for node in value["nodes"] if node["committed"]]
        self.assertEqual([node["node"] for node in current], list(range(1, 75)))
        for node in value["nodes"]:
            self.assertEqual(node["offset"],
                             optee_store.node_offset(node["node"], node["version"]))
            self.assertEqual(node["block_offset"],
                             optee_store.block_offset(node["block"], node["block_version"]))
        for node in current:
            other = committed(self.store / "0", node["node"])
            self.assertEqual((node["hash"], node["flags"], node["block_version"]),
                             (other.hash.hex(), other.flags, other.block_version()))

    def test_nodes_that_a_file_has_room_for(self):
        for node in (1, 2, 31, 32, 62, 63):
            end = optee_store.node_offset(node, 1) + 66
            for size, room in ((end - 1, node - 1), (end, node)):
                (self.dir / "sized").write_bytes(bytes(size))
                self.assertEqual(json.loads(self.run_raw("dump", "--json", "./sized")[1])
                                 ["node_room"], room)

    def test_needs_no_key_and_takes_paths(self):
        os.unlink(f"{self.store}.key")
        text = self.run_coffer("dump", "dirf.db").decode()
        self.assertRegex(text, r"(?m)^HEAD +OFFSET +COUNTER")
        self.assertEqual(len(re.findall(r"(?m)^[01]\* ", text)), 1)
        self.assertEqual(self.run_coffer("dump", self.store / "dirf.db").decode().split("\n", 1)[1],
                         text.split("\n", 1)[1])
        short = self.run_coffer("dump", "--nodes", "3", "0").decode()
        self.assertIn("nodes up to 3 shown", short)
        self.assertNotRegex(short, r"(?m)^4\.[01]")

    def test_what_is_no_stored_file(self):
        (self.dir / "short").write_bytes(bytes(100))
        self.fails(CORRUPT, "dump", "./short")
        self.fails(NOT_FOUND, "dump", "nothing")
        (self.dir / "junk").write_bytes(b"\xff" * 20000)
        self.run_coffer("dump", "./junk")
        self.assertEqual(self.run_json("dump", "./junk")["newest"], 1)
        # What doesn't fit together is shown, and told by the exit status all the same.
        (self.dir / "odd").write_bytes(bytes(64) + b"\1\0\0\0" + bytes(64) + b"\2\0\0\0")
        self.assertIsNone(self.run_json("dump", "./odd", status=CORRUPT)["newest"])
        self.assertIn(b"HEAD", self.run_coffer("dump", "./odd", status=CORRUPT))
        self.assertIn("do not fit together", self.last_error)

    def test_a_bare_name_is_the_stores(self):
        (self.dir / "0").write_bytes(bytes(20000))
        self.assertEqual(self.run_json("dump", "0")["size"], (self.store / "0").stat().st_size)
        self.assertEqual(self.run_json("dump", "0", "--store", self.store)["file"],
                         f"{self.store}/0")
        (self.dir / "dirf.db").write_bytes(bytes(20000))
        self.fails(NOT_FOUND, "dump", "dirf.db", "--store", self.dir / "home")


class StatsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("a", b"1")

    def test_json(self):
        value = self.run_json("stats", "--memory", "512K")
        self.assertEqual(value["memory"]["total"], 512 * 1024)
        self.assertEqual(value["store"]["objects"], 1)
        self.assertLessEqual(value["memory"]["peak"], value["memory"]["total"])
        held = sum(item["held"] for item in value["memory"]["components"])
        self.assertEqual(held, value["memory"]["used"])
        caches = value["cache"]["caches"]
        self.assertEqual([item["name"] for item in caches], ["nodes", "blocks", "objects"])
        caches = caches[:2]  # those that hold frames
        for name in ("hits", "misses", "evictions"):
            self.assertEqual(sum(item[name] for item in caches), value["cache"][name])
        self.assertEqual(sum(item["entries"] for item in caches), value["cache"]["frames"])
        self.assertTrue(all(item["misses"] > 0 for item in caches))
        self.assertGreater(value["cache"]["hits"], 0)

    def test_prometheus(self):
        lines = self.run_coffer("stats", "--prometheus").decode().splitlines()
        seen = set()
        for line in lines:
            if line.startswith("# "):
                self.assertRegex(line, r"^# (HELP|TYPE) coffer_[a-z_]+ .+$")
                continue
            match = re.fullmatch(r'(coffer_[a-z_]+)(\{(?:component|cache|source|le)="[^"]+"\})? '
                                 r'(\d+(?:\.\d+)?)', line)
            self.assertTrue(match, line)
            seen.add(match[1])
        self.assertIn("coffer_memory_peak_bytes", seen)
        self.assertIn("coffer_component_held_bytes", seen)
        self.assertIn("coffer_caches_hits_total", seen)
        self.assertIn("coffer_cache_hits_total", seen)
        self.assertIn("coffer_device_read_bytes_total", seen)
        self.assertIn("coffer_collector_source_bytes_total", seen)
        self.assertIn("coffer_collector_pause_seconds_bucket", seen)
        self.assertIn("coffer_collector_pause_max_ns", seen)
        self.fails(USAGE, "stats", "--prometheus", "--json")
        self.fails(USAGE, "stats", "--prometheus", "--plan")

    def test_storage(self):
        self.put("b", bytes(4321))
        self.assertNotIn("tas", self.run_json("stats"))
        (found,) = self.run_json("stats", "--storage")["tas"]
        self.assertEqual((found["ta"], found["objects"], found["storage"]), (TA, 2, 4322))
        self.assertRegex(self.run_coffer("stats", "--storage").decode(), rf"(?m)^{TA} +2 +4\.2K")
        (found,) = self.run_json("stats", "--storage", "--ta", TA_2)["tas"]
        self.assertEqual((found["ta"], found["objects"], found["storage"]), (TA_2, 0, 0))
        lines = self.run_coffer("stats", "--storage", "--prometheus").decode().splitlines()
        self.assertIn(f'coffer_ta_storage_bytes{{ta="{TA}"}} 4322', lines)

    def test_collector(self):
        value = self.run_json("stats")["collector"]
        self.assertEqual([item["name"] for item in value["sources"]],
                         ["objects", "blocks", "nodes", "buffers", "abstracts", "spans"])
        self.assertEqual(sum(item["bytes"] for item in value["sources"]), value["bytes"])
        self.assertEqual(sum(value["pause_lengths"]), value["pauses"])
        self.assertRegex(self.run_coffer("stats").decode(), r"(?m)^COLLECTED FROM ")

    def test_plan(self):
        """What the plan says is what a store gets, and it needs no store to say it."""
        nowhere = ("--store", self.dir / "nowhere")
        for size in ("256K", "512K", "8M"):
            plan = self.run_json("stats", "--plan", "--memory", size, *nowhere)
            self.assertTrue(plan["fits"])
            self.assertEqual(sum(item["bytes"] for item in plan["items"]), plan["aside"])
            self.assertEqual(plan["aside"] + plan["floating"], plan["total"])
            found = self.run_json("stats", "--memory", size)["memory"]
            self.assertEqual(found["total"], plan["total"])
            idle = plan["how_it_floats"]["buffers_idle"]
            self.assertLessEqual(found["used"], plan["aside"] + idle)
        for plan in (self.run_json("stats", "--plan", "--objects", "7", *nowhere),
                     self.run_json("--objects", "7", "stats", "--plan", *nowhere)):
            self.assertEqual(plan["how_it_floats"]["cached_objects"], 7)
        self.fails(USAGE, "stats", "--plan", "--objects", "0", *nowhere)
        plan = self.run_json("stats", "--plan", "--memory", "252K", *nowhere, status=SHORTAGE)
        self.run_coffer("ls", "--memory", "252K", status=SHORTAGE)
        self.assertFalse(plan["fits"])
        self.assertGreater(plan["needed"], plan["total"])
        text = self.run_coffer("stats", "--plan", *nowhere).decode()
        self.assertRegex(text, r"^secure memory: 1\.0M, of which [0-9]+K set aside")
        self.assertRegex(text, r"(?m)^staging +[0-9]+K ")
        self.assertFalse((self.dir / "nowhere").exists())

    def test_text(self):
        text = self.run_coffer("stats").decode()
        self.assertRegex(text, r"^secure memory: 1\.0M")
        self.assertRegex(text, r"(?m)^nodes +[1-9]")
        self.assertRegex(text, r"(?m)^blocks +[1-9]")
        self.assertRegex(text, r"(?m)^store objects +1 ")


class HelpTest(CommandTest):
    VERBS = ("init", "put", "get", "ls", "stat", "rm", "mv", "truncate", "check", "dump", "stats",
             "memory", "demo")

    def test_help(self):
        text = self.run_coffer("--help").decode()
        for verb in self.VERBS:
            self.assertRegex(text, rf"(?m)^  {verb} ")
            own = self.run_coffer(verb, "--help").decode()
            self.assertTrue(own.startswith(f"Usage: coffer {verb} "), own)
            self.assertIn("--json", own)
            self.assertLessEqual(max(map(len, own.splitlines())), 80)
        self.assertIn("Exit status:", text)
        self.assertRegex(self.run_coffer("--version"), rb"^coffer \d+\.\d+\.\d+\n$")


class DemoTest(CommandTest):
    def test_tells_its_story_and_leaves_nothing(self):
        self.env |= {"TMPDIR": str(self.dir), "COFFER_KEY": "/nowhere"}
        text = self.run_coffer("demo").decode()
        for words in ("$ coffer init", "$ coffer ls -l -h", "$ coffer check", "DAMAGED",
                      "(exit status 5)", "secure memory: 256K", "All as it should be"):
            self.assertIn(words, text)
        self.assertEqual(list(self.dir.iterdir()), [])
        self.assertFalse(self.store.exists())

    def test_json(self):
        self.env["TMPDIR"] = str(self.dir)
        value = self.run_json("demo")
        self.assertEqual(value["good"], True)
        self.assertGreater(len(value["steps"]), 10)
        self.assertTrue(all(step["good"] for step in value["steps"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
