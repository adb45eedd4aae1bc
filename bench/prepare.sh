#!/usr/bin/env bash
# bench/prepare.sh BUILD "GROUP..." "OPTION..." TARGET...: installs GROUPs,
# configures BUILD and builds TARGETs in it, quietly. Prints the PATH with which
# the right Node is found. harness.py calls it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/lib.sh"
build=$1 groups=$2 options=$3
shift 3
# shellcheck disable=SC2086
"$root/tools/setup" build $groups >&2
# shellcheck disable=SC2086
configure "$build" $options
compile "$build" "$@"
use_node
printf '%s\n' "$PATH"
