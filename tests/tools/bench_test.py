"""The harness of the benchmarks: who takes turns, what counts as a change, and
that a side which computed something else is an error."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MIDGE_ROOT", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "bench"))
import compare  # noqa: E402  (found by the line above)
import figures  # noqa: E402
import harness  # noqa: E402
import report  # noqa: E402
import run_kernels  # noqa: E402


def spread(least, median, most):
    return {"n": 3, "median": median, "least": least, "most": most}


class Turns(unittest.TestCase):
    def test_every_other_round_is_backwards(self):
        self.assertEqual([(i, side) for i, side in harness.turns(3, "abc")],
                         [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"),
                          (1, "a"), (2, "a"), (2, "b"), (2, "c")])

    def test_a_program_prints_lines_or_one_value(self):
        lines = harness.Program(["printf", r'{"ms": 1}\n{"ms": 2}\n'],
                                {"side": "x"}).ask()
        self.assertEqual(lines, [{"side": "x", "ms": 1}, {"side": "x", "ms": 2}])
        value, = harness.Program(["printf", "[1,\n2]"], key="ms",
                                 clock="wall").ask()
        self.assertEqual(value["ms"], [1, 2])
        self.assertGreater(value["wall"], 0)

    def test_a_program_that_fails_is_told_with_what_it_said(self):
        program = harness.Program(["sh", "-c", "echo because >&2; exit 3"])
        with self.assertRaisesRegex(harness.Failed, "(?s)with 3.*because"):
            program.ask()

    def test_a_process_answers_until_it_dies(self):
        side = harness.Process("echo", [
            "sh", "-c", r'read a; echo "{\"got\": \"$a\"}"; read b; exit 4'])
        self.assertEqual(side.ask("time", 7), {"got": "time 7"})
        with self.assertRaisesRegex(harness.Failed, "echo: .* with 4"):
            side.ask("more")
        with self.assertRaisesRegex(harness.Failed, "with 4"):
            side.ask("it is dead already")
        side.close()

    def test_an_unknown_name_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as told:
            with self.assertRaises(SystemExit) as end:
                harness.benchmark("nosuch")
        self.assertEqual(end.exception.code, 2)
        self.assertIn("kernels", told.getvalue())

    def test_counts_are_whole_numbers_above_zero(self):
        self.assertEqual(harness.counts_of("wasm", ["3", "1"]), [3, 1])
        for name, words in (("wasm", ["0"]), ("wasm", ["-1"]), ("wasm", ["x"]),
                            ("wasm", ["--fast"]), ("wasm", ["1", "2", "3"]),
                            ("all", ["1"]), ("all", ["--compare"])):
            with self.subTest(words), contextlib.redirect_stderr(
                    io.StringIO()) as told, self.assertRaises(SystemExit) as end:
                harness.counts_of(name, words)
            self.assertEqual(end.exception.code, 2)
            self.assertIn("usage: ./run bench", told.getvalue())

    def test_each_benchmark_has_its_parts(self):
        for name in harness.names():
            bench = harness.benchmark(name)
            with self.subTest(name):
                self.assertTrue(bench.ABOUT and callable(bench.measure)
                                and callable(bench.report))
                self.assertTrue(all(isinstance(count, int)
                                    for count in bench.COUNTS.values()))


class Compare(unittest.TestCase):
    def test_a_change_is_outside_of_both_spreads(self):
        old = spread(9, 10, 11)
        self.assertTrue(compare.changed(old, spread(12, 13, 14)))
        self.assertTrue(compare.changed(old, spread(6, 7, 8)))
        self.assertFalse(compare.changed(old, spread(10, 13, 14)))
        self.assertFalse(compare.changed(spread(9, 10, 13), spread(11, 12, 14)))
        self.assertFalse(compare.changed(old, old))
        self.assertEqual(compare.verdict(old, spread(12, 13, 14)), "yes")
        self.assertEqual(compare.verdict(old, old), "")
        one = {**spread(13, 13, 13), "n": 1}
        self.assertEqual(compare.verdict(old, one), "too few")

    def test_rows_are_found_at_any_depth(self):
        found = compare.rows({"a": {"b": spread(1, 2, 3), "n": 4},
                              "c": spread(5, 6, 7), "d": [1]})
        self.assertEqual(list(found), ["a / b", "c"])

    def test_the_page_has_old_new_ratio_and_verdict(self):
        about = {"machine": {"cpu": "x"}, "commit": "c", "compiler": "cc",
                 "date": "d"}
        page = compare.page(
            {**about, "results": {"a": spread(9, 10, 11), "gone": spread(1, 1, 1)}},
            {**about, "results": {"a": spread(19, 20, 21),
                                  "came": spread(2, 2, 2)}})
        self.assertIn("| a | 10 (9 to 11) | 20 (19 to 21) | 2.000 | yes |", page)
        self.assertIn("only old: gone", page)
        self.assertIn("only new: came", page)

    def test_a_file_or_a_commit(self):
        run = {"results": {"ms": spread(1, 2, 3)}}
        with tempfile.TemporaryDirectory() as folder:
            for text, good in ((json.dumps(run), True), ("{", False),
                               ("[]", False), ('{"results": {}}', False)):
                file = Path(folder, "run.json")
                file.write_text(text)
                with self.subTest(text):
                    if good:
                        self.assertEqual(compare.stored("x", file), run)
                    else:
                        with self.assertRaisesRegex(SystemExit, "no stored run"):
                            compare.stored("x", file)
        with self.assertRaisesRegex(SystemExit, "neither a file nor a commit"):
            compare.stored("start", "no-such-commit")
        with self.assertRaisesRegex(SystemExit, "neither a file nor a commit"):
            compare.stored("no_such_benchmark")


class Kernels(unittest.TestCase):
    def answers(self, peer_sum, other_hash="aa"):
        return {"scalar": {"hash": "aa", "sum": 10.0, "scale": 100.0},
                "v2": {"hash": other_hash, "sum": 10.0, "scale": 100.0},
                "peer": {"hash": "bb", "sum": peer_sum, "scale": 100.0}}

    def test_other_work_is_an_error(self):
        for wrong in (10.2, float("nan")):
            with self.assertRaises(harness.Failed):
                run_kernels.check({"name": "dot"}, self.answers(wrong))

    def test_last_digits_are_told(self):
        same = run_kernels.check({"name": "dot"}, self.answers(10.05, "cc"))
        self.assertEqual(same, {"scalar": True, "v2": False, "peer": False})

    def test_a_target_is_judged_by_the_medians(self):
        lines = [{"work": "dot 8x768", "side": side, "ns": ns}
                 for side, ns in (("v2", [80, 84, 90]),
                                  ("wasm simd", [100, 100, 100]))]
        target, = run_kernels.judged(lines)
        self.assertEqual(target["ratio"]["median"], 0.84)
        self.assertFalse(target["met"])
        lines[0]["ns"][1] = 85
        self.assertTrue(run_kernels.judged(lines)[0]["met"])


class Figures(unittest.TestCase):
    def test_a_figure_says_what_was_measured_and_if_it_is_reached(self):
        read = figures.wasm_size("core-simd", 100)
        self.assertEqual(read({"modules": {"core-simd": {"bytes": 101}}}),
                         ("101 bytes", False))
        read = figures.kernel_targets("x")
        one = {"what": "x", "work": "dot", "side": "avx2", "met": True,
               "ratio": {"median": 1.25}}
        self.assertEqual(read({"targets": {"1": one}}),
                         ("dot 1.25x (avx2)", True))
        self.assertFalse(read({"targets": {"1": one, "2": {**one, "met": False}}}
                              )[1])
        with self.assertRaises(KeyError):
            read({"targets": {}})

    def test_each_measurement_has_a_line(self):
        data = {"results": {"a": 1}, "measurements": [{"ns": [1, 2]}, {"b": 3}]}
        text = report.as_json(data)
        self.assertEqual(json.loads(text), data)
        self.assertIn('\n  {"ns": [1, 2]},\n', text)
        self.assertEqual(json.loads(report.as_json({"results": {}})),
                         {"results": {}})

    def test_middle_and_spread(self):
        self.assertEqual(report.spread([3, 1, 2], 1), spread(1, 2, 3))


if __name__ == "__main__":
    unittest.main()
