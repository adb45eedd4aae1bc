// The package as npm gives it to its users: what is in it, import and require,
// its types in both module systems, and what bundlers make of it for Node.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import * as esbuild from "esbuild";

import { install, pack, write } from "./package_support.mjs";
import { DIST, scratch } from "./wasm_support.mjs";

const folder = scratch(after);
const project = join(folder, "project");
const installed = join(project, "node_modules", "midge");
const tsc = join(process.env.MIDGE_ROOT, "node_modules/typescript/bin/tsc");

const USE = `
  const k = await loadKernels();
  const midge = await load();
  const swarm = await openSwarm();
  const sum = k.dot(Float32Array.of(1, 2, 3), k.f32([4, 5, 6]));
  const { source, module } = k.info();
  const index = await createIndex({ dim: 2 });
  index.add([[1, 2]]);
  const [{ id }] = (await openIndex(index.save())).search([1, 2]);
  const network = await Network.create({ layers: [2, 3, 1] });
  const data = { x: [[0, 1]], t: [[1]] };
  const { stop } = await network.trainInWorker(data, { epochs: 2 });
  const right = (await selftest()) === SELFTEST_RESULT;
  console.log(JSON.stringify([sum, source, module, right, swarm.nTasks,
    midge.info().module, id, typeof openStore, stop]));`;
const PRINTED = [32, "file", "kernels-simd", true, 0, "core-simd", 0, "function",
  "epochs"];
const NAMES =
  "createIndex, load, loadKernels, Network, oneHot, openIndex, openPool, openStore, " +
  "openSwarm, selftest, SELFTEST_RESULT";

function node(...args) {
  const options = { cwd: project, encoding: "utf8" };
  return JSON.parse(execFileSync(process.execPath, args, options));
}

before(() => install(pack(folder), project));

test("what is packed", () => {
  const names = readdirSync(join(installed, "dist"));
  const sources = names.filter((name) => /\.(ts|mts|cts)$/.test(name));
  assert.ok(sources.every((name) => /\.d\.[mc]?ts$/.test(name)));
  const top = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "dist", "package.json"];
  assert.deepEqual(readdirSync(installed).sort(), top);
  const modules = readdirSync(join(installed, "dist", "wasm"));
  for (const name of ["kernels-simd", "index-simd", "index-scalar",
    "index-threads", "hnsw-micro", "nn-simd", "nn-full-scalar", "nnx-simd"]) {
    assert.ok(modules.includes(`midge-${name}.wasm`), name);
  }
  assert.ok(!modules.some((name) => name.includes("debug")));
});

// A bundler calls a class _Name that names itself; errors are to tell its name.
test("classes have their names", () => {
  for (const name of ["index.js", "index.mjs", "index.cjs"]) {
    const text = readFileSync(join(installed, "dist", name), "utf8");
    assert.match(text, /Block = class extends Handle|class Block extends Handle/);
    assert.doesNotMatch(text, /class _/, name);
  }
});

test("every file that package.json names is there", () => {
  const description = JSON.parse(readFileSync(join(installed, "package.json")));
  const found = [];
  const walk = (value) => {
    if (typeof value === "string") {
      found.push(value);
    } else {
      Object.values(value).forEach(walk);
    }
  };
  walk([description.main, description.types, description.exports["."]]);
  assert.ok(found.length > 8);
  found.forEach((name) => assert.ok(existsSync(join(installed, name)), name));
});

test("import", () => {
  write(project, { "use.mjs": `import { ${NAMES} } from "midge"; ${USE}` });
  assert.deepEqual(node("use.mjs"), PRINTED);
});

test("require", () => {
  const text = `const { ${NAMES} } = require("midge");
    (async () => { ${USE} })();`;
  write(project, { "use.cjs": text });
  assert.deepEqual(node("use.cjs"), PRINTED);
});

