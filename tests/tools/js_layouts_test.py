"""tools/gen_js_layouts.py: what it writes of a small header, that it stops at what
it cannot read, and that clang lays structs out in the same way."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MIDGE_ROOT", Path(__file__).resolve().parents[2]))

HEADER = """\
typedef enum midge_kind {
    MIDGE_KIND_NONE, /* 0; not, a name */
    MIDGE_KIND_SLOW_WALK = 5,
    MIDGE_KIND_RUN,
    MIDGE_KIND_DASH = MIDGE_KIND_RUN
} midge_kind;
typedef int (*midge_ask_fn)(void *ctx);
typedef struct midge_part {
    uint32_t count;
    double value;
} midge_part;
typedef struct midge_whole {
    int on;              /* it is */
    midge_part part;
    float low, high;
    const uint32_t *list;
    midge_kind kind;
    midge_ask_fn ask;
    double (*now)(void *ctx);
    uint64_t seed;
    size_t last;
} midge_whole;
"""
STRUCTS = ["midge_net_options", "midge_layer", "midge_scaling",
           "midge_net_data", "midge_train_options", "midge_net_progress",
           "midge_train_result", "midge_cascade_options",
           "midge_cascade_result", "midge_regression_measures",
           "midge_classification_measures", "midge_class_measures"]


class Layouts(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="midge-layouts-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def generate(self, headers, names):
        out = self.folder / "layouts.ts"
        out.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, ROOT / "tools/gen_js_layouts.py", out,
             self.folder / "layouts.d", *headers, "--", *names],
            text=True, capture_output=True, check=False)
        return done.returncode, done.stderr, \
            out.read_text() if out.exists() else ""

    def small(self, text=HEADER, names=("midge_whole",)):
        header = self.folder / "small.h"
        header.write_text(text)
        return self.generate([header], names)

    def test_what_is_written(self):
        code, text, written = self.small()
        self.assertEqual((code, text), (0, ""))
        for line in ("    none: 0,", "    slow_walk: 5,", "    run: 6,",
                     "    dash: 6,", "    bytes: 64,", '      on: [0, "i32"],',
                     '      part: [8, "midge_part"],',
                     '      high: [28, "f32"],', '      list: [32, "pointer"],',
                     '      kind: [36, "midge_kind"],',
                     '      ask: [40, "pointer"],', '      now: [44, "pointer"],',
                     '      seed: [48, "u64"],', '      last: [56, "u32"],'):
            self.assertIn(line + "\n", written)

    def test_what_is_refused(self):
        for text, names, words in (
                (HEADER, ["midge_other"], "no header has ['midge_other']"),
                (HEADER.replace("float low", "midge_odd low"), ["midge_whole"],
                 "no size is known of 'midge_odd'"),
                (HEADER.replace("high;", "high[2];"), ["midge_whole"],
                 "a field that cannot be read")):
            code, said, written = self.small(text, names)
            self.assertEqual((code, written), (1, ""))
            self.assertIn(words, said)

    @unittest.skipUnless(shutil.which("clang-19"), "needs clang-19")
    def test_as_clang_lays_them_out(self):
        headers = [ROOT / "include/midge" / name for name in
                   ("measure.h", "nn.h", "nn_train.h")]
        code, text, written = self.generate(headers, STRUCTS)
        self.assertEqual((code, text), (0, ""))
        lines = ["#include <stddef.h>", '#include "midge/measure.h"',
                 '#include "midge/nn_train.h"']
        for struct, body in re.findall(
                r"^  (midge_\w+): \{\n    bytes: (.*?)^  \},", written,
                re.S | re.M):
            size = body.split(",")[0]
            lines.append(f'_Static_assert(sizeof({struct}) == {size}, "");')
            lines += [f'_Static_assert(offsetof({struct}, {name}) == {at}, "");'
                      for name, at in re.findall(r"(\w+): \[(\d+)", body)]
        self.assertGreater(len(lines), 100)
        check = self.folder / "check.c"
        check.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            ["clang-19", "--target=wasm32", "-std=c11", "-fsyntax-only",
             "-nostdlibinc", f"-I{ROOT}/include", check],
            text=True, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
