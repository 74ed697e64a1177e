#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--trace and coffer tune: what is recorded, and what a trace with a known knee comes to."""

import random
import re
import signal
import subprocess
import time
import unittest

from command import CORRUPT, DONE, NOT_FOUND, OTHER, SHORTAGE, USAGE, CommandTest

KIB = 1024
BLOCK = 4096
LINE = re.compile(r"^\d+ [a-z]+ [0-9a-f]+ \d+ \d+ \d+$")


class TraceTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.trace = self.dir / "trace"

    def calls(self):
        """[call, object, offset, size, status] of each line."""
        lines = self.trace.read_text().splitlines()
        for line in lines:
            self.assertRegex(line, LINE)
        return [line.split()[1:] for line in lines]

    def test_every_verb_adds_its_calls(self):
        self.init("--trace", self.trace)
        self.run_coffer("put", "--trace", self.trace, "apple", data=b"x" * 5000)
        self.run_coffer("--trace", self.trace, "get", "apple", "--offset", 100, "--length", 50)
        self.run_coffer("ls", "--trace", self.trace)
        self.run_coffer("mv", "apple", "pear", "--trace", self.trace)
        self.run_coffer("get", "--trace", self.trace, "apple", status=NOT_FOUND)
        self.run_coffer("rm", "--trace", self.trace, "pear")
        calls = self.calls()
        self.assertEqual([call[0] for call in calls].count("start"), 7)
        self.assertEqual([call[0] for call in calls].count("end"), 7)
        names = {call[0]: call for call in calls}
        for wanted in ("open", "read", "close", "list", "rename", "as", "delete"):
            self.assertIn(wanted, names)
        self.assertEqual(names["rename"][1], names["read"][1])
        self.assertEqual(names["as"][1], names["delete"][1])
        self.assertNotEqual(names["as"][1], names["rename"][1])
        self.assertIn(["read", names["rename"][1], "100", "50", "0"], calls)
        self.assertIn(["open", names["rename"][1], "24", "0", "1"], calls)
        text = self.trace.read_text()
        for name in ("apple", "pear", "xxxx", b"apple".hex()):
            self.assertNotIn(name, text)

    def test_objects_are_not_to_be_guessed_without_the_key(self):
        numbers = []
        for store in ("one", "two"):
            self.init("--store", self.dir / store)
            self.run_coffer("put", "--store", self.dir / store, "--trace", self.trace, "apple",
                            data=b"x")
            numbers.append(self.calls()[-2][1])
        self.assertNotEqual(numbers[0], numbers[1])

    def test_a_trace_that_cannot_be_written_fails_nothing_and_is_told(self):
        self.init()
        code, _, err = self.run_raw("put", "--trace", "/dev/full", "apple", data=b"data")
        self.assertEqual(code, DONE)
        self.assertIn(b"warning: --trace /dev/full", err)
        self.assertEqual(self.get("apple"), b"data")
        _, _, err = self.run_raw("stat", "--quiet", "--trace", "/dev/full", "apple")
        self.assertEqual(err, b"")

    def test_processes_that_trace_to_one_file_write_whole_lines(self):
        stores = [self.dir / f"store {i}" for i in range(4)]
        for store in stores:
            self.init("--store", store)
        names = [f"object {i}" for i in range(3000)]  # none is there: each gives a line
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                   "stderr": subprocess.DEVNULL}
        processes = [self.start("rm", "--store", store, "--trace", self.trace, *names, **nowhere)
                     for store in stores]
        for process in processes:
            self.assertEqual(process.wait(timeout=60), NOT_FOUND)
        calls = [call[0] for call in self.calls()]
        self.assertEqual({call: calls.count(call) for call in set(calls)},
                         {"start": 4, "end": 4, "delete": 4 * len(names)})

    def test_a_trace_that_cannot_be_opened_stops_the_verb(self):
        self.init()
        self.fails(OTHER, "ls", "--trace", self.dir)


