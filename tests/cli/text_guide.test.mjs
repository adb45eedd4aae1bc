// The examples of docs/guide/text.md: word vectors counted from a small text
// stand in for the large file, and a server that counts letters for the
// endpoint (a double of the protocol; what it finds means nothing).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { endpoint } from "./embed_endpoint.mjs";
import { BIN, midge, scratch } from "./midge.mjs";
import { writeWordVectors } from "./word_vectors.mjs";

const guide = readFileSync(
  new URL("../../docs/guide/text.md", import.meta.url),
  "utf8",
);
const blocks = [...guide.matchAll(/```(\w+)\n(.*?)```/gs)].map((found) => ({
  language: found[1],
  text: found[2],
}));
const of = (language) =>
  blocks.filter((one) => one.language === language).map((one) => one.text);

/** Runs a shell block with the midge under test; returns what it printed. */
async function shell(cwd, text, env = {}) {
  const done = await promisify(execFile)("bash", ["--norc", "-eu", "-c", text], {
    cwd,
    env: { PATH: `${dirname(BIN)}:${process.env.PATH}`, ...env },
  });
  return done.stdout;
}

/** Ids of the lines "rank <tab> id <tab> distance ...". */
function ids(text) {
  return text
    .split("\n")
    .map((line) => line.split("\t"))
    .filter((cells) => /^\d+$/.test(cells[0]) && cells.length >= 3)
    .map((cells) => Number(cells[1]));
}

function prepare(t) {
  const folder = scratch(t);
  writeFileSync(join(folder, "notes.jsonl"), of("json")[0]);
  writeWordVectors(join(folder, "glove.6B.100d.txt"), 100);
  return folder;
}

test("word vectors", async (t) => {
  const folder = prepare(t);
  const printed = await shell(folder, of("sh")[0]);
  const found = ids(printed);
  assert.deepEqual(found.slice(0, 2).sort(), [1, 5]);
  assert.deepEqual(found.slice(2), [3]);
});

test("a text without a known word is named, or passed over", async (t) => {
  const folder = prepare(t);
  const add = ["index", "add", "n.midge", "odd.jsonl", "--text", "text"];
  const words = ["--words", "glove.6B.100d.txt"];
  writeFileSync(
    join(folder, "odd.jsonl"),
    '{"id": 1, "text": "the cook"}\n{"id": 2, "text": "qqq xxx"}\n',
  );
  await shell(folder, "midge index create n.midge --dim 100");
  const refused = await midge([...add, ...words], { cwd: folder });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /none of its words has a vector/);
  const passed = await midge([...add, ...words, "--skip", "--json"], {
    cwd: folder,
  });
  assert.equal(passed.code, 0, passed.stderr);
  const answer = JSON.parse(passed.stdout);
  assert.equal(answer.added, 1);
  assert.equal(answer.skipped, 1);
});

test("texts are refused without a source, or with another", async (t) => {
  const folder = prepare(t);
  await shell(folder, of("sh")[0]);
  const search = ["index", "search", "notes.midge", "--text", "the cook"];
  const none = await midge(search, { cwd: folder });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /--words/);
  const text = readFileSync(join(folder, "glove.6B.100d.txt"), "utf8");
  writeFileSync(join(folder, "other.txt"), `${text}zzz${" 1".repeat(100)}\n`);
  const other = await midge([...search, "--words", "other.txt"], {
    cwd: folder,
  });
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /other word vectors/);
});

test("an endpoint", async (t) => {
  const folder = prepare(t);
  const requests = [];
  const port = await endpoint(t, 768, requests);
  const text = of("sh")[1].replaceAll("localhost:11434", `127.0.0.1:${port}`);
  const found = ids(await shell(folder, text));
  assert.equal(found.length, 2);
  assert.ok(requests.length >= 2);
  for (const request of requests) {
    assert.equal(request.url, "/v1/embeddings");
    assert.equal(JSON.parse(request.body).model, "nomic-embed-text");
    assert.equal(request.headers.authorization, undefined);
  }
  assert.equal(JSON.parse(requests[0].body).input.length, 5);
});

test("the key goes into the header and nowhere else", async (t) => {
  const folder = prepare(t);
  const requests = [];
  const port = await endpoint(t, 8, requests);
  const url = ["--embed-url", `http://127.0.0.1:${port}/v1`];
  const model = ["--embed-model", "m", "--embed-key-env", "TEST_EMBED_KEY"];
  await shell(folder, "midge index create k.midge --dim 8");
  const run = await midge(
    ["index", "add", "k.midge", "notes.jsonl", "--text", "text", ...url,
      ...model],
    { cwd: folder, env: { TEST_EMBED_KEY: "sk-very-secret" } },
  );
  assert.equal(run.code, 0, run.stderr);
  assert.equal(requests[0].headers.authorization, "Bearer sk-very-secret");
  assert.doesNotMatch(run.stdout + run.stderr, /very-secret/);
  const missing = await midge(
    ["index", "search", "k.midge", "--text", "a", ...url, ...model],
    { cwd: folder },
  );
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /TEST_EMBED_KEY/);
});

test("in C", (t) => {
  const folder = scratch(t);
  const root = new URL("../../", import.meta.url).pathname;
  writeFileSync(join(folder, "example.c"), of("c")[0]);
  const library = join(dirname(BIN), "..", "..", "packaging", "libmidge.a");
  execFileSync(
    "cc",
    ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I", join(root, "include"),
      "example.c", library, "-lpthread", "-o", "example"],
    { cwd: folder },
  );
  const printed = execFileSync(join(folder, "example"), { encoding: "utf8" });
  assert.equal(printed, of("text")[0]);
});
