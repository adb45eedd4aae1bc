// The smallest module: the answers and files of the whole one, as far as it
// goes, and clear words beyond.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";

import { DIM, numbers } from "./index_support.mjs";
import { DIST, importMidge, scratch } from "./wasm_support.mjs";

const { createIndex, openIndex, openStore } = await importMidge();
const opened = [];
afterEach(() => opened.splice(0).forEach((one) => one.dispose()));
const keep = (one) => (opened.push(one), one);
const folder = scratch(after);
const N = 3000;
const queries = numbers(200 * DIM, 6);

/** The share of the true neighbours that is found. */
function recall(index, exact, options) {
  const found = index.searchMany(queries, { k: 10, ...options });
  let hits = 0;
  for (let q = 0; q < 200; q++) {
    const best = new Set(exact.ids.subarray(q * 10, q * 10 + 10));
    found.ids.subarray(q * 10, q * 10 + 10).forEach((id) => {
      hits += best.has(id);
    });
  }
  return hits / 2000;
}

const near = (a, b) => assert.ok(Math.abs(a - b) <= 0.01, `${a} ${b}`);

test("12 KB, and nothing imported", () => {
  const file = join(DIST, "wasm", "midge-hnsw-micro.wasm");
  assert.ok(statSync(file).size <= 12 * 1024);
  const module = new WebAssembly.Module(readFileSync(file));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
});

for (const metric of ["l2sq", "cosine", "ip"]) {
  test(`${metric}: finds nearly all, and opens in the whole module and back`, async () => {
    const rows = numbers(N * DIM, 5);
    const ids = Array.from({ length: N }, (_, i) => 7 * i);
    const micro = keep(await createIndex({ dim: DIM, metric, micro: true }));
    assert.equal(micro.module().module, "hnsw-micro");
    micro.add(rows.subarray(0, 100 * DIM), { ids: ids.slice(0, 100) });
    micro.add(rows.subarray(100 * DIM), { ids: ids.slice(100) });
    const whole = keep(await createIndex({ dim: DIM, metric, kind: "hnsw", walk: "rows" }));
    whole.add(rows, { ids });
    const exact = whole.searchMany(queries, { k: 10, exact: true });
    const same = micro.searchMany(queries, { k: 10, exact: true });
    assert.deepEqual(same.ids, exact.ids);
    same.distances.forEach((d, i) =>
      assert.ok(Math.abs(d - exact.distances[i]) <= 1e-6 * (1 + Math.abs(d))));
    const atHere = recall(micro, exact, { ef: 100 });
    const atWhole = recall(whole, exact, { ef: 100 });
    assert.ok(atHere >= 0.95 && atHere >= atWhole - 0.02, `${atHere} ${atWhole}`);
    // Its file, there; and that of the other, here.
    const there = keep(await openIndex(micro.save()));
    assert.equal(there.count, N);
    near(recall(there, exact, { ef: 100 }), atHere);
    const here = keep(await openIndex(whole.save(), { micro: true }));
    near(recall(here, exact, { ef: 100 }), atWhole);
    there.add(numbers(DIM, 44), { ids: [5] });
    there.delete([7]);
    const again = keep(await openIndex(there.save(), { micro: true }));
    assert.deepEqual([again.has(5), again.has(7), again.count], [true, false, N]);
    assert.deepEqual(again.search(numbers(DIM, 44), { k: 1 })[0].id,
      there.search(numbers(DIM, 44), { k: 1 })[0].id);
  });
}

