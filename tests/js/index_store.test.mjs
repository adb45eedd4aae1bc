// Indexes in files, in Node: what is committed is there afterwards, in this
// program, in others and in the native one, whatever happens in between.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { answers, DIM, fill, makeIndex, numbers, ROWS } from "./index_support.mjs";
import { importMidge, PACKAGE_URL, run, scratch } from "./wasm_support.mjs";

const { createIndex, openIndex, openStore } = await importMidge();
const folder = scratch(after);
const native = join(process.env.MIDGE_BUILD, "tests", "js", "index_oracle");

async function reopen(path) {
  return openIndex(await openStore(path));
}

test("commits append, and everything is there after closing", async () => {
  const path = join(folder, "notes.midge");
  const store = await openStore(path);
  assert.equal(store.size, 0);
  const index = await makeIndex(createIndex, { store });
  await index.commit();
  const first = index.info();
  assert.equal(first.fileBytes, statSync(path).size);
  await index.commit(); // nothing changed
  assert.equal(index.info().fileBytes, first.fileBytes);
  fill(index, ROWS, 10, 5);
  index.delete([12]);
  await index.commit();
  assert.equal(index.info().fileFrames, 1);
  assert.ok(index.info().fileBytes > first.fileBytes);
  assert.ok(index.info().fileBytes < first.fileBytes * 1.2);
  const expected = answers(index);
  fill(index, ROWS + 10, 10, 6); // not committed
  await index.close();
  assert.equal(existsSync(`${path}.lock`), false);
  const again = await reopen(path);
  assert.deepEqual(answers(again), expected);
  assert.equal(again.info().fileFrames, 1);
  again.add(numbers(DIM, 8));
  await again.commit();
  assert.equal(again.info().fileFrames, 2);
  await again.close();
});

test("changes while a commit is on its way are in the next one", async () => {
  const path = join(folder, "busy.midge");
  const index = await createIndex({ dim: 1, metric: "l2sq", store: await openStore(path) });
  const commits = [];
  for (let i = 0; i < 30; i++) {
    index.add([[i]]);
    commits.push(index.commit());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(commits);
  const count = index.count;
  await index.close();
  const again = await reopen(path);
  assert.equal(again.count, count);
  assert.equal(again.search([29], { k: 1 })[0].distance, 0);
  await again.close();
});

test("compaction and long changes write a new file", async () => {
  const path = join(folder, "compact.midge");
  const index = await makeIndex(createIndex, { store: await openStore(path) });
  await index.commit();
  index.delete(Array.from({ length: ROWS / 2 }, (_, i) => i));
  index.compact();
  await index.commit();
  assert.equal(index.info().fileFrames, 0);
  const small = statSync(path).size;
  for (let i = 0; i < 12; i++) {
    fill(index, 10000 + i * 1000, 1000, i);
    await index.commit();
  }
  const { fileBytes, fileFrames } = index.info();
  assert.equal(fileBytes, statSync(path).size);
  assert.ok(fileFrames < 12 && fileBytes > small);
  const expected = answers(index);
  await index.close();
  const again = await reopen(path);
  assert.deepEqual(answers(again), expected);
  await again.close();
});

test("one at a time; a lock of a process that is gone is no lock", async () => {
  const path = join(folder, "locked.midge");
  const store = await openStore(path);
  await assert.rejects(openStore(path), { code: "E_BUSY", message: /locked\.midge/ });
  await store.close();
  await store.close();
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(`${path}.lock`, String(pid));
  const index = await createIndex({ dim: 1, store: await openStore(path) });
  index.add([[1]]);
  await index.commit();
  await index.close();
  const there = await openStore(path);
  await assert.rejects(createIndex({ dim: 1, store: there }), { code: "E_EXISTS" });
  await there.close();
  await assert.rejects(openStore(join(folder, "no", "where")), { code: "E_IO" });
  await assert.rejects(openStore(""), { code: "E_INVALID" });
});

test("a write that fails is told, and the next commit is whole", async () => {
  const path = join(folder, "failing.midge");
  const store = await openStore(path);
  const index = await createIndex({ dim: 1, metric: "l2sq", store });
  index.add([[1]]);
  await index.commit();
  const { write } = store;
  store.write = async () => {
    throw new Error("no space");
  };
  index.add([[2]]);
  await assert.rejects(index.commit(), /no space/);
  store.write = write;
  await index.commit();
  assert.equal(index.info().fileFrames, 0);
  await index.close();
  const again = await reopen(path);
  assert.equal(again.count, 2);
  await again.close();
});

// A program that commits row after row and says so, killed at some moment.
const WRITER = `
  const { createIndex, openIndex, openStore } = await import(${JSON.stringify(PACKAGE_URL)});
  const store = await openStore(process.argv[1]);
  const index = store.size > 0 ? await openIndex(store)
    : await createIndex({ dim: 4, metric: "l2sq", store });
  for (;;) {
    const id = index.count;
    index.add([[id, 0, 0, 0]], { ids: [id] });
    await index.commit();
    process.stdout.write(id + "\\n");
  }`;

/** Runs it, kills it `late` ms after its first words; what it said. */
function runAndKill(path, late) {
  const args = ["--input-type=module", "-e", WRITER, path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    if (said === "") {
      setTimeout(() => child.kill("SIGKILL"), late);
    }
    said += text;
  });
  return new Promise((resolve) => child.on("close", () => resolve(said)));
}

