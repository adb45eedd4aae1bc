#!/usr/bin/env bash
# bench/run_swarm.sh [ROUNDS]: how fast the swarm decides and applies, writes and
# replays its events, and what a task takes in memory; ROUNDS times (default 9)
# on one core. Writes swarm.json and swarm.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

begin "" bench/swarm_bench -- include src/base src/swarm bench/swarm_bench.c
taskset -c "$last_core" "$build/bench/swarm_bench" "${1:-9}" >>"$lines"
finish swarm swarm
