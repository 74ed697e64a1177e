#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the command says and does when something is wrong: keys, usage, each exit status."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from command import (BINARY, CONFLICT, CORRUPT, CommandTest, DONE, IO, NOT_FOUND, OTHER, SHORTAGE,
                     TA, TEST_KEY, USAGE, flip)
import optee_store

HUK_32 = bytes(range(100, 132))


class KeyTest(CommandTest):
    def test_forms_of_a_key_file(self):
        for number, (key, text) in enumerate((
                (TEST_KEY, TEST_KEY), (HUK_32, HUK_32),
                (TEST_KEY, TEST_KEY.hex().encode()),
                (HUK_32, b" " + HUK_32.hex(" ", 4).upper().encode() + b"\r\n\n"),
        )):
            with self.subTest(number=number):
                path = self.write_key(f"key{number}", text)
                self.store = self.dir / f"store{number}"
                self.init("--store", self.store, "--key", path)
                self.run_coffer("--store", self.store, "--key", path, "put", "a", data=b"x")
                store = optee_store.Store.open(self.store, huk=key)
                self.assertEqual(store.object(TA, b"a").data, b"x")

    def test_storage_key(self):
        ssk = optee_store.derive_ssk(TEST_KEY)
        self.init("--test-key")
        path = self.write_key("ssk", ssk.hex().encode())
        self.run_coffer("--key", path, "--key-kind", "ssk", "put", "a", data=b"x")
        self.assertEqual(self.get("a", "--test-key"), b"x")
        short = self.write_key("short", TEST_KEY)
        self.assertIn(short, self.fails(USAGE, "--key", short, "--key-kind", "ssk", "ls"))

    def test_what_is_no_key(self):
        self.init()
        for text in (b"", b"x", bytes(15), bytes(17), bytes(33), TEST_KEY.hex().encode()[:-1],
                     TEST_KEY.hex().encode() + b"0", b"g" * 31, bytes(5000)):
            with self.subTest(text=text[:40]):
                self.assertIn("not a key", self.fails(USAGE, "ls", "--key",
                                                      self.write_key("bad", text)))
        self.fails(NOT_FOUND, "ls", "--key", "missing")
        self.fails(OTHER, "ls", "--key", self.dir)

    def test_keys_are_never_arguments(self):
        self.init("--test-key")
        self.fails(NOT_FOUND, "ls", "--key", TEST_KEY.hex())
        self.env["COFFER_KEY"] = TEST_KEY.hex()
        self.fails(NOT_FOUND, "ls")

    def test_a_key_through_a_descriptor(self):
        self.init("--test-key")
        ours, theirs = os.pipe()
        os.write(theirs, TEST_KEY)
        os.close(theirs)
        self.run_coffer("ls", "--key", f"/dev/fd/{ours}", pass_fds=(ours,))
        os.close(ours)

    def test_where_the_key_is_looked_for(self):
        self.init()
        os.rename(f"{self.store}.key", self.dir / "moved")
        self.assertIn("store.key", self.fails(NOT_FOUND, "ls"))
        self.env["COFFER_KEY"] = str(self.dir / "moved")
        self.run_coffer("ls")
        self.fails(CORRUPT, "ls", "--key", self.write_key("other", TEST_KEY))

    def test_readable_by_others_is_warned_about(self):
        self.init()
        path = Path(f"{self.store}.key")
        self.assertEqual(self.run_raw("ls")[2], b"")
        for mode in (0o640, 0o604):
            path.chmod(mode)
            code, _, err = self.run_raw("ls")
            self.assertEqual(code, DONE)
            self.assertRegex(err, rb"^coffer: warning: key file .* can be read by others")
            self.assertEqual(self.run_raw("-q", "ls")[2], b"")

    def test_the_test_key_is_told(self):
        self.init("--test-key")
        self.assertRegex(self.run_raw("ls", "--test-key")[2], rb"(?i)published test key")
        self.assertEqual(self.run_raw("ls", "--test-key", "--quiet")[2], b"")
        self.assertFalse(Path(f"{self.store}.key").exists())
        self.fails(USAGE, "ls", "--test-key", "--key", "x")
        self.fails(USAGE, "ls", "--test-key", "--key-kind", "ssk")
        store = optee_store.Store.open(self.store, huk=TEST_KEY)
        self.assertEqual(store.entries, [])

    def test_a_wrong_key_changes_nothing(self):
        self.init()
        self.put("a", b"x")
        before = self.image()
        for words in (("ls",), ("get", "a", "out"), ("put", "a"), ("rm", "a"), ("check", "--repair")):
            self.assertIn("key", self.fails(CORRUPT, *words, "--key",
                                            self.write_key("other", TEST_KEY)))
        self.assertEqual(self.image(), before)

    def test_profiles(self):
        path = self.write_key("key", TEST_KEY)
        self.env["COFFER_KEY"] = path
        for huk in (True, False):
            for head in (True, False):
                store = self.dir / f"{huk}{head}"
                profile = "optee" + ("" if huk else ",huk-compat=no") + \
                    ("" if head else ",hash-compat=no")
                words = "--store", store, "--profile", profile
                self.init(*words)
                self.run_coffer("put", "a", *words, data=b"x")
                other = optee_store.Store.open(store, huk=TEST_KEY, huk_compat=huk,
                                               hash_compat=head)
                self.assertEqual(other.object(TA, b"a").data, b"x")
        for wrong in ("other", "optee,huk-compat", "optee,huk-compat=maybe", "optee=1"):
            self.fails(USAGE, "ls", "--profile", wrong)


