// vectors_node_peers.mjs: the sides of vectors_node.mjs, each a class over what
// a package of npm offers: build({mode, threads, m, efConstruction}), then
// search(query, k), or searchLater when it is asynchronous, or searchBatch, which
// give the ids.
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A file of this process beside the package, which goes when it ends. */
function ownFile(folder, name) {
  const path = join(folder, `${name}.${process.pid}`);
  process.on("exit", () => rmSync(path, { force: true }));
  return path;
}

const requireIn = (folder) => createRequire(join(folder, "package.json"));
const importIn = (folder, path) =>
  import(pathToFileURL(join(folder, "node_modules", path)));

/** Where a peer has no cosine: of vectors of length 1 the squared distance ranks
 * as the cosine does, whatever the length of the query. */
function normalised({ metric, dim, rows, base, row }) {
  if (metric !== "cosine") {
    return { base, row };
  }
  const all = Float32Array.from(base);
  const one = (i) => all.subarray(i * dim, (i + 1) * dim);
  for (let i = 0; i < rows; i++) {
    const length = Math.hypot(...row(i)) || 1;
    one(i).forEach((x, j, to) => (to[j] = x / length));
  }
  return { base: all, row: one };
}

/** Modes are its scalar kinds: f32, f16, i8, b1. Width of the search is fixed
 * when an index is made: another one is another index over the saved bytes. */
class Usearch {
  constructor(data) {
    this.data = data;
    this.usearch = requireIn(data.modules)("usearch");
    this.path = ownFile(data.modules, "usearch");
  }
  make(ef) {
    const { mode, m, efConstruction } = this.setting;
    return new this.usearch.Index({
      dimensions: this.data.dim,
      metric: this.data.metric === "cosine" ? "cos" : "l2sq",
      quantization: mode,
      connectivity: m,
      expansion_add: efConstruction,
      expansion_search: ef,
      multi: false,
    });
  }
  drop() {
    this.index = null;
  }
  build(setting) {
    this.setting = setting;
    this.index = this.make(64);
    this.saved = false;
    const keys = BigUint64Array.from({ length: this.data.rows }, (_, i) =>
      BigInt(i),
    );
    this.index.add(keys, this.data.base, setting.threads);
  }
  setEf(ef) {
    if (!this.saved) {
      this.index.save(this.path);
      this.saved = true;
    }
    this.index = null;
    globalThis.gc?.();
    this.index = this.make(ef);
    this.index.load(this.path);
  }
  search(query, k) {
    return this.index.search(query, k, 1).keys;
  }
  searchBatch(queries, count, k) {
    const { keys } = this.index.search(queries, k, 1);
    return Array.from({ length: count }, (_, i) =>
      keys.subarray(i * k, (i + 1) * k),
    );
  }
  save(path) {
    this.index.save(path);
  }
  open(setting, path) {
    this.setting = setting;
    this.path = path;
    this.saved = true;
    this.index = this.make(64);
    this.index.view(path); // mapped; setEf loads it
  }
}

/** Takes arrays of numbers, no typed ones. */
class HnswlibNode {
  constructor(data) {
    this.data = data;
    this.hnswlib = requireIn(data.modules)("hnswlib-node");
  }
  drop() {
    this.index = null;
  }
  build({ m, efConstruction }) {
    const { metric, dim, rows, row } = this.data;
    const space = metric === "cosine" ? "cosine" : "l2";
    this.index = new this.hnswlib.HierarchicalNSW(space, dim);
    this.index.initIndex(rows, m, efConstruction);
    for (let i = 0; i < rows; i++) {
      this.index.addPoint(Array.from(row(i)), i);
    }
  }
  setEf(ef) {
    this.index.setEf(ef);
  }
  search(query, k) {
    return this.index.searchKnn(Array.from(query), k).neighbors;
  }
}

/** Made for browsers only: it looks for a window, and finds one. */
class HnswlibWasm {
  constructor(data) {
    this.data = data;
    globalThis.window = globalThis;
    globalThis.document = { currentScript: null };
    globalThis.location = { href: "" };
  }
  drop() {
    this.index = null;
  }
  async build({ m, efConstruction }) {
    const { metric, dim, rows, row, modules } = this.data;
    const { loadHnswlib } = await importIn(
      modules,
      "hnswlib-wasm/dist/hnswlib.js",
    );
    const hnswlib = await loadHnswlib();
    const space = metric === "cosine" ? "cosine" : "l2";
    this.index = new hnswlib.HierarchicalNSW(space, dim, "");
    this.index.initIndex(rows, m, efConstruction, 100);
    for (let i = 0; i < rows; i++) {
      this.index.addPoint(row(i), i, false);
    }
  }
  setEf(ef) {
    this.index.setEfSearch(ef);
  }
  search(query, k) {
    return this.index.searchKnn(query, k, undefined).neighbors;
  }
}

/** Its "cosine" of version 0.9.0 gives the farthest first, so it gets vectors of
 * length 1 and L2. Its width of search is fixed when it is made, and it cannot be read back from
 * bytes in Node: "hnsw:EF" is built for one EF. "bq:FACTOR" walks by bits and
 * measures FACTOR * k again. */
