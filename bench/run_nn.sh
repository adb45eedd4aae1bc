#!/usr/bin/env bash
# bench/run_nn.sh [ROUNDS] [REPETITIONS]: an epoch of a 784-128-10 network and
# running it, ours and PyTorch's, on one thread of one core.
#
# Installs the bench group, builds a release build, then lets the two take turns
# ROUNDS times (default 5), so that a change of clock or load meets both alike,
# each REPETITIONS times (default 3) after one epoch to warm up. Writes
# bench/results/nn_epoch.json (every measurement) and nn_epoch.md (medians).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rounds=${1:-5}
repetitions=${2:-3}
build=$root/build-bench
out=$root/bench/results

"$root/tools/setup" build bench
if [ ! -e "$build/build.ninja" ]; then
    meson setup "$build" "$root" --buildtype=release -Dbench=true \
        -Dwasm=disabled -Dtests=disabled >/dev/null
fi
ninja -C "$build" bench/nn_bench >/dev/null

# The last core: the first one serves interrupts on many machines.
core=$(($(nproc) - 1))
# PyTorch and the BLAS below it are told separately.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for ((i = 0; i < rounds; i++)); do
    for trainer in adam sgd; do
        taskset -c "$core" "$build/bench/nn_bench" \
            "$trainer" "$repetitions" >>"$lines"
        taskset -c "$core" /usr/bin/python3 "$root/bench/nn_torch.py" \
            "$trainer" "$repetitions" >>"$lines"
    done
done
mkdir -p "$out"
python3 "$root/bench/nn_report.py" "$lines" "$out/nn_epoch"
cat "$out/nn_epoch.md"
