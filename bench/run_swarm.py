"""run_swarm.py: how fast the swarm decides and applies, writes and replays its
events, and what a task takes in memory; on one core."""
import harness
import report as pages

ABOUT = "events decided and applied, written, replayed"
COUNTS = {"rounds": 9}


def measure(run):
    run.prepare("", ["bench/swarm_bench"],
                ["include", "src/base", "src/swarm", "bench/swarm_bench.c"])
    run.take_turns(1, [harness.Program([run.build / "bench/swarm_bench",
                                        run.rounds])])


TITLES = {"events_per_s": "decide and apply",
          "submit_events_per_s": "of these, submitting",
          "work_events_per_s": "of these, claiming and completing",
          "events_per_s_with_json": "decide, write as JSON and apply",
          "replay_events_per_s": "read JSON and replay"}


def report(origin, lines):
    result = {**origin, "tasks": lines[0]["tasks"],
              "events": lines[0]["events"],
              "state_bytes_per_live_task": lines[0]["state_bytes_per_live_task"],
              "results": {what: pages.spread((x[what] for x in lines), 0)
                          for what in TITLES}, "measurements": lines}
    rows = [[title, *(f"{result['results'][what][key] / 1e6:.2f}"
                      for key in ("median", "least", "most"))]
            for what, title in TITLES.items()]
    return (
        result, "Events of the swarm",
        ["Made by `./run bench swarm`; every measurement is in `swarm.json`."],
        [*pages.origin_lines(result, "one used"),
         f"- {result['tasks']:,} tasks in runs of 100, each waiting for up to "
         f"two others; 16 agents; {result['events']:,} events",
         f"- {len(lines)} rounds; the replayed state was the same, by its hash, "
         "in each"],
        pages.table(["what", "median, M events/s", "least", "most"], *rows),
        ["A task that has not ended, with its input, takes "
         f"{result['state_bytes_per_live_task']:,.0f} bytes."])
