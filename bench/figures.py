#!/usr/bin/env python3
"""figures.py: makes docs/guide/figures.md, the table of every figure that Midge
promises, from bench/results and from nothing else.

With MIDGE_BENCH_OUT (a trial) it reads there, and writes figures.md there.
"""
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def middle(s, form, unit=""):
    return (f'{s["median"]:{form}}{unit} ({s["least"]:{form}} to '
            f'{s["most"]:{form}})')


# Each takes the "results" of its file; gives what was measured, and whether
# that is what was wanted.
def seconds(r):
    return (middle(r["wall_s"], ".1f", " s")
            + f"; {r['seeds_under_90_s']} of {r['seeds']} seeds under 90 s",
            r["wall_s"]["median"] < 90)


def accuracy(r):
    return (middle(r["score"], ".4f")
            + f"; {r['seeds_of_accuracy_0_96']} of {r['seeds']} seeds",
            r["score"]["median"] >= 0.96)


def best_single(r):
    n = r["seeds_at_least_best_single"]
    return (f"{n} of {r['seeds']} seeds", n >= 0.8 * r["seeds"]
            and r["seeds"] >= 10)


def store_way(name):
    def measure(r):
        ratio = r[name]["ratio"]
        return (f"{middle(ratio, '.2f', 'x')}; fdatasync "
                f"{r['fdatasync_p50_ms']['median']:.2f} ms",
                ratio["median"] >= 5)
    return measure


def events(r):
    rate = {key: value / 1e6 for key, value in r["events_per_s"].items()}
    return middle(rate, ".2f", " M/s"), rate["median"] >= 1


def wasm_size(module, most):
    def measure(r):
        size = r["modules"][module]["bytes"]
        return f"{size:,} bytes", size <= most
    return measure


def wasm_load(module, most):
    def measure(r):
        ms = r["modules"][module]["load_ms"]
        return middle(ms, ".2f", " ms"), ms["median"] < most
    return measure


def clean_test(r):
    return (f"{r['seconds']} s, {r['packages_installed']} packages installed; "
            f"{r['last_line']}", r["seconds"] < 600 and r["exit_code"] == 0
            and r["packages_installed"] > 0 and r["suites"] == "all")


def start(r):
    return middle(r["ms"], ".0f", " ms"), r["ms"]["median"] < 2000


def kernel_targets(what):
    """All targets of kernels.json of this kind."""
    def measure(r):
        mine = [t for t in r["targets"].values() if t["what"] == what]
        if not mine:
            raise KeyError(what)
        return ("; ".join(f"{t['work']} {t['ratio']['median']:.2f}x"
                          + (f" ({t['side']})" if "avx" in t["side"] else "")
                          for t in mine), all(t["met"] for t in mine))
    return measure


def vector_targets(begin, *has):
    """All targets of vectors.json that begin so and name HAS. One that was not
    measured is told, and is not reached."""
    def measure(r):
        mine = [t for t in r["targets"] if t["what"].startswith(begin)
                and all(word in t["what"] for word in has)]
        if not mine:
            raise KeyError(begin)
        return ("; ".join(f"{t['what'].split(', ')[-1]}: {t['text']}"
                          for t in mine), all(t["reached"] for t in mine))
    return measure


def net_targets(*groups):
    """All targets of nn.json of these groups, as vector_targets."""
    def measure(r):
        mine = [t for t in r["targets"] if t["group"] in groups]
        if not mine:
            raise KeyError(groups[0])
        return ("; ".join(f"{t['what']}: {t['text']}" for t in mine),
                all(t["reached"] for t in mine))
    return measure


