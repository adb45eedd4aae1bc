"""run_nn.py: an epoch of a 784-128-10 network and running it, ours and
PyTorch's, on one thread of one core; each repeats a few times after an epoch to
warm up, and the two take turns."""
import os

import harness
import report as pages

ABOUT = "an epoch and running of a 784-128-10 network, against PyTorch"
COUNTS = {"rounds": 5, "repetitions": 3}
OUT = "nn_epoch"
# PyTorch and the BLAS below it are told separately.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
              "MKL_NUM_THREADS": "1"}


def measure(run):
    run.prepare("bench", ["bench/nn_bench"],
                ["include", "src/nn", "src/kernels", "src/base",
                 "bench/nn_bench.c", "bench/nn_torch.py"])
    engines = (["/usr/bin/python3", harness.ROOT / "bench/nn_torch.py"],
               [run.build / "bench/nn_bench"])
    run.take_turns(run.rounds, [
        harness.Program([*engine, trainer, run.repetitions], env=ONE_THREAD)
        for trainer in ("adam", "sgd") for engine in engines])


TITLES = {"epoch_adam": "epoch, Adam", "epoch_sgd": "epoch, SGD with momentum",
          "run": "60,000 rows run, 256 at a time"}


def summary(lines, engine, what):
    mine = [x for x in lines if x["engine"] == engine
            and x.get("what") == what]
    return {**pages.spread(x["ms"] for x in mine),
            "last_loss": mine[-1].get("loss")}


def report(origin, lines):
    about = next(x for x in lines if "version" in x)
    origin["machine"]["threads"] = 1
    result = {**origin, "torch": about["version"], "blas": about["blas"],
              "results": {}, "measurements": [x for x in lines if "what" in x]}
    rows = []
    for what, title in TITLES.items():
        ours = summary(lines, "midge", what)
        theirs = summary(lines, "torch", what)
        ratio = round(theirs["median"] / ours["median"], 2)
        result["results"][what] = {"midge": ours, "torch": theirs,
                                   "ratio": ratio}
        rows.append([title, pages.cell(ours), pages.cell(theirs), ratio])
    n = result["results"]["epoch_adam"]["midge"]["n"]
    return (
        result,
        "A 784-128-10 network, batch 32, 60,000 rows, one thread",
        ["Made by `./run bench nn`; every measurement is in `nn_epoch.json`."],
        [*pages.origin_lines(result, "one used"),
         f"- PyTorch {about['version']} over "
         + ", ".join(os.path.basename(p) for p in about["blas"]),
         f"- median (least to most) of {n} epochs each, the two taking turns"],
        pages.table(["what", "Midge, ms", "PyTorch, ms", "PyTorch / Midge"],
                     *rows),
        ["Midge rounds every product before it is added (the same bits on every",
         "machine); PyTorch's BLAS uses fused multiply-add."])
