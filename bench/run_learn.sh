#!/usr/bin/env bash
# bench/run_learn.sh [SEEDS]: `midge demo` with the default settings, once for
# each of the seeds 1 to SEEDS (default 10), each in a new folder: seconds on the
# wall, and what the ensemble and the agents achieved on rows that none of them
# saw. Writes learn.json and learn.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"
seeds=${1:-10}

begin data apps/midge/midge -- include src host apps spec
"$root/run" --version >"$scratch/version" # makes the digits
export MIDGE_DIGITS=$root/build/data/digits.npy
# A copy: nobody's build may change it between two seeds.
cp "$build/apps/midge/midge" "$scratch/midge"
for ((seed = 1; seed <= seeds; seed++)); do
    start=$(date +%s%N)
    if ! "$scratch/midge" demo --seed "$seed" --json --db "$scratch/$seed" \
        >"$scratch/result" 2>"$scratch/log"; then
        cat "$scratch/log" >&2
        die "midge demo --seed $seed failed"
    fi
    end=$(date +%s%N)
    printf '{"seed": %d, "wall_ms": %d, "result": %s}\n' "$seed" \
        $(((end - start) / 1000000)) "$(tr -d '\n' <"$scratch/result")" \
        >>"$lines"
    say "seed $seed of $seeds: $(((end - start) / 1000000)) ms"
    rm -rf "${scratch:?}/$seed"
done
finish learn learn
