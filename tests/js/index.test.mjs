// VectorIndex in Node: what it answers against a search by hand, ids of all
// kinds, metadata and filters, errors, memory.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { inspect } from "node:util";

import { answers, DIM, makeIndex, numbers } from "./index_support.mjs";
import { DIST, importMidge, VARIANTS } from "./wasm_support.mjs";

const { createIndex, openIndex, STATUS_NAMES } = await importMidge();

const opened = [];
afterEach(() => opened.splice(0).forEach((one) => one.dispose()));
/** Disposed after its test. */
const keep = (one) => (opened.push(one), one);

const sum = (n, term) => {
  let total = 0;
  for (let i = 0; i < n; i++) {
    total += term(i);
  }
  return total;
};
const dot = (a, b) => sum(a.length, (i) => a[i] * b[i]);
/** The metrics as index.h defines them, in doubles. */
const DISTANCE = {
  l2sq: (q, x) => sum(q.length, (i) => (q[i] - x[i]) ** 2),
  cosine: (q, x) => 1 - dot(q, x) / Math.sqrt(dot(q, q) * dot(x, x)),
  ip: (q, x) => -dot(q, x),
  l1: (q, x) => sum(q.length, (i) => Math.abs(q[i] - x[i])),
  hamming: (q, x) => sum(q.length, (i) => {
    let bits = 0;
    for (let both = q[i] ^ x[i]; both; both &= both - 1) {
      bits++;
    }
    return bits;
  }),
};

function byHand(metric, rows, width, query, k) {
  const n = rows.length / width;
  return Array.from({ length: n }, (_, id) => ({
    id,
    distance: DISTANCE[metric](query, rows.subarray(id * width, (id + 1) * width)),
  })).sort((a, b) => a.distance - b.distance || a.id - b.id).slice(0, k);
}

function assertNear(found, expected, what) {
  assert.deepEqual(found.map(({ id }) => id), expected.map(({ id }) => id), what);
  found.forEach(({ distance }, i) => assert.ok(
    Math.abs(distance - expected[i].distance) <= 1e-5 * (1 + Math.abs(distance)),
    `${what}: ${distance}, ${expected[i].distance}`,
  ));
}

for (const variant of VARIANTS) {
  for (const metric of Object.keys(DISTANCE)) {
    test(`${variant}, ${metric}: the answers of a search by hand`, async () => {
      const bits = metric === "hamming";
      const width = bits ? 8 : 17;
      const floats = numbers(700 * width, 3);
      const rows = bits
        ? Uint8Array.from(floats, (x) => Math.floor((x + 1) * 128)) : floats;
      const index = keep(await createIndex({ dim: bits ? 64 : 17, metric, variant }));
      index.add(rows);
      assert.equal(index.count, 700);
      assert.equal(index.module().module, `index-${variant}`);
      for (let q = 0; q < 5; q++) {
        const query = rows.slice(q * width, (q + 1) * width).map((x) => x / 2);
        const expected = byHand(metric, rows, width, query, 9);
        assertNear(index.search(query, { k: 9 }), expected, `query ${q}`);
      }
    });
  }
}

test("a graph finds nearly all, in every storage and walk", async () => {
  const n = 4000;
  const rows = numbers(n * DIM, 5);
  const queries = numbers(100 * DIM, 6);
  const kinds = [["f32", "rows"], ["f16", "rows"], ["int8", "rows"], ["f32", "int8"]];
  for (const [storage, walk] of kinds) {
    const index = keep(await createIndex(
      { dim: DIM, metric: "l2sq", kind: "hnsw", storage, walk }));
    index.add(rows);
    assert.equal(index.info().hasGraph, true);
    const best = index.searchMany(queries, { k: 10, exact: true });
    const found = index.searchMany(queries, { k: 10, ef: 100 });
    let hits = 0;
    for (let q = 0; q < 100; q++) {
      const true10 = new Set(best.ids.subarray(q * 10, q * 10 + 10));
      found.ids.subarray(q * 10, q * 10 + 10).forEach((id) => {
        hits += true10.has(id);
      });
    }
    assert.ok(hits >= 950, `${storage} ${walk}: ${hits} of 1000`);
  }
});

test("what a graph is walked by is chosen, or said", async () => {
  const walkOf = async (options) => {
    const index = keep(await createIndex({ kind: "hnsw", ...options }));
    index.add(numbers(1000 * options.dim, 7));
    return index.info().walk;
  };
  assert.equal(await walkOf({ dim: 64 }), "int8");
  assert.equal(await walkOf({ dim: 64, storage: "f16", metric: "ip" }), "int8");
  assert.equal(await walkOf({ dim: 64, walk: "rows" }), "rows");
  assert.equal(await walkOf({ dim: 64, metric: "l1" }), "rows");
  assert.equal(await walkOf({ dim: 8 }), "rows");
  assert.equal(await walkOf({ dim: 8, walk: "int8" }), "int8");
});

