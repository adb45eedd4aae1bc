#!/usr/bin/env python3
"""wasm_report.py LINES OUT: makes OUT.json and OUT.md of what run_wasm.sh
measured."""
import sys

import report

TITLES = {"net": "784-128-10 network, 2,000 rows",
          "knn": "5 nearest of 10,000 rows of 784, 100 queries"}

def module_row(result, lines, module):
    size = next(x for x in lines if x["what"] == "size"
                and x["module"] == module)
    ms = report.spread((x["load_ms"] for x in lines if x["what"] == "load"
                        and x["module"] == module), 3)
    result["modules"][module] = {"bytes": size["bytes"],
                                 "gzip_bytes": size["gzip_bytes"],
                                 "load_ms": ms}
    return [f"midge-{module}.wasm", f'{size["bytes"]:,}',
            f'{size["gzip_bytes"]:,}', report.cell(ms, ".2f")]


def engines_of(lines):
    """In the order in which they took their turns."""
    return list(dict.fromkeys(x["engine"] for x in lines if "engine" in x))


def predict_row(result, lines, what):
    cells = []
    for engine in engines_of(lines):
        ms = [value for x in lines for value in x.get("ms", [])
              if x["what"] == what and x["engine"] == engine]
        result[what][engine] = report.spread(ms, 3)
        cells.append(report.cell(result[what][engine], ".1f"))
    return [TITLES[what], *cells]


def main():
    origin, lines = report.read(sys.argv[1])
    result = {"modules": {}, "net": {}, "knn": {}}
    sizes = [module_row(result, lines, module)
             for module in ("core-simd", "core-scalar", "swarm")]
    times = [predict_row(result, lines, what) for what in TITLES]
    core = result["modules"]["core-simd"]
    result["core_simd_bytes"] = core["bytes"]
    result["load_ms"] = core["load_ms"]
    node = next(x["node"] for x in lines if x["what"] == "load")
    data = {**origin, "node": node, "results": result, "measurements": lines}
    ratios = []
    for what in TITLES:
        of = result[what]
        speed = of["native v2"]["median"] / of["wasm simd"]["median"]
        ratios.append(f"{what} {speed:.0%}")
    report.write(
        sys.argv[2], data, "The wasm modules: size, start, speed",
        ["Made by `bench/run_wasm.sh`; every measurement is in `wasm.json`."],
        [*report.origin_lines(data, "one used"),
         f"- Node {node}; median (least to most)"],
        report.table(["module", "bytes", "with gzip -9", "load, ms"], *sizes),
        ["Loading is from the call of the package's loader to a working",
         "instance, the first one of a new process, for "
         f'{core["load_ms"]["n"]} processes each: the',
         "file is read, compiled and instantiated."],
        report.table(["ms for", *engines_of(lines)], *times),
        ["All give the same bits. A wasm prediction includes copying rows in "
         "and outputs",
         "out, after the engine has optimised the code. SIMD against native "
         "code of the",
         "same width (v2, SSE 4.2): " + ", ".join(ratios) + "."])


main()