test("the modules by their own names", () => {
  const text = `
    const name = "midge/wasm/midge-kernels-scalar.wasm";
    const path = require.resolve(name);
    const { loadKernels } = require("midge");
    const wasm = require("node:fs").readFileSync(path);
    loadKernels({ variant: "scalar", wasm }).then((k) =>
      console.log(JSON.stringify([path.endsWith(".wasm"), k.info().source])));`;
  write(project, { "path.cjs": text });
  assert.deepEqual(node("path.cjs"), [true, "given"]);
});

const CONSUMER = `
async function main(): Promise<void> {
  const k: Kernels = await loadKernels({ variant: "simd" });
  using a = k.f32(4);
  const b: Float32Array = a.array;
  const sum: number = k.dot(a, b) + k.ops.dot_f32(4, a.pointer, a.pointer);
  const info: Info = k.info();
  const text: string = info.module + info.version + String(sum);
  await using pool = await openPool({ threads: 1 });
  const first: number | undefined = (await pool.gemv(b, b))[0];
  const same: Block<"f32"> = await pool.gemv(b, b, pool.f32(1));
  const byText = await createIndex({ dim: 2, ids: "text", columns: { n: "int" } });
  const [hit] = byText.search(b, { k: 1, metadata: true });
  const key: string | undefined = hit?.id;
  const meta: unknown = hit?.metadata.n;
  byText.add([b], { ids: ["a"], metadata: [{ n: 1, tags: ["x"], none: null }] });
  const numbered = await createIndex({ dim: 2, metric: "l2sq" });
  const ids: Float64Array = numbered.searchMany([b, [1, 2]]).ids;
  const big = await createIndex({ dim: 2, ids: "bigint", threads: 1 });
  const words: BigUint64Array = big.searchMany(b).ids;
  const again = await openIndex<string>(byText.save());
  const deleted: number = again.delete([key ?? "", String(meta), String(ids.length)]);
  const store: IndexStore = await openStore("x");
  const kept: VectorIndex<bigint> = await createIndex({ dim: 1, ids: "bigint", store });
  kept.has(BigInt(deleted + words.length));
  using network: Network = await Network.create({ layers: [2, 3], output: "softmax" });
  const { t } = oneHot(["a", "b"], ["a", "b", "c"]);
  const how: WatchedTrainOptions = { trainer: "rprop", validation: { x: [[1, 2]], t } };
  const trained: TrainResult = network.train({ x: [[0, 1], [1, 0]], t }, {
    ...how, onEpoch: ({ epoch, validLoss }) => epoch < (validLoss ?? 3) });
  const outputs: Float32Array = network.runInto(b, new Float32Array(3));
  const small: Int8Network = await network.quantise([outputs.subarray(1)]);
  const saved: Uint8Array = small.save();
  const auc: number | null = (await network.evaluateClasses({ x: b, t })).auc;
  // @ts-expect-error: no such trainer
  network.train({ x: b, t }, { trainer: trained.stop, seed: auc ?? saved.length });
  // @ts-expect-error: no such option
  await network.trainInWorker({ x: b, t }, { learningrate: 1 });
  // @ts-expect-error: no such activation
  await Network.create({ layers: [1, 1], hidden: "rely" });
  // @ts-expect-error: ids are texts
  byText.add([b], { ids: [1] });
  // @ts-expect-error: no such option
  numbered.search(b, { count: 3 });
  // @ts-expect-error: a result has metadata only when asked for
  numbered.search(b)[0]?.metadata;
  // @ts-expect-error: no such storage
  await createIndex({ dim: 2, storage: "f64" });
  // @ts-expect-error: no such kind of column
  await createIndex({ dim: 2, columns: { a: "date" } });
  // @ts-expect-error: no such metric
  await pool.nearest(same, b, first ?? 1, "cosine");
  // @ts-expect-error: vectors of bytes are not vectors of floats
  k.dot(new Uint8Array(4), b);
  // @ts-expect-error: no such operation
  k.ops.dot_f23(4, 0, 0);
  // @ts-expect-error: no such variant
  await load({ variant: "mmx" });
  if (text === "" && (await selftest()) !== SELFTEST_RESULT) {
    throw new MidgeError("E_INTERNAL", "wrong");
  }
}
void main();
`;
const TYPES = `${NAMES}, MidgeError, type Block, type IndexStore, type Info,
  type Int8Network, type Kernels, type TrainResult, type VectorIndex,
  type WatchedTrainOptions`;