test("one query, several queries, radius, fewer rows than k", async () => {
  const index = keep(await createIndex({ dim: 2, metric: "l2sq" }));
  assert.deepEqual(index.search([0, 0]), []);
  assert.deepEqual([...index.searchMany([[0, 0]]).counts], [0]);
  index.add([[0, 0], [3, 4], [6, 8]]);
  const near = index.search([0, 0]);
  assert.deepEqual(near.map(({ id, distance }) => [id, distance]),
    [[0, 0], [1, 25], [2, 100]]);
  const many = index.searchMany(Float32Array.of(0, 0, 6, 8), { k: 2 });
  assert.equal(many.k, 2);
  assert.deepEqual([...many.ids], [0, 1, 2, 1]);
  assert.deepEqual([...many.distances], [0, 25, 0, 25]);
  const within = index.searchMany([[0, 0], [6, 8]], { within: 24 });
  assert.deepEqual([...within.counts], [1, 1]);
  assert.deepEqual([...within.distances], [0, Infinity, Infinity, 0, Infinity, Infinity]);
});

test("ids: numbers, bigint, texts", async () => {
  const byNumber = keep(await createIndex({ dim: 1, metric: "l2sq" }));
  byNumber.add([[1], [2]], { ids: [2 ** 40 + 5, Number.MAX_SAFE_INTEGER] });
  assert.equal(byNumber.search([1])[0].id, 2 ** 40 + 5);
  assert.equal(byNumber.has(Number.MAX_SAFE_INTEGER), true);
  assert.equal(byNumber.has(1), false);
  for (const id of [2 ** 53, -1, 1.5, NaN, "1", 1n]) {
    assert.throws(() => byNumber.has(id), { code: "E_INVALID" });
    assert.throws(() => byNumber.add([[3]], { ids: [id] }), { code: "E_INVALID" });
  }
  const huge = 2n ** 64n - 2n;
  const byBigint = keep(await createIndex({ dim: 1, metric: "l2sq", ids: "bigint" }));
  byBigint.add([[1], [2]], { ids: [huge, 3n] });
  assert.equal(byBigint.search([1])[0].id, huge);
  assert.deepEqual(byBigint.searchMany([[1]]).ids, BigUint64Array.of(huge, 3n));
  assert.throws(() => byBigint.has(2n ** 64n), { code: "E_INVALID" });
  assert.throws(() => byBigint.has(3), { code: "E_INVALID" });
  const asNumbers = keep(await openIndex(byBigint.save()));
  assert.throws(() => asNumbers.search([1]), { code: "E_LIMIT", message: /bigint/ });
  const asBigint = keep(await openIndex(byBigint.save(), { ids: "bigint" }));
  assert.equal(asBigint.search([1])[0].id, huge);
  const byText = keep(await createIndex({ dim: 1, metric: "l2sq", ids: "text" }));
  byText.add([[1], [2], [5]], { ids: ["é", "\ufeffb", "c"] });
  assert.deepEqual(byText.search([2]).map(({ id }) => id), ["\ufeffb", "é", "c"]);
  assert.deepEqual(byText.searchMany([[1], [5]], { k: 2 }).ids,
    ["é", "\ufeffb", "c", "\ufeffb"]);
  assert.equal(byText.delete(["é", "none"]), 1);
  assert.equal(byText.has("é"), false);
  assert.throws(() => byText.add([[1]]), { code: "E_INVALID" });
  assert.throws(() => byText.has(1), { code: "E_INVALID" });
  const reopened = keep(await openIndex(byText.save()));
  assert.equal(reopened.ids, "text");
  assert.equal(reopened.get("c").vector[0], 5);
});

test("adding, replacing, deleting: all or nothing", async () => {
  const index = keep(await createIndex({ dim: 2, metric: "l2sq" }));
  index.add([[1, 1], [2, 2]], { ids: [10, 20] });
  assert.throws(() => index.add([[3, 3], [4, 4]], { ids: [30, 20] }),
    { code: "E_EXISTS", message: /row 1: id 20/ });
  assert.equal(index.has(30), false);
  index.add([[3, 3], [4, 4]], { ids: [30, 20], upsert: true });
  assert.deepEqual([...index.get(20).vector], [4, 4]);
  assert.equal(index.count, 3);
  index.add([[9, 9]]);
  assert.equal(index.has(31), true);
  assert.equal(index.delete([10, 11]), 1);
  index.compact();
  assert.equal(index.info().deleted, 0);
  assert.deepEqual(index.search([1, 1]).map(({ id }) => id), [30, 20, 31]);
});

