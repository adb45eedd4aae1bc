"""tools/wasm_splats.py: constants get smaller and stay what they are, in modules
that clang makes, and what is no module is refused."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MIDGE_ROOT", Path(__file__).resolve().parents[2]))

# Every way to write a constant, and things that look like one: loads with lanes,
# shuffles, tables, blocks, numbers whose bytes are those of the instruction.
SOURCE = """\
#include <wasm_simd128.h>
#define EXPORT(name) __attribute__((export_name(#name)))
static v128_t sums[4];
EXPORT(at) void *at(void) { return sums; }
EXPORT(fill) int fill(int which, float x, const float *y) {
    v128_t v = wasm_f32x4_splat(x);
    switch (which) {
    case 0: v = wasm_f32x4_const_splat(1.5f); break;
    case 1: v = wasm_i32x4_const_splat(-3); break;
    case 2: v = wasm_i8x16_const_splat(-1); break;
    case 3: v = wasm_u8x16_const_splat(200); break;
    case 4: v = wasm_i32x4_const(1, 2, 3, 4); break;
    case 5: v = wasm_i32x4_const_splat(0); break;
    case 6: v = wasm_i8x16_shuffle(v, wasm_f32x4_const_splat(-0.0f), 0, 1, 2,
                                   3, 16, 17, 18, 19, 4, 5, 6, 7, 8, 9, 10, 11);
            break;
    case 7: v = wasm_v128_load32_lane(y, wasm_i32x4_const_splat(0x7fffffff), 2);
            break;
    case 8: v = wasm_i64x2_const_splat(0x0cfd0cfd0cfd0cfdll); break;
    case 9: v = wasm_f32x4_replace_lane(wasm_f32x4_const_splat(1e30f), 1, x);
            break;
    default: break;
    }
    sums[which & 3] = v;
    return which == 11 ? 0x0cfd0cfd : 0;
}
"""
RUN = """
const fs = require("node:fs");
const run = (path) => {
  const bytes = fs.readFileSync(path);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const at = exports.at();
  const seen = [];
  for (let i = 0; i < 12; i++) {
    seen.push(exports.fill(i, 0.25, at));
    seen.push(...new Uint8Array(exports.memory.buffer, at, 64));
  }
  return seen.join();
};
const [before, after] = process.argv.slice(1).map(run);
console.log(before === after && before.length > 1000);
"""


class Splats(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="midge-splats-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def rewrite(self, given):
        out = self.folder / "out.wasm"
        done = subprocess.run(
            [sys.executable, ROOT / "tools/wasm_splats.py", given, out],
            text=True, capture_output=True, check=False)
        return done.returncode, done.stderr, out

    @unittest.skipUnless(shutil.which("wasm-ld-19"), "needs wasm-ld-19")
    def test_the_same_in_fewer_bytes(self):
        source, module = self.folder / "m.c", self.folder / "m.wasm"
        source.write_text(SOURCE)
        for command in (
                ["clang-19", "--target=wasm32", "-O2", "-msimd128",
                 "-nostdlibinc", "-c", source, "-o", "m.o"],
                ["wasm-ld-19", "--no-entry", "--strip-all", "m.o", "-o",
                 module]):
            done = subprocess.run(command, cwd=self.folder, text=True,
                                  capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        code, text, out = self.rewrite(module)
        self.assertEqual((code, text), (0, ""))
        self.assertLess(out.stat().st_size, module.stat().st_size - 60)
        done = subprocess.run(["node", "-e", RUN, module, out], text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("true\n", ""))

    def test_what_is_no_module(self):
        given = self.folder / "no.wasm"
        given.write_bytes(b"no module")
        code, text, out = self.rewrite(given)
        self.assertEqual(code, 1)
        self.assertIn("no wasm module", text)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
