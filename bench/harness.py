#!/usr/bin/env python3
"""harness.py NAME [COUNT...] [--compare [FILE|REV]]: runs a benchmark, which is
what `./run bench` does; without NAME it lists them.

bench/run_NAME.py is a benchmark. It has

    ABOUT            one line
    COUNTS           {name: default}: what COUNT... may change
    WORDS            {word: what it does}: may follow the counts; the set of
                     those that do is run.chosen (optional)
    OUT              the name of its pages in bench/results (default NAME)
    measure(run)     prepares and measures with the help of a Run
    report(origin, lines)   gives what report.write() wants
    publish(data, folder)   writes pages for docs/guide (optional)

Everything compared takes turns within a round (turns), every other round
backwards, so that a change of clock or load meets all sides alike.

MIDGE_BENCH_OUT names another folder for the pages, for trials: bench/results
holds full runs only. With --compare or a word they go to build-bench/last
unless it is set, so that what is compared with stays; the comparison is printed
only.
"""
import contextlib
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import compare
import figures
import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
GUIDE = ROOT / "docs/guide"
# The last core: the first one serves interrupts on many machines.
PINNED = ["taskset", "-c", str(max(os.sched_getaffinity(0)))]


def say(text):
    print(f"midge: {text}", file=sys.stderr, flush=True)


class Failed(Exception):
    pass