test("metadata come back as they were", async () => {
  const columns = {
    year: "int", score: "float", title: "string", draft: "bool", tags: "set",
    __proto__x: "int",
  };
  const index = keep(await createIndex({ dim: 1, metric: "l2sq", columns }));
  const rows = [
    { year: -(2n ** 63n), score: 0.1, title: "", draft: false, tags: ["b", "a"] },
    { year: 2 ** 40 + 1, score: 1, title: "\0\ufeff\u{1f600}", draft: true,
      tags: new Set() },
    null,
    { year: 5, score: null, title: undefined, tags: [] },
  ];
  index.add([[0], [1], [2], [3]], { metadata: rows });
  const found = index.search([0], { metadata: true });
  assert.deepEqual(found.map(({ metadata }) => metadata), [
    { ...rows[0], tags: found[0].metadata.tags },
    { ...rows[1], tags: [] },
    {},
    { year: 5, tags: [] },
  ]);
  assert.deepEqual(found[0].metadata.tags.toSorted(), ["a", "b"]);
  assert.deepEqual(index.info().columns, columns);
  const again = keep(await openIndex(index.save()));
  assert.deepEqual(again.search([0], { metadata: true }), found);
  assert.deepEqual(again.info().columns, columns);
  const wrong = [
    [{ year: "x" }, "E_MISMATCH"], [{ nothing: 1 }, "E_NOT_FOUND"],
    [{ title: 5 }, "E_MISMATCH"], [{ tags: [1] }, "E_INVALID"],
    [{ year: 2n ** 63n }, "E_INVALID"], [{ title: Symbol() }, "E_INVALID"],
    [7, "E_INVALID"], [{ score: Infinity }, undefined],
  ];
  for (const [row, code] of wrong) {
    assert.throws(() => index.add([[4]], { metadata: [row] }),
      (error) => error.name === "MidgeError" && (!code || error.code === code ||
        error.code === "E_INVALID"), inspect(row));
  }
  assert.equal(index.count, 4);
});

test("filters", async () => {
  const index = keep(await makeIndex(createIndex));
  const query = numbers(DIM, 50);
  const text = "even = true and n >= 1000";
  const filter = keep(index.filter(text));
  const found = index.search(query, { k: 20, filter, metadata: true });
  assert.equal(found.length, 20);
  assert.ok(found.every(({ metadata }) => metadata.even && metadata.n >= 1000));
  assert.deepEqual(index.search(query, { k: 20, filter: text, metadata: true }), found);
  for (let i = 0; i < 40; i++) { // more than are kept
    assert.equal(index.search(query, { filter: `n = ${i}` }).length,
      Number(i % 5 !== 0 && !(i % 3 === 1 && i < 150)));
  }
  assert.throws(() => index.search(query, { filter: "n >" }), { code: "E_PARSE" });
  assert.throws(() => index.filter('n = "x"'), { code: "E_MISMATCH" });
  assert.throws(() => index.filter("m = 1"), { code: "E_NOT_FOUND" });
  const other = keep(await makeIndex(createIndex));
  assert.throws(() => other.search(query, { filter }), { code: "E_INVALID" });
  filter.dispose();
  assert.throws(() => index.search(query, { filter }), { code: "DISPOSED" });
});

