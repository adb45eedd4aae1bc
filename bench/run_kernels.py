"""run_kernels.py: every operation of the kernels in every variant, native and
wasm, beside what is best known: the time of a call and what it is of what the
machine can. All sides take turns on one core (kernels_side.c, .mjs); the works
are kernels_work.c."""
import statistics

import harness
import kernels_page
import report as pages

ABOUT = "each kernel on each instruction set and in wasm, against its peers"
COUNTS = {"rounds": 15}
BUILD = "build-bench-kernels"
MODULES = ["scalar", "simd", "relaxed"]
FAST, BYTES, PEAK = 1, 2, 4  # flags of a work, kernels_work.h

# What a CPU must have for a native side. The core of OpenBLAS that uses the
# same instructions is asked for by name.
NATIVE = {"scalar": [], "v2": ["sse4_2", "popcnt"], "avx2": ["avx2"],
          "avx512": ["avx512bw", "avx512dq", "avx512vl"],
          "avx512icl": ["avx512_vnni", "avx512_vpopcntdq", "avx512_bitalg"]}
PEERS = {"peer-avx2": ["avx2", "fma"], "peer-avx512": ["avx512_vnni"]}
OPENBLAS = {"openblas-v2": ("Nehalem", "v2"), "openblas-avx2": ("Haswell", "avx2"),
            "openblas-avx512": ("SkylakeX", "avx512")}
TOLERANCE = 1e-3  # of a peer's sums: that it did the same work


def sides(build):
    flags = pages.cpu_flags()
    program = build / "bench/kernels_side"

    def here(needs):
        return all(need in flags for need in needs)

    found = [harness.Process(name, [program, name])
             for name, needs in {**NATIVE, **PEERS}.items() if here(needs)]
    found += [harness.Process(name, [program, "openblas"],
                              {"OPENBLAS_CORETYPE": core,
                               "OPENBLAS_NUM_THREADS": "1"})
              for name, (core, isa) in OPENBLAS.items() if here(NATIVE[isa])]
    return found + [harness.Process(
        f"wasm {module}", ["node", harness.ROOT / "bench/kernels_side.mjs",
                           build / f"bench/bench_kernels_{module}.wasm", module])
        for module in MODULES]


def runs(side, work):
    """avx512icl differs for bytes only, the relaxed module for _fast only."""
    if side.name == "avx512icl" and not work["flags"] & BYTES:
        return False
    if side.name == "wasm relaxed" and not work["flags"] & (FAST | PEAK):
        return False
    return bool(work["runs"])


def check(work, answers):
    """That all did the same: for each side whether it gave the bits of the
    first, the scalar one; peers and _fast may differ in the last digits."""
    first = next(iter(answers.values()))
    same = {}
    for side, answer in answers.items():
        off = abs(answer["sum"] - first["sum"])
        if not off <= TOLERANCE * first["scale"]:  # NaN is no answer
            raise harness.Failed(f"{side} computed something else in "
                                 f"{work['name']}: {answer}, not {first}")
        same[side] = answer["hash"] == first["hash"]
    return same


def measure_work(run, index, mine, works):
    work = next(iter(works.values()))[index]
    answers = {side.name: side.ask("check", index) for side in mine}
    same = {} if work["flags"] & PEAK else check(work, answers)
    for side in mine:
        side.ask("warm", index)
    ns = {side.name: [] for side in mine}
    for _, side in harness.turns(run.rounds, mine):
        ns[side.name].append(side.ask("time", index)["ns"])
    run.lines += [{
        "work": work["name"], "side": side.name, "same_bits": same.get(side.name),
        **{key: works[side.name][index][key]
           for key in ("flops", "bytes", "items", "flags")},
        "ns": ns[side.name]} for side in mine]


def measure(run):
    run.prepare(
        "bench wasm", ["bench/kernels_side", *(
            f"bench/bench_kernels_{module}.wasm" for module in MODULES)],
        ["include", "src/base", "src/kernels", "bindings/js", "bench"],
        BUILD, "-Dwasm=enabled -Dtests=disabled -Dbench=true")
    every = sides(run.build)
    try:
        told = {side.name: side.ask("works") for side in every}
        run.lines.append({"sides": {name: answer["about"]
                                    for name, answer in told.items()},
                          "unmeasured": told["scalar"]["unmeasured"]})
        works = {name: answer["works"] for name, answer in told.items()}
        count = len(works["scalar"])
        for index in range(count):
            mine = [side for side in every
                    if runs(side, works[side.name][index])]
            measure_work(run, index, mine, works)
    finally:
        for side in every:
            side.close()


