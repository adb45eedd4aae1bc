"""counts.py: reads how many tests passed, failed and were skipped out of what
the test runners write. A runner that died without saying so counts as a
failure: never does silence count as success."""

import json
import re
from dataclasses import dataclass, field

SKIP_EXIT_CODE = 77  # meson's and automake's convention

CMOCKA_OK = re.compile(r"^\[ +OK \] ", re.M)
CMOCKA_SKIPPED = re.compile(r"^\[ +SKIPPED \] (?!\d+ test)(\S+)", re.M)
CMOCKA_FAILED = re.compile(r"^\[ +(?:FAILED|ERROR) +\] (?!\d+ test)(\S+)", re.M)
NODE_COUNT = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", re.M)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_END = re.compile(r"^(OK|FAILED)(?: \((.*)\))?$", re.M)


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = field(default_factory=list)  # text for whoever mends it

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes

    def line(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")


def one(code, note=""):
    """A program that is one test and tells by its exit code."""
    if code == 0:
        return Counts(passed=1)
    if code == SKIP_EXIT_CODE:
        return Counts(skipped=1, notes=[note] if note else [])
    return Counts(failed=1, notes=[note] if note else [])


def cmocka(text, code):
    """One cmocka program; any other program is one test."""
    counts = Counts(passed=len(CMOCKA_OK.findall(text)),
                    failed=len(set(CMOCKA_FAILED.findall(text))),
                    skipped=len(set(CMOCKA_SKIPPED.findall(text))))
    if counts.passed + counts.failed + counts.skipped == 0:
        return one(code)
    if code not in (0, SKIP_EXIT_CODE) and counts.failed == 0:
        counts.failed = 1  # it died after its last report
    return counts


def meson_log(lines):
    """The testlog.json of `meson test`: one JSON object a line."""
    counts = Counts()
    for line in lines:
        if not line.strip():
            continue
        entry = json.loads(line)
        text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
        code = entry["returncode"]
        if entry["result"] in ("OK", "EXPECTEDFAIL"):
            code = 0
        elif entry["result"] == "SKIP":
            code = SKIP_EXIT_CODE
        elif code == 0:
            code = 1  # TIMEOUT and the like
        part = node(text, code) if NODE_COUNT.search(text) else cmocka(text,
                                                                       code)
        if part.failed:
            part.notes.append(f"{entry['name']}: {entry['result']}\n"
                              + tail(text))
        counts.add(part)
    return counts


def node(text, code):
    """`node --test --test-reporter=tap`."""
    found = {}
    for key, number in NODE_COUNT.findall(text):
        found[key] = found.get(key, 0) + int(number)
    counts = Counts(passed=found.get("pass", 0),
                    failed=found.get("fail", 0) + found.get("cancelled", 0),
                    skipped=found.get("skipped", 0) + found.get("todo", 0))
    if not found or (code != 0 and counts.failed == 0):
        counts.failed += 1
    return counts


def unittest(text, code):
    """`python3 -m unittest`."""
    ran = UNITTEST_RAN.search(text)
    end = UNITTEST_END.search(text)
    if not ran or not end:
        return one(code or 1)
    numbers = dict(part.split("=") for part in (end.group(2) or "").split(", ")
                   if "=" in part)
    failed = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
    skipped = int(numbers.get("skipped", 0))
    if code != 0 and failed == 0:
        failed = 1
    return Counts(passed=max(int(ran.group(1)) - failed - skipped, 0),
                  failed=failed, skipped=skipped)


def tail(text, lines=40):
    kept = text.rstrip().splitlines()
    cut = ["..."] if len(kept) > lines else []
    return "\n".join(cut + kept[-lines:])
