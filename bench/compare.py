#!/usr/bin/env python3
"""compare.py OLD.json NEW.json: what changed between two runs of a benchmark.

A row is a figure of "results" that has a median and a spread. It changed when
each median lies outside of the other run's spread; of fewer than FEW
measurements there is no spread to tell by. Informs, never fails.
"""
import json
import pathlib
import subprocess
import sys

import report

FEW = 3


def stored(name, where=None, *more):
    """The run to compare with: the stored one, that of a commit, or a file."""
    if more:
        sys.exit("midge: --compare takes one file or commit")
    path = pathlib.Path(where or report.ROOT / f"bench/results/{name}.json")
    if path.is_file():
        return run_of(path, path.read_text())
    text = where and report.git("show", f"{where}:bench/results/{name}.json")
    if not text:
        sys.exit(f"midge: neither a file nor a commit with {name}.json: {path}")
    return run_of(where, text)


def run_of(where, text):
    """Checked before anything is measured, not after."""
    try:
        found = json.loads(text)
        if rows(found["results"]):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    return sys.exit(f"midge: {where} is no stored run of a benchmark")


def rows(found, name=""):
    """{path: spread} of all spreads in FOUND."""
    if not isinstance(found, dict):
        return {}
    if "median" in found:
        return {name: found}
    inner = {}
    for key, value in found.items():
        inner.update(rows(value, f"{name} / {key}" if name else key))
    return inner


def changed(old, new):
    return (not old["least"] <= new["median"] <= old["most"]
            and not new["least"] <= old["median"] <= new["most"])


def verdict(old, new):
    if min(old.get("n", FEW), new.get("n", FEW)) < FEW:
        return "too few"
    return "yes" if changed(old, new) else ""


def cells(name, old, new):
    ratio = new["median"] / old["median"] if old["median"] else float("nan")
    return [name, report.cell(old, ".4g"), report.cell(new, ".4g"),
            f"{ratio:.3f}", verdict(old, new)]


def page(old, new):
    before, after = rows(old["results"]), rows(new["results"])
    both = [name for name in after if name in before]
    lines = report.table(
        ["what", "old", "new", "new / old", "outside of both spreads"],
        *(cells(name, before[name], after[name]) for name in both))
    for title, mine, other in (("only old", before, after),
                               ("only new", after, before)):
        only = [name for name in mine if name not in other]
        lines += [f"{title}: {', '.join(only)}"] if only else []
    for title, run in (("old", old), ("new", new)):
        lines += [f"{title}: {run['machine']['cpu']}, commit {run['commit']}, "
                  f"{run['compiler']}, {run['date']}, "
                  f"{run.get('busy_cores_before')} cores busy before"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(*(json.loads(pathlib.Path(path).read_text())
                 for path in sys.argv[1:])))
