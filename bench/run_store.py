"""run_store.py: claim and complete through SQLite with FULL durability by 8
workers, with group commit and with every command in a transaction of its own,
the ways taking turns on fresh files on the disk of the repository."""
import statistics

import harness
import report as pages

ABOUT = "claim and complete through SQLite, group commit or not"
COUNTS = {"rounds": 7}


def measure(run):
    run.prepare("", ["bench/store_bench"],
                ["include", "src/base", "src/swarm", "host",
                 "bench/store_bench.c"])
    run.take_turns(1, [harness.Program(
        [run.build / "bench/store_bench", run.scratch, run.rounds],
        pinned=False)])


TITLES = {"pair": "complete and next claim in one call, group commit",
          "separate": "complete, then claim, group commit",
          "single": "each command in a transaction of its own"}


def report(origin, lines):
    result = {**origin, "workers": 8, "durability": "full", "results": {},
              "measurements": lines}
    results = result["results"]
    syncs = [x["p50_ms"] for x in lines if x["what"] == "fdatasync"]
    results["fdatasync_p50_ms"] = pages.spread(syncs, 3)
    rows = []
    singles = [x["tasks_per_s"] for x in lines if x["what"] == "single"]
    for what, title in TITLES.items():
        mine = [x for x in lines if x["what"] == what]
        rates = [x["tasks_per_s"] for x in mine]
        results[what] = {
            "tasks_per_s": pages.spread(rates),
            # Of one round to the same round's, since the disk changes with time.
            "ratio": pages.spread(map(lambda a, b: a / b, rates, singles), 2),
            "commands_per_commit": round(statistics.mean(
                x["commands_per_commit"] for x in mine), 2)}
        rows.append([title, pages.cell(results[what]["tasks_per_s"]),
                     pages.cell(results[what]["ratio"], ".2f"),
                     results[what]["commands_per_commit"]])
    sync = pages.cell(results["fdatasync_p50_ms"], ".2f")
    return (
        result,
        "Claim and complete through SQLite, FULL durability, 8 workers",
        ["Made by `./run bench store`; every measurement is in `store.json`."],
        [*pages.origin_lines(result),
         f"- median (least to most) of {len(singles)} rounds, the ways taking "
         "turns, each on a fresh file;",
         "  a ratio is of one round to the same round's last row",
         f"- an fdatasync of 4 KiB appended to a file there: {sync} ms "
         "(p50 of 101, each round)"],
        pages.table(["way", "tasks/s", "ratio", "commands a commit"], *rows),
        ["A task is claimed and completed: two commands, each answered only when",
         "its events are on the disk. The workers of `midge` take the first way."])
