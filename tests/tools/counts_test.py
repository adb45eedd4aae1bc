"""The counting of ./test: that no failure, death or silence counts as success."""

import json
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(os.environ.get(
    "MIDGE_ROOT", Path(__file__).resolve().parents[2])) / "tools"))
import counts  # noqa: E402  (found by the line above)

CMOCKA = """\
[==========] Running 3 test(s).
[ RUN      ] adds
[       OK ] adds
[ RUN      ] breaks
[  FAILED  ] breaks
[ RUN      ] waits
[  SKIPPED ] waits
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] waits

 1 SKIPPED TEST(S)
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] breaks

 1 FAILED TEST(S)
"""


def numbers(result):
    return result.passed, result.failed, result.skipped


class Cmocka(unittest.TestCase):
    def test_each_kind_is_counted_once(self):
        self.assertEqual(numbers(counts.cmocka(CMOCKA, 1)), (1, 1, 1))

    def test_death_after_a_good_test_is_a_failure(self):
        text = "[ RUN      ] adds\n[       OK ] adds\n[ RUN      ] dies\n"
        self.assertEqual(numbers(counts.cmocka(text, -11)), (1, 1, 0))

    def test_a_sanitizer_report_after_all_tests_is_a_failure(self):
        text = "[       OK ] adds\nERROR: LeakSanitizer: detected memory leaks"
        self.assertEqual(numbers(counts.cmocka(text, 23)), (1, 1, 0))

    def test_other_programs_are_one_test(self):
        self.assertEqual(numbers(counts.cmocka("", 0)), (1, 0, 0))
        self.assertEqual(numbers(counts.cmocka("", 3)), (0, 1, 0))
        self.assertEqual(numbers(counts.cmocka("", 77)), (0, 0, 1))


class MesonLog(unittest.TestCase):
    def entry(self, result, code, text=""):
        return json.dumps({"name": "t", "result": result, "returncode": code,
                           "stdout": text})

    def test_lines_add_up(self):
        log = [self.entry("OK", 0, CMOCKA.split("[ RUN      ] breaks")[0]),
               self.entry("FAIL", 1, CMOCKA), self.entry("SKIP", 77)]
        self.assertEqual(numbers(counts.meson_log(log)), (2, 1, 2))

    def test_out_of_time_is_a_failure(self):
        log = [self.entry("TIMEOUT", 0, "[       OK ] adds\n")]
        self.assertEqual(numbers(counts.meson_log(log)), (1, 1, 0))

    def test_failures_are_noted(self):
        note = counts.meson_log([self.entry("FAIL", 1, CMOCKA)]).notes[0]
        self.assertIn("breaks", note)


class Node(unittest.TestCase):
    TAP = "# tests 4\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0\n"

    def test_cancelled_is_failed(self):
        self.assertEqual(numbers(counts.node(self.TAP, 1)), (2, 2, 0))

    def test_silence_is_a_failure(self):
        self.assertEqual(numbers(counts.node("", 0)), (0, 1, 0))

    def test_an_exit_code_without_a_failed_test_is_a_failure(self):
        text = "# pass 3\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n"
        self.assertEqual(numbers(counts.node(text, 1)), (3, 1, 0))


class Unittest(unittest.TestCase):
    def test_good(self):
        self.assertEqual(numbers(counts.unittest(
            "Ran 5 tests in 0.1s\n\nOK (skipped=2)\n", 0)), (3, 0, 2))

    def test_bad(self):
        self.assertEqual(numbers(counts.unittest(
            "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n", 1)),
            (3, 2, 0))

    def test_no_report_is_a_failure(self):
        self.assertEqual(numbers(counts.unittest("", 0)), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
