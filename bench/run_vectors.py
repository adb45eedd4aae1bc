"""run_vectors.py: vector search against hnswlib, faiss, usearch and what is
in npm: queries/s over recall@10, build times, bytes, exact search, opening a
file, growth, wasm. Sides are processes that live through all rounds and take
turns (vectors_side.h); one thread on one core but where builds say two."""
import contextlib

import harness
import parts
import peers
import vectors_page
import vectors_sides
from vectors_sides import Absent, Side

ABOUT = "vector search against hnswlib, faiss, usearch and wasm packages"
COUNTS = {"rounds": 3}
WORDS = {"quick": "small sets, one round: to see that all sides run",
         "digits": "only these parts ...", "words": "", "clusters": "",
         "build": "", "exact": "", "open": "", "wasm": "",
         "again": "these parts, into the stored run for what it had of them"}
FAULTS = (Absent, harness.Failed, OSError, ValueError)  # of one side
LEVELS = [0.95, 0.99]
ENOUGH = 0.998  # recall from which no larger ef is tried
EFS = {"digits": [10, 12, 16, 24, 32, 48, 64, 100],
       "words": [20, 40, 80, 120, 200, 300, 400, 600, 800, 1200],
       "clusters": [10, 15, 20, 30, 40, 60, 80, 120, 200, 300, 400, 600]}

# (peer, mode, M, ef_construction, whether searches of many queries are asked
# in one call). The first of each peer is its default way, the others are what
# was found to be better, or smaller.
OURS = [("midge", mode, 16, 128, 1)
        for mode in ("f32_int8", "f32_rows", "f16_int8", "int8_rows")]
SIDES = {
    "digits": OURS + [
        ("hnswlib", "padded", 16, 200, 0), ("hnswlib", "padded", 32, 400, 0),
        ("usearch", "f32", 16, 128, 1), ("usearch", "f16", 16, 128, 1),
        ("usearch", "bf16", 16, 128, 1), ("usearch", "i8", 16, 128, 1),
        ("faiss", "HNSW%_Flat", 16, 200, 1),
        ("faiss", "HNSW%_SQ8", 16, 200, 1)],
    "words": OURS + [
        ("midge", "f32_int8", 32, 128, 1),
        ("hnswlib", "padded", 16, 200, 0), ("hnswlib", "padded", 32, 200, 0),
        ("usearch", "f32", 16, 128, 1), ("usearch", "f16", 16, 128, 1),
        ("usearch", "i8", 16, 128, 1), ("faiss", "HNSW%_Flat", 16, 100, 1)],
    "clusters": [("midge", mode, 16, 128, 1)
                 for mode in ("f32_int8", "f32_rows")] + [
        ("hnswlib", "padded", 16, 200, 0)]}
# Their builds are not measured in the run (Side.kept).
KEPT = {"faiss", "usearch", "hnswlib"}
BUILDS = [*(("midge", "f32_int8", 16, efc, 1) for efc in (64, 128, 200)),
          ("midge", "f32_rows", 16, 128, 1),
          ("hnswlib", "padded", 16, 200, 0), ("usearch", "f32", 16, 128, 1)]
EXACT = [("midge", "f32_flat", 0, 0, 1), ("faiss", "Flat", 0, 0, 1)]
FILES = [("midge", "f32_int8", 16, 128, 0), ("hnswlib", "padded", 16, 200, 0),
         ("usearch", "f32", 16, 128, 1)]
# By the rows of the words that all of them can take.
IN_WASM = {
    50000: [("midge-wasm", "f32_rows", 16, 128, 1),
            ("midge-wasm", "int8_rows", 16, 128, 1),
            ("midge-wasm", "f32_int8", 16, 128, 1),
            ("midge", "f32_rows", 16, 128, 1),
            ("midge", "int8_rows", 16, 128, 1),
            ("midge", "f32_int8", 16, 128, 1),
            ("midge-v2", "f32_rows", 16, 128, 1),
            ("midge-v2", "int8_rows", 16, 128, 1),
            ("midge-v2", "f32_int8", 16, 128, 1),
            ("hnswlib-wasm", "f32", 16, 128, 0),
            ("hnswlib-node", "f32", 16, 128, 0),
            *(("ruvector", f"hnsw:{ef}", 16, 128, 0) for ef in (64, 300))],
    5000: [("midge-wasm", "f32_int8", 16, 128, 1),
           ("midge", "f32_int8", 16, 128, 1),
           ("midge-v2", "f32_int8", 16, 128, 1),
           ("hnswlib-wasm", "f32", 16, 128, 0),
           *(("edgevec", f"hnsw:{ef}", 16, 128, 0) for ef in (32, 100)),
           ("edgevec", "bq:10", 16, 128, 0), ("voy-search", "k-d", 0, 0, 0)]}
# Their width of the search is fixed when they are built.
NO_EF = {"edgevec", "ruvector", "voy-search"}


# ---- Sides that may be absent -----------------------------------------------

def without(run, words, why):
    peer, mode, m, efc, _ = words
    harness.say(f"{peer} {mode}: {why}")
    run.lines.append({"what": "absent", "peer": peer, "mode": mode, "m": m,
                      "efc": efc, "why": str(why)})


@contextlib.contextmanager
def started(run, name, rows, list_of_words, start):
    """The sides that could be made ready with start(side)."""
    sides = []
    try:
        for words in list_of_words:
            side = None
            try:
                side = Side(run.place, name, rows, *words)
                run.lines.append(start(side))
                sides.append(side)
            except FAULTS as why:
                without(run, words, why)
                if side is not None:
                    side.close()
        yield sides
    finally:
        for side in sides:
            side.close()


def ready(side):
    return side.kept() if side.peer in KEPT else side.build(2)


