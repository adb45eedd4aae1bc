#!/usr/bin/env python3
"""swarm_report.py LINES OUT: the page of run_swarm.sh."""
import sys

import report

TITLES = {"events_per_s": "decide and apply",
          "submit_events_per_s": "of these, submitting",
          "work_events_per_s": "of these, claiming and completing",
          "events_per_s_with_json": "decide, write as JSON and apply",
          "replay_events_per_s": "read JSON and replay"}


def main():
    origin, lines = report.read(sys.argv[1])
    result = {**origin, "tasks": lines[0]["tasks"],
              "events": lines[0]["events"],
              "state_bytes_per_live_task": lines[0]["state_bytes_per_live_task"],
              "results": {what: report.spread((x[what] for x in lines), 0)
                          for what in TITLES}, "measurements": lines}
    rows = [[title, *(f"{result['results'][what][key] / 1e6:.2f}"
                      for key in ("median", "least", "most"))]
            for what, title in TITLES.items()]
    report.write(
        sys.argv[2], result, "Events of the swarm",
        ["Made by `bench/run_swarm.sh`; every measurement is in `swarm.json`."],
        [*report.origin_lines(result, "one used"),
         f"- {result['tasks']:,} tasks in runs of 100, each waiting for up to "
         f"two others; 16 agents; {result['events']:,} events",
         f"- {len(lines)} rounds; the replayed state was the same, by its hash, "
         "in each"],
        report.table(["what", "median, M events/s", "least", "most"], *rows),
        ["A task that has not ended, with its input, takes "
         f"{result['state_bytes_per_live_task']:,.0f} bytes."])


main()
