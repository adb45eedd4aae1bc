# shellcheck shell=bash
# bench.sh: what every run_*.sh shares. Sourced by bash, never run.
#
# A script calls begin, adds its measurements to $lines, one JSON object a line,
# and calls finish. MIDGE_BENCH_OUT names another folder for the pages: for
# trials, since bench/results holds full runs only.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/lib.sh"

build=$root/build-bench
build_options=(--buildtype=release -Dbench=true -Dwasm=disabled -Dtests=disabled)
out=${MIDGE_BENCH_OUT:-$root/bench/results}
# The last core: the first one serves interrupts on many machines.
last_core=$(($(nproc) - 1))

# begin "GROUP..." TARGET... -- SOURCE...: installs, builds, and writes the
# first of $lines, where the measurements come from (report.py); a commit with
# one of the SOURCEs changed is marked there.
begin() {
    local groups=$1 targets=()
    shift
    while [ "$1" != -- ]; do
        targets+=("$1")
        shift
    done
    shift
    # shellcheck disable=SC2086
    "$root/tools/setup" build $groups
    configure "$build" "${build_options[@]}"
    compile "$build" "${targets[@]}"
    # On the disk of the build: the system's temporary folder may be memory.
    scratch=$(mktemp -d "$build/scratch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    lines=$scratch/lines
    python3 "$root/bench/report.py" "$build" "$@" >"$lines"
}

# finish SUBJECT NAME: the page and the data of NAME, by SUBJECT_report.py, and
# the page of all figures unless this is a trial.
finish() {
    mkdir -p "$out"
    python3 "$root/bench/$1_report.py" "$lines" "$out/$2"
    cat "$out/$2.md"
    [ -n "${MIDGE_BENCH_OUT-}" ] || python3 "$root/bench/figures.py" >/dev/null
}