def output(command, env=None, stderr=subprocess.PIPE):
    """What COMMAND prints; its stderr is shown when it fails."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=stderr,
                          env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with "
                     f"{done.returncode}\n{done.stdout}{done.stderr or ''}")
    return done.stdout


def save(command, path):
    """The bytes that COMMAND prints."""
    with open(path, "wb") as file:
        done = subprocess.run([str(word) for word in command], stdout=file,
                              check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with "
                     f"{done.returncode}")


class Program:
    """A side that is run anew for each round and prints JSON lines; with KEY all
    that it prints is one value, which comes under KEY. TAGS are added to each
    line, and under CLOCK the ms that it took."""

    def __init__(self, command, tags=None, key=None, clock=None, env=None,
                 pinned=True):
        self.command = (PINNED if pinned else []) + command
        self.tags, self.key, self.clock = tags or {}, key, clock
        self.env = env

    def ask(self):
        start = time.perf_counter()
        text = output(self.command, self.env)
        ms = round((time.perf_counter() - start) * 1e3, 3)
        found = ([{self.key: json.loads(text)}] if self.key else
                 [json.loads(line) for line in text.splitlines()])
        clock = {self.clock: ms} if self.clock else {}
        return [{**self.tags, **clock, **line} for line in found]


class Process:
    """A side that lives through all rounds: it answers each line of words with
    one line of JSON, an object; other lines are what a library of it prints. It
    starts at the first question."""

    def __init__(self, name, command, env=None, pinned=True):
        self.name, self.child = name, None
        self.command = (PINNED if pinned else []) + [
            str(word) for word in command]
        self.env = env

    def ask(self, *words):
        if self.child is None:
            self.child = subprocess.Popen(
                self.command, text=True, bufsize=1, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, env={**os.environ, **(self.env or {})})
        try:
            self.child.stdin.write(" ".join(map(str, words)) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
            while line and not line.startswith("{"):
                line = self.child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"{self.name}: {' '.join(self.command)} ended with "
                         f"{self.child.wait()} when asked {words}")
        return json.loads(line)

    def close(self):
        if self.child is not None:
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.close()
            self.child.stdout.close()
            self.child.wait()


def turns(rounds, sides):
    """Each side once in each round, every other round backwards."""
    for i in range(rounds):
        for side in sides if i % 2 == 0 else reversed(sides):
            yield i, side


class Run:
    """What measure(run) works with: its counts as attributes, a scratch folder
    on the disk of the build, and the lines measured so far."""

    def __init__(self, counts):
        self.__dict__.update(counts)
        self.lines, self.origin = [], None
        self.build = self.scratch = self.left = None

    def prepare(self, groups, targets, sources, build="build-bench",
                options="-Dbench=true -Dwasm=disabled -Dtests=disabled"):
        """Installs, builds, and notes where the measurements come from; a commit
        with one of SOURCES changed is marked."""
        self.build = ROOT / build
        printed = output([ROOT / "bench/prepare.sh", self.build, groups,
                          "--buildtype=release " + options, *targets],
                         stderr=None)
        os.environ["PATH"] = printed.strip()
        # Here, since the system's temporary folder may be memory.
        self.left = tempfile.TemporaryDirectory(dir=self.build,
                                                prefix="scratch.")
        self.scratch = pathlib.Path(self.left.name)
        self.origin = report.origin(self.build, sources)

    def take_turns(self, count, sides):
        """COUNT rounds of Programs."""
        for i, side in turns(count, sides):
            self.lines += [{"round": i, **line} for line in side.ask()]


def benchmark(name):
    if not (ROOT / f"bench/run_{name}.py").is_file():
        say(f"no benchmark '{name}'; there are: {' '.join(names())}")
        sys.exit(2)
    return importlib.import_module("run_" + name)


def names():
    return sorted(path.stem[4:] for path in (ROOT / "bench").glob("run_*.py"))


def one(name, counts, folder, chosen=()):
    """Measures and writes the pages; gives the path of the data."""
    bench = benchmark(name)
    run = Run({**bench.COUNTS, **dict(zip(bench.COUNTS, counts)),
               "chosen": set(chosen)})
    bench.measure(run)
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / getattr(bench, "OUT", name)
    report.write(out, *bench.report(run.origin, run.lines))
    print(pathlib.Path(f"{out}.md").read_text())
    if hasattr(bench, "publish"):
        bench.publish(json.loads(pathlib.Path(f"{out}.json").read_text()),
                      GUIDE if folder == RESULTS else folder)
    return pathlib.Path(f"{out}.json")


def words_of(name, words):
    """Those of WORDS that the benchmark knows by name, and the others."""
    known = {} if name == "all" else getattr(benchmark(name), "WORDS", {})
    chosen = [word.lstrip("-") for word in words if word.lstrip("-") in known]
    return chosen, [word for word in words if word.lstrip("-") not in known]


def counts_of(name, words):
    """WORDS as counts of the benchmark, or the end with its usage."""
    known = [] if name == "all" else benchmark(name).COUNTS
    if (len(words) > len(known)
            or not all(word.isdecimal() and int(word) > 0 for word in words)):
        counts = "".join(f" [{count.upper()}]" for count in known)
        say(f"usage: ./run bench {name}{counts}"
            + (" [--compare [FILE|REV]]; a count is 1 or more" if known else ""))
        sys.exit(2)
    return [int(word) for word in words]


def every(folder):
    failed = []
    for name in names():
        say(f"bench {name} ...")
        try:
            one(name, [], folder)
        except Failed as why:
            say(f"{name}: {why}")
            failed.append(name)
    if failed:
        say("failed: " + " ".join(failed))
    return 1 if failed else 0


def usage():
    print("usage: ./run bench NAME [COUNT...] [--compare [FILE|REV]]\n")
    for name in names():
        bench = benchmark(name)
        counts = " ".join(f"[{count.upper()}]" for count in bench.COUNTS)
        print(f"  {name:8} {bench.ABOUT}" + (f"  {counts}" if counts else ""))
        for word, about in getattr(bench, "WORDS", {}).items():
            print(f"             {word:9} {about}".rstrip())
    print("  all      all of these, then docs/guide/figures.md\n\n"
          "--compare tells what changed against the stored run: "
          "bench/results/NAME.json,\nthe same of a commit, or a file.")


def main(words):
    if not words or "-h" in words or "--help" in words:
        usage()
        return 0
    old, trial = None, os.environ.get("MIDGE_BENCH_OUT")
    name, *rest = words
    if "--compare" in rest and name != "all":
        at = rest.index("--compare")
        old = compare.stored(getattr(benchmark(name), "OUT", name),
                             *rest[at + 1:])
        rest, trial = rest[:at], trial or ROOT / "build-bench/last"
    chosen, rest = words_of(name, rest)
    if chosen and "again" not in chosen:
        trial = trial or ROOT / "build-bench/last"
    folder = pathlib.Path(trial) if trial else RESULTS
    counts = counts_of(name, rest)
    try:
        if name == "all":
            code = every(folder)
        else:
            new, code = one(name, counts, folder, chosen), 0
    except Failed as why:
        say(why)
        return 1
    if old is not None:
        print(compare.page(old, json.loads(new.read_text())))
    elif not trial or name == "all":
        figures.write(folder)
    return code


if __name__ == "__main__":
    # As the module that the benchmarks import: its Failed is what they raise.
    try:
        sys.exit(importlib.import_module("harness").main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("stopped: of what was being measured nothing is written")
        sys.exit(130)
