#!/usr/bin/env bash
# bench/run_all.sh: every run_*.sh in turn with its defaults, then the page of
# all figures. One that fails does not stop the others, but is told at the end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=()
for script in "$here"/run_*.sh; do
    name=$(basename "$script" .sh)
    [ "$name" != run_all ] || continue
    printf 'midge: bench/%s.sh ...\n' "$name" >&2
    bash "$script" || failed+=("$name")
done
python3 "$here/figures.py"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'midge: failed: %s\n' "${failed[*]}" >&2
    exit 1
fi
