#!/usr/bin/env python3
"""The checks themselves: each must find what it is for and leave good code alone."""

import unittest

import banned_calls
import include_rule
import shape
import text
from source_tree import code_only


KNOWN = ("base/x.h", "varve/labels.h", "varve/status.h", "storage/kv/store.h",
         "storage/format/x.h", "engine/reader.h", "engine/head.h", "query/x.h", "server/x.h",
         "tools/x.h")


def includes(name, line):
    return include_rule.check_text(name, f"// a\n#include {line}\n", lambda target: target in KNOWN)


class CodeOnlyTest(unittest.TestCase):
    def test_blanks_comments_and_literals_in_place(self):
        source = 'a("x // y"); // exit(1)\n/* abort()\n */ b(\'"\'); R"(\n")" c 1\'000\'000 d'
        code = code_only(source)
        self.assertEqual(len(code), len(source))
        self.assertEqual(code.count("\n"), source.count("\n"))
        for gone in ("exit", "abort", "x // y"):
            self.assertNotIn(gone, code)
        for kept in ("a(", "b(", " c ", "1'000'000", " d"):
            self.assertIn(kept, code)


class IncludeRuleTest(unittest.TestCase):
    def test_down_the_arrow_is_fine(self):
        for name, line in [("engine/a.cc", '"storage/kv/store.h"'), ("index/a.cc", "<vector>"),
                           ("base/a.cc", '"varve/status.h"'), ("server/a.cc", '"varve/labels.h"'),
                           ("tools/a.cc", '"storage/format/x.h"'),
                           ("storage/kv/a.cc", "<rocksdb/db.h>"), ("tools/a.cc", '"server/x.h"'),
                           ("tests/unit/engine/a.cc", '"engine/head.h"'),
                           ("query/a.cc", '"engine/reader.h"')]:
            self.assertEqual(includes(name, line), [], (name, line))

    def test_everything_else_is_named_with_its_line(self):
        for name, line in [("storage/a.cc", '"engine/head.h"'), ("query/a.cc", '"engine/head.h"'),
                           ("engine/a.cc", '"query/x.h"'), ("index/a.cc", '"varve/labels.h"'),
                           ("server/a.cc", '"engine/reader.h"'), ("server/a.cc", '"query/x.h"'),
                           ("tools/a.cc", '"storage/kv/store.h"'), ("server/a.cc", '"tools/x.h"'),
                           ("include/varve/a.h", '"base/x.h"'), ("engine/a.cc", "<rocksdb/db.h>"),
                           ("storage/format/a.cc", "<rocksdb/db.h>"), ("base/a.cc", '"x.h"'),
                           ("engine/a.cc", "<base/x.h>")]:
            faults = includes(name, line)
            self.assertEqual(len(faults), 1, (name, line))
            self.assertIn(f"{name}:2:", faults[0])