class UsageTest(CommandTest):
    def test_wrong_usage(self):
        self.init()
        for words in ((), ("frob",), ("--frob",), ("ls", "--frob"), ("ls", "x"), ("put",),
                      ("put", "a", "b", "c"), ("mv", "a"), ("truncate", "a"), ("rm",), ("stat",),
                      ("get",), ("dump",), ("init", "x"), ("check", "x"), ("ls", "--memory"),
                      ("ls", "--memory", "x"), ("ls", "--memory", "-1"), ("ls", "--ta", "x"),
                      ("ls", "--ta", "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63"),
                      ("ls", "--key-kind", "x"), ("put", "a", "--append", "--offset", "1"),
                      ("put", "a", "--offset", "x"), ("get", "a", "--length", "-1"),
                      ("ls", "--store", ""), ("ls", "--store", "dir:")):
            with self.subTest(words=words):
                self.fails(USAGE, *words)

    def test_which_option_is_at_fault(self):
        self.init()
        for words, text in (
                (("ls", "--frob"), "ls: --frob: no such option; see `coffer ls --help`"),
                (("--frob", "ls"), "--frob: no such option; see `coffer --help`"),
                (("ls", "-lx"), "ls: -lx: no such option; see `coffer ls --help`"),
                (("put", "a", "--nope", "-x"), "put: --nope: no such option; see"),
                (("ls", "--memory"), "ls: --memory: its value is missing; see"),
                (("dump", "a", "--nod"), "dump: --nod: its value is missing; see"),
                (("ls", "--all=3"), "ls: --all=3: it takes no value; see"),
                (("ls", "--k", "x"), "ls: --k: it could mean several options; see"),
                (("-h",), "-h: no such option; see `coffer --help`"),
                (("memory", "-h"), "memory: -h: no such option; see `coffer memory --help`"),
                (("help",), "help: no such verb; it is `coffer --help`"),
                (("help", "frob"), "help: no such verb; it is `coffer --help`"),
                (("help", "ls"), "help: no such verb; it is `coffer ls --help`"),
                (("ls", "x"), "ls: too many arguments; usage: coffer ls [OPTION...]")):
            with self.subTest(words=words):
                line = self.fails(USAGE, *words)
                self.assertTrue(line.startswith(f"coffer: {text}"), line)
                self.assertEqual(line, line.rstrip())
        value = json.loads(self.run_raw("ls", "--frob", "--json")[1])
        self.assertEqual(value["error"]["code"], USAGE)

    def test_a_directory_among_the_words(self):
        """What a new user types first is told where the directory goes."""
        advice = "; the store's directory is --store=DIR"
        (self.dir / "there").mkdir()
        for words, told in ((("init", "new"), True), (("init", self.dir / "there"), True),
                            (("ls", self.dir / "there"), True),
                            (("check", "--repair", self.dir / "there"), True),
                            (("get", "a", "b", self.dir / "there"), True),
                            (("ls", "nothing"), False), (("put", "a", "b", "c"), False),
                            (("mv", self.dir / "there"), False)):
            with self.subTest(words=words):
                self.assertEqual(self.fails(USAGE, *words).endswith(advice), told)
        self.assertFalse((self.dir / "new").exists())
        self.assertEqual(list((self.dir / "there").iterdir()), [])

    def test_no_name_breaks_the_line_or_drives_the_terminal(self):
        self.init()
        for name, shown in (("no\nsuch", "hex:6e6f0a73756368"), ("a\x1b[2J", "hex:611b5b324a"),
                            (b"\xff", "hex:ff"), ("gr\u00fc\u00dfe", "gr\u00fc\u00dfe")):
            for verb, *rest in (("get", "out"), ("stat",), ("rm",), ("truncate", "1"),
                                ("mv", "b"), ("put", "--offset", "1")):
                code, _, err = self.run_raw(verb, name, *rest)
                self.assertEqual(code, NOT_FOUND)
                self.assertIn(f"coffer: {verb} {shown}".encode(), err)
                self.assertEqual(err.count(b"\n"), 1)
        for words in (("put", "a", "b\nc\x1b[2J"), ("b\nc\x1b[2J",), ("ls", "--ta", "b\nc\x1b[2J"),
                      ("ls", "--b\nc\x1b[2J"), ("ls", "--store", "b\nc\x1b[2J"),
                      ("dump", "b\nc\x1b[2J"), ("get", "hex:b\nc\x1b[2J", "x")):
            with self.subTest(words=words):
                code, _, err = self.run_raw(*words)
                self.assertNotEqual(code, DONE)
                self.assertIn(rb"b\x0ac\x1b[2J", err)
                self.assertEqual(err.count(b"\n"), 1)

    def test_what_this_build_can_not(self):
        self.init()
        self.fails(OTHER, "ls", "--store", "rpmb:file")
        self.fails(OTHER, "ls", "--store", "rpmb:/dev/mmcblk0rpmb")
        self.fails(OTHER, "ls", "--anchor", "rpmb:file")


class StatusTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("a", b"first")

    def test_not_found(self):
        for words in (("get", "x"), ("stat", "x"), ("rm", "x"), ("mv", "x", "y"),
                      ("truncate", "x", "1"), ("put", "--offset", "1", "x")):
            code, _, err = self.run_raw(*words)
            self.assertEqual(code, NOT_FOUND, words)
            self.assertIn(b"x", err)
        self.fails(NOT_FOUND, "get", "x", "out")
        self.assertFalse((self.dir / "out").exists())
        self.fails(NOT_FOUND, "put", "a", "missing file")
        self.assertIn("coffer init", self.fails(NOT_FOUND, "ls", "--store", self.dir / "nothing"))
        (self.dir / "empty").mkdir()
        self.write_key("empty.key", TEST_KEY)
        self.assertIn("coffer init", self.fails(NOT_FOUND, "ls", "--store", self.dir / "empty"))
        self.fails(NOT_FOUND, "put", "a", "--store", self.dir / "empty")
        os.unlink(self.dir / "empty.key")  # that there is no store comes before the key
        self.assertIn("coffer init", self.fails(NOT_FOUND, "ls", "--store", self.dir / "empty"))
        self.assertIn("Not a directory", self.fails(OTHER, "ls", "--store", "/etc/passwd"))
        self.assertEqual(list((self.dir / "empty").iterdir()), [])

    def hold(self):
        """A put that has the store open and waits for its data."""
        # A background shell would have INT ignored, which the command respects.
        process = self.start("put", "held", preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                                             signal.SIG_DFL))
        process.stdin.write(bytes(600000))
        process.stdin.flush()  # more than a pipe holds and is read beforehand: the store is open
        return process

    def test_one_writer_at_a_time(self):
        process = self.hold()
        self.assertIn("another process", self.fails(CONFLICT, "put", "b", data=b""))
        self.fails(CONFLICT, "get", "a", "out")
        self.fails(CONFLICT, "init")
        process.communicate(b"end", timeout=30)
        self.assertEqual(process.returncode, DONE)
        self.assertEqual(self.get("held"), bytes(600000) + b"end")

    def test_several_readers_at_a_time(self):
        self.put("big", bytes(1000000))
        reader = self.start("get", "big")  # it stops when the pipe is full, with the store open
        self.assertEqual(os.read(reader.stdout.fileno(), 1), b"\0")
        self.assertEqual(self.get("a"), b"first")
        self.fails(CONFLICT, "put", "b", data=b"")
        self.assertEqual(len(reader.communicate(timeout=30)[0]), 999999)
        self.assertEqual(reader.returncode, DONE)

    def test_a_signal_leaves_the_store_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = self.hold()
            process.send_signal(number)
            err = process.communicate(timeout=30)[1]
            self.assertEqual(process.returncode, -number)
            if number != signal.SIGKILL:
                self.assertEqual(err, b"coffer: put held: interrupted; the object is as before\n")
            self.assertEqual(self.ids(), ["a"])
            self.assertEqual(self.run_json("check")["clean"], True)

    def test_too_little_memory(self):
        for words in (("ls", "--memory", "64K"), ("ls", "--memory", "1K"),
                      ("stats", "--plan", "--memory", "1K")):
            self.assertIn("256K", self.fails(SHORTAGE, *words))
        for size in ("0", "64G", "8T"):
            for words in (("ls",), ("stats", "--plan")):
                self.assertIn("from 256K to less than 64G",
                              self.fails(USAGE, *words, "--memory", size))
        self.run_coffer("ls", "--memory", "256K")

    def test_the_least_memory_is_enough(self):
        data = os.urandom(3000000)
        self.put("big", data, "--memory", "256K")
        self.put("big", data[:1000000], "--memory", "256K", "--append")
        self.assertEqual(self.get("big", "--memory", "256K"), data + data[:1000000])
        self.assertEqual(self.run_json("check", "--memory", "256K")["clean"], True)

    def limited(self, *words, data=b""):
        return self.run_raw(*words, data=data, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (200000, 200000)))

    def test_no_space(self):
        before = self.get("a")
        for words in (("put", "a"), ("put", "--append", "a"), ("put", "new")):
            code, _, err = self.limited(*words, data=os.urandom(500000))
            self.assertEqual(code, SHORTAGE, err)
            self.assertEqual(len(err.splitlines()), 1)
            self.assertEqual(self.get("a"), before)
            self.assertEqual(self.ids(), ["a"])
            self.assertEqual(self.run_json("check")["clean"], True)
        self.put("big", os.urandom(500000))
        self.assertEqual(self.limited("get", "big", "out")[0], SHORTAGE)
        self.assertFalse((self.dir / "out").exists())
        self.assertEqual(list(self.dir.glob(".out*")), [])

    def test_larger_than_an_object_can_be(self):
        with open(self.dir / "5G", "wb") as file:
            file.truncate(5 << 30)
        for words in (("truncate", "a", "5G"), ("truncate", "a", "4G"), ("put", "a", "5G"),
                      ("put", "--append", "a", "5G"), ("put", "--offset", "4G", "a"),
                      ("put", "--offset", "4294967295", "a")):
            with self.subTest(words=words):
                line = self.fails(SHORTAGE, *words, data=b"x")
                self.assertIn(f"{words[0]} a: an object holds 4294967295 bytes at most", line)
                self.assertEqual(self.get("a"), b"first")

    def test_standard_output_is_full(self):
        for words in (("ls",), ("ls", "--json"), ("get", "a"), ("stat", "a"), ("--help",)):
            with open("/dev/full", "wb") as full:
                code, _, err = self.run_raw(*words, stdout=full)
            self.assertIn(code, (SHORTAGE, IO), words)

    def test_input_and_output_errors(self):
        # Reading a process's memory at address 0 is an I/O error wherever there is /proc.
        self.fails(IO, "put", "b", "/proc/self/mem")
        self.assertEqual(self.ids(), ["a"])
        self.fails(OTHER, "put", "b", "/")
        self.fails(NOT_FOUND, "get", "a", "no/such/directory")

    @unittest.skipIf(os.getuid() == 0 and not shutil.which("setpriv"),
                     "root may do anything, and setpriv isn't there to be another user")
    def test_a_store_that_may_not_be_written(self):
        before = self.image()
        self.dir.chmod(0o755)
        user = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.getuid() == 0 else []
        done = subprocess.run([*user, BINARY, "--version"], capture_output=True, cwd="/")
        if done.returncode != DONE:
            self.skipTest(f"another user can't run {BINARY} here: {done.stderr.decode()}")
        for mode, words in ((0o555, ("put", "a", "--test-key")), (0o700, ("ls", "--test-key"))):
            self.store.chmod(mode if user else mode & 0o555 if mode == 0o555 else 0)
            done = subprocess.run([*user, BINARY, *words], env=self.env, input=b"", cwd="/",
                                  capture_output=True)
            self.store.chmod(0o700)
            self.assertEqual(done.returncode, OTHER, done.stderr)
            self.assertIn(b"Permission denied", done.stderr)
        self.store.chmod(0o755)
        if user:  # files that are somebody else's, in a directory that anybody may read
            done = subprocess.run([*user, BINARY, "ls", "--test-key"], env=self.env, cwd="/",
                                  capture_output=True)
            self.assertEqual(done.returncode, OTHER, done.stderr)
            self.assertIn(b"dirf.db: Permission denied", done.stderr)
        self.assertEqual(self.image(), before)

    def test_objects_without_a_catalogue(self):
        os.unlink(self.store / "dirf.db")
        before = self.image()
        for verb in ("ls", "init", "check"):
            self.assertIn("no dirf.db", self.fails(CORRUPT, verb))
        self.assertEqual(self.image(), before)

    def test_a_missing_object_file(self):
        self.put("b", b"second")
        os.unlink(self.store / "0")
        for words in (("get", "a", "out"), ("stat", "a"), ("put", "--append", "a"),
                      ("truncate", "a", "1")):
            line = self.fails(CORRUPT, *words, data=b"x")
            self.assertIn(" a: its file 0 is missing", line)
        self.assertEqual(self.get("b"), b"second")
        code, out, _ = self.run_raw("check")
        self.assertEqual(code, CORRUPT)
        self.assertIn(b"object a", out)

    def test_a_damaged_catalogue(self):
        before = self.image()["dirf.db"]
        for version in (0, 1):
            flip(self.store / "dirf.db", version * 68 + 16)
        self.fails(CORRUPT, "ls")
        self.fails(CORRUPT, "check")
        self.fails(CONFLICT, "init")
        flip(self.store / "dirf.db", 16)
        flip(self.store / "dirf.db", 68 + 16)
        self.assertEqual(self.image()["dirf.db"], before)
        self.assertEqual(self.get("a"), b"first")

    def test_errors_say_what_and_on_which_object(self):
        self.assertRegex(self.fails(NOT_FOUND, "get", "hex:00ff", "out"),
                         r"^coffer: get hex:00ff: not found; .+")
        self.assertRegex(self.fails(CONFLICT, "put", "--no-replace", "a"),
                         r"^coffer: put a: .+; .*--no-replace")


class ReadingWritesNothingTest(CommandTest):
    def test_it(self):
        self.init()
        self.put("a", bytes(100000))
        before = {path: (path.stat().st_mtime_ns, path.stat().st_size)
                  for path in self.store.rglob("*")}
        for words in (("get", "a", "out"), ("ls", "-l"), ("stat", "a"), ("check", "--deep"),
                      ("stats",), ("dump", "dirf.db")):
            self.run_coffer(*words)
        self.assertEqual({path: (path.stat().st_mtime_ns, path.stat().st_size)
                          for path in self.store.rglob("*")}, before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
