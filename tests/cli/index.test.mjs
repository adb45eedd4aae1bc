// `midge index`: create, add, search, delete, info, verify, compact, tune and
// export, as a person at a shell uses them.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { midge, midgeJson, scratch } from "./midge.mjs";

/** The same numbers in every run (mulberry32). */
function numbers(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  };
}

function vectors(count, dim, seed = 1) {
  const next = numbers(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: dim }, () => Math.fround(next())),
  );
}

function fbin(rows) {
  const dim = rows[0].length;
  const bytes = Buffer.alloc(8 + rows.length * dim * 4);
  bytes.writeUInt32LE(rows.length, 0);
  bytes.writeUInt32LE(dim, 4);
  rows.flat().forEach((x, i) => bytes.writeFloatLE(x, 8 + 4 * i));
  return bytes;
}

/** What an exact search must find: by distance, then by row. */
function nearest(rows, q, k, distance) {
  return rows
    .map((x, id) => ({ id, distance: distance(q, x) }))
    .sort((a, b) => a.distance - b.distance || a.id - b.id)
    .slice(0, k);
}
const l2sq = (q, x) => x.reduce((sum, v, i) => sum + (v - q[i]) ** 2, 0);

async function ok(args, options) {
  const run = await midge(args, options);
  assert.equal(run.code, 0, `midge ${args.join(" ")}: ${run.stderr}`);
  return run.stdout;
}

test("vectors of a binary file are found again, exactly", async (t) => {
  const cwd = scratch(t);
  const rows = vectors(500, 12);
  const queries = vectors(20, 12, 2);
  writeFileSync(join(cwd, "rows.fbin"), fbin(rows));
  writeFileSync(join(cwd, "queries.fbin"), fbin(queries));
  const index = "a.midge";
  assert.match(
    await ok(["index", "create", index, "--dim", "12", "--metric", "l2sq"], { cwd }),
    /a\.midge: an empty index of 12 dimensions, l2sq/,
  );
  const added = await midgeJson(["index", "add", index, "rows.fbin"], { cwd });
  assert.deepEqual([added.added, added.count, added.skipped], [500, 500, 0]);
  const { found, exact } = await midgeJson(
    ["index", "search", index, "--queries", "queries.fbin", "--k", "7"],
    { cwd },
  );
  assert.equal(exact, 20);
  queries.forEach((q, i) => {
    const want = nearest(rows, q, 7, l2sq);
    assert.deepEqual(found[i].map((row) => row.id), want.map((row) => row.id));
    found[i].forEach((row, j) =>
      assert.ok(Math.abs(row.distance - want[j].distance) < 1e-5),
    );
  });
  await ok(
    ["index", "search", index, "--queries", "queries.fbin", "--k", "7", "--out", "near.ivecs"],
    { cwd },
  );
  const ivecs = readFileSync(join(cwd, "near.ivecs"));
  assert.equal(ivecs.length, 20 * 8 * 4);
  found.forEach((row, i) => {
    assert.equal(ivecs.readInt32LE(i * 32), 7);
    row.forEach((one, j) =>
      assert.equal(ivecs.readInt32LE(i * 32 + 4 + 4 * j), one.id),
    );
  });
  const self = await midgeJson(["index", "search", index, "--id", "17", "--k", "3"], { cwd });
  assert.deepEqual(
    self.found[0].map((row) => row.id),
    nearest(rows, rows[17], 4, l2sq).slice(1).map((row) => row.id),
  );
});

const LINES = [
  { id: "kant", vector: [1, 0, 0], lang: "de", year: 1781, tag: ["a", "b"] },
  { id: "hume", vector: [0.9, 0.1, 0], lang: "en", year: 1739, tag: ["b"] },
  { id: "sartre", vector: [0, 1, 0], lang: "fr", year: 1943, score: 0.5 },
  { id: "quine", vector: [0, 0.9, 0.1], lang: "en", year: 1960, draft: true },
];

