#!/usr/bin/env python3
"""nn_report.py LINES OUT: makes OUT.json and OUT.md of what run_nn.sh measured."""
import os
import sys

import report

TITLES = {"epoch_adam": "epoch, Adam", "epoch_sgd": "epoch, SGD with momentum",
          "run": "60,000 rows run, 256 at a time"}


def summary(lines, engine, what):
    mine = [x for x in lines if x["engine"] == engine
            and x.get("what") == what]
    ms = report.spread(x["ms"] for x in mine)
    return {"n": ms["n"], "median_ms": ms["median"], "min_ms": ms["least"],
            "max_ms": ms["most"], "last_loss": mine[-1].get("loss")}


def main():
    origin, lines = report.read(sys.argv[1])
    about = next(x for x in lines if "version" in x)
    origin["machine"]["threads"] = 1
    result = {**origin, "torch": about["version"], "blas": about["blas"],
              "results": {}, "measurements": [x for x in lines if "what" in x]}
    rows = []
    for what, title in TITLES.items():
        ours = summary(lines, "midge", what)
        theirs = summary(lines, "torch", what)
        ratio = round(theirs["median_ms"] / ours["median_ms"], 2)
        result["results"][what] = {"midge": ours, "torch": theirs,
                                   "ratio": ratio}
        cells = [f'{x["median_ms"]:.0f} ({x["min_ms"]:.0f}-{x["max_ms"]:.0f})'
                 for x in (ours, theirs)]
        rows.append([title, *cells, ratio])
    n = result["results"]["epoch_adam"]["midge"]["n"]
    report.write(
        sys.argv[2], result,
        "A 784-128-10 network, batch 32, 60,000 rows, one thread",
        ["Made by `bench/run_nn.sh`; every measurement is in `nn_epoch.json`."],
        [*report.origin_lines(result, "one used"),
         f"- PyTorch {about['version']} over "
         + ", ".join(os.path.basename(p) for p in about["blas"]),
         f"- median (least-most) of {n} epochs each, the two taking turns"],
        report.table(["what", "Midge, ms", "PyTorch, ms", "PyTorch / Midge"],
                     *rows),
        ["Midge rounds every product before it is added (the same bits on every",
         "machine); PyTorch's BLAS uses fused multiply-add."])


main()
