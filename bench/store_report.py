#!/usr/bin/env python3
"""store_report.py LINES OUT: the page of run_store.sh."""
import statistics
import sys

import report

TITLES = {"pair": "complete and next claim in one call, group commit",
          "separate": "complete, then claim, group commit",
          "single": "each command in a transaction of its own"}


def main():
    origin, lines = report.read(sys.argv[1])
    result = {**origin, "workers": 8, "durability": "full", "results": {},
              "measurements": lines}
    results = result["results"]
    syncs = [x["p50_ms"] for x in lines if x["what"] == "fdatasync"]
    results["fdatasync_p50_ms"] = report.spread(syncs, 3)
    rows = []
    singles = [x["tasks_per_s"] for x in lines if x["what"] == "single"]
    for what, title in TITLES.items():
        mine = [x for x in lines if x["what"] == what]
        rates = [x["tasks_per_s"] for x in mine]
        results[what] = {
            "tasks_per_s": report.spread(rates),
            # Of one round to the same round's, since the disk changes with time.
            "ratio": report.spread(map(lambda a, b: a / b, rates, singles), 2),
            "commands_per_commit": round(statistics.mean(
                x["commands_per_commit"] for x in mine), 2)}
        rows.append([title, report.cell(results[what]["tasks_per_s"]),
                     report.cell(results[what]["ratio"], ".2f"),
                     results[what]["commands_per_commit"]])
    sync = report.cell(results["fdatasync_p50_ms"], ".2f")
    report.write(
        sys.argv[2], result,
        "Claim and complete through SQLite, FULL durability, 8 workers",
        ["Made by `bench/run_store.sh`; every measurement is in `store.json`."],
        [*report.origin_lines(result),
         f"- median (least to most) of {len(singles)} rounds, the ways taking "
         "turns, each on a fresh file;",
         "  a ratio is of one round to the same round's last row",
         f"- an fdatasync of 4 KiB appended to a file there: {sync} ms "
         "(p50 of 101, each round)"],
        report.table(["way", "tasks/s", "ratio", "commands a commit"], *rows),
        ["A task is claimed and completed: two commands, each answered only when",
         "its events are on the disk. The workers of `midge` take the first way."])


main()