FIGURES = [  # what, target, command, file, how to read it
    ("learning the digits, default settings, on the wall", "under 90 s",
     "./run bench learn", "learn", seconds),
    ("accuracy of the ensemble on 2,000 unseen digits", "at least 0.96",
     "./run bench learn", "learn", accuracy),
    ("ensemble not below the best single agent", "at least 8 of 10 seeds",
     "./run bench learn", "learn", best_single),
    *((what, target, "./run bench nn", "nn", net_targets(*groups))
      for what, target, *groups in (
          ("784-128-10 on one row, against C FANN", "at least 4.5x",
           "one row, FANN"),
          ("16-32-4 on one row, against C FANN", "at least 3x",
           "one small row, FANN"),
          ("both with FANN's default, sigmoids of straight lines",
           "at least 4.5x and 3x", "one row, FANN's default",
           "one small row, FANN's default"),
          ("784-128-10 on one row, against PyTorch's frozen JIT",
           "at least 1.1x", "one row, PyTorch"),
          ("16-32-4 on one row, against PyTorch's frozen JIT",
           "at least 40x", "one small row, PyTorch"),
          ("784-128-10 on 1,024 rows, against PyTorch", "at least 0.9x",
           "batch, PyTorch"),
          ("the same with fused products (midge_net_set_fast)",
           "at least 0.9x", "batch with fused products, PyTorch"),
          ("784-128-10 on 1,024 rows in int8, against PyTorch's f32",
           "at least 1.5x", "batch in int8, PyTorch"),
          ("epoch of 784-128-10, 60,000 rows, batch 32, SGD, against PyTorch",
           "at least 2x, same accuracy", "epoch of SGD, PyTorch",
           "epoch of SGD with momentum, PyTorch"),
          ("the same with Adam", "at least 2x, same accuracy",
           "epoch of Adam, PyTorch"),
          ("RPROP and batch epoch of the same, against C FANN",
           "at least 12x", "epoch of RPROP, FANN", "epoch of batch, FANN"),
          ("cascade on two spirals to the same error, against C FANN",
           "at least 5x", "cascade, FANN"),
          ("the epoch in wasm in Node, against tfjs-wasm", "at least 6x",
           "wasm epoch, tfjs"),
          ("the epoch in wasm in Node, against brain.js", "at least 20x",
           "wasm epoch, brain.js"),
          ("784-128-10 in wasm in Node on one row, against onnxruntime-web",
           "at least 2x", "wasm one row, onnxruntime"),
          ("784-128-10 in wasm in Node on 1,024 rows, against "
           "onnxruntime-web", "at least 3x", "wasm batch, onnxruntime"),
          ("networks in wasm in Node against our native 128-bit build",
           "at least 0.7x", "wasm, native 128-bit"),
          ("wasm of the networks, SIMD, stripped", "at most 60 KB",
           "module"))),
    ("claim and complete through SQLite, FULL durability, 8 workers, against "
     "each transition committed by itself: complete and next claim in one "
     "call, as midge's workers do", "at least 5x", "./run bench store",
     "store", store_way("pair")),
    ("claim and complete through SQLite, FULL durability, 8 workers, against "
     "each transition committed by itself: as two calls", "at least 5x",
     "./run bench store",
     "store", store_way("separate")),
    ("decide and apply", "at least 1 M events/s", "./run bench swarm", "swarm",
     events),
    *((what, target, "./run bench kernels", "kernels", kernel_targets(what))
      for what, target in (
          ("wasm SIMD against native 128-bit", "at least 0.85x"),
          ("wasm SIMD against native 128-bit: gemm", "at least 1x"),
          ("wasm SIMD against native 128-bit: popcount", "at least 0.6x"),
          ("wasm SIMD against wasm scalar", "at least 5x"),
          ("AVX2 and AVX-512 against the best known, with FMA", "within 10 %"),
          ("fast gemm against OpenBLAS, one thread", "at least 0.9x"))),
    ("wasm of the vector kernels and base, SIMD, stripped", "at most 20 KB",
     "./run bench wasm", "wasm", wasm_size("vectors-simd", 20 * 1024)),
    ("wasm of the vector kernels and base: load and instantiate in Node",
     "under 2 ms", "./run bench wasm", "wasm", wasm_load("vectors-simd", 2)),
    ("wasm of the matrix kernels and base, SIMD, stripped", "at most 20 KB",
     "./run bench wasm", "wasm", wasm_size("kernels-simd", 20 * 1024)),
    ("wasm of the matrix kernels and base: load and instantiate in Node",
     "under 2 ms", "./run bench wasm", "wasm", wasm_load("kernels-simd", 2)),
    ("core wasm, SIMD, stripped", "at most 48 KB", "./run bench wasm", "wasm",
     wasm_size("core-simd", 48 * 1024)),
    ("core wasm: load and instantiate in Node", "under 3 ms",
     "./run bench wasm", "wasm", wasm_load("core-simd", 3)),
    *((what, target, "./run bench vectors", "vectors", vector_targets(*how))
      for what, target, how in (
          ("nearest vectors at recall 0.95, f32 as it is by default, against "
           "the best of hnswlib, faiss and usearch", "at least 1.5x",
           ("queries/s at recall 0.95", "f32 as")),
          ("the same at recall 0.99", "at least 1.5x",
           ("queries/s at recall 0.99", "f32 as")),
          ("the same at recall 0.95, walked by f32 too", "at least 1.5x",
           ("queries/s at recall 0.95", "by f32")),
          ("the same at recall 0.99", "at least 1.5x",
           ("queries/s at recall 0.99", "by f32")),
          ("our best mode at recall 0.95 against the best mode of those",
           "at least 2x", ("queries/s at recall 0.95", "best mode")),
          ("the same at recall 0.99", "at least 1.7x",
           ("queries/s at recall 0.99", "best mode")),
          ("building to the same recall", "at most 0.7x",
           ("build to the same",)),
          ("bytes of a vector in int8 against hnswlib", "at most 0.4x",
           ("bytes of a vector",)),
          ("exact search of a batch against faiss IndexFlat", "at least 1x",
           ("exact search",)),
          ("wasm in Node against the best wasm package", "at least 3x",
           ("wasm in Node", "wasm peer")),
          ("wasm in Node against our native build", "at least 0.75x",
           ("wasm in Node", "native build")),
          ("wasm of the index, SIMD, stripped", "at most 40 KB",
           ("midge-index-simd",)),
          ("wasm of the small index, stripped", "at most 12 KB",
           ("midge-hnsw-micro",)),
          ("a file of 340,000 x 100 opened to the first answer",
           "under 10 ms", ("open the words",)))),
    ("`./test` on a clean machine, all installed from nothing",
     "under 10 minutes", "bench/clean_test.sh", "clean_test", clean_test),
    ("a second `./run`, before the real work", "under 2 s",
     "./run bench start", "start", start),
]


