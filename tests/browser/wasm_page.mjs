// The page of wasm_browser.test.mjs: does everything once in both variants and
// leaves what it got in window.answer; the test compares.
import {
  hasRelaxedSimd,
  hasSimd,
  load,
  loadKernels,
  loadVectors,
  openSwarm,
  selftest,
} from "./dist/index.js";

async function bytesOf(path) {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

async function predict(variant) {
  const midge = await load({ variant });
  const again = await load({ variant });
  const model = midge.openModel(await bytesOf("model.midge"));
  const table = model.predictTable(await bytesOf("data.csv"));
  const answer = {
    info: midge.info(),
    cachedAgain: again.info().cached,
    selftest: await selftest({ variant }),
    bits: [...new Uint32Array(table.outputs.buffer)],
    values: model.values(table),
  };
  model.dispose();
  return { ...answer, usedAfter: midge.info().usedBytes };
}

/** What one set of kernels gives, with blocks of its memory and growth. */
async function compute(load, variant) {
  const k = await load({ variant });
  const again = await Promise.all([load({ variant }), load({ variant })]);
  const a = k.f32(Float32Array.from({ length: 1000 }, (_, i) => Math.sqrt(i)));
  const before = a.array;
  const big = k.f32(1 << 20);
  const answer = {
    info: k.info(),
    shared: again.every((one) => one === k),
    grown: [before.length, a.array.length],
    numbers: [k.dot(a, a), k.sum(a), k.norm(a)],
    rows: [...k.gemv(a, a.array.subarray(0, 10))],
  };
  a.dispose();
  big.dispose();
  return { ...answer, usedAfter: k.info().usedBytes };
}

/** The messages of loads that cannot work. */
function failures() {
  const from = (path, load = loadKernels) =>
    load({ wasm: new URL(path, location.href) }).then(
      () => "loaded",
      (error) => `${error.code} ${error.message}`,
    );
  return Promise.all([
    from("nowhere.wasm"),
    from("page.wasm"),
    from("untyped.wasm"),
    from("untyped.wasm", loadVectors),
  ]);
}

async function replay() {
  const swarm = await openSwarm();
  const log = await (await fetch("log.jsonl")).text();
  log.split("\n").forEach((event) => swarm.replay(event));
  return `${swarm.lastSeq} ${swarm.hash()}`;
}

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker("wasm_worker.mjs", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
}

async function all() {
  const wrongType = new URL("untyped.wasm", location.href);
  return {
    hasSimd: hasSimd(),
    defaultModule: (await load()).info().module,
    untyped: (await load({ wasm: wrongType })).info().source,
    scalar: await predict("scalar"),
    simd: await predict("simd"),
    kernels: {
      simd: await compute(loadKernels, "simd"),
      scalar: await compute(loadKernels, "scalar"),
      relaxed: hasRelaxedSimd() ? await compute(loadKernels, "relaxed") : null,
      vectors: await compute(loadVectors, "simd"),
    },
    failures: await failures(),
    replayed: await replay(),
    worker: await inWorker(),
  };
}

try {
  window.answer = await all();
} catch (error) {
  window.answer = { failed: String(error.stack ?? error) };
}
document.getElementById("out").textContent = "done";
