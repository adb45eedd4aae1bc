#!/usr/bin/env bash
# bench/run_kernels.sh [ROUNDS]: the rate of each kernel on each instruction set
# that this CPU has, taking turns ROUNDS times (default 11) on one core. Writes
# kernels.json and kernels.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

begin "" bench/kernels_bench -- include src/base src/kernels \
    bench/kernels_bench.c
taskset -c "$last_core" "$build/bench/kernels_bench" "${1:-11}" >>"$lines"
finish kernels kernels
