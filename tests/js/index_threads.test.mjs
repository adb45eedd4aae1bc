// Indexes that several threads work on: the bytes and answers of one thread,
// under stress, and what happens when a thread fails.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { pathToFileURL } from "node:url";

import { answers, DIM, fill, makeIndex, numbers, ROWS } from "./index_support.mjs";
import { DIST, importMidge, PACKAGE_URL, run, scratch } from "./wasm_support.mjs";

const { createIndex, openIndex, openStore } = await importMidge();
const folder = scratch(after);
const opened = [];
afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())));
const keep = (one) => (opened.push(one), one);

test("the bytes and the answers of one thread, for any number of them", async () => {
  const one = keep(await makeIndex(createIndex));
  const [file, expected] = [one.save(), answers(one, 200)];
  for (const threads of [1, 2, 3, 5]) {
    const index = keep(await makeIndex(createIndex, { threads }));
    assert.equal(index.threads, threads);
    assert.equal(index.module().module, "index-threads");
    assert.deepEqual(index.save(), file);
    assert.deepEqual(answers(index, 200), expected);
    const again = keep(await openIndex(file, { threads }));
    assert.deepEqual(answers(again, 200), expected);
  }
});

test("metadata, text ids and growth, by three threads", async () => {
  const index = keep(await createIndex(
    { dim: DIM, metric: "l2sq", kind: "hnsw", ids: "text", columns: { t: "string" }, threads: 3 }));
  for (let i = 0; i < 6; i++) {
    const ids = Array.from({ length: 1500 }, (_, j) => `é${i}/${j}`);
    const metadata = ids.map((t) => ({ t }));
    index.add(numbers(1500 * DIM, i + 1), { ids, metadata });
    const [found] = index.search(numbers(DIM, i + 1), { k: 1, metadata: true });
    assert.deepEqual(found, { id: `é${i}/0`, distance: 0, metadata: { t: `é${i}/0` } });
    const many = index.searchMany(numbers(300 * DIM, i + 1), { k: 1, ef: 80 });
    assert.ok(many.ids.filter((id, j) => id === ids[j]).length >= 297);
  }
});

test("2,000 searches of odd sizes: the same answers every time", async () => {
  const one = keep(await makeIndex(createIndex));
  for (const threads of [2, 4]) {
    const index = keep(await makeIndex(createIndex, { threads }));
    const queries = numbers(97 * DIM, 42);
    const all = one.searchMany(queries, { k: 3, ef: 24 });
    for (let i = 0; i < 1000; i++) {
      const first = (i * 31) % 90;
      const n = 1 + (i * 7919) % (97 - first);
      const part = queries.subarray(first * DIM, (first + n) * DIM);
      const { ids, distances } = index.searchMany(part, { k: 3, ef: 24 });
      assert.deepEqual(ids, all.ids.slice(3 * first, 3 * (first + n)));
      assert.deepEqual(distances, all.distances.slice(3 * first, 3 * (first + n)));
    }
  }
});

test("adding, deleting and compacting in turns", async () => {
  const one = keep(await makeIndex(createIndex));
  const many = keep(await makeIndex(createIndex, { threads: 3 }));
  for (let i = 0; i < 6; i++) {
    for (const index of [one, many]) {
      fill(index, ROWS + i * 500, 500, i + 20);
      index.delete(Array.from({ length: 300 }, (_, j) => ROWS + i * 500 + j));
      if (i % 2 === 1) {
        index.compact();
      }
    }
    assert.deepEqual(answers(many, 60), answers(one, 60));
  }
});

test("in a store", async () => {
  const path = join(folder, "threads.midge");
  const index = await makeIndex(createIndex, { threads: 2, store: await openStore(path) });
  await index.commit();
  fill(index, ROWS, 10, 5);
  await index.commit();
  assert.equal(index.info().fileFrames, 1);
  const expected = answers(index);
  await index.close();
  const again = keep(await openIndex(await openStore(path), { threads: 3 }));
  assert.deepEqual(answers(again), expected);
});

// Its stack ends below address 0: the first function with an array on it traps.
test("a thread that traps in its share fails the call, then the index", async () => {
  const script = join(folder, "trapper.mjs");
  const serving = pathToFileURL(join(DIST, "pool_worker.mjs")).href;
  writeFileSync(script, `
    import { parentPort } from "node:worker_threads";
    const once = parentPort.once.bind(parentPort);
    parentPort.once = (event, serve) => once(event, (start) =>
      serve({ ...start, stackTop: 16 }));
    await import(${JSON.stringify(serving)});`);
  const worker = pathToFileURL(script);
  const file = keep(await makeIndex(createIndex)).save();
  const index = keep(await openIndex(file, { threads: 2, worker }));
  const queries = numbers(2000 * DIM, 12);
  const failed = { code: "WORKER_FAILED", message: /^worker 1 stopped/ };
  let error;
  for (let i = 0; i < 100 && !error; i++) { // until the worker got a share
    try {
      index.searchMany(queries);
    } catch (why) {
      error = why;
    }
  }
  assert.throws(() => { throw error; }, failed);
  assert.throws(() => index.searchMany(queries), failed);
  assert.throws(() => index.add(queries), failed);
});

test("what cannot be is refused; a program ends without closing", async () => {
  await assert.rejects(createIndex({ dim: 2, threads: 0 }), RangeError);
  await assert.rejects(createIndex({ dim: 0, threads: 2 }), { code: "E_INVALID" });
  await assert.rejects(createIndex({ dim: 2, threads: 2, micro: true }),
    { code: "E_UNSUPPORTED" });
  await assert.rejects(openIndex(new Uint8Array(20000), { threads: 2 }),
    { code: "E_PARSE" });
  const small = keep(await createIndex({ dim: 1000, threads: 2, maxBytes: 2 ** 20 }));
  assert.throws(() => small.add(numbers(2000 * 1000, 1)), { code: "E_NOMEM" });
  small.add(numbers(1000, 1));
  assert.equal(small.count, 1);
  const said = run(process.execPath, ["--input-type=module", "-e", `
    const { createIndex } = await import(${JSON.stringify(PACKAGE_URL)});
    const index = await createIndex({ dim: 1, threads: 3 });
    index.add([[1], [2]]);
    console.log(index.count);`]);
  assert.equal(said.toString(), "2\n");
});

test("the module imports its memory only", () => {
  const file = join(DIST, "wasm", "midge-index-threads.wasm");
  const module = new WebAssembly.Module(readFileSync(file));
  assert.deepEqual(WebAssembly.Module.imports(module),
    [{ module: "env", name: "memory", kind: "memory" }]);
});
