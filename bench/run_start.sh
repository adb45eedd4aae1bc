#!/usr/bin/env bash
# bench/run_start.sh [TIMES]: how long ./run takes before the real work, on a
# tree where all is installed and built: `./run --version`, TIMES times (default
# 5) after one that prepares. Writes start.json and start.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

begin data apps/midge/midge -- run tools
"$root/run" --version >"$scratch/version"
for ((i = 0; i < ${1:-5}; i++)); do
    start=$(date +%s%N)
    "$root/run" --version >"$scratch/version" 2>"$scratch/log"
    end=$(date +%s%N)
    # It says so when it installs or builds; then this is not a second start.
    if [ -s "$scratch/log" ]; then
        cat "$scratch/log" >&2
        die "the tree changed meanwhile: measure again"
    fi
    printf '{"ms": %d}\n' $(((end - start) / 1000000)) >>"$lines"
done
finish start start
