#!/usr/bin/env python3
"""report.py: what the reports of all benchmarks share: where measurements come
from, the middle and the spread, the page and the data.
"""
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUSY_SECONDS = 2.0
QUIET = 0.5  # cores that may be busy with other things


# ---- Where the measurements come from --------------------------------------

def cpu():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"model name\s*:\s*(.*)", text)
    return found.group(1) if found else "unknown"


def cpu_flags():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^flags\s*:\s*(.*)", text, re.M)
    return found.group(1).split() if found else []


def memory_gib():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
                 / 2**30, 1)


def compiler(build):
    """As meson found it, since that is what made the programs."""
    log = pathlib.Path(build) / "meson-logs/meson-log.txt"
    text = log.read_text() if log.exists() else ""
    found = re.search(r'^C compiler for the host machine: .*"(.*)"', text, re.M)
    return found.group(1) if found else "unknown"


def git(*words):
    run = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, *words],
                         text=True, capture_output=True)
    return run.stdout.strip() if run.returncode == 0 else None


def commit(sources):
    name = git("rev-parse", "--short", "HEAD")
    changed = git("status", "--porcelain", "--", *sources)
    return (name or "unknown") + ("+changes" if changed else "")


def busy_cores():
    """Cores busy with other things, over BUSY_SECONDS of doing nothing."""
    def spent():
        words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
        ticks = [int(word) for word in words[1:9]]
        return sum(ticks) - ticks[3] - ticks[4]  # but idle and iowait
    before = spent()
    time.sleep(BUSY_SECONDS)
    ticks = (spent() - before) / os.sysconf("SC_CLK_TCK")
    return round(ticks / BUSY_SECONDS, 2)


def origin(build, sources):
    """The machine, the compiler of BUILD, the commit ("+changes" when one of
    SOURCES is changed) and how busy the machine is. To be asked before anything
    is measured, so that it is true of what was measured."""
    busy = busy_cores()
    if busy > QUIET:
        print(f"midge: {busy} cores are busy with other things; the figures "
              "will be worse and wider for it", file=sys.stderr)
    return {"machine": {"cpu": cpu(), "cores": os.cpu_count(),
                        "memory_gib": memory_gib()},
            "compiler": compiler(build), "commit": commit(sources),
            "date": datetime.datetime.now(datetime.timezone.utc)
            .strftime("%Y-%m-%d %H:%M UTC"), "busy_cores_before": busy}


# ---- For the page ----------------------------------------------------------

def spread(values, digits=1):
    values = sorted(values)
    return {"n": len(values),
            "median": round(statistics.median(values), digits),
            "least": round(values[0], digits),
            "most": round(values[-1], digits)}


def cell(s, form=",.0f"):
    return (f'{s["median"]:{form}} ({s["least"]:{form}} to '
            f'{s["most"]:{form}})')


def table(*rows):
    """Of lists of cells; the first is the heading."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |"
             for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def origin_lines(result, cores="all cores used"):
    machine, busy = result["machine"], result.get("busy_cores_before")
    busy = "" if busy is None else (f", {busy} cores busy with other things "
                                    "just before")
    return [f"- {machine['cpu']}, {machine['cores']} cores ({cores}), "
            f"{machine['memory_gib']} GiB",
            f"- commit {result['commit']}; {result['compiler']}; "
            f"{result['date']}{busy}"]


def as_json(result):
    """Indented, but each measurement on one line: there are many."""
    if not result.get("measurements"):
        return json.dumps(result, indent=1) + "\n"
    lines = ",\n".join("  " + json.dumps(line)
                       for line in result["measurements"])
    text = json.dumps({**result, "measurements": []}, indent=1)
    return text.replace('"measurements": []',
                        f'"measurements": [\n{lines}\n ]') + "\n"


def write(out, result, title, *parts):
    """OUT.json of result, OUT.md of parts: lists of lines."""
    page = [f"# {title}", ""]
    for part in parts:
        page += [*part, ""]
    pathlib.Path(f"{out}.json").write_text(as_json(result))
    pathlib.Path(f"{out}.md").write_text("\n".join(page))
