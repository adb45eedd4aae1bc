#!/usr/bin/env python3
"""nn_report.py LINES OUT: makes OUT.json and OUT.md of what run_nn.sh measured."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

TITLES = {"epoch_adam": "epoch, Adam", "epoch_sgd": "epoch, SGD with momentum",
          "run": "60,000 rows run, 256 at a time"}


def cpu():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"model name\s*:\s*(.*)", text)
    return found.group(1) if found else "unknown"


def commit():
    root = pathlib.Path(__file__).parent
    def git(*words):
        return subprocess.run(["git", "-C", root, *words], text=True,
                              capture_output=True, check=True).stdout.strip()
    changed = git("status", "--porcelain", "--", "../src/nn", "../src/kernels",
                  "../src/base/alloc.c", "../src/base/fmath.c",
                  "../src/base/rng.c", "nn_bench.c", "nn_torch.py")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")


def summary(lines, engine, what):
    ms = sorted(x["ms"] for x in lines
                if x["engine"] == engine and x.get("what") == what)
    losses = [x["loss"] for x in lines
              if x["engine"] == engine and x.get("what") == what
              and "loss" in x]
    return {"n": len(ms), "median_ms": round(statistics.median(ms), 1),
            "min_ms": round(ms[0], 1), "max_ms": round(ms[-1], 1),
            "last_loss": losses[-1] if losses else None}


def main():
    lines = [json.loads(x) for x in pathlib.Path(sys.argv[1]).read_text()
             .splitlines()]
    about = next(x for x in lines if "version" in x)
    result = {"machine": {"cpu": cpu(), "cores": os.cpu_count(), "threads": 1},
              "commit": commit(), "torch": about["version"],
              "blas": about["blas"], "results": {}, "measurements":
              [x for x in lines if "what" in x]}
    rows = []
    for what, title in TITLES.items():
        ours = summary(lines, "midge", what)
        theirs = summary(lines, "torch", what)
        ratio = round(theirs["median_ms"] / ours["median_ms"], 2)
        result["results"][what] = {"midge": ours, "torch": theirs,
                                   "ratio": ratio}
        cells = [f'{x["median_ms"]:.0f} ({x["min_ms"]:.0f}-{x["max_ms"]:.0f})'
                 for x in (ours, theirs)]
        rows.append(f"| {title} | {cells[0]} | {cells[1]} | {ratio} |")
    n = result["results"]["epoch_adam"]["midge"]["n"]
    pathlib.Path(sys.argv[2] + ".json").write_text(
        json.dumps(result, indent=1) + "\n")
    pathlib.Path(sys.argv[2] + ".md").write_text("\n".join([
        "# A 784-128-10 network, batch 32, 60,000 rows, one thread", "",
        "Made by `bench/run_nn.sh`; every measurement is in `nn_epoch.json`.",
        "", f"- {cpu()}, {os.cpu_count()} cores, one used; commit {commit()}",
        f"- PyTorch {about['version']} over "
        + ", ".join(os.path.basename(p) for p in about["blas"]),
        f"- median (least-most) of {n} epochs each, the two taking turns", "",
        "| what | Midge, ms | PyTorch, ms | PyTorch / Midge |",
        "|---|---|---|---|", *rows, "",
        "Midge rounds every product before it is added (the same bits on every",
        "machine); PyTorch's BLAS uses fused multiply-add.", ""]))


main()
