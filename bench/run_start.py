"""run_start.py: how long ./run takes before the real work, on a tree where all
is installed and built: `./run --version`, after one that prepares."""
import subprocess
import time

import harness
import report as pages

ABOUT = "a second `./run`, before the real work"
COUNTS = {"times": 5}


def measure(run):
    run.prepare("data", ["apps/midge/midge"], ["run", "tools"])
    command = [harness.ROOT / "run", "--version"]
    harness.output(command)
    for _ in range(run.times):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True)
        ms = round((time.perf_counter() - start) * 1e3)
        # It says so when it installs or builds; then this is no second start.
        if done.stderr:
            raise harness.Failed("the tree changed meanwhile: measure again\n"
                                 + done.stderr.decode())
        run.lines.append({"ms": ms})


def report(origin, lines):
    result = {**origin, "results": {"ms": pages.spread(
        (x["ms"] for x in lines), 0)}, "measurements": lines}
    return (
        result, "A second `./run`, before the real work",
        ["Made by `./run bench start`; every measurement is in `start.json`."],
        pages.origin_lines(result),
        pages.table(["what", "n", "median ms (least to most)"],
                    ["`./run --version`", len(lines),
                     pages.cell(result["results"]["ms"])]),
        ["It looks for what is missing, configures and builds nothing, starts",
         "`midge` and ends: all that a second `./run` does before its work."])