def row(results, link, figure):
    what, target, command, name, read = figure
    path = results / f"{name}.json"
    cells = [what, target, "not measured yet", "", f"`{command}`", ""]
    if path.exists():
        data = json.loads(path.read_text())
        try:
            value, reached = read(data["results"])
            cells[2:4] = value, "yes" if reached else "no"
        except KeyError as missing:
            cells[2] = f"not found: {missing} in {name}.json"
            print(f"midge: {what}: {cells[2]}", file=sys.stderr)
        cells[5] = (f"[{name}.md]({link}{name}.md), "
                    f"commit {data['commit']}")
    return "| " + " | ".join(cells) + " |"


def write(results):
    """The page of all figures, from the folder RESULTS; for a trial in there."""
    trial = results != ROOT / "bench/results"
    page = results / "figures.md" if trial else ROOT / "docs/guide/figures.md"
    link = "" if trial else "../../bench/results/"
    page.write_text("\n".join([
        "# Figures", "",
        "Made by `bench/figures.py` from `bench/results`; nothing here was "
        "typed in. A",
        "cell is the median (least to most) unless it says more; machine, "
        "compiler and",
        "every single measurement are in the results.", "",
        "| what | target | measured | reached | command | results |",
        "|---|---|---|---|---|---|",
        *(row(results, link, figure) for figure in FIGURES), "",
        "`./run bench all` makes all of them again but `./test`, which wants "
        "a machine",
        "where nothing is installed.", ""]))


if __name__ == "__main__":
    write(pathlib.Path(os.environ.get("MIDGE_BENCH_OUT")
                       or ROOT / "bench/results"))
