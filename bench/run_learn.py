"""run_learn.py: `midge demo` with the default settings, once for each of the
seeds 1 to SEEDS, each in a new folder: seconds on the wall, and what the
ensemble and the agents achieved on rows that none of them saw."""
import shutil

import harness
import report as pages

ABOUT = "the digits with default settings, seed after seed"
COUNTS = {"seeds": 10}

ACCURACY = 0.96
SECONDS = 90


def measure(run):
    run.prepare("data", ["apps/midge/midge"],
                ["include", "src", "host", "apps", "spec"])
    harness.output([harness.ROOT / "run", "--version"])  # makes the digits
    # A copy: nobody's build may change it between two seeds.
    midge = shutil.copy(run.build / "apps/midge/midge", run.scratch)
    digits = {"MIDGE_DIGITS": str(harness.ROOT / "build/data/digits.npy")}
    for seed in range(1, run.seeds + 1):
        store = run.scratch / str(seed)
        run.take_turns(1, [harness.Program(
            [midge, "demo", "--seed", seed, "--json", "--db", store],
            {"seed": seed}, key="result", clock="wall_ms", env=digits,
            pinned=False)])
        harness.say(f"seed {seed} of {run.seeds}: "
                    f"{run.lines[-1]['wall_ms']:.0f} ms")
        shutil.rmtree(store, ignore_errors=True)


def measurement(line):
    """What is kept of one run's result."""
    learned = line["result"]
    agents = {agent["name"]: {key: agent[key] for key in
                              ("pattern", "family", "score", "reason")}
              for agent in learned["agents"]}
    # Worked out here, not taken from what the program says of itself.
    best = max(agent["score"] for agent in agents.values()
               if agent["score"] is not None)
    if best != learned["best_single"]["score"]:
        raise harness.Failed(
            f"seed {line['seed']}: best_single is not the best agent")
    return {"seed": line["seed"], "wall_s": line["wall_ms"] / 1e3,
            "score": learned["test"]["score"], "low": learned["test"]["low"],
            "high": learned["test"]["high"], "n": learned["test"]["n"],
            "best_single": best, "best_agent": learned["best_single"]["agent"],
            "at_least_best_single": learned["test"]["score"] >= best,
            "agents": agents, "swarm": {key: value for key, value in
                                        learned["swarm"].items()
                                        if key != "dir"}}


def report(origin, lines):
    runs = [measurement(line) for line in lines]
    n = len(runs)
    result = {**origin, "results": {
        "seeds": n,
        "wall_s": pages.spread((x["wall_s"] for x in runs), 1),
        "score": pages.spread((x["score"] for x in runs), 4),
        "best_single": pages.spread((x["best_single"] for x in runs), 4),
        "seeds_under_90_s": sum(x["wall_s"] < SECONDS for x in runs),
        "seeds_of_accuracy_0_96": sum(x["score"] >= ACCURACY for x in runs),
        "seeds_at_least_best_single": sum(x["at_least_best_single"]
                                          for x in runs)},
        "measurements": runs}
    got = result["results"]
    rows = [[x["seed"], f"{x['wall_s']:.1f}",
             f"{x['score']:.4f} ({x['low']:.4f} to {x['high']:.4f})",
             f"{x['best_single']:.4f} ({x['best_agent']}, "
             f"{x['agents'][x['best_agent']]['pattern']})",
             f"{x['score'] - x['best_single']:+.4f}"] for x in runs]
    return (
        result, "Learning the digits, default settings",
        ["Made by `./run bench learn`; every agent's score is in "
         "`learn.json`."],
        pages.origin_lines(result),
        pages.table(
            ["what", "median (least to most)", "target", "seeds that reach it"],
            ["seconds on the wall", pages.cell(got["wall_s"], ".1f"),
             f"under {SECONDS}", f"{got['seeds_under_90_s']} of {n}"],
            ["accuracy of the ensemble", pages.cell(got["score"], ".4f"),
             f"at least {ACCURACY}", f"{got['seeds_of_accuracy_0_96']} of {n}"],
            ["accuracy of the best single agent",
             pages.cell(got["best_single"], ".4f"),
             "not above the ensemble's",
             f"{got['seeds_at_least_best_single']} of {n}"]),
        [f"Accuracy is on {runs[0]['n']:,} rows that no agent saw. The best "
         "single agent is chosen",
         "on those rows, with the answers known; the ensemble is not."],
        pages.table(["seed", "seconds", "ensemble (95 % interval)",
                      "best single agent", "difference"], *rows))
