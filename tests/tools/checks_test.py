"""Every check fails on a tree with one planted fault, says where, and passes on
the same tree without it."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MIDGE_ROOT", Path(__file__).resolve().parents[2]))

GOOD_C = """\
#include "midge/thing.h"

int mdg_thing(int a) {
    return a + 1;
}
"""
GOOD_H = """\
#ifndef THING_H
#define THING_H
int mdg_thing(int a);
#endif
"""
PAGE = "\n\ntext\n\n".join(
    ["# room"] + ["## " + one for one in (
        "What lives here", "What it may include", "Read first",
        "How to test only this", "Traps")]) + "\n"


class Planted(unittest.TestCase):
    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix="midge-checks-"))
        self.addCleanup(shutil.rmtree, self.tree)
        shutil.copytree(ROOT / "tools", self.tree / "tools",
                        ignore=shutil.ignore_patterns("node", "__pycache__"))
        shutil.copy(ROOT / ".clang-format", self.tree)
        self.write("src/base/thing.c", GOOD_C.replace("midge/thing", "base/thing"))
        self.write("src/base/thing.h", GOOD_H)

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def check(self, name):
        done = subprocess.run([self.tree / "tools" / name], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "MIDGE_BUILD":
                                   str(self.tree / "out")}, check=False)
        return done.returncode, done.stdout

    def assert_good(self, name):
        code, text = self.check(name)
        self.assertEqual(code, 0, text)

    def assert_bad(self, name, *words):
        code, text = self.check(name)
        self.assertNotEqual(code, 0, text)
        for word in words:
            self.assertIn(word, text)

    def test_includes(self):
        self.assert_good("check_includes")
        for target in ('"nn/net.h"', '"midge/nn.h"', "<stdio.h>",
                       '"sqlite/sqlite_store.h"'):
            self.write("src/base/other.c", f"#include {target}\n")
            self.assert_bad("check_includes", "src/base/other.c:1", "To mend")
        self.write("src/base/other.c", "#include <stdint.h>\n")
        self.assert_good("check_includes")

    def test_includes_between_hosts(self):
        self.write("host/sqlite/x.c", '#include "loop/store.h"\n')
        self.assert_good("check_includes")
        self.write("host/sqlite/x.c", '#include "compute/pool.h"\n')
        self.assert_bad("check_includes", "host/sqlite/x.c:1")

    def test_names_are_unique(self):
        self.write("src/nn/thing.h", GOOD_H)
        self.assert_bad("check_includes", "thing.h is used twice")

    def test_format(self):
        self.assert_good("check_format")
        self.write("src/base/thing.c", GOOD_C.replace("    return", "  return"))
        self.assert_bad("check_format", "src/base/thing.c")

    def test_lengths(self):
        self.assert_good("check_lengths")
        long = "int mdg_long(int a) {\n" + "    a++;\n" * 80 + "    return a;\n}\n"
        self.write("src/base/long.c", long)
        self.assert_bad("check_lengths", "mdg_long", "src/base/long.c:1")
        self.write("src/base/long.c", "/* length: a table */\n" + long)
        self.assert_good("check_lengths")
        self.write("src/base/long.c", "int a;\n" * 801)
        self.assert_bad("check_lengths", "801 lines")

    def test_hygiene(self):
        self.assert_good("check_hygiene")
        for text in ("see /ro" + "ot/x\n", "registry.npm" + "js.org\n",
                     "<<<<" + "<<< HEAD\n", "// TO" + "DO later\n", "end \n",
                     "no newline", "Co-Authored" + "-By: x\n"):
            self.write("docs/x.md", text)
            self.assert_bad("check_hygiene", "docs/x.md")

    def test_rooms(self):
        self.write("src/base/README.md", PAGE)
        self.write("tools/README.md", PAGE)
        self.assert_good("check_rooms")
        self.write("src/base/README.md", PAGE.replace("## Traps", "## Other"))
        self.assert_bad("check_rooms", "src/base/README.md")
        self.write("src/base/README.md", PAGE + "[x](gone.md)\n")
        self.assert_bad("check_rooms", "gone.md")

    def test_specs(self):
        self.write("spec/ops/a.json", '{"name": "a", "summary": "x"}\n')
        self.assert_good("check_specs")
        for text in ('{"name": "b", "summary": "x"}', '{"name": "a"}', "{",
                     '{"name": "a", "name": "a", "summary": "x"}'):
            self.write("spec/ops/a.json", text)
            self.assert_bad("check_specs", "spec/ops/a.json")

    def test_status(self):
        header = 'X(OK, 0, "ok") X(E_A, 1, "a")\n'
        self.write("include/midge/status.h", header)
        self.assert_bad("check_status", "docs/guide/status.md")
        self.write("docs/guide/status.md", "")
        subprocess.run([self.tree / "tools" / "check_status", "--fix"],
                       cwd=self.tree, check=True, stdout=subprocess.DEVNULL)
        self.assert_good("check_status")
        self.write("include/midge/status.h", header.replace('"a"', '"b"'))
        self.assert_bad("check_status", "docs/guide/status.md")
        self.write("include/midge/status.h", header.replace("1", "2"))
        self.assert_bad("check_status", "status.h")

    def archive(self, source):
        self.write("x.c", source)
        folder = self.tree / "out" / "src" / "base"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-fPIC", "-c", "x.c", "-o", "x.o"],
                       cwd=self.tree, check=True)
        target = folder / "libmdg_base.a"
        target.unlink(missing_ok=True)
        subprocess.run(["ar", "rc", target, "x.o"], cwd=self.tree, check=True)

    def test_purity(self):
        self.assert_bad("check_purity", "cannot check")
        self.archive("const char *const t[] = {\"a\"};\n"
                     "const char *f(int i) { return t[i]; }\n")
        self.assert_good("check_purity")
        self.archive("void *malloc(unsigned long);\n"
                     "void *f(void) { return malloc(1); }\n")
        self.assert_bad("check_purity", "malloc")
        for variable in ("static int n;", "static int n = 1;",
                         "static _Thread_local int n;"):
            self.archive(variable + "\nint f(void) { return n++; }\n")
            self.assert_bad("check_purity", "n is a variable")

    def test_exports(self):
        folder = self.tree / "out" / "packaging"
        self.assert_bad("check_exports", "cannot check")
        folder.mkdir(parents=True)
        self.write("x.c", "int midge_a(void) { return 1; }\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "x.c", "-o",
                        folder / "libmidge.so"], cwd=self.tree, check=True)
        self.write("tools/allow/exports.txt", "midge_a\n")
        self.assert_good("check_exports")
        self.write("tools/allow/exports.txt", "midge_a\nmidge_b\n")
        self.assert_bad("check_exports", "not exported: midge_b")
        self.write("tools/allow/exports.txt", "")
        self.assert_bad("check_exports", "not listed: midge_a")

    def test_headers(self):
        shutil.rmtree(self.tree / "src")
        self.write("include/midge/a.h", "#include <stddef.h>\n"
                   "size_t midge_a(void);\n")
        self.assert_good("check_headers")
        for text in ("size_t midge_a(void);\n", "int new(int class);\n",
                     "struct s { int n; struct { int a; }; };\n"):
            self.write("include/midge/a.h", text)
            self.assert_bad("check_headers", "midge/a.h")


if __name__ == "__main__":
    unittest.main()
