#!/usr/bin/env python3
"""clean_test_report.py BUILD SECONDS PACKAGES CODE LAST_LINE SUITES OUT: the
page of clean_test.sh."""
import sys

import report


def main():
    build, seconds, packages, code, last, suites, out = sys.argv[1:]
    result = {**report.origin(build, ["."]), "results": {
        "seconds": int(seconds), "packages_installed": int(packages),
        "exit_code": int(code), "last_line": last,
        "suites": suites or "all"}}
    report.write(
        out, result, "`./test` in a fresh clone",
        ["Made by `bench/clean_test.sh`."], report.origin_lines(result),
        report.table(["seconds", "suites", "Debian packages it installed",
                      "exit code", "its last line"],
                     [seconds, suites or "all", packages, code, last]))


main()