# ---- What is made of it ------------------------------------------------------

def rates(line, ns):
    """G a second: operations, bytes, elements."""
    return {unit: round(line[key] / ns, 3)
            for unit, key in (("gflops", "flops"), ("gbytes", "bytes"),
                              ("gitems", "items")) if line[key] > 0}


def summaries(lines):
    """{work: {side: figures}}"""
    works = {}
    for line in lines:
        spread = pages.spread(line["ns"], 2)
        works.setdefault(line["work"], {})[line["side"]] = {
            "ns": spread, **rates(line, spread["median"]),
            "same_bits": line["same_bits"]}
    flags = {line["work"]: line["flags"] for line in lines}
    for name, work in works.items():
        for side, figures in work.items():
            add_shares(works, figures, side, flags[name])
    return works


def add_shares(works, figures, side, flags):
    """Of what the machine can with the same instructions, in floats."""
    isa = side.split("-")[-1].replace("avx512icl", "avx512")
    fused = flags & FAST or side not in kernels_page.OWN
    peak = ((works["peak fma"].get(isa) if fused else None)
            or works["peak mul+add"].get(isa))
    memory = works["read 64 MiB"].get(isa)
    if peak and "gflops" in figures and not flags & BYTES:
        figures["of_peak"] = round(figures["gflops"] / peak["gflops"], 3)
    if memory and "gbytes" in figures:
        figures["of_memory"] = round(figures["gbytes"] / memory["gbytes"], 3)


SINGLE = ("dot 8x768", "l2sq 8x768", "cosine 8x768")


# (what, work and side of ours, work and side compared with, at least)
def all_targets():
    of_native = "wasm SIMD against native 128-bit"
    for what, least, works in (
            (of_native, 0.85, SINGLE + ("axpy 8x768", "dot_i8 8x768",
                                        "gemv 8x768", "sigmoid 768")),
            (of_native + ": gemm", 1.0, ("gemm 512x512x512",)),
            (of_native + ": popcount", 0.6, ("hamming 64x1024",))):
        for work in works:
            yield what, work, "wasm simd", work, "v2", least
    for work in SINGLE:
        yield ("wasm SIMD against wasm scalar", work, "wasm simd", work,
               "wasm scalar", 5.0)
    # One pair a call and eight rows a call, against the better known way.
    for isa, bytes_isa in (("avx2", "avx2"), ("avx512", "avx512icl")):
        for mine, side, theirs in (
                ("dot 8x768", isa, "dot 8x768"),
                ("gemv 8x768", isa, "dot 8x768"),
                ("l2sq 8x768", isa, "l2sq 8x768"),
                ("l2sq_rows 8x768", isa, "l2sq 8x768"),
                ("dot_i8 8x768", bytes_isa, "dot_i8 8x768"),
                ("l2sq_i8 8x768", bytes_isa, "l2sq_i8 8x768")):
            yield ("AVX2 and AVX-512 against the best known, with FMA", mine,
                   side, theirs, f"peer-{isa}", 1 / 1.1)
    for isa in ("avx2", "avx512"):
        yield ("fast gemm against OpenBLAS, one thread",
               "gemm_fast 512x512x512", isa, "gemm 512x512x512",
               f"openblas-{isa}", 0.9)


def judged(lines):
    """The targets whose works are there: the ratio is of the medians, its spread
    that of the rounds."""
    ns = {(line["work"], line["side"]): line["ns"] for line in lines}
    found = []
    for what, mine, my_side, theirs, their_side, least in all_targets():
        ours, others = ns.get((mine, my_side)), ns.get((theirs, their_side))
        if ours and others:
            ratio = statistics.median(others) / statistics.median(ours)
            found.append({
                "what": what, "work": mine, "side": my_side, "than": theirs,
                "than_side": their_side, "target": round(least, 3),
                "ratio": {**pages.spread([b / a for a, b in zip(ours, others)],
                                         3), "median": round(ratio, 3)},
                "met": ratio >= least})
    return found


def report(origin, lines):
    first, *lines = lines
    works, targets = summaries(lines), judged(lines)
    result = {**origin, **first, "results": {
        "works": works,
        "targets": {f"{t['what']}: {t['work']}, {t['side']}": t
                    for t in targets}},
        "measurements": lines}
    return kernels_page.make(result, works, targets, lines)