async function thinkers(cwd) {
  writeFileSync(
    join(cwd, "t.jsonl"),
    LINES.map((line) => JSON.stringify(line)).join("\n"),
  );
  await ok(["index", "create", "t.midge", "--dim", "3", "--ids", "text"], { cwd });
  await ok(["index", "add", "t.midge", "t.jsonl"], { cwd });
}

const ids = (answer) => answer.found[0].map((row) => row.id);

test("metadata, filters, texts as ids", async (t) => {
  const cwd = scratch(t);
  await thinkers(cwd);
  const ask = (...more) =>
    midgeJson(["index", "search", "t.midge", "--vector", "1 0 0", ...more], { cwd });
  assert.deepEqual(ids(await ask()), ["kant", "hume", "sartre", "quine"]);
  assert.deepEqual(ids(await ask("--filter", 'lang = "en"')), ["hume", "quine"]);
  assert.deepEqual(ids(await ask("--filter", "year >= 1900 and draft is null")), ["sartre"]);
  assert.deepEqual(ids(await ask("--filter", 'tag in ("a", "c")')), ["kant"]);
  assert.deepEqual(ids(await ask("--within", "0.5")), ["kant", "hume"]);
  assert.deepEqual((await ask("--k", "1")).found[0][0].metadata, {
    lang: "de",
    year: 1781,
    tag: ["a", "b"],
  });
  const info = await midgeJson(["index", "info", "t.midge"], { cwd });
  assert.equal(info.count, 4);
  assert.equal(info.ids, "text");
  assert.deepEqual(
    Object.fromEntries(info.columns.map((c) => [c.name, c.kind])),
    { lang: "string", year: "int", tag: "set", score: "float", draft: "bool" },
  );
  const wrong = await midge(
    ["index", "search", "t.midge", "--vector", "1 0 0", "--filter", "langg = 1"],
    { cwd },
  );
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /filter.*langg/);
});

test("upsert, delete, compact", async (t) => {
  const cwd = scratch(t);
  await thinkers(cwd);
  const again = await midge(["index", "add", "t.midge", "t.jsonl"], { cwd });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /id kant is in the index already/);
  writeFileSync(
    join(cwd, "new.csv"),
    'id,vector,lang,year,tag\nkant,"[0, 0, 1]",la,1770,"[""c""]"\n',
  );
  await ok(["index", "add", "t.midge", "new.csv", "--upsert"], { cwd });
  const near = await midgeJson(
    ["index", "search", "t.midge", "--vector", "0,0,1", "--k", "1"],
    { cwd },
  );
  assert.deepEqual(near.found[0][0].metadata, { lang: "la", year: 1770, tag: ["c"] });
  const gone = await midgeJson(["index", "delete", "t.midge", "--ids", "kant,nobody"], { cwd });
  assert.deepEqual(gone, { deleted: 1, absent: 1, count: 3 });
  const english = await midgeJson(
    ["index", "delete", "t.midge", "--filter", 'lang = "en"'],
    { cwd },
  );
  assert.equal(english.deleted, 2);
  const compacted = await midgeJson(["index", "compact", "t.midge"], { cwd });
  assert.equal(compacted.count, 1);
  const left = await midgeJson(["index", "search", "t.midge", "--vector", "1 0 0"], { cwd });
  assert.deepEqual(ids(left), ["sartre"]);
  const sound = await midgeJson(["index", "verify", "t.midge"], { cwd });
  assert.equal(sound.sound, 1);
});

