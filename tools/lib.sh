# shellcheck shell=bash
# lib.sh: what ./run, ./test and tools/setup share. Sourced by bash, never run.
# Expects $root, the folder of the repository.

say() { printf 'midge: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# The tests need Node 20.19, 22.12 or later (vite asks for it). Debian 12 and
# Ubuntu 24.04 ship 18, so tools/setup then puts Node 22 from npm under
# tools/node, and this puts it first in PATH.
node_is_new() {
    local version major minor
    version=$(node --version 2>/dev/null) || return 1
    IFS=. read -r major minor _ <<<"${version#v}"
    case $major in
    20) [ "$minor" -ge 19 ] ;;
    22) [ "$minor" -ge 12 ] ;;
    *) [ "$major" -gt 22 ] ;;
    esac
}

use_node() {
    local local_bin
    for local_bin in "$root"/tools/node/node_modules/node-linux-*/bin; do
        if [ -x "$local_bin/node" ]; then
            PATH=$local_bin:$PATH
            export PATH
        fi
    done
}

# configure DIR OPTION...: meson setup, once; a changed option list configures
# anew. Quiet unless it fails.
configure() {
    local dir=$1 wanted
    shift
    wanted="$root $*" # a tree that moved is configured anew
    if [ -f "$dir/build.ninja" ] &&
        [ "$(cat "$dir/.options" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    rm -rf "$dir"
    mkdir -p "$dir"
    if ! meson setup "$dir" "$root" "$@" >"$dir/configure.log" 2>&1; then
        cat "$dir/configure.log" >&2
        die "meson could not configure $dir"
    fi
    printf '%s' "$wanted" >"$dir/.options"
}

# compile DIR TARGET...: ninja, quiet unless there is something to build (one
# line) or it fails (everything).
compile() {
    local dir=$1 plan
    shift
    plan=$(ninja -C "$dir" -n "$@" 2>&1) || true
    case $plan in
    *"no work to do"*) return 0 ;;
    esac
    say "building $(basename "$dir") ..."
    if ! ninja -C "$dir" "$@" >"$dir/ninja.log" 2>&1; then
        grep -v '^\[' "$dir/ninja.log" >&2 || true
        die "the build failed; all of it is in $dir/ninja.log"
    fi
}