test("adding, replacing, deleting", async () => {
  const index = keep(await createIndex({ dim: 2, metric: "l2sq", micro: true }));
  assert.deepEqual(index.search([0, 0]), []);
  index.add([[1, 1], [2, 2]], { ids: [10, 20] });
  assert.throws(() => index.add([[3, 3]], { ids: [20] }), { code: "E_EXISTS" });
  index.add([[3, 3], [4, 4]], { ids: [30, 20], upsert: true });
  assert.deepEqual([...index.get(20).vector], [4, 4]);
  index.add([[9, 9]]);
  assert.equal(index.has(31), true);
  assert.equal(index.delete([10, 11]), 1);
  assert.deepEqual(index.search([1, 1]).map(({ id }) => id), [30, 20, 31]);
  assert.deepEqual(index.search([3, 3], { within: 2 }).map(({ id }) => id), [30, 20]);
  assert.equal(index.count, 3);
  index.delete([20, 30, 31]);
  assert.deepEqual(index.search([1, 1]), []);
  index.add([[5, 5]]);
  assert.equal(index.search([1, 1])[0].distance, 32);
  assert.throws(() => index.add([[1, NaN]]), { code: "E_INVALID" });
  assert.throws(() => index.search([1, Infinity]), { code: "E_INVALID" });
});

test("half deleted: the other half is found", async () => {
  const rows = numbers(N * DIM, 5);
  const micro = keep(await createIndex({ dim: DIM, metric: "l2sq", micro: true }));
  micro.add(rows);
  micro.delete(Array.from({ length: N / 2 }, (_, i) => 2 * i));
  const exact = micro.searchMany(queries, { k: 10, exact: true });
  assert.ok(exact.ids.every((id) => id % 2 === 1));
  assert.ok(recall(micro, exact, { ef: 100 }) >= 0.95);
});

test("in a store, whole every time", async () => {
  const store = await openStore(join(folder, "micro.midge"));
  const index = await createIndex({ dim: 2, metric: "l2sq", micro: true, store });
  for (let i = 0; i < 3; i++) {
    index.add([[i, i]]);
    await index.commit();
  }
  await index.close();
  const again = await openIndex(await openStore(join(folder, "micro.midge")));
  assert.equal(again.count, 3);
  await again.close();
});

test("what it has not is said", async () => {
  const has = { code: "E_UNSUPPORTED", message: /midge-hnsw-micro has no/ };
  for (const options of [
    { metric: "l1" }, { metric: "hamming" }, { kind: "flat" }, { kind: "auto" },
    { storage: "int8" }, { walk: "int8" }, { ids: "text" },
    { columns: { a: "int" } },
  ]) {
    await assert.rejects(createIndex({ dim: 2, micro: true, ...options }), has);
  }
  await assert.rejects(createIndex({ dim: 2, micro: true, variant: "scalar" }),
    { code: "E_UNSUPPORTED" });
  await assert.rejects(createIndex({ dim: 0, micro: true }), { code: "E_INVALID" });
  const index = keep(await createIndex({ dim: 2, micro: true }));
  index.add([[1, 2]]);
  assert.throws(() => index.filter("a = 1"), has);
  assert.throws(() => index.search([1, 2], { filter: "a = 1" }), has);
  assert.throws(() => index.add([[1, 2]], { metadata: [{ a: 1 }] }), has);
  assert.throws(() => index.tune(), has);
  assert.throws(() => index.compact(), has);
  assert.deepEqual(index.search([1, 2], { metadata: true })[0].metadata, {});
  const texts = keep(await createIndex({ dim: 2, ids: "text" }));
  await assert.rejects(openIndex(texts.save(), { micro: true }),
    { code: "E_UNSUPPORTED" });
});

test("damaged files are refused, wherever the damage is", async () => {
  const index = keep(await createIndex({ dim: 4, metric: "l2sq", micro: true }));
  index.add(numbers(400 * 4, 3));
  const bytes = index.save();
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 61) {
    const spoilt = bytes.slice();
    spoilt[at] ^= 4;
    const one = await openIndex(spoilt, { micro: true }).catch((error) => error);
    if (one instanceof Error) {
      assert.match(one.code, /^E_(CORRUPT|PARSE|VERSION|UNSUPPORTED)$/);
      refused++;
    } else {
      one.searchMany(numbers(40, 9)); // what is not read may be anything
      one.dispose();
    }
  }
  assert.ok(refused > 100, `${refused} refused`);
  for (const size of [0, 8, 4096, 12288, 13000, bytes.length - 64]) {
    await assert.rejects(openIndex(bytes.slice(0, size), { micro: true }));
  }
});
