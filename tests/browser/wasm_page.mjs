// The page of wasm_browser.test.mjs: does everything once in both variants and
// leaves what it got in window.answer; the test compares.
import { hasSimd, load, openSwarm, selftest } from "./dist/index.js";

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
