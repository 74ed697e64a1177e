#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""layers.py rejects what LAYERS forbids: each rule is broken once, in a copy of the tree."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import layers


class Layers(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp(prefix="coffer-layers-")
        self.addCleanup(shutil.rmtree, self.tree)
        for folder in ("src", "include", "ports", "tools"):
            shutil.copytree(os.path.join(layers.TOP, folder), os.path.join(self.tree, folder))
        shutil.copy(os.path.join(layers.TOP, "LAYERS"), self.tree)
        self.before = set(layers.Tree(self.tree).check())

    def plant(self, path, text):
        path = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a") as file:
            file.write(text)

    def new_complaints(self):
        return sorted(set(layers.Tree(self.tree).check()) - self.before)

    def assert_rejected(self, *words):
        found = self.new_complaints()
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_upward_include_is_rejected(self):
        self.plant("src/base/list.h", '#include "memory/memory.h"\n')
        self.assert_rejected("src/base/list.h", "memory/memory.h")

    def test_include_of_a_later_module_of_the_same_floor_is_rejected(self):
        self.plant("src/memory/frames/frames.h", '#include "memory/heap/heap.h"\n')
        self.assert_rejected("src/memory/frames/frames.h", "memory/heap")

    def test_include_of_an_earlier_module_of_the_same_floor_is_accepted(self):
        self.plant("src/memory/heap/planted.c", '#include "memory/frames/frames.h"\n')
        self.assertEqual(self.new_complaints(), [])

    def test_downward_include_is_accepted(self):
        self.plant("src/crypto/planted.c", '#include "base/list.h"\n')
        self.assertEqual(self.new_complaints(), [])

    def test_operating_system_header_is_rejected(self):
        for header in ("stdlib.h", "stdio.h", "errno.h", "unistd.h", "sys/mman.h", "pthread.h"):
            with self.subTest(header):
                path = f"src/base/planted_{header.replace('/', '_')}.c"
                self.plant(path, f"#include <{header}>\n")
                self.assert_rejected(path, f"<{header}>")
                os.remove(os.path.join(self.tree, path))

    def test_include_hidden_from_a_careless_reader_is_rejected(self):
        self.plant("src/base/list.h", '  #  include/* a comment */<unistd.h> // and another\n')
        self.assert_rejected("unistd.h")

    def test_include_inside_a_comment_is_no_include(self):
        self.plant("src/base/list.h", '/*\n#include <unistd.h>\n*/\n// #include <stdio.h>\n')
        self.assertEqual(self.new_complaints(), [])

    def test_computed_include_is_rejected(self):
        self.plant("src/base/list.h", "#define WHERE <unistd.h>\n#include WHERE\n")
        self.assert_rejected("written out")

    def test_relative_include_is_rejected(self):
        self.plant("src/memory/memory.h", '#include "heap/heap.h"\n')
        self.assert_rejected("heap/heap.h")

    def test_unlisted_module_is_rejected(self):
        self.plant("src/attic/attic.c", "int attic;\n")
        self.assert_rejected("src/attic", "not a module")

    def test_unlisted_folder_inside_a_module_is_rejected(self):
        self.plant("src/memory/attic/attic.c", "int attic;\n")
        self.assert_rejected("src/memory/attic", "not a module")

    def test_core_including_a_port_is_rejected(self):
        self.plant("src/base/list.h", '#include "coffer/linux.h"\n')
        self.assert_rejected("no port")

    def test_tool_including_a_private_header_is_rejected(self):
        self.plant("tools/coffer/planted.c", '#include "base/list.h"\n')
        self.assert_rejected("tools", "base/list.h")

    def test_tool_including_a_public_header_is_accepted(self):
        self.plant("tools/coffer/planted.c", '#include <stdio.h>\n#include "coffer.h"\n')
        self.assertEqual(self.new_complaints(), [])

    def test_port_including_a_module_beyond_its_contracts_is_rejected(self):
        self.plant("ports/linux/planted.c", '#include "memory/memory.h"\n')
        self.assert_rejected("ports", "memory/memory.h")

    def test_port_including_its_contracts_and_the_system_is_accepted(self):
        self.plant("ports/linux/planted.c", '#include <unistd.h>\n#include "port/port.h"\n')
        self.assertEqual(self.new_complaints(), [])

    def test_public_header_including_a_private_one_is_rejected(self):
        self.plant("include/coffer.h", '#include "base/list.h"\n')
        self.assert_rejected("include/coffer.h", "not public")

    def test_public_header_including_the_system_is_rejected(self):
        self.plant("include/coffer.h", "#include <sys/types.h>\n")
        self.assert_rejected("include/coffer.h", "sys/types.h")


if __name__ == "__main__":
    unittest.main()
