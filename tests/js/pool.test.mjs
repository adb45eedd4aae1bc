// The pool of threads in Node: the bits of one thread, under stress, and its
// end, good or bad.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { everything, flat, numbers, stress } from "./pool_support.mjs";
import {
  assertSameBits,
  DIST,
  importMidge,
  PACKAGE_URL,
  run,
  scratch,
  VARIANTS,
} from "./wasm_support.mjs";

const { loadKernels, loadVectors, openPool } = await importMidge();
const folder = scratch(after);

async function pool(t, options) {
  const opened = await openPool(options);
  t.after(() => opened.dispose());
  return opened;
}

for (const variant of VARIANTS) {
  test(`${variant}: the same bits for any number of threads`, async (t) => {
    const single = await pool(t, { variant, threads: 1 });
    assert.equal(single.mode, "single");
    assert.equal(single.reason, "one thread was asked for");
    const expected = flat(await everything(single));
    assert.equal(single.info().usedBytes, 0);
    for (const threads of [2, 3, availableParallelism() + 3]) {
      const many = await pool(t, { variant, threads });
      assert.equal(many.mode, "threads");
      assert.equal(many.reason, undefined);
      assert.equal(many.info().threads, threads);
      assert.equal(many.info().module, `threads-${variant}`);
      const before = many.info().usedBytes;
      for (const [i, [name, got]] of flat(await everything(many)).entries()) {
        assert.equal(name, expected[i][0]);
        assertSameBits(got, expected[i][1]);
      }
      assert.equal(many.info().usedBytes, before);
    }
  });
}

test("the module is small and imports its memory only", () => {
  for (const variant of VARIANTS) {
    const file = join(DIST, "wasm", `midge-threads-${variant}.wasm`);
    const module = new WebAssembly.Module(readFileSync(file));
    assert.deepEqual(WebAssembly.Module.imports(module),
      [{ module: "env", name: "memory", kind: "memory" }]);
    assert.ok(statSync(file).size <= 20 * 1024);
  }
});

test("the bits of the kernels, and of a search by hand", async (t) => {
  const p = await pool(t, { threads: 2 });
  const kernels = await loadKernels();
  const rows = numbers(4000 * 50, 6, (x) => Math.round(x * 3));
  const x = numbers(50, 7, (y) => Math.round(y * 3));
  const distances = (await loadVectors()).l2sqRows(rows, x);
  assertSameBits(await p.l2sqRows(rows, x), distances);
  assertSameBits(await p.gemv(rows, x), kernels.gemv(rows, x));
  const order = [...distances.keys()].sort((a, b) =>
    distances[a] - distances[b] || a - b);
  const found = await p.nearest(rows, x, 500);
  assert.deepEqual([...found.rows], order.slice(0, 500));
  assertSameBits(found.distances,
    Float32Array.from(order.slice(0, 500), (row) => distances[row]));
  const few = await p.nearest(rows.subarray(0, 100), x, 4);
  assert.deepEqual([...few.rows.slice(2)], [2 ** 32 - 1, 2 ** 32 - 1]);
  assert.deepEqual([...few.distances.slice(2)], [Infinity, Infinity]);
  const b = numbers(50 * 20, 8);
  assertSameBits(await p.matmul(rows, b, { m: 4000, k: 50, n: 20 }),
    kernels.matmul(rows, b, { m: 4000, k: 50, n: 20 }));
});

test("20,000 jobs of odd sizes", async (t) => {
  for (const threads of [2, 5]) {
    assert.equal(await stress(await pool(t, { threads }), 20000), undefined);
  }
});

const TEST_MODULE = readFileSync(
  join(process.env.MIDGE_BUILD, "bindings", "js", "test-threads-simd.wasm"),
);

test("64,000 loops with nothing between them: every index once", async (t) => {
  for (const threads of [2, 3, 8]) {
    const { calls } = (await pool(t, { threads, wasm: TEST_MODULE })).core;
    for (let seed = 1; seed <= 20; seed++) {
      assert.equal(calls.test_loops(50, seed), 0);
    }
    assert.equal(calls.test_nested(100), 640000);
  }
});

test("a body that allocates traps, wherever it runs", async (t) => {
  const here = await pool(t, { threads: 2, wasm: TEST_MODULE });
  assert.throws(() => here.core.calls.test_allocating(0), {
    code: "TRAPPED",
    message: /test_allocating \(unreachable\)/,
  });
  const there = await pool(t, { threads: 2, wasm: TEST_MODULE });
  there.core.calls.test_allocating(1);
  const x = there.f32(1);
  await assert.rejects(there.gemv(x, x), {
    code: "WORKER_FAILED",
    message: /worker 1.* stopped: unreachable/,
  });
});