# ---- Curves -----------------------------------------------------------------

def around(found):
    """The values of ef next to each level, below and above."""
    wanted = set()
    for level in LEVELS:
        below = [ef for ef, recall in found if recall < level]
        above = [ef for ef, recall in found if recall >= level]
        wanted |= set(below[-1:] + above[:1])
    return sorted(wanted)


def one_curve(run, side, efs, about):
    """Until the recall is enough; gives [(ef, recall)]."""
    found = []
    for ef in efs:
        line = {**side.search(ef), **about}
        run.lines.append(line)
        found.append((ef, line["recall"]))
        if line["recall"] >= ENOUGH or side.peer in NO_EF:
            break
    return found


def measure_curves(rounds, run, sides, efs, what="curve"):
    """All of EFS once, then those around the levels again."""
    wanted = {}
    for i, side in harness.turns(rounds, sides):
        found = one_curve(run, side, wanted.get(side, efs),
                          {"round": i, "of": what})
        if i == 0:
            wanted[side] = efs[:1] if side.peer in NO_EF else around(found)


def choose(run, side, ef):
    """Asks as it is faster with: one call for each query, or one for all."""
    took = {0: [], 1: []}
    for batch in (1, 0, 1, 0, 1, 0):
        side.batch = batch
        line = {**side.search(ef), "round": 0, "of": "asked"}
        run.lines.append(line)
        took[batch].append(line["seconds"])
    side.batch = int(min(took[1]) <= min(took[0]))


def rounds_of(run, name):
    """Of the digits a pass is over in an instant."""
    return run.rounds * (3 if name == "digits" else 1)


def curves(run, name, rows):
    rounds = rounds_of(run, name)
    with started(run, name, rows, SIDES[name], ready) as sides:
        for side in sides:
            if side.batch:
                choose(run, side, EFS[name][2])
        measure_curves(rounds, run, sides, EFS[name])


# ---- The other parts --------------------------------------------------------

def builds(run, rows):
    """One after the other; then the recall that each has bought."""
    for words in BUILDS:
        with started(run, "words", rows, [words],
                     lambda side: {**side.build(1), "of": "build"}) as sides:
            for side in sides:
                run.lines.append({**side.build(2), "of": "build"})
                one_curve(run, side, EFS["words"][1:],
                          {"round": 0, "of": "build"})


def exact(run, name, rows):
    with started(run, name, rows, EXACT, lambda side: side.build(1)) as sides:
        for i, side in harness.turns(rounds_of(run, name), sides):
            run.lines.append({**side.search(0), "round": i, "of": "exact"})


def opening(run, rows):
    """Of files that were read before: their pages are in memory."""
    with started(run, "words", rows, FILES, ready) as sides:
        paths = {}
        for side in sides:
            paths[side] = run.scratch / f"opened.{side.peer}"
            run.lines.append({**side.tags(), "what": "save",
                              **side.asked("save", paths[side])})
            paths[side].read_bytes()
        for i, side in harness.turns(max(3, run.rounds), sides):
            run.lines.append({
                **side.tags(), "what": "open", "round": i,
                **side.asked("open", side.mode, side.m, paths[side])})


def growth(run, prefixes):
    for rows in prefixes:
        with started(run, "clusters", rows, SIDES["clusters"], ready) as sides:
            measure_curves(run.rounds, run, sides, EFS["clusters"])


def wasm(run, all_rows):
    for rows in all_rows:
        with started(run, "words", rows, IN_WASM[rows],
                     lambda side: {**side.build(1), "of": "wasm"}) as sides:
            measure_curves(run.rounds, run, sides, [10, *EFS["words"]], "wasm")
    for path in sorted((run.place.js / "dist/wasm").glob("*.wasm")):
        run.lines.append({"what": "module", "module": path.stem,
                          "bytes": path.stat().st_size})


# ---- The benchmark ----------------------------------------------------------

SOURCES = ["include", "src/index", "src/kernels", "src/base", "host/vectors",
           "host/os", "bench", "bindings/js"]


def prepare(run):
    js = None
    if "wasm" in run.parts:
        run.prepare("data wasm test", ["wasm"], SOURCES, "build-bench-wasm",
                    "-Dwasm=enabled -Dtests=enabled")
        harness.output([harness.ROOT / "tools/build_js", run.build])
        js = run.build / "js"
    run.prepare("data bench", ["bench/vectors_midge"], SOURCES)
    run.place = place = vectors_sides.Place(run.build, js)
    vectors_sides.compile_all(place)
    for name in ("digits", "words", "clusters"):
        getattr(vectors_sides, f"prepare_{name}")(place)


def measure(run):
    parts.begin(run, "vectors", WORDS)
    prepare(run)
    if run.quick:
        run.rounds = 1
    digits, words = (vectors_sides.size_of(run.place / f"{name}.fbin")[0]
                     for name in ("digits", "words"))
    words = vectors_sides.SUBSETS[-1] if run.quick else words
    parts.measure(run, "vectors", {
        "digits": lambda: curves(run, "digits", digits),
        "words": lambda: curves(run, "words", words),
        "clusters": lambda: growth(
            run, vectors_sides.PREFIXES[:1 if run.quick else 3]),
        "build": lambda: builds(run, words),
        "exact": lambda: [exact(run, "digits", digits),
                          exact(run, "words", words)],
        "open": lambda: opening(run, words),
        "wasm": lambda: wasm(run, sorted(IN_WASM)[:1 if run.quick else None])},
        FAULTS,
        lambda part, why: without(run, (part, "(a part)", 0, 0, 0), why))
    parts.end(run, {"versions": run.place.versions,
                    "flags": peers.CXX_FLAGS})


report = vectors_page.report
publish = vectors_page.publish
