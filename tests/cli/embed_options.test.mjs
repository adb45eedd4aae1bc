// What `midge index` tells an endpoint of embeddings, option by option: a server
// that counts letters writes down what came.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { endpoint } from "./embed_endpoint.mjs";
import { midge, scratch } from "./midge.mjs";

const TEXTS = ["one", "two", "three", "four", "five"];

/** A folder with an index of `dim` and five texts, and the arguments that add
 * them by the endpoint at `url`. */
async function prepare(t, dim, url) {
  const cwd = scratch(t);
  const made = await midge(["index", "create", "a.midge", "--dim", `${dim}`], { cwd });
  assert.equal(made.code, 0, made.stderr);
  writeFileSync(
    join(cwd, "texts.jsonl"),
    TEXTS.map((text, id) => `${JSON.stringify({ id, text })}\n`).join(""),
  );
  const to = ["--embed-url", url, "--embed-model", "m"];
  const add = ["index", "add", "a.midge", "texts.jsonl", "--text", "text", ...to];
  const search = ["index", "search", "a.midge", "--text", "one", ...to];
  return { cwd, add, search };
}

test("--embed-batch: texts in a request", async (t) => {
  const requests = [];
  const port = await endpoint(t, 8, requests);
  const { cwd, add } = await prepare(t, 8, `http://127.0.0.1:${port}/v1`);
  const run = await midge([...add, "--embed-batch", "2"], { cwd });
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(
    requests.map(({ body }) => JSON.parse(body).input),
    [["one", "two"], ["three", "four"], ["five"]],
  );
  for (const wrong of ["0", "2049", "x"]) {
    const refused = await midge([...add, "--embed-batch", wrong], { cwd });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /embed.batch/);
  }
});

test("--embed-dimensions: asked of the endpoint, and kept", async (t) => {
  const requests = [];
  const port = await endpoint(t, 8, requests);
  const { cwd, add, search } = await prepare(t, 5, `http://127.0.0.1:${port}/v1`);
  const without = await midge(add, { cwd });
  assert.notEqual(without.code, 0);
  assert.match(without.stderr, /8/);
  // What was left beside the index by texts that were not added counts nothing.
  const short = ["--embed-dimensions", "5"];
  const run = await midge([...add, ...short], { cwd });
  assert.equal(run.code, 0, run.stderr);
  assert.equal(JSON.parse(requests[0].body).dimensions, undefined);
  assert.equal(JSON.parse(requests.at(-1).body).dimensions, 5);
  const found = await midge([...search, ...short, "--k", "1"], { cwd });
  assert.equal(found.code, 0, found.stderr);
  assert.match(found.stdout, /^1\t0\t/);
  const other = await midge([...search, "--embed-dimensions", "6"], { cwd });
  assert.equal(other.code, 2);
  assert.match(other.stderr, /6 dimensions are asked for, and 5 are wanted/);
});

test("--embed-timeout and --embed-retries", async (t) => {
  const requests = [];
  const port = await endpoint(t, 8, requests, { silent: true });
  const { cwd, add } = await prepare(t, 8, `http://127.0.0.1:${port}/v1`);
  const begun = Date.now();
  const once = await midge(
    [...add, "--embed-timeout", "0.25", "--embed-retries", "0"],
    { cwd },
  );
  assert.notEqual(once.code, 0);
  assert.match(once.stderr, /did not answer within 250 ms/);
  assert.equal(requests.length, 1);
  await midge([...add, "--embed-timeout", "0.25", "--embed-retries", "1"], { cwd });
  assert.equal(requests.length, 3);
  assert.ok(Date.now() - begun < 20000);
});

test("--embed-plain-key: a key goes over plain http only when told", async (t) => {
  const requests = [];
  const port = await endpoint(t, 8, requests);
  // Another host, as far as midge can see: the endpoint is its proxy.
  const { cwd, add } = await prepare(t, 8, "http://embed.example/v1");
  const env = { http_proxy: `http://127.0.0.1:${port}`, A_KEY: "sk-very-secret" };
  const keyed = [...add, "--embed-key-env", "A_KEY"];
  const refused = await midge(keyed, { cwd, env });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /https/);
  assert.equal(requests.length, 0);
  const told = await midge([...keyed, "--embed-plain-key"], { cwd, env });
  assert.equal(told.code, 0, told.stderr);
  assert.equal(requests[0].headers.authorization, "Bearer sk-very-secret");
  assert.doesNotMatch(refused.stderr + told.stdout + told.stderr, /very-secret/);
});
