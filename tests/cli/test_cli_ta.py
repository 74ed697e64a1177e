#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""coffer ta run, and the vault of examples/: a TA and its client, as their user runs them.

COFFER_COUNTER_TA: the TA of tests/unit/gp. COFFER_VAULT_TA, COFFER_VAULT: the vault's TA and client.
"""

import os
import subprocess
import unittest

from command import CORRUPT, NOT_FOUND, OTHER, USAGE, CommandTest

COUNTER = os.environ["COFFER_COUNTER_TA"]
VAULT_TA = os.environ["COFFER_VAULT_TA"]
VAULT = os.environ["COFFER_VAULT"]
VAULT_UUID = "7a0fb1c2-51d3-4c6e-9b27-0d3e6618a45f"
PUT, GET, REMOVE, LIST = range(4)


class TaTest(CommandTest):
    def setUp(self):
        super().setUp()
        (self.dir / "key").write_bytes(bytes(range(16)))
        self.env["COFFER_KEY"] = str(self.dir / "key")

    def run_ta(self, *words, **settings):
        return self.run_coffer("ta", "run", *words, **settings).decode()

    def test_values_come_back(self):
        self.assertEqual(self.run_ta(COUNTER, 0, "value:7,0x10"),
                         "0: value 1 (0x1), 16 (0x10)\n")
        value = self.run_json("ta", "run", COUNTER, "0x0", "value:7,8")
        self.assertEqual(value, {"result": 0,
                                 "parameters": [{"a": 1, "b": 8}, None, None, None]})

    def test_what_the_ta_answers_is_told(self):
        line = self.fails(OTHER, "ta", "run", COUNTER, 0)
        self.assertIn("the TA answers 0xffff0006, BAD_PARAMETERS", line)

    def test_a_panic_is_told_with_its_call(self):
        code, out, err = self.run_raw("ta", "run", COUNTER, 1)
        self.assertEqual((code, out), (OTHER, b""))
        self.assertIn(b"panicked in TEE_Panic", err)
        self.assertIn(b"coffer: ta: the TA panicked\n", err)

    def test_bad_words_are_refused(self):
        self.assertIn("ta run", self.fails(USAGE, "ta", "stop", COUNTER, 0))
        for word in ("x", "-1", "4294967296", "1x"):
            self.fails(USAGE, "ta", "run", COUNTER, "--", word)
        for word in ("value:", "value:1,", "value:-1", "value:4294967296", "value:1,2,3", "in",
                     "in:hex:1", "in:hex:zz", "out:", "out:x", "out:200M", "inout:3", "inout:1,abc",
                     "nothing", "value-in:", "value-out:1"):
            self.fails(USAGE, "ta", "run", COUNTER, 0, word)
        self.fails(USAGE, "ta", "run", COUNTER, 0, *["none"] * 5)
        self.fails(USAGE, "ta", "run", COUNTER)
        self.fails(USAGE, "ta", "--gp-profile=2", "run", COUNTER, 0)
        self.fails(NOT_FOUND, "ta", "run", COUNTER, 0, f"in:@{self.dir}/none")

    def test_a_file_that_is_no_ta_is_refused(self):
        self.fails(NOT_FOUND, "ta", "run", self.dir / "none.so", 0)
        (self.dir / "no.so").write_bytes(b"no")
        self.assertIn("no shared object of a TA", self.fails(CORRUPT, "ta", "run",
                                                             self.dir / "no.so", 0))


class VaultTest(TaTest):
    def test_the_vault_keeps_and_tells_by_the_command(self):
        secret = self.dir / "secret"
        secret.write_bytes(b"swordfish\0\xff")
        self.run_ta(VAULT_TA, PUT, "in:web", "in:hunter2")
        self.run_ta(VAULT_TA, PUT, "in:hex:6d61696c", f"in:@{secret}")
        self.assertEqual(self.run_ta(VAULT_TA, GET, "in:web", "out:100"), "1: 7 bytes: hunter2\n")
        self.assertEqual(self.run_ta(VAULT_TA, GET, "in:mail", "out:1K"),
                         "1: 11 bytes: hex:73776f726466697368" "00ff\n")
        self.run_ta(VAULT_TA, GET, "in:mail", f"out:64,{self.dir}/out")
        self.assertEqual((self.dir / "out").read_bytes(), b"swordfish\0\xff")
        value = self.run_json("ta", "run", VAULT_TA, LIST, "out:100", "value-out")
        self.assertEqual(value["parameters"][1]["a"], 2)
        self.assertEqual(sorted(bytes.fromhex(value["parameters"][0]["hex"]).split(b"\0")),
                         [b"", b"mail", b"web"])
        self.assertIn("SHORT_BUFFER: parameter 1 would have 7 bytes",
                      self.fails(OTHER, "ta", "run", VAULT_TA, GET, "in:web", "out:3"))
        self.run_ta(VAULT_TA, REMOVE, "in:web")
        self.assertIn("ITEM_NOT_FOUND", self.fails(NOT_FOUND, "ta", "run", VAULT_TA, GET, "in:web",
                                                   "out:9"))

    def vault(self, *words, data=b"", status=0):
        folder = self.dir / "tas"
        folder.mkdir(exist_ok=True)
        if not (folder / f"{VAULT_UUID}.so").exists():
            (folder / f"{VAULT_UUID}.so").symlink_to(VAULT_TA)
        got = subprocess.run([VAULT, *words], input=data, capture_output=True, timeout=60,
                             env=self.env | {"COFFER_TA_PATH": f"/nowhere:{folder}"})
        self.assertEqual(got.returncode, status, got.stderr)
        return got.stdout

    def test_the_vaults_client_needs_the_environment_alone(self):
        self.assertEqual(self.vault("put", "web", data=b"hunter2\n"), b"")
        self.assertEqual(self.vault("put", "mail", data=b"swordfish\n"), b"")
        self.assertEqual(self.vault("put", "web", data=b"hunter3\n"), b"")
        self.assertEqual(self.vault("get", "web"), b"hunter3\n")
        self.assertEqual(sorted(self.vault("ls").split()), [b"mail", b"web"])
        self.vault("rm", "mail")
        self.vault("get", "mail", status=1)
        self.assertEqual(self.vault("ls"), b"web\n")
        # In the store are a key, which is one, and a secret, which isn't to be seen.
        objects = self.run_json("--ta", VAULT_UUID, "ls")
        self.assertEqual(sorted(line["id"] for line in objects), ["/web", "vault key"])
        self.assertNotIn(b"hunter3", self.run_coffer("--ta", VAULT_UUID, "get", "/web"))
        self.run_coffer("check", "--deep")

    def test_a_secret_can_t_be_put_under_anothers_name(self):
        self.vault("put", "web", data=b"hunter2\n")
        self.run_coffer("--ta", VAULT_UUID, "mv", "/web", "/bank")
        self.vault("get", "bank", status=1)

    def test_a_damaged_secret_is_told_and_the_vault_lives(self):
        self.vault("put", "web", data=b"s" * 4096)
        objects = {line["id"]: line["file"] for line in self.run_json("--ta", VAULT_UUID, "ls")}
        path = self.store / objects["/web"]
        damaged = bytearray(path.read_bytes())
        damaged[-2048] ^= 1  # in its second block: it can be opened, and not be read
        path.write_bytes(damaged)
        self.run_coffer("ta", "run", VAULT_TA, GET, "in:web", "out:8K", status=CORRUPT)
        self.assertIn("CORRUPT_OBJECT", self.last_error)

    def test_without_a_store_the_client_says_so(self):
        del self.env["COFFER_STORE"]
        self.vault("ls", status=1)


if __name__ == "__main__":
    unittest.main()