class Edgevec {
  constructor(data) {
    this.data = data;
  }
  drop() {
    this.index?.free();
    this.index = null;
  }
  async build({ mode, m, efConstruction }) {
    const { dim, rows, modules } = this.data;
    const edgevec = await importIn(modules, "edgevec/edgevec.js");
    const wasm = join(modules, "node_modules/edgevec/edgevec_bg.wasm");
    edgevec.initSync({ module: readFileSync(wasm) });
    const config = new edgevec.EdgeVecConfig(dim);
    config.metric = "l2";
    config.m = m;
    config.m0 = 2 * m;
    config.ef_construction = efConstruction;
    const [kind, width] = mode.split(":");
    config.ef_search = kind === "hnsw" ? Number(width) : 64;
    this.index = new edgevec.EdgeVec(config);
    if (kind === "bq") {
      this.index.enableBQ();
    }
    this.factor = kind === "bq" ? Number(width) : 0;
    const { base } = normalised(this.data);
    const first = this.index.insertBatchFlat(base, rows)[0];
    this.first = Number(first);
  }
  search(query, k) {
    const found = this.factor
      ? this.index.searchBQRescored(query, k, this.factor)
      : this.index.search(query, k);
    return found.map(({ id }) => Number(id) - this.first);
  }
}

/** A k-d tree; it has no settings, and is Euclidean. */
class Voy {
  constructor(data) {
    this.data = data;
  }
  drop() {
    this.index = null;
  }
  async build() {
    const { rows, modules } = this.data;
    const { row } = normalised(this.data);
    const glue = await importIn(modules, "voy-search/voy_search_bg.js");
    const wasm = join(modules, "node_modules/voy-search/voy_search_bg.wasm");
    const { instance } = await WebAssembly.instantiate(readFileSync(wasm), {
      "./voy_search_bg.js": glue,
    });
    glue.__wbg_set_wasm(instance.exports);
    const embeddings = Array.from({ length: rows }, (_, i) => ({
      id: String(i),
      title: "",
      url: "",
      embeddings: Array.from(row(i)),
    }));
    this.index = new glue.Voy({ embeddings });
  }
  search(query, k) {
    return this.index.search(query, k).neighbors.map(({ id }) => id);
  }
}

/** Not wasm: where it has a native addon that is what it runs. It keeps what it
 * is given in a file, too. The efSearch of a query changes nothing in version
 * 0.3.2: "hnsw:EF" is built for one EF. */
class Ruvector {
  constructor(data) {
    this.data = data;
    this.ruvector = requireIn(data.modules)("ruvector");
    this.path = ownFile(data.modules, "ruvector");
  }
  drop() {
    this.index = null;
  }
  async build({ mode, m, efConstruction }) {
    const { metric, dim, rows, row } = this.data;
    const efSearch = Number(mode.split(":")[1]);
    this.index = new this.ruvector.VectorDb({
      dimensions: dim,
      storagePath: this.path,
      distanceMetric: metric === "cosine" ? "cosine" : "euclidean",
      hnswConfig: { m, efConstruction, efSearch, maxElements: rows },
    });
    for (let i = 0; i < rows; i += 1000) {
      const count = Math.min(1000, rows - i);
      await this.index.insertBatch(
        Array.from({ length: count }, (_, j) => ({
          id: String(i + j),
          vector: row(i + j),
        })),
      );
    }
  }
  async searchLater(vector, k) {
    const found = await this.index.search({ vector, k });
    return found.map(({ id }) => id);
  }
}

/** Our npm package, from the folder in which it was built. */
class MidgeWasm {
  constructor(data) {
    this.data = data;
  }
  drop() {
    this.index?.dispose();
    this.index = null;
  }
  async build({ mode, m, efConstruction }) {
    const { metric, dim, base, modules } = this.data;
    const { createIndex } = await import(
      pathToFileURL(join(modules, "dist/index.mjs"))
    );
    const [storage, walk] = mode.split("_");
    this.index = await createIndex({
      dim,
      metric: metric === "cosine" ? "cosine" : "l2sq",
      kind: "hnsw",
      storage,
      walk,
      m,
      efConstruction,
    });
    this.index.add(base);
  }
  setEf(ef) {
    this.ef = ef;
  }
  search(query, k) {
    return this.index.search(query, { k, ef: this.ef }).map(({ id }) => id);
  }
  searchBatch(queries, count, k) {
    const { ids } = this.index.searchMany(queries, { k, ef: this.ef });
    return Array.from({ length: count }, (_, i) =>
      ids.subarray(i * k, (i + 1) * k),
    );
  }
}

export const peers = {
  "midge-wasm": MidgeWasm,
  usearch: Usearch,
  "hnswlib-node": HnswlibNode,
  "hnswlib-wasm": HnswlibWasm,
  edgevec: Edgevec,
  "voy-search": Voy,
  ruvector: Ruvector,
};