class TuneTest(CommandTest):
    def write(self, *calls, start="0 start 0 1 1048576 0"):
        path = self.dir / "trace"
        path.write_text("\n".join([start, *calls]) + "\n")
        return path

    def loop(self, blocks, rounds):
        """A few bytes of each of so many blocks, in an order that is always the same."""
        calls = [f"1 open a 24 {blocks * BLOCK} 0"]
        order = list(range(blocks))
        random.Random(7).shuffle(order)
        for _ in range(rounds):
            calls += [f"2 read a {block * BLOCK + 100} 50 0" for block in order]
        return self.write(*calls, "3 close a 0 0 0", "4 end 0 0 0 0")

    def test_the_knee_is_where_a_loop_fits(self):
        # Half of memory is caches: 400 blocks, with 13 groups of nodes, fit in 4M and not in 3M.
        value = self.run_json("tune", "--sizes", "256K,1M,2M,3M,4M,8M,64M", self.loop(400, 20))
        self.assertEqual(value["proposal"], 4 * 1024 * KIB)
        misses = {point["memory"]: point["blocks"]["misses"] for point in value["curve"]}
        self.assertEqual(misses[4 * 1024 * KIB], 401)
        self.assertEqual(misses[64 * 1024 * KIB], 401)
        self.assertGreaterEqual(misses[3 * 1024 * KIB], 8000)
        times = [point["time_ns"] for point in value["curve"]]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_what_fits_in_the_least_needs_no_more(self):
        self.assertEqual(self.run_json("tune", self.loop(2, 50))["proposal"], 256 * KIB)

    def test_what_never_comes_again_needs_no_more(self):
        calls = [f"2 read a {block * BLOCK + 100} 50 0" for block in range(20000)]
        trace = self.write(f"1 open a 24 {20000 * BLOCK} 0", *calls)
        self.assertEqual(self.run_json("tune", trace)["proposal"], 256 * KIB)

    def test_the_default_sizes(self):
        value = self.run_json("tune", self.loop(5, 1))
        self.assertEqual([point["memory"] for point in value["curve"]],
                         [256 * KIB << i for i in range(9)])

    def test_within_moves_the_proposal(self):
        trace = self.loop(400, 20)
        self.assertEqual(self.run_json("tune", "--within", "1000", trace)["proposal"], 256 * KIB)

    def test_costs_move_the_estimate_and_nothing_else(self):
        trace = self.loop(400, 20)
        one = self.run_json("tune", "--sizes", "1M", trace)
        two = self.run_json("tune", "--sizes", "1M", "--costs", "device=1000000,hash=0", trace)
        self.assertEqual(two["costs"] | {"device_ns": 0, "hash_ns": 0},
                         one["costs"] | {"device_ns": 0, "hash_ns": 0})
        self.assertEqual((two["costs"]["device_ns"], two["costs"]["hash_ns"]), (1000000, 0))
        for value in (one, two):
            costs, point = value["costs"], value["curve"][0]
            calls = value["trace"]["calls"] * costs["call_ns"]
            bytes_moved = point["read_bytes"] + point["written_bytes"]
            self.assertEqual(point["time_ns"], calls
                             + (point["device_reads"] + point["device_writes"]) * costs["device_ns"]
                             + bytes_moved // KIB * costs["kib_ns"]
                             + point["device_barriers"] * costs["barrier_ns"]
                             + point["ciphers"] * costs["block_ns"]
                             + point["hashes"] * costs["hash_ns"])

    def policies(self, *words):
        """What a size of 2M would take with each, and the policy that is proposed."""
        value = self.run_json("tune", "--sizes", "2M", *words)
        times = value["curve"][0]["policies_ns"]
        self.assertEqual(list(times), ["lru", "clock", "round_robin"])
        self.assertEqual(times["lru"], value["curve"][0]["time_ns"])
        return times["lru"], times["clock"], times["round_robin"], value["proposal_policy"]

    def test_what_is_wanted_often_is_forgotten_by_round_robin(self):
        # A few blocks are read again and again beside others, none of which comes twice.
        calls = [f"2 read a {block * BLOCK + 100} 50 0" for i in range(5000)
                 for block in (i * 7919 % 5000, 5100 + i % 10)]
        trace = self.write(f"1 open a 24 {5200 * BLOCK} 0", *calls)
        lru, clock, round_robin, chosen = self.policies(trace)
        self.assertLess(max(lru, clock) * 1.05, round_robin)
        self.assertEqual(chosen, "lru")
        text = self.run_coffer("tune", "--sizes", "2M", trace).decode()
        self.assertRegex(text, r" bytes +LRU +CLOCK +round robin\n")
        self.assertIn("Proposal: 2.0M with LRU,", text)

    def test_the_policy_that_is_best_is_proposed(self):
        # Between two uses of some blocks come just enough others that LRU has forgotten them.
        calls = [f"2 read a {block * BLOCK + 100} 50 0" for turn in range(30)
                 for block in (*range(0, 180, 3),
                               *(1000 + (turn * 110 + i) * 13 % 2900 for i in range(110)))]
        trace = self.write(f"1 open a 24 {4000 * BLOCK} 0", *calls)
        lru, clock, round_robin, chosen = self.policies(trace)
        self.assertLess(clock * 1.05, min(lru, round_robin))
        self.assertEqual(chosen, "clock")
        self.assertEqual(self.policies("--within", "50", trace)[3], "lru")

    def test_objects_that_stay_open(self):
        calls = [f"1 {call} {number:x} {front} 100 0" for _ in range(5) for number in range(1, 11)
                 for call, front in (("open", 24), ("close", 0))]
        few = self.run_json("tune", "--sizes", "1M", "--objects", "9", self.write(*calls))
        all_of_them = self.run_json("tune", "--sizes", "1M", "--objects", "10", self.write(*calls))
        self.assertEqual(few["trace"]["objects"], 10)
        self.assertEqual(few["curve"][0]["objects"]["hits"], 0)
        self.assertEqual(all_of_them["curve"][0]["objects"], {"hits": 40, "misses": 10})

    def test_a_recorded_run(self):
        trace = self.dir / "trace"
        self.init()
        self.put("a", b"x" * 300000, "--trace", trace)
        self.assertEqual(self.get("a", "--trace", trace), b"x" * 300000)
        value = self.run_json("tune", trace)
        self.assertEqual((value["trace"]["runs"], value["trace"]["objects"]), (2, 1))
        text = self.run_coffer("tune", trace).decode()
        # A new object is written in more calls of the device the less memory there is.
        writes = [row["device_writes"] for row in value["curve"]]
        self.assertEqual(writes, sorted(writes, reverse=True))
        self.assertGreater(writes[0], 2 * writes[2])
        self.assertRegex(text, r"(?m)^Proposal: 512K with LRU,")
        self.assertEqual(len(re.findall(r"(?m)^ *\d\S*[KM] +\d+ ", text)), 9)
        with open(trace, "rb") as file:
            piped = self.run_coffer("tune", "-", data=file.read()).decode()
        self.assertEqual(piped, text)

    def test_what_is_no_trace(self):
        for text in ("", "nothing\n", "1 open 1 0 0 0\n", "x" * 100000):
            (self.dir / "trace").write_text(text)
            self.fails(CORRUPT, "tune", self.dir / "trace")
        self.assertIn("another version",
                      self.fails(OTHER, "tune", self.write(start="0 start 0 2 0 0")))
        self.fails(NOT_FOUND, "tune", self.dir / "none")

    def test_a_damaged_line_is_passed_over_and_told(self):
        whole = "1 put a 24 100 0"
        for bad in ("", "1 put a 24", "x" * 10000, "17 pu0 start 0 1 1048576 0", "\0\0",
                    "1 put 5 24 900000000000000000 0", "1 open a 4294967296 1 0"):
            trace = self.write(whole, bad, whole, bad, "2 put b 24 1")
            trace.write_text(trace.read_text()[:-1])
            code, out, err = self.run_raw("tune", "--json", trace)
            self.assertEqual(code, DONE)
            self.assertIn(b"3 of 6 lines passed over that are no records, the first is line 3", err)
            self.assertIn(b'"passed_over":3', out.replace(b" ", b""))
            self.assertIn(b'"calls":2', out.replace(b" ", b""))
        trace = self.write(whole)
        trace.write_bytes(trace.read_bytes().replace(b"\n", b"\r\n"))
        _, _, err = self.run_raw("tune", trace)
        self.assertEqual(err, b"")

    def test_a_torn_end_is_ended_before_more_is_added(self):
        trace = self.dir / "trace"
        self.init()
        self.put("a", b"x", "--trace", trace)
        trace.write_bytes(trace.read_bytes()[:-9])
        self.assertEqual(self.get("a", "--trace", trace), b"x")
        value = self.run_json("tune", trace)
        self.assertEqual((value["trace"]["runs"], value["trace"]["passed_over"]), (2, 1))

    def test_a_signal_ends_it(self):
        process = self.start("tune", "/dev/zero")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertIn(b"interrupted", err)

    def test_the_largest_objects_take_no_time(self):
        size = 0xFFFFFFFF
        calls = [f"1 put a 24 {size} 0", f"2 open a 24 {size} 0", f"3 read a 0 {size} 0"]
        value = self.run_json("tune", "--sizes", "1M", self.write(*calls))
        self.assertGreater(value["curve"][0]["read_bytes"], size)

    def test_what_is_too_small_is_a_row_that_says_so(self):
        trace = self.loop(400, 20)
        value = self.run_json("tune", "--sizes", "1,128K,1M", trace)
        self.assertEqual(value["curve"][:2], [{"memory": 1, "fits": False},
                                              {"memory": 128 * KIB, "fits": False}])
        self.assertEqual((value["curve"][2]["fits"], value["proposal"]), (True, 1024 * KIB))
        text = self.run_coffer("tune", "--sizes", "1,128K,1M", trace).decode()
        self.assertEqual(len(re.findall(r"too small\n", text)), 2)
        line = self.fails(SHORTAGE, "tune", "--sizes", "1,128K", trace)
        self.assertIn("larger --sizes", line)
        self.assertNotIn("--memory", line)

    def test_within_nothing_is_the_best(self):
        # So long a time that all of it times 100, by 100, is less in doubles.
        shrunk = 0
        for puts in range(1, 33):
            value = self.run_json("tune", "--within", "0", "--sizes", "1M", "--costs",
                                  f"kib={4294967295 - puts}",
                                  self.write(*["1 put a 24 4294967295 0"] * puts))
            time_ns = float(value["curve"][0]["time_ns"])
            shrunk += time_ns * 100 / 100 < time_ns
            self.assertEqual(value["proposal"], 1024 * KIB)
        self.assertGreater(shrunk, 0)

    def test_wrong_words(self):
        trace = self.write()
        for words in (["--sizes", "1M,1M"], ["--sizes", "2M,1M"], ["--sizes", "0"],
                      ["--sizes", "1T"],
                      ["--sizes", ""], ["--sizes", "1M,"], ["--sizes", "x"], ["--objects", "0"],
                      ["--objects", "x"], ["--costs", ""], ["--costs", "call"],
                      ["--costs", "call=x"], ["--costs", "calls=1"], ["--costs", "call=5000000000"],
                      ["--within", "x"], ["--within", "1001"]):
            self.fails(USAGE, "tune", *words, trace)
        self.fails(USAGE, "tune")
        self.fails(USAGE, "tune", trace, trace)


if __name__ == "__main__":
    unittest.main()
