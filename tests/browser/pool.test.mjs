// The pool of threads in a real Chromium: isolated, where it has threads, and
// not isolated, where it says why it has none and computes the same. The package
// and the pages are served on 127.0.0.1; the environment is that of tests/js.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import * as vite from "vite";

import { answers as answersOf, makeIndex } from "../js/index_support.mjs";
import { everything, flat } from "../js/pool_support.mjs";
import { DIST, importMidge, scratch } from "../js/wasm_support.mjs";
import { launch, serve, stop, visit as visitPage } from "./browser_support.mjs";

const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const folder = scratch(after);
const here = fileURLToPath(new URL(".", import.meta.url));
const expected = {}; // by variant, from Node
const answers = {}; // by kind of page
const noise = {};
let site;
let browser;

/** /isolated/... and /plain/... are the same files. */
function fileFor(path) {
  const [, , ...rest] = normalize(path).split("/");
  const [first, ...inside] = rest;
  if (first === "dist") {
    return join(DIST, ...inside);
  }
  if (first === "bundled") {
    return join(folder, ...inside);
  }
  return first === "js" ? join(here, "..", ...rest) : join(here, ...rest);
}

function headersFor(path) {
  return path.startsWith("/isolated/") ? ISOLATED : {};
}

function visit(kind, path = "pool_page.html") {
  noise[kind] ??= [];
  return visitPage(browser, `${site.origin}/${kind}/${path}`, noise[kind]);
}

const PROGRAM = `
  import { openPool } from "midge";
  const say = async () => {
    const pool = await openPool({ threads: 2 });
    const x = new Float32Array([1, 2]);
    return { mode: pool.mode, y: [...(await pool.gemv(x, x))] };
  };
  say().catch((error) => ({ failed: String(error) }))
    .then((answer) => { window.answer = answer; });`;
const PAGE = `<!doctype html><link rel="icon" href="data:," />
  <script type="module" src="./program.js"></script>`;

/** A folder with a program that has the package installed. */
function project() {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(dirname(DIST), join(folder, "node_modules", "midge"));
  writeFileSync(join(folder, "program.js"), PROGRAM);
  writeFileSync(join(folder, "index.html"), PAGE);
}

before(async () => {
  const { createIndex, openPool } = await importMidge();
  const index = await makeIndex(createIndex);
  expected.index = JSON.stringify(answersOf(index, 100));
  index.dispose();
  for (const variant of ["simd", "scalar"]) {
    const pool = await openPool({ threads: 1, variant });
    expected[variant] = flat(await everything(pool)).map(([name, x]) =>
      [name, [...new Uint32Array(x.buffer)]]);
  }
  site = await serve(fileFor, headersFor);
  browser = await launch();
  project();
  answers.isolated = await visit("isolated");
  answers.plain = await visit("plain");
});

after(async () => {
  await browser?.close();
  if (site) {
    stop(site);
  }
});

test("the pages came to their end", () => {
  for (const kind of ["isolated", "plain"]) {
    assert.equal(answers[kind].failed, undefined);
    assert.equal(answers[kind].worker.failed, undefined);
    assert.equal(answers[kind].page.isolated, kind === "isolated");
  }
});

for (const where of ["page", "worker"]) {
  test(`isolated, in a ${where}: threads`, () => {
    const { three, scalar } = answers.isolated[where];
    assert.equal(three.info.mode, "threads");
    assert.equal(three.info.reason, undefined);
    assert.equal(three.info.threads, 3);
    assert.equal(three.info.module, "threads-simd");
    assert.equal(scalar.info.mode, "threads");
    assert.equal(scalar.info.module, "threads-scalar");
  });

  test(`not isolated, in a ${where}: one thread, and why`, () => {
    const { three, scalar } = answers.plain[where];
    for (const { info } of [three, scalar]) {
      assert.equal(info.mode, "single");
      assert.equal(info.threads, 1);
      assert.match(info.reason, /not cross-origin isolated.*Embedder-Policy/);
    }
  });

  for (const kind of ["isolated", "plain"]) {
    test(`${kind}, in a ${where}: the bits of Node, under stress too`, () => {
      const { three, scalar } = answers[kind][where];
      assert.deepEqual(three.bits, expected.simd);
      assert.deepEqual(scalar.bits, expected.scalar);
      assert.equal(three.wrong, undefined);
      assert.equal(scalar.wrong, undefined);
      assert.equal(three.late, "DISPOSED");
    });
  }
}

for (const where of ["page", "worker"]) {
  for (const [kind, threads] of [["isolated", 3], ["plain", 1]]) {
    test(`${kind}, in a ${where}: an index by threads`, () => {
      const { index } = answers[kind][where];
      assert.equal(index.threads, threads);
      assert.equal(index.answers, expected.index);
      const found = [{ id: "é", distance: 0, metadata: { word: "ü" } }];
      assert.deepEqual(index.found, found);
    });
  }
}

test("vite finds the modules and the script of the workers", async () => {
  const build = { outDir: "vite", emptyOutDir: true };
  await vite.build({ root: folder, base: "./", logLevel: "error", build });
  const answer = await visit("isolated", "bundled/vite/index.html");
  assert.deepEqual(answer, { mode: "threads", y: [5] });
});

test("esbuild, with the script as an entry and the modules beside", async () => {
  const outdir = join(folder, "esbuild");
  await esbuild.build({
    absWorkingDir: folder,
    entryPoints: { program: "program.js", pool_worker: "midge/pool_worker" },
    bundle: true,
    format: "esm",
    outdir,
  });
  cpSync(join(DIST, "wasm"), join(outdir, "wasm"), { recursive: true });
  writeFileSync(join(outdir, "index.html"), PAGE);
  const answer = await visit("isolated", "bundled/esbuild/index.html");
  assert.deepEqual(answer, { mode: "threads", y: [5] });
});

test("a worker that fails is an error with its words", () => {
  assert.match(answers.isolated.thrower, /^WORKER_FAILED: worker 1 of 1: .*no luck/);
  assert.equal(answers.plain.thrower, "single");
});

test("the browser had nothing else to complain about", () => {
  assert.deepEqual(noise.plain, []);
  assert.deepEqual(noise.isolated.filter((text) => !text.includes("no luck")), []);
});
