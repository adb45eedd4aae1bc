// One writer of an index file at a time, whatever it is written in: the native
// program and Node keep each other out, say why, and a writer that was killed
// keeps nobody out.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";

import { importMidge, PACKAGE_URL, scratch } from "./wasm_support.mjs";

const { createIndex, openIndex, openStore } = await importMidge();
const MIDGE = process.env.MIDGE_BIN;
const ROW = '{"vector": [1, 2]}\n';

function midge(args, input = "") {
  const run = spawnSync(MIDGE, args, { input, encoding: "utf8" });
  return { code: run.status, text: run.stdout + run.stderr };
}

function make(t) {
  const folder = scratch((done) => t.after(done));
  const path = join(folder, "both.midge");
  assert.equal(midge(["index", "create", path, "--dim", "2"]).code, 0);
  return { folder, path };
}

const addTo = (path) => ["index", "add", path, "-", "--format", "jsonl"];

/** A native program that has the index open to write and waits for rows. */
async function nativeHolder(t, path) {
  const child = spawn(MIDGE, addTo(path), { stdio: ["pipe", "ignore", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const closed = new Promise((resolve) => child.on("close", resolve));
  for (let i = 0; i < 500 && !existsSync(`${path}.lock`); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(existsSync(`${path}.lock`), "it made no lock");
  return { child, closed };
}

/** A program in Node that has the store open. */
async function nodeHolder(t, path) {
  const program = `
    const { openStore } = await import(${JSON.stringify(PACKAGE_URL)});
    const store = await openStore(process.argv[1]);
    process.stdout.write("open\\n");
    process.stdin.on("end", () => store.close()).resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const closed = new Promise((resolve) => child.on("close", resolve));
  await new Promise((resolve, reject) => {
    child.stdout.on("data", resolve);
    child.on("close", () => reject(new Error("it did not open the store")));
  });
  return { child, closed };
}

async function countInNode(path) {
  const index = await openIndex(await openStore(path));
  const { count } = index;
  await index.close();
  return count;
}

test("a native writer keeps Node out, until it has ended", async (t) => {
  const { folder, path } = make(t);
  const { child, closed } = await nativeHolder(t, path);
  await assert.rejects(openStore(path), {
    code: "E_BUSY",
    message: new RegExp(`both\\.midge is open in process ${child.pid}`),
  });
  child.stdin.end(ROW);
  assert.equal(await closed, 0);
  assert.equal(await countInNode(path), 1);
  assert.deepEqual(readdirSync(folder), ["both.midge"]);
});

test("a native writer that was killed keeps nobody out", async (t) => {
  const { folder, path } = make(t);
  for (const next of [countInNode, (file) => midge(["index", "info", file, "--json"])]) {
    const { child, closed } = await nativeHolder(t, path);
    child.kill("SIGKILL");
    await closed;
    assert.ok(existsSync(`${path}.lock`));
    await next(path);
    const added = midge(addTo(path), ROW);
    assert.equal(added.code, 0, added.text);
  }
  assert.equal(await countInNode(path), 2);
  assert.deepEqual(readdirSync(folder), ["both.midge"]);
});

test("a program in Node keeps the native one out, until it has ended", async (t) => {
  const { folder, path } = make(t);
  const { child, closed } = await nodeHolder(t, path);
  for (const args of [addTo(path), ["index", "compact", path]]) {
    const { code, text } = midge(args, ROW);
    assert.equal(code, 1, text);
    assert.match(text, /^midge: [^:\n]*both\.midge: process \d+ has it open to write[^\n]*\n$/);
    assert.ok(text.includes(`process ${child.pid} `));
  }
  assert.equal(midge(["index", "info", path]).code, 0, "readers are let in");
  child.stdin.end();
  await closed;
  const added = midge(addTo(path), ROW);
  assert.equal(added.code, 0, added.text);
  assert.deepEqual(readdirSync(folder), ["both.midge"]);
});

test("a program in Node that was killed keeps nobody out", async (t) => {
  const { folder, path } = make(t);
  for (const next of [countInNode, (file) => midge(addTo(file), ROW)]) {
    const { child, closed } = await nodeHolder(t, path);
    child.kill("SIGKILL");
    await closed;
    assert.ok(existsSync(`${path}.lock`));
    await next(path);
  }
  assert.equal(await countInNode(path), 1);
  assert.deepEqual(readdirSync(folder), ["both.midge"]);
});

test("locks that are nobody's, and locks that are", async (t) => {
  const { path } = make(t);
  const lock = `${path}.lock`;
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  // Gone; this number began at another time; half written; none at all.
  for (const text of [`${pid} 0\n`, `${process.pid} 1\n`, "", "12", "x\n", "-1 2\n"]) {
    writeFileSync(lock, text);
    const store = await openStore(path);
    assert.match(readFileSync(lock, "utf8"), new RegExp(`^${process.pid} [0-9]+\n$`));
    await store.close();
    assert.equal(existsSync(lock), false);
  }
  writeFileSync(lock, `${process.ppid} 0\n`);
  await assert.rejects(openStore(path), { code: "E_BUSY" });
  assert.equal(readFileSync(lock, "utf8"), `${process.ppid} 0\n`);
});

// Threads of one program, which have one number.
test("of many at once one gets in", async (t) => {
  const { folder, path } = make(t);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const program = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(PACKAGE_URL)}).then(async ({ openStore }) => {
      parentPort.once("message", async (path) => {
        const store = await openStore(path).catch((error) => error.code);
        parentPort.once("message", async () => {
          await store.close?.();
          parentPort.postMessage("closed");
        });
        parentPort.postMessage(typeof store === "string" ? store : "open");
      });
      parentPort.postMessage("ready");
    });`;
  const threads = Array.from({ length: 6 }, () => new Worker(program, { eval: true }));
  const said = () => Promise.all(threads.map((one) =>
    new Promise((resolve) => one.once("message", resolve))));
  await said();
  writeFileSync(`${path}.lock`, `${pid} 0\n`); // of one that is gone
  const answers = said();
  threads.forEach((one) => one.postMessage(path));
  assert.deepEqual((await answers).sort(), [...Array(5).fill("E_BUSY"), "open"]);
  const closed = said();
  threads.forEach((one) => one.postMessage("close"));
  await closed;
  await Promise.all(threads.map((one) => one.terminate()));
  assert.deepEqual(readdirSync(folder), ["both.midge"]);
});

test("an index that Node made is added to natively, and the other way round", async (t) => {
  const folder = scratch((done) => t.after(done));
  const path = join(folder, "mine.midge");
  const store = await openStore(path);
  const index = await createIndex({ dim: 2, store });
  const early = midge(["index", "create", path, "--dim", "2"]);
  assert.equal(early.code, 1, early.text);
  assert.match(early.text, new RegExp(`process ${process.pid} `));
  index.add([[1, 1]]);
  await index.commit();
  await index.close();
  const added = midge(addTo(path), ROW);
  assert.equal(added.code, 0, added.text);
  assert.equal(await countInNode(path), 2);
});
