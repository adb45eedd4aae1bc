#!/usr/bin/env python3
"""start_report.py LINES OUT: the page of run_start.sh."""
import sys

import report


def main():
    origin, lines = report.read(sys.argv[1])
    result = {**origin, "results": {"ms": report.spread(
        (x["ms"] for x in lines), 0)}, "measurements": lines}
    report.write(
        sys.argv[2], result, "A second `./run`, before the real work",
        ["Made by `bench/run_start.sh`; every measurement is in `start.json`."],
        report.origin_lines(result),
        report.table(["what", "n", "median ms (least to most)"],
                     ["`./run --version`", len(lines),
                      report.cell(result["results"]["ms"])]),
        ["It looks for what is missing, configures and builds nothing, starts",
         "`midge` and ends: all that a second `./run` does before its work."])


main()
