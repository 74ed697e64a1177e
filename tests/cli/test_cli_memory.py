# SPDX-License-Identifier: BSD-2-Clause
"""coffer memory: the map of a store's memory, and the demo."""

import ctypes
import fcntl
import os
import re
import struct
import subprocess
import termios
import unittest

from command import DONE, NOT_FOUND, USAGE, CommandTest


class Screen:
    """A terminal that knows what the command uses: colours, the cursor up, erase what is below."""

    def __init__(self, rows):
        self.rows = rows
        self.lines = [""]  # all that has been, the last `rows` of them on the screen
        self.at = 0  # the cursor's line
        self.erased = 0

    def feed(self, text):
        for piece in re.findall(r"\033\[[0-9;]*[A-Za-z]|\r\n|[^\033\r\n]+|.", text, re.DOTALL):
            if piece == "\r\n":
                self.at += 1
                if self.at == len(self.lines):
                    self.lines.append("")
            elif piece.startswith("\033["):
                self.control(piece[-1], piece[2:-1])
            else:
                self.lines[self.at] += piece

    def control(self, letter, number):
        if letter == "A":
            self.at -= int(number)
            if self.at < max(0, len(self.lines) - self.rows):
                raise AssertionError("the cursor leaves the screen")
        elif letter == "J":
            del self.lines[self.at:]
            self.lines.append("")
            self.erased += 1
        elif letter != "m":
            raise AssertionError(f"not a control that is used: {letter}")


class MemoryTest(CommandTest):
    def on_terminal(self, rows, columns, *words, **environment):
        """What a terminal of this size is sent."""
        controller, terminal = self.terminal()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = self.start(*words, stdin=subprocess.DEVNULL, stdout=terminal,
                             env=self.env | environment)
        os.close(terminal)
        output = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:
                break
            if not piece:
                break
            output += piece
        process.communicate(timeout=60)
        os.close(controller)
        self.assertEqual(process.returncode, DONE)
        return output.decode()

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


class MapTest(MemoryTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.put("a", b"1")

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

    def test_colour_only_on_a_terminal_that_has_it(self):
        self.assertIn("\033[48;5;", self.on_terminal(50, 80, "memory"))
        self.assertNotIn("\033", self.on_terminal(50, 80, "memory", TERM="dumb"))
        self.assertNotIn("\033", self.on_terminal(50, 80, "memory", NO_COLOR="1"))

    def test_rows_fit_the_terminal(self):
        for columns, cells in ((200, 64), (80, 64), (74, 32), (40, 16)):
            text = self.on_terminal(50, columns, "memory", "--memory", "512K", NO_COLOR="1")
            rows = re.findall(r"(?m)^ +\d+  [#.A-Za-z0-9?]+(?=\r$)", text)
            self.assertEqual({len(row) for row in rows}, {11 + cells}, columns)
            if columns >= 80:
                self.assertLessEqual(max(map(len, text.split("\r\n"))), 80)

    def test_a_store_is_needed(self):
        line = self.fails(NOT_FOUND, "memory", "--store", self.dir / "nowhere")
        self.assertTrue(line.endswith("; `coffer init` makes one; `coffer memory --demo` needs none"))
        line = self.fails(NOT_FOUND, "ls", "--store", self.dir / "nowhere")
        self.assertTrue(line.endswith("; `coffer init` makes one"))
        self.fails(USAGE, "memory", "word")


class DemoTest(MemoryTest):
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

    def test_live_pictures_go_and_the_rest_stays(self):
        plain = self.run_coffer("memory", "--demo", "--memory", "512K").decode().split("\n")
        kept = [line for line in plain if re.match("    =>|[A-Z].* |secure memory", line)]
        for rows, columns in ((24, 80), (60, 120), (60, 40), (10, 80)):
            screen = Screen(rows)
            screen.feed(self.on_terminal(rows, columns, "memory", "--demo", "--memory", "512K"))
            found = [line for line in screen.lines
                     if re.match("    =>|[A-Z].* |secure memory", line)]
            self.assertEqual([line for line in found if "=>" in line],
                             [line for line in kept if "=>" in line])
            self.assertEqual(found.count(plain[3]), kept.count(plain[3]))  # pictures
            self.assertEqual(screen.erased > 0, rows >= 24 and columns >= 80)

    def test_too_little_memory_is_told(self):
        self.fails(USAGE, "memory", "--demo", "--memory", "64K")


if __name__ == "__main__":
    unittest.main(verbosity=2)