test("export gives back what was added, in every format", async (t) => {
  const cwd = scratch(t);
  const rows = vectors(40, 6);
  writeFileSync(join(cwd, "rows.fbin"), fbin(rows));
  await ok(["index", "create", "a.midge", "--dim", "6"], { cwd });
  await ok(["index", "add", "a.midge", "rows.fbin"], { cwd });
  for (const format of ["npy", "fvecs", "fbin", "csv", "jsonl"]) {
    await ok(["index", "export", "a.midge", `out.${format}`], { cwd });
    await ok(["index", "create", `${format}.midge`, "--dim", "6"], { cwd });
    await ok(["index", "add", `${format}.midge`, `out.${format}`], { cwd });
    await ok(["index", "export", `${format}.midge`, `${format}.fbin`], { cwd });
    assert.deepEqual(
      readFileSync(join(cwd, `${format}.fbin`)),
      fbin(rows),
      format,
    );
  }
  const there = await midge(["index", "export", "a.midge", "out.npy"], { cwd });
  assert.equal(there.code, 2);
  assert.match(there.stderr, /exists; --replace/);
  const text = await ok(["index", "export", "a.midge", "-", "--format", "jsonl"], { cwd });
  assert.deepEqual(JSON.parse(text.split("\n")[3]).vector.map(Math.fround), rows[3]);
});

test("a graph is walked, and tuned to a recall", async (t) => {
  const cwd = scratch(t);
  const rows = vectors(6000, 16);
  writeFileSync(join(cwd, "rows.fbin"), fbin(rows));
  await ok(["index", "create", "a.midge", "--dim", "16", "--metric", "l2sq"], { cwd });
  await ok(["index", "add", "a.midge", "rows.fbin"], { cwd });
  assert.equal((await midgeJson(["index", "info", "a.midge"], { cwd })).graph, true);
  assert.equal((await midgeJson(["index", "info", "a.midge"], { cwd })).walk, "rows");
  const tuned = await midgeJson(["index", "tune", "a.midge", "--recall", "0.9"], { cwd });
  assert.ok(tuned.recall >= 0.9 && tuned.ef > 0);
  assert.equal((await midgeJson(["index", "info", "a.midge"], { cwd })).ef, tuned.ef);
  const walked = await midgeJson(["index", "search", "a.midge", "--id", "5"], { cwd });
  assert.equal(walked.exact, 0);
  assert.ok(walked.distances < 6000);
});

test("bits by Hamming distance", async (t) => {
  const cwd = scratch(t);
  const sets = [[1, 1, 0, 0, 1, 0, 1, 0, 1], [1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 1, 0, 1, 0]];
  writeFileSync(
    join(cwd, "b.jsonl"),
    sets.map((vector) => JSON.stringify({ vector })).join("\n"),
  );
  await ok(["index", "create", "b.midge", "--dim", "9", "--metric", "hamming"], { cwd });
  await ok(["index", "add", "b.midge", "b.jsonl"], { cwd });
  const { found } = await midgeJson(
    ["index", "search", "b.midge", "--vector", "1,1,0,0,1,0,1,0,0"],
    { cwd },
  );
  assert.deepEqual(
    found[0].map((row) => [row.id, row.distance]),
    [[0, 1], [1, 2], [2, 8]],
  );
});

/** Word vectors whose meaning is two topics and the length of the word. */
const WORDS = {
  cat: [1, 0.1, 0.3], dog: [0.9, 0.2, 0.3], kitten: [0.95, 0.15, 0.6],
  engine: [0.1, 1, 0.6], wheel: [0.15, 0.9, 0.5], motor: [0.05, 0.95, 0.5],
};