function typecheck(name, module, ...more) {
  const args = [
    tsc, "--noEmit", "--strict", "--target", "es2022", "--module", module,
    "--lib", "es2022,dom", ...more, name,
  ];
  const done = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
  assert.equal(done.status, 0, done.stdout);
}

test("types: an ES module, and what its wrong uses give", () => {
  write(project, { "types.mts": `import { ${TYPES} } from "midge";\n${CONSUMER}` });
  typecheck("types.mts", "nodenext");
});

test("types: CommonJS", () => {
  const text = `import midge = require("midge");
    import type { Block, IndexStore, Info, Int8Network, Kernels, TrainResult,
      VectorIndex, WatchedTrainOptions } from "midge";
    import Network = midge.Network;
    const { ${NAMES.replace("Network, ", "")}, MidgeError } = midge;\n${CONSUMER}`;
  write(project, { "types.cts": text });
  typecheck("types.cts", "nodenext");
  // Before require() of ES modules was a thing: no mixing of the two.
  typecheck("types.cts", "node16");
});

test("types: for a bundler", () => {
  write(project, { "types.ts": `import { ${TYPES} } from "midge";\n${CONSUMER}` });
  const how = ["--moduleResolution", "bundler"];
  typecheck("types.ts", "esnext", ...how);
  typecheck("types.ts", "esnext", ...how, "--customConditions", "browser");
});

/** Bundles a program for Node with esbuild; returns the path of the bundle. */
async function bundle(name, text, options) {
  write(project, { [name]: text });
  const outfile = join(folder, "bundles", options.format, name);
  await esbuild.build({
    entryPoints: [join(project, name)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "silent",
    ...options,
  });
  return outfile;
}

test("esbuild for Node, modules copied beside the bundle", async () => {
  const text = `import { ${NAMES} } from "midge"; ${USE}`;
  const path = await bundle("bundled.mjs", text, { format: "esm" });
  const worker = "network_worker.mjs"; // lies beside the bundle, too
  cpSync(join(DIST, worker), join(dirname(path), worker));
  cpSync(join(DIST, "wasm"), join(dirname(path), "wasm"), { recursive: true });
  assert.deepEqual(node(path), PRINTED);
});

const EMBEDDED = `
  import { loadKernels } from "midge";
  import wasm from "midge/wasm/midge-kernels-simd.wasm";
  const say = (x) => console.log(JSON.stringify(x));
  async function main() {
    const k = await loadKernels({ wasm });
    { using a = k.f32(100); }
    const { source, usedBytes, peakBytes } = k.info();
    loadKernels().catch((error) =>
      say([source, error.message, usedBytes, peakBytes]));
  }
  main();`;

test("esbuild for Node, one file with the module in it", async () => {
  const options = { format: "cjs", loader: { ".wasm": "binary" } };
  const path = await bundle("embedded.js", EMBEDDED, options);
  const [source, failure, used, peak] = node(path);
  assert.equal(source, "given");
  assert.deepEqual([used, peak], [0, 448]); // after the scope of `using`
  // A bundle in CommonJS does not know where it lies, and says what to do.
  assert.match(failure, /where midge-kernels-simd\.wasm lies is not known/);
  assert.match(failure, /pass it as the option `wasm`/);
});

test("esbuild for Node from require(): the CommonJS flavour", async () => {
  const text = `const { ${NAMES} } = require("midge"); (async () => {${USE}})();`;
  const path = await bundle("required.js", text, { format: "cjs" });
  const worker = "network_worker.cjs"; // lies beside the bundle, too
  cpSync(join(DIST, worker), join(dirname(path), worker));
  cpSync(join(DIST, "wasm"), join(dirname(path), "wasm"), { recursive: true });
  assert.deepEqual(node(path), PRINTED);
});
