#!/usr/bin/env python3
"""kernels_report.py LINES OUT: the page of run_kernels.sh."""
import sys

import report


def main():
    origin, lines = report.read(sys.argv[1])
    isas = list(dict.fromkeys(x["isa"] for x in lines))
    result = {**origin, "results": {}, "measurements": lines}
    for x in lines:
        kernel = result["results"].setdefault(x["kernel"], {"unit": x["unit"]})
        kernel[x["isa"]] = report.spread(x["rates"], 3)
    rows = [[name, kernel["unit"],
             *(report.cell(kernel[isa], ".3g") for isa in isas)]
            for name, kernel in result["results"].items()]
    report.write(
        sys.argv[2], result, "Kernels, one thread",
        ["Made by `bench/run_kernels.sh`; every measurement is in "
         "`kernels.json`."],
        [*report.origin_lines(result, "one used"),
         f"- median (least to most) of {len(lines[0]['rates'])} rounds, the "
         "instruction sets taking turns; time of the CPU"],
        report.table(["kernel", "unit", *isas], *rows),
        ["The columns give the same bits. l2sq counts three operations for an",
         "element, exp, tanh, cos and softmax count elements, adam and transpose",
         "count bytes moved."])


main()
