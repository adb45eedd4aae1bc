#!/usr/bin/env bash
# bench/clean_test.sh [SUITE...]: ./test in a fresh clone on a machine where
# nothing is installed yet, timed, with the number of Debian packages that it
# had to install. Not one of `./run bench`, since it can be run once a machine.
# Writes clean_test.json and clean_test.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/lib.sh"
out=${MIDGE_BENCH_OUT:-$root/bench/results}

for left in build build-test node_modules tools/node/node_modules; do
    [ ! -e "$root/$left" ] || die "$left is there: this wants a fresh clone"
done
packages() { dpkg-query -W -f='.\n' | wc -l; }

before=$(packages)
start=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
"$root/test" "$@" > >(tee "$log") || code=$?
seconds=$(($(date +%s) - start))
mkdir -p "$out"
# Only now is Python surely there.
python3 "$root/bench/clean_test_report.py" "$root/build-test/gcc" "$seconds" \
    $(($(packages) - before)) "$code" "$(tail -n 1 "$log")" "$*" \
    "$out/clean_test"
cat "$out/clean_test.md"
