#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""symbols_core.py catches what it is for: each forbidden thing is compiled and planted once.

The compiler is the command in the arguments (cc when there is none)."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import symbols_core

COMPILER = ["cc"]


class SymbolsOfTheCore(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="coffer-symbols-")
        self.addCleanup(shutil.rmtree, self.folder)

    def complaints(self, *texts, flags=()):
        paths = []
        for number, text in enumerate(texts):
            source = os.path.join(self.folder, f"planted{number}.c")
            paths.append(source[:-2] + ".o")
            with open(source, "w") as file:
                file.write(text)
            subprocess.run([*COMPILER, "-std=c11", "-O2", "-g", "-fPIC", *flags, "-c", source,
                            "-o", paths[-1]], check=True)
        return list(symbols_core.Objects(paths).complaints())

    def assert_rejected(self, text, name, flags=()):
        found = self.complaints(text, flags=flags)
        self.assertEqual(len(found), 1, found)
        self.assertIn(name, found[0])

    def test_allocators_and_system_calls_are_caught(self):
        for call in ("malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign",
                     "mmap", "brk", "sbrk", "open", "read", "write", "abort", "printf",
                     "__errno_location", "pthread_mutex_lock", "strdup", "syscall"):
            with self.subTest(call):
                self.assert_rejected(f"void *{call}(); void *planted(void);\n"
                                     f"void *planted(void) {{ return {call}(); }}\n", call,
                                     flags=["-fno-builtin", "-Wno-all"])

    def test_address_of_malloc_in_a_table_is_caught(self):
        self.assert_rejected("extern void *malloc(unsigned long);\n"
                             "void *(*const table[])(unsigned long) = {malloc};\n", "malloc")

    def test_mutable_file_scope_state_is_caught(self):
        self.assert_rejected("static volatile int planted;\n"
                             "int use(void); int use(void) { return ++planted; }\n", "planted")

    def test_initialised_state_is_caught(self):
        self.assert_rejected("int planted = 7;\n", "planted")

    def test_static_inside_a_function_is_caught(self):
        self.assert_rejected("int use(void); int use(void) { static int planted; "
                             "return ++planted; }\n", "planted")

    def test_common_symbol_is_caught(self):
        self.assert_rejected("int planted;\n", "planted", flags=["-fcommon"])

    def test_thread_local_state_is_caught(self):
        found = self.complaints("_Thread_local int planted;\n"
                                "int use(void); int use(void) { return ++planted; }\n")
        self.assertTrue(any("planted is mutable" in complaint for complaint in found), found)

    def test_writable_table_of_pointers_is_caught(self):
        self.assert_rejected("static const int a;\nconst int *planted[] = {&a, &a};\n", "planted")

    def test_constant_tables_are_accepted(self):
        self.assertEqual(self.complaints(
            "static const char *const names[] = {\"a\", \"b\"};\n"
            "const int table[] = {1, 2};\n"
            "const char *use(int i); const char *use(int i) { return names[i]; }\n"), [])

    def test_calls_between_objects_are_accepted(self):
        self.assertEqual(self.complaints("int other(void); int one(void);\n"
                                         "int one(void) { return other(); }\n",
                                         "int other(void); int other(void) { return 1; }\n"), [])

    def test_a_static_function_does_not_serve_another_object(self):
        found = self.complaints("int other(void); int one(void);\n"
                                "int one(void) { return other(); }\n",
                                "static int other(void) { return 1; }\n"
                                "int (*const use)(void) = other;\n")
        self.assertEqual(len(found), 1, found)

    def test_memcpy_is_accepted(self):
        self.assertEqual(self.complaints(
            "void *memcpy(void *, const void *, unsigned long);\n"
            "void use(char *a, char *b, unsigned long n);\n"
            "void use(char *a, char *b, unsigned long n) { memcpy(a, b, n); }\n"), [])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