test("texts by word vectors", async (t) => {
  const cwd = scratch(t);
  writeFileSync(
    join(cwd, "words.txt"),
    Object.entries(WORDS).map(([w, v]) => `${w} ${v.join(" ")}\n`).join(""),
  );
  writeFileSync(
    join(cwd, "texts.jsonl"),
    [["pets", "a cat and a dog"], ["cars", "engine and wheel"]]
      .map(([id, text]) => JSON.stringify({ id, text }))
      .join("\n"),
  );
  await ok(["index", "create", "x.midge", "--dim", "3", "--ids", "text"], { cwd });
  const bare = await midge(
    ["index", "add", "x.midge", "texts.jsonl", "--text", "text"],
    { cwd },
  );
  assert.equal(bare.code, 2);
  assert.match(bare.stderr, /--words FILE/);
  const words = ["--words", "words.txt"];
  await ok(["index", "add", "x.midge", "texts.jsonl", "--text", "text", ...words], { cwd });
  const ask = (text) =>
    midgeJson(["index", "search", "x.midge", "--text", text, ...words], { cwd });
  assert.equal(ids(await ask("a kitten"))[0], "pets");
  assert.equal(ids(await ask("motor!"))[0], "cars");
  const unknown = await midge(
    ["index", "search", "x.midge", "--text", "xyzzy", ...words],
    { cwd },
  );
  assert.equal(unknown.code, 2);
});

test("wrong input: one line that says what to do, and nothing changes", async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, "bad.jsonl"), '{"vector": [1, 2, 3]}\n{"vector": [1, 2]}\n');
  writeFileSync(join(cwd, "two.jsonl"), '{"vector": [1, 2]}\n');
  writeFileSync(join(cwd, "other"), "not an index");
  await ok(["index", "create", "a.midge", "--dim", "3"], { cwd });
  const before = readFileSync(join(cwd, "a.midge"));
  const files = readdirSync(cwd).sort();
  for (const [args, message] of [
    [["create", "a.midge", "--dim", "3"], /a\.midge/],
    [["create", "b.midge"], /needs --dim/],
    [["create", "b.midge", "--dim", "3", "--metric", "l3"], /none of l2sq, cosine/],
    [["create", "b.midge", "--dim", "3", "--storage", "binary"], /Hamming/],
    [["create", "b.midge", "--dim", "3", "--columns", "a:b"], /none of int/],
    [["add", "a.midge", "bad.jsonl"], /line 2: a vector of 2 numbers/],
    [["add", "a.midge", "two.jsonl"], /vectors of 2 numbers.* has 3/],
    [["add", "a.midge", "gone.fbin"], /gone\.fbin/],
    [["add", "a.midge", "other"], /--format/],
    [["add", "none.midge", "two.jsonl"], /midge index create none\.midge/],
    [["search", "a.midge"], /ask by one of/],
    [["search", "a.midge", "--vector", "1 2"], /has 2 numbers/],
    [["search", "a.midge", "--vector", "1 2 x"], /'x' is not a number/],
    [["search", "a.midge", "--id", "9"], /no row with the id 9/],
    [["info", "other"], /other/],
    [["serch", "a.midge"], /did you mean 'index search'/],
    [["delete", "a.midge"], /name the rows by one of/],
    [["export", "a.midge", "x.bvecs"], /are written to/],
  ]) {
    const run = await midge(["index", ...args], { cwd });
    assert.equal(run.code, 2, `${args}: ${run.stderr}`);
    assert.match(run.stderr, message);
    assert.match(run.stderr, /^midge: [^\n]*\n$/, `${args}: one line`);
    assert.equal(run.stdout, "");
    assert.deepEqual(readdirSync(cwd).sort(), files, `${args}`);
    assert.deepEqual(readFileSync(join(cwd, "a.midge")), before);
  }
});

test("help of the family and of each", async () => {
  const page = await ok(["help", "index"]);
  assert.equal(await ok(["index"]), page);
  assert.equal(await ok(["index", "--help"]), page);
  const names = [...page.matchAll(/^ {2}index (\w+) /gm)].map((found) => found[1]);
  assert.deepEqual(names, [
    "add", "compact", "create", "delete", "export", "info", "search", "tune", "verify",
  ]);
  for (const name of names) {
    const one = await ok(["help", "index", name]);
    assert.match(one, new RegExp(`usage: midge index ${name} INDEX`));
    assert.equal(await ok(["index", name, "--help"]), one);
  }
});
