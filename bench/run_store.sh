#!/usr/bin/env bash
# bench/run_store.sh [ROUNDS]: claim and complete through SQLite with FULL
# durability by 8 workers, with group commit and with every command in a
# transaction of its own, the ways taking turns ROUNDS times (default 7) on fresh
# files on the disk of the repository. Writes store.json and store.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

begin "" bench/store_bench -- include src/base src/swarm host \
    bench/store_bench.c
"$build/bench/store_bench" "$scratch" "${1:-7}" >>"$lines"
finish store store
