#!/usr/bin/env bash
# bench/run_nn.sh [ROUNDS] [REPETITIONS]: an epoch of a 784-128-10 network and
# running it, ours and PyTorch's, on one thread of one core.
#
# Lets the two take turns ROUNDS times (default 5), so that a change of clock or
# load meets both alike, each REPETITIONS times (default 3) after one epoch to
# warm up. Writes nn_epoch.json (every measurement) and nn_epoch.md (medians).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"
rounds=${1:-5}
repetitions=${2:-3}

begin bench bench/nn_bench -- include src/nn src/kernels src/base \
    bench/nn_bench.c bench/nn_torch.py
# PyTorch and the BLAS below it are told separately.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
for ((i = 0; i < rounds; i++)); do
    for trainer in adam sgd; do
        taskset -c "$last_core" "$build/bench/nn_bench" \
            "$trainer" "$repetitions" >>"$lines"
        taskset -c "$last_core" /usr/bin/python3 "$root/bench/nn_torch.py" \
            "$trainer" "$repetitions" >>"$lines"
    done
done
finish nn nn_epoch