test("what cannot be is refused, and the pool goes on", async (t) => {
  const p = await pool(t, { threads: 2, maxBytes: 4 * 2 ** 20 });
  const three = new Float32Array(3);
  await assert.rejects(p.gemv(new Float32Array(7), three), { code: "E_MISMATCH" });
  await assert.rejects(p.nearest(three, three, 0), { code: "E_INVALID" });
  await assert.rejects(p.nearest(three, three, 65537), /it must be 1 to 65536/);
  await assert.rejects(p.nearest(three, three, 1.5), /it must be 1 to 65536/);
  await assert.rejects(p.nearest(three, three, 1, "cosine"), /no "cosine"/);
  await assert.rejects(p.gemv(three, new Float32Array(0)), { code: "E_MISMATCH" });
  const one = new Float32Array(1);
  const shape = { m: -1, k: -1, n: -1 }; // of which each product is 1
  await assert.rejects(p.matmul(one, one, shape), { code: "E_MISMATCH" });
  assert.throws(() => p.openIndex(3, "l2"), /no "l2"; there are l2sq, cosine/);
  assert.throws(() => p.f32(2 ** 20), { code: "E_NOMEM" });
  assert.throws(() => p.openIndex(0, "l2sq"), { code: "E_INVALID" });
  const index = p.openIndex(3, "l2sq");
  assert.throws(() => index.add(new Float32Array([1, NaN, 1])), /row 0/);
  await assert.rejects(index.search(new Float32Array([1, NaN, 1]), 1),
    { code: "E_INVALID" });
  index.dispose();
  await assert.rejects(index.search(three, 1), { code: "DISPOSED" });
  assert.deepEqual([...(await p.gemv(three, three))], [0]);
  await assert.rejects(openPool({ threads: 0 }), RangeError);
  await assert.rejects(openPool({ threads: 2.5 }), RangeError);
  await assert.rejects(openPool({ variant: "relaxed" }), TypeError);
});

test("disposed twice, and used after", async () => {
  const p = await openPool({ threads: 3 });
  const block = p.f32(10);
  await Promise.all([p.dispose(), p.dispose()]);
  await assert.rejects(p.gemv(block, block), { code: "DISPOSED" });
  assert.throws(() => p.f32(1), { code: "DISPOSED" });
});

/** The script of the workers, which gets its message spoilt. */
function script(name, spoil) {
  const file = join(folder, name);
  const worker = pathToFileURL(join(DIST, "pool_worker.mjs")).href;
  writeFileSync(file, `
    import { parentPort } from "node:worker_threads";
    const once = parentPort.once.bind(parentPort);
    parentPort.once = (event, serve) => once(event, (start) => {
      ${spoil}
      serve(start);
    });
    await import(${JSON.stringify(worker)});`);
  return pathToFileURL(file);
}

test("a worker that cannot start is an error with its words", async () => {
  const worker = script("thrower.mjs", `throw new Error("no luck today");`);
  await assert.rejects(openPool({ threads: 3, worker }), {
    code: "WORKER_FAILED",
    message: /worker \d of 2: no luck today/,
  });
  const missing = pathToFileURL(join(folder, "nowhere.mjs"));
  await assert.rejects(openPool({ threads: 2, worker: missing }), {
    code: "WORKER_FAILED",
    message: /worker 1 of 1: .*nowhere\.mjs/,
  });
});

// Its stack ends below address 0: the first function with an array on it traps.
test("a worker that traps in its share fails the job, then the pool", async (t) => {
  const worker = script("trapper.mjs", "start = { ...start, stackTop: 512 };");
  const p = await pool(t, { threads: 2, worker });
  const index = p.openIndex(32, "l2sq");
  index.add(numbers(20000 * 32, 11));
  const queries = p.f32(numbers(2000 * 32, 12));
  const failed = { code: "WORKER_FAILED", message: /^worker 1 stopped: .*bounds/ };
  let error;
  for (let i = 0; i < 100 && !error; i++) { // until the worker got a share
    error = await index.search(queries, 3).then(() => undefined, (why) => why);
  }
  await assert.rejects(Promise.reject(error), failed);
  await assert.rejects(p.gemv(queries, numbers(32, 13)), failed);
  assert.throws(() => index.add(queries), failed);
  index.dispose();
});

test("a worker that ends between jobs fails the next one", async (t) => {
  const worker = script("quitter.mjs", `
    parentPort.postMessage("ready");
    setTimeout(() => { throw new Error("had enough"); }, 200);
    return;`); // not at once: then the pool would not even open
  const p = await pool(t, { threads: 2, worker });
  const x = new Float32Array([1, 2]);
  let error;
  while (!error) { // the news of it comes as an event
    error = await p.gemv(x, x).then(() => undefined, (why) => why);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(error.code, "WORKER_FAILED");
  assert.equal(error.message, "worker 1 of 1: had enough");
});

test("a trap in the opener ends the instance, and dispose still works", async (t) => {
  const p = await pool(t, { threads: 2 });
  const x = new Float32Array(4);
  p.core.memory.grow(1);
  assert.throws(() => p.core.calls.pool_rows(0, 2 ** 20, 2 ** 10, 0, 2 ** 31, 0), {
    code: "TRAPPED",
  });
  await assert.rejects(p.gemv(x, x), { code: "TRAPPED" });
});

const open = `
  const { openPool } = await import(${JSON.stringify(PACKAGE_URL)});
  const p = await openPool({ threads: 3 });
  const [y] = await p.gemv(new Float32Array([2, 3]), new Float32Array([4, 5]));
  console.log(y);`;

test("Node ends after dispose, and without it", () => {
  for (const script of [open, `${open} await p.dispose(); console.log("bye");`]) {
    const said = run(process.execPath, ["--input-type=module", "-e", script]);
    assert.match(said.toString(), /^23\n/);
  }
});

test("CommonJS has it too", async (t) => {
  const require = createRequire(import.meta.url);
  const p = await require(join(DIST, "index.cjs")).openPool({ threads: 2 });
  t.after(() => p.dispose());
  assert.equal(p.mode, "threads");
  const x = new Float32Array([1, 2]);
  assert.deepEqual([...(await p.gemv(x, x))], [5]);
});
