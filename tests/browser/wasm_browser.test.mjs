// The built package in a real Chromium, against native results. Serves the page
// beside this file, the package and the data on 127.0.0.1; the environment is
// that of tests/js.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  DIST,
  elements,
  floatsOf,
  importMidge,
  midgeJson,
  oracle,
  PENGUINS,
  run,
  scratch,
} from "../js/wasm_support.mjs";
import { openPage, serve, stop } from "./browser_support.mjs";

const folder = scratch(after);
const here = fileURLToPath(new URL(".", import.meta.url));
const model = join(folder, "model.midge");
const log = join(folder, "log.jsonl");
const noise = []; // console errors, failed requests, exceptions
let answer;

function fileFor(path) {
  const files = {
    "/model.midge": model,
    "/log.jsonl": log,
    "/data.csv": PENGUINS,
    "/untyped.wasm": {
      file: join(DIST, "wasm", "midge-core-simd.wasm"),
      type: "application/octet-stream",
    },
  };
  // As servers do that have one page for every address.
  if (path === "/page.wasm") {
    return { file: join(here, "wasm_page.html"), type: "text/html" };
  }
  const local = normalize(path);
  if (local.startsWith("/dist/")) {
    return join(DIST, local.slice("/dist/".length));
  }
  return files[local] ?? join(here, local);
}

before(async () => {
  const db = ["--db", join(folder, "swarm")];
  oracle("fit", "ensemble", PENGUINS, "Species", "200", model);
  midgeJson("learn", PENGUINS, "--target", "Species", "--rounds", "1", ...db);
  const args = ["events", "--limit", "1000000", "--json", ...db];
  const events = run(process.env.MIDGE_BIN, args).toString();
  writeFileSync(log, elements(events).join("\n"));
  const site = await serve(fileFor);
  try {
    answer = await openPage(`${site.origin}/wasm_page.html`, noise);
  } finally {
    stop(site);
  }
});

test("the page came to its end", () => {
  assert.equal(answer.failed, undefined);
});

test("modules are compiled while they arrive, once", () => {
  for (const variant of ["scalar", "simd"]) {
    assert.equal(answer[variant].info.module, `core-${variant}`);
    assert.equal(answer[variant].info.source, "stream");
    assert.equal(answer[variant].cachedAgain, true);
  }
});

test("SIMD is the default, in the page and in a worker", () => {
  assert.equal(answer.hasSimd, true);
  assert.equal(answer.defaultModule, "core-simd");
  assert.equal(answer.worker.module, "core-simd");
  assert.equal(answer.worker.selftest, answer.simd.selftest);
});

test("a server that names another type works too", () => {
  assert.equal(answer.untyped, "response");
});

test("the browser complained about the address that is not there, only", () => {
  assert.equal(noise.length, 1);
  assert.match(noise[0], /404/);
});

test("the kernels give the same as in Node, in every variant", async () => {
  const { loadKernels } = await importMidge();
  const k = await loadKernels();
  const a = Float32Array.from({ length: 1000 }, (_, i) => Math.sqrt(i));
  const expected = {
    numbers: [k.dot(a, a), k.sum(a), k.norm(a)],
    rows: [...k.gemv(a, a.subarray(0, 10))],
  };
  const { simd, scalar, relaxed, vectors } = answer.kernels;
  assert.equal(simd.info.module, "kernels-simd");
  assert.equal(scalar.info.module, "kernels-scalar");
  assert.equal(vectors.info.module, "vectors-simd");
  assert.ok(relaxed, "Debian's Chromium has relaxed SIMD");
  assert.equal(relaxed.info.variant, "relaxed");
  for (const found of [simd, scalar, relaxed, vectors]) {
    const { numbers, rows } = found;
    assert.deepEqual({ numbers, rows }, expected);
    assert.deepEqual(found.grown, [0, 1000]); // views die, blocks do not
    assert.equal(found.shared, true);
    assert.equal(found.info.source, "stream");
    assert.equal(found.usedAfter, 0);
  }
});

test("what cannot be loaded says which and why", () => {
  const [absent, page, other, none] = answer.failures;
  assert.match(absent, /^LOAD_FAILED .*\/nowhere\.wasm: HTTP 404/);
  assert.match(page, /\/page\.wasm: the server answered with a page \(text\/html\)/);
  assert.match(other, /\/untyped\.wasm is no midge-kernels-simd of this version/);
  assert.match(none, /is no midge-vectors-simd of this version: it has no \w+$/);
});

test("outputs have the bits of the native program and of Node", async () => {
  const native = floatsOf(oracle("outputs", model, PENGUINS));
  const expected = [...new Uint32Array(native.buffer)];
  const { load, SELFTEST_RESULT } = await importMidge();
  const inNode = (await load()).openModel(readFileSync(model));
  const values = inNode.values(inNode.predictTable(readFileSync(PENGUINS)));
  for (const variant of ["scalar", "simd"]) {
    assert.deepEqual(answer[variant].bits, expected);
    assert.deepEqual(answer[variant].values, values);
    assert.equal(answer[variant].usedAfter, 0);
  }
  assert.equal(answer.scalar.selftest, SELFTEST_RESULT);
  assert.equal(answer.simd.selftest, SELFTEST_RESULT);
});

test("the native event log gives the native state", () => {
  assert.equal(answer.replayed, oracle("replay", log).toString().trim());
});