test("killed at any moment: what was acknowledged is there", async () => {
  const path = join(folder, "killed.midge");
  for (let i = 0; i < 12; i++) {
    const said = (await runAndKill(path, 17 * i)).split("\n").slice(0, -1);
    const least = Number(said.at(-1)) + 1;
    const index = await reopen(path);
    // The one that was on its way may be there, too.
    assert.ok(index.count === least || index.count === least + 1,
      `${index.count} rows, ${least} acknowledged`);
    for (const id of [0, least - 1]) {
      assert.deepEqual(index.search([id, 0, 0, 0], { k: 1 }), [{ id, distance: 0 }]);
    }
    await index.close();
  }
});

test("bytes cut off or changed: an error that names the part", async () => {
  const index = await makeIndex(createIndex);
  const bytes = index.save();
  index.dispose();
  for (const size of [1, 100, 5000, 12287, 20000, bytes.length - 1]) {
    await assert.rejects(openIndex(bytes.slice(0, size)), { name: "MidgeError" });
  }
  let found = 0;
  for (let at = 0; at < bytes.length; at += 7919) {
    const spoilt = bytes.slice();
    spoilt[at] ^= 16;
    const opened = await openIndex(spoilt).catch((error) => error);
    if (opened instanceof Error) {
      assert.match(opened.code, /^E_(CORRUPT|PARSE|VERSION)$/);
      found++;
      continue;
    }
    try {
      answers(opened, 200);
    } catch (error) {
      assert.equal(error.code, "E_CORRUPT");
      assert.match(error.message, /^(rows|links|level links): block \d+ is damaged/);
      found++;
    }
    opened.dispose();
  }
  assert.ok(found > 20, `${found} found`);
});

test("the native program's files here, and ours there: the same answers", async () => {
  const index = await makeIndex(createIndex);
  const ours = join(folder, "ours.midge");
  writeFileSync(ours, index.save());
  const queries = join(folder, "queries.bin");
  writeFileSync(queries, Buffer.from(numbers(20 * DIM, 99).buffer));
  const ask = (file) => JSON.parse(run(native, ["search", file, queries, "5", "50"]));
  const here = (opened) => {
    const { ids, distances } = opened.searchMany(numbers(20 * DIM, 99), { k: 5, ef: 50 });
    return { ids: [...ids], distances: [...distances] };
  };
  assert.deepEqual(ask(ours), here(index));
  index.dispose();
  // Theirs: the same, and a commit behind it.
  const theirs = join(folder, "theirs.midge");
  run(native, ["change", ours, theirs]);
  const opened = await reopen(theirs);
  assert.equal(opened.info().fileFrames, 1);
  assert.deepEqual(here(opened), ask(theirs));
  assert.equal(opened.has(7), false); // deleted there
  assert.deepEqual(opened.get(900000).metadata, { n: 900000, word: "native" });
  // And one more of ours behind theirs.
  opened.add(numbers(DIM, 77), { ids: [900001] });
  await opened.commit();
  assert.equal(opened.info().fileFrames, 2);
  const expected = here(opened);
  await opened.close();
  assert.deepEqual(ask(theirs), expected);
  assert.equal(run(native, ["verify", theirs]).toString(), "");
});

test("natively built and built here: the same bytes", async () => {
  const rows = join(folder, "rows.bin");
  const file = join(folder, "built.midge");
  writeFileSync(rows, Buffer.from(numbers(2000 * DIM, 4).buffer));
  run(native, ["build", rows, String(DIM), file]);
  const index = await createIndex(
    { dim: DIM, metric: "cosine", kind: "hnsw", m: 8, efConstruction: 40, seed: 5 });
  index.add(numbers(2000 * DIM, 4));
  assert.ok(Buffer.from(index.save()).equals(readFileSync(file)));
  index.dispose();
});