class ShapeTest(unittest.TestCase):
    def body(self, lines):
        return "  x();\n" * lines

    def test_finds_functions_in_namespaces_and_classes(self):
        source = ("namespace a {\nnamespace {\nint F(int x) {\n  if (x) {\n    y();\n  }\n}\n}\n"
                  "class B : public C {\n public:\n  void G() const { z(); }\n"
                  "  int h_{3};\n};\nconstexpr int kT[] = {1, 2};\n"
                  "B::B(int a)\n    : b_(a), c_{a} {\n  for (;;) {}\n}\n"
                  "template <typename T>\nstruct D {};\nauto L() -> int {\n}\n}\n")
        names = [name for name, _, _ in shape.functions(source)]
        for name in ("F", "G", "L"):
            self.assertIn(name, names)
        self.assertIn("B::B", names)
        self.assertNotIn("kT", names)

    def test_long_function(self):
        allowed = f"int F() {{\n{self.body(68)}}}\n"
        self.assertEqual(shape.check_text("base/a.cc", allowed), [])
        faults = shape.check_text("base/a.cc", f"// a\nint F() {{\n{self.body(69)}}}\n")
        self.assertEqual(faults, ["base/a.cc:2: F has 71 lines, 70 are allowed"])

    def test_long_method_of_a_class(self):
        method = f" void F() {{\n{self.body(70)}}}\n"
        faults = shape.check_text("base/a.cc", f"class A {{\n{method}}};\n")
        self.assertEqual(len(faults), 1)

    def test_long_file_and_nameless_things(self):
        self.assertEqual(len(shape.check_text("base/a.cc", "\n" * 801)), 1)
        self.assertEqual(len(shape.check_text("base/string_util.cc", "\n")), 1)
        self.assertEqual(len(shape.check_text("base/a.cc", "class DiskManager {\n};\n")), 1)
        self.assertEqual(shape.check_text("base/utilization.cc", "\n"), [])

    def test_bool_parameter(self):
        for line, count in [("void F(bool x);", 1), ("void F(int a, bool b = true);", 1),
                            ("bool F(int x);", 0), ("// F(bool x)", 0), ("bool b = F(x);", 0)]:
            faults = shape.check_text("base/a.h", f"#pragma once\n{line}\n")
            self.assertEqual(len(faults), count, line)

    def test_header_guard(self):
        self.assertEqual(len(shape.check_text("base/a.h", "int f();\n")), 1)
        self.assertEqual(shape.check_text("base/a.h", "#pragma once\nint f();\n"), [])


class BannedCallsTest(unittest.TestCase):
    def test_finds(self):
        for name, code in [("engine/a.cc", "std::cout << 1;"), ("base/a.cc", "std::abort();"),
                           ("base/a.cc", "  exit(1);"), ("query/a.cc", 'printf("x");'),
                           ("query/a.cc", "std::regex r;"), ("index/a.cc", "throw 1;"),
                           ("tests/unit/a.cc", "std::this_thread::sleep_for(x);"),
                           ("tests/unit/a.cc", "TEST(A, DISABLED_B) {}"),
                           ("server/a.cc", "x = rand();"), ("server/a.cc", "strcpy(a, b);"),
                           ("base/a.h", "assert(x);")]:
            self.assertEqual(len(banned_calls.check_text(name, f"{code}\n")), 1, (name, code))

    def test_leaves_alone(self):
        for name, code in [("base/check.cc", "std::abort();"), ("engine/a.cc", "// std::cout"),
                           ("engine/a.cc", 'x = "exit(";'), ("server/a.cc", "std::cout << 1;"),
                           ("base/a.cc", "snprintf(b, 2, f);"), ("base/a.cc", "on_exit(1);"),
                           ("base/a.cc", "static_assert(true);"), ("base/a.cc", "x.exit();"),
                           ("engine/a.cc", "rethrow(x);"), ("base/a.cc", "operand(1);"),
                           ("base/a.cc", "using namespace std::string_literals;")]:
            self.assertEqual(banned_calls.check_text(name, f"{code}\n"), [], (name, code))


class TextTest(unittest.TestCase):
    def test_finds(self):
        place = "/" + "home/somebody"
        for code in ["x" * 101, "a\tb", "a ", "a\r", "// TODO: later", "// TODO(me): later",
                     f'open("{place}");', "<<<<<<< HEAD"]:
            self.assertEqual(len(text.check_text("base/a.cc", f"{code}\n")), 1, code)
        self.assertEqual(len(text.check_text("base/a.cc", "int a;")), 1)
        self.assertEqual(len(text.check_text("base/a.cc", "")), 1)

    def test_leaves_alone(self):
        for code in ["x" * 100, "// TODO(#12): later", "// https://x.org/" + "x" * 99, "a/work/b",
                     "auto s = x << 7;"]:
            self.assertEqual(text.check_text("base/a.cc", f"{code}\n"), [], code)
        self.assertEqual(text.check_text("README.md", "x" * 130 + "\n"), [])


if __name__ == "__main__":
    unittest.main()