test("what cannot be is refused, with the words of the core", async () => {
  for (const [options, message] of [
    [{ dim: 0 }, /dim is 0/],
    [{ dim: 65537 }, /dim is 65537/],
    [{ dim: 2.5 }, /dim is 2.5/],
    [{}, /dim is undefined/],
    [undefined, /dim/],
    [{ dim: 3, metric: "dot" }, /no "dot"; there are l2sq, cosine/],
    [{ dim: 3, kind: "ivf" }, /kind: no "ivf"/],
    [{ dim: 3, storage: "toString" }, /storage: no "toString"/],
    [{ dim: 3, metric: "cosine", storage: "binary" }, /go with each other only/],
    [{ dim: 3, m: 1 }, /m is 1/],
    [{ dim: 3, columns: { "no name": "int" } }, /no name of a column/],
    [{ dim: 3, columns: { a: "date" } }, /column a: no "date"/],
    [{ dim: 3, seed: 0.5 }, /seed/],
  ]) {
    await assert.rejects(createIndex(options), { code: "E_INVALID", message });
  }
  const index = keep(await createIndex({ dim: 3 }));
  const bad = (use, code, message) => assert.throws(use, { code, message });
  bad(() => index.add([[1, 2]]), "E_MISMATCH", /vector 0 has 2/);
  bad(() => index.add([1, 2, 3, 4]), "E_MISMATCH", /4 elements do not fill/);
  bad(() => index.add([[1, 2, 3], [1, NaN, 3]]), "E_INVALID", /row 1: value 1/);
  bad(() => index.add([[1, 2, 3]], { ids: [1, 2] }), "E_MISMATCH", /2 ids for 1/);
  bad(() => index.add(undefined), "E_INVALID", /array/);
  bad(() => index.search([1, 2, Infinity]), "E_INVALID", /value 2 is not finite/);
  bad(() => index.search([1, 2, 3], { k: 0 }), "E_INVALID", /k is 0/);
  bad(() => index.search([1, 2, 3], { k: -1 }), "E_INVALID", /k is -1/);
  bad(() => index.search([1, 2, 3], { ef: 2 ** 20 }), "E_INVALID", /ef is/);
  bad(() => index.search([1, 2, 3], { within: NaN }), "E_INVALID", /radius/);
  bad(() => index.search([1, 2, 3, 4, 5, 6]), "E_INVALID", /searchMany/);
  bad(() => index.search([1, 2, 3], { filter: "a = 1" }), "E_NOT_FOUND", /no column/);
  await assert.rejects(index.commit(), { code: "E_STATE", message: /no store/ });
  await assert.rejects(openIndex(new Uint8Array(0)));
  await assert.rejects(openIndex(new TextEncoder().encode("x".repeat(20000))),
    { code: "E_PARSE" });
  await assert.rejects(openIndex("file"), { code: "E_INVALID" });
  assert.ok(Object.values(STATUS_NAMES).includes("E_CORRUPT"));
  const bytes = index.save();
  bytes[20] ^= 1;
  await assert.rejects(openIndex(bytes), { code: "E_CORRUPT", message: /header/ });
});

test("disposed, nothing is left; used after, it says so", async () => {
  const index = await makeIndex(createIndex);
  const filter = index.filter("n = 1");
  index.search(numbers(DIM, 1), { filter: "n = 2", metadata: true });
  index.save();
  const { module } = index;
  index.dispose();
  index.dispose();
  filter.dispose();
  assert.throws(() => index.search(numbers(DIM, 1)), { code: "DISPOSED" });
  assert.throws(() => index.add([[1]]), { code: "DISPOSED" });
  assert.throws(() => index.info(), { code: "DISPOSED" });
  const left = module.call(index).usedBytes;
  assert.ok(left <= 4096, `${left} bytes in use`); // the last answer
});

test("the same bytes and answers from scalar and SIMD code, and again", async () => {
  const files = [];
  const answered = [];
  for (const variant of ["simd", "scalar", "simd"]) {
    const index = keep(await makeIndex(createIndex, { variant }));
    files.push(index.save());
    answered.push(answers(index));
  }
  assert.deepEqual(files[2], files[0]);
  assert.deepEqual(files[1], files[0]);
  assert.deepEqual(answered[2], answered[0]);
  assert.deepEqual(answered[1], answered[0]);
});

test("memory that grows while it is used", async () => {
  const index = keep(await createIndex({ dim: 64, metric: "l2sq", columns: { n: "int" } }));
  for (let i = 0; i < 20; i++) {
    const metadata = Array.from({ length: 500 }, (_, j) => ({ n: i * 500 + j }));
    index.add(numbers(500 * 64, i + 1), { metadata });
    const [{ id, distance, metadata: { n } }] = index.search(
      numbers(500 * 64, i + 1).subarray(64, 128), { k: 1, metadata: true });
    assert.deepEqual([id, distance, n], [i * 500 + 1, 0, i * 500 + 1]);
  }
});

test("ef for a recall", async () => {
  const index = keep(await makeIndex(createIndex));
  const report = index.tune({ recall: 0.9, k: 5, sample: 100 });
  assert.ok(report.recall >= 0.9 && report.recall <= 1);
  assert.equal(index.info().ef, report.ef);
  assert.deepEqual([report.k, report.sample], [5, 100]);
});

// All of it is 117 KB; the smallest of it, 12 (index_micro.test.mjs).
test("the modules import nothing, and do not grow unnoticed", () => {
  for (const variant of VARIANTS) {
    const file = join(DIST, "wasm", `midge-index-${variant}.wasm`);
    const module = new WebAssembly.Module(readFileSync(file));
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    assert.ok(statSync(file).size <= 116 * 1024);
  }
});

test("CommonJS has it too", async () => {
  const require = createRequire(import.meta.url);
  const index = keep(await require(join(DIST, "index.cjs")).createIndex({ dim: 1 }));
  index.add([[1]]);
  assert.equal(index.count, 1);
});
