# SPDX-License-Identifier: BSD-2-Clause
"""coffer memory: the map of a store's memory, and the demo."""

import ctypes
import os
import re
import subprocess
import unittest

from command import DONE, NOT_FOUND, USAGE, CommandTest


class MapTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("a", b"1")

    def check_map(self, value):
        """What the map says adds up."""
        frames = value["frames"]
        self.assertEqual(frames["used"] + frames["free"] + frames["metadata"], frames["total"])
        free_blocks = sum(count << order
                          for order, count in enumerate(frames["free_blocks_by_order"]))
        self.assertEqual(free_blocks + frames["cached"], frames["free"])
        counts = {"free": 0, "used": 0, "metadata": 0}
        owners = {}
        for area in frames["areas"]:
            position = 0
            for stretch in area["stretches"]:
                self.assertEqual(stretch["frame"], position)
                position += stretch["count"]
                counts[stretch["state"]] += stretch["count"]
                if stretch["state"] == "used":
                    owners[stretch["owner"]] = owners.get(stretch["owner"], 0) + stretch["count"]
            self.assertEqual(position, area["frames"])
        for state, count in counts.items():
            self.assertEqual(count, frames[state], state)
        told = {owner["name"]: owner["frames"] for owner in value["owners"] if owner["frames"]}
        told = {name: count for name, count in told.items() if name in owners}
        self.assertEqual(told, owners)

    def test_json_adds_up(self):
        value = self.run_json("memory", "--memory", "512K")
        self.assertEqual(value["frames"]["total"], 128)
        self.check_map(value)
        names = {owner["name"] for owner in value["owners"]}
        self.assertIn("cache", names)
        self.assertEqual(value["spaces"], [])

    def test_it_tells_whether_the_memory_is_locked(self):
        size = 512 * 1024
        buffer = ctypes.create_string_buffer(size + 4096)
        locked = ctypes.CDLL(None).mlock(buffer, ctypes.c_size_t(size)) == 0
        self.assertEqual(self.run_json("memory", "--memory", "512K")["frames"]["locked"], locked)
        text = self.run_coffer("memory", "--memory", "512K").decode()
        self.assertEqual("locked into RAM" in text, locked)

    def test_text_draws_every_frame(self):
        text = self.run_coffer("memory", "--memory", "512K").decode()
        rows = re.findall(r"(?m)^ +\d+  ([#.A-Za-z0-9?]+)$", text)
        self.assertEqual(sum(map(len, rows)), 128)
        value = self.run_json("memory", "--memory", "512K")
        self.assertEqual("".join(rows).count("."), value["frames"]["free"])
        self.assertNotIn("\033", text)

    def test_colour_only_on_a_terminal(self):
        controller, terminal = self.terminal()
        process = self.start("memory", stdin=subprocess.DEVNULL, stdout=terminal,
                             env=self.env | {"TERM": "xterm-256color"})
        os.close(terminal)
        output = b""
        while True:
            try:
                piece = os.read(controller, 4096)
            except OSError:
                break
            if not piece:
                break
            output += piece
        process.communicate(timeout=60)
        os.close(controller)
        self.assertEqual(process.returncode, DONE)
        self.assertIn(b"\033[48;5;", output)

    def test_a_store_is_needed(self):
        self.fails(NOT_FOUND, "memory", "--store", self.dir / "nowhere")
        self.fails(USAGE, "memory", "word")


class DemoTest(MapTest):
    def test_every_fact_holds(self):
        value = self.run_json("memory", "--demo")
        self.assertTrue(value["good"])
        self.assertGreater(len(value["facts"]), 15)
        for fact in value["facts"]:
            self.assertTrue(fact["holds"], fact["fact"])
        self.check_map(value["map"])

    def test_it_tells_its_story_without_a_store(self):
        self.env |= {"COFFER_STORE": "/nowhere", "COFFER_KEY": "/nowhere"}
        text = self.run_coffer("memory", "--demo", "--memory", "512K").decode()
        for words in ("eight times the secure memory", "a second free, too", "is killed",
                      "go on", "everything went as it should", "VAULT", "vmalloc"):
            self.assertIn(words.lower(), text.lower())

    def test_too_little_memory_is_told(self):
        self.fails(USAGE, "memory", "--demo", "--memory", "64K")


if __name__ == "__main__":
    unittest.main(verbosity=2)
