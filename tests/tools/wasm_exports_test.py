"""tools/gen_wasm_exports.py over a small tree: what it writes, and that it
stops at what JavaScript could not call."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MIDGE_ROOT", Path(__file__).resolve().parents[2]))

KERNELS_H = """\
#include "kernels/reduce.h"
#include "kernels/matrix.h"
#define MDG_KERNELS_LIST(X, isa, bytes) \\
    MDG_REDUCE_OPS(X, isa)              \\
    MDG_MATRIX_OPS(X, isa)
"""
REDUCE_H = """\
#define MDG_REDUCE_OPS(X, isa)                                        \\
    X(isa, float, dot_f32, (size_t n, const float *a, const float *b)) \\
    X(isa, size_t, argmax_f32, (size_t n, const float *x))
"""
MATRIX_H = """\
typedef struct mdg_gemm {
    size_t m, n; /* rows, columns */
    const float *a;
    void (*activate)(size_t n, float *x);
    float scale;
} mdg_gemm;
#define MDG_MATRIX_OPS(X, isa) X(isa, void, gemm_f32, (const mdg_gemm *g))
"""
ENTRY_C = """\
EXPORT(alloc) void *entry_alloc(size_t size);
EXPORT(seed)
void entry_seed(void *rng, uint64_t seed_value);
"""
PARTS = ["common=entry.c", "vectors=reduce", "kernels=vectors,all"]


class Exports(unittest.TestCase):
    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix="midge-exports-"))
        self.addCleanup(shutil.rmtree, self.tree)
        self.write("src/kernels/kernels.h", KERNELS_H)
        self.write("src/kernels/reduce.h", REDUCE_H)
        self.write("src/kernels/matrix.h", MATRIX_H)
        self.write("include/midge/selftest.h",
                   "#define MIDGE_SELFTEST_RESULT 0x1234abcdu\n")
        self.write("bindings/js/wasm/entry.c", ENTRY_C)

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def generate(self, parts=None):
        out = self.tree / "exports.ts"
        done = subprocess.run(
            [sys.executable, ROOT / "tools/gen_wasm_exports.py", out,
             self.tree / "exports.d", self.tree, *(parts or PARTS)],
            text=True, capture_output=True, check=False)
        return done.returncode, done.stderr, \
            out.read_text() if out.exists() else ""

    def refused(self, words, parts=None):
        code, text, written = self.generate(parts)
        self.assertEqual(code, 1)
        self.assertIn(words, text)
        self.assertEqual(written, "")

    def test_what_is_written(self):
        code, text, written = self.generate()
        self.assertEqual((code, text), (0, ""))
        for line in (
                "  alloc(size: number): Pointer;",
                "  seed(rng: Pointer, seedValue: bigint): void;",
                "  dot_f32(n: number, a: Pointer, b: Pointer): number;",
                "export interface KernelsOps extends VectorsOps {",
                "  gemm_f32(g: Pointer): void;",
                "    activate: 3,",
                "    WORDS: 5,",
                "export const SELFTEST_RESULT = 0x1234abcd;"):
            self.assertIn(line + "\n", written)
        unsigned = written[written.index("UNSIGNED"):]
        for name, is_unsigned in (("argmax_f32", True), ("alloc", True),
                                  ("dot_f32", False)):
            self.assertEqual(f'"{name}"' in unsigned, is_unsigned, name)
        made_from = (self.tree / "exports.d").read_text()
        for name in ("entry.c", "reduce.h", "matrix.h", "selftest.h"):
            self.assertIn(name, made_from)

    def test_a_part_that_does_not_exist(self):
        self.refused("there is nothing called redcue",
                     ["common=entry.c", "vectors=redcue"])

    def test_a_family_without_a_header(self):
        self.write("src/kernels/kernels.h",
                   KERNELS_H + "MDG_BITS_OPS(X, isa)\n")
        self.refused("no header has the operations ['BITS']")

    def test_an_operation_that_cannot_be_read(self):
        self.write("src/kernels/reduce.h", REDUCE_H.replace(
            "(size_t n, const float *x)", "(float (*f)(float), float x)"))
        self.refused("reduce.h: an operation that cannot be read")

    def test_types_that_javascript_does_not_have(self):
        self.write("bindings/js/wasm/entry.c",
                   "EXPORT(f) void f(long double x);\n")
        self.refused("no TypeScript type for 'long double")

    def test_a_parameter_without_a_name(self):
        self.write("bindings/js/wasm/entry.c", "EXPORT(f) void f(int);\n")
        self.refused("parameter 0 has no name")

    def test_a_struct_whose_fields_are_not_words(self):
        self.write("src/kernels/matrix.h",
                   MATRIX_H.replace("float scale", "double scale"))
        self.refused("a field that is not one word of four bytes")

    def test_a_door_that_exports_nothing(self):
        self.write("bindings/js/wasm/entry.c", "int x;\n")
        self.refused("entry.c exports nothing")


if __name__ == "__main__":
    unittest.main()
