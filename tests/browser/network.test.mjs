// Networks in a real Chromium: trained in a worker, in a page that is isolated and
// in one that is not, where there is no memory to share and so no flag to stop by.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import * as vite from "vite";

import { networkAnswers } from "../js/network_support.mjs";
import { DIST, importMidge, scratch } from "../js/wasm_support.mjs";
import { launch, serve, stop, visit as visitPage } from "./browser_support.mjs";

const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const KINDS = ["isolated", "plain"];
const folder = scratch(after);
const here = fileURLToPath(new URL(".", import.meta.url));
const answers = {};
const noise = [];
let expected;
let site;
let browser;

/** /isolated/... and /plain/... are the same files. */
function fileFor(path) {
  const [, , ...rest] = normalize(path).split("/");
  const [first, ...inside] = rest;
  const from = { dist: DIST, bundled: folder, js: join(here, "..", "js") }[first];
  return from ? join(from, ...inside) : join(here, ...rest);
}

const headersFor = (path) => (path.startsWith("/isolated/") ? ISOLATED : {});

function visit(kind, path = "network_page.html") {
  return visitPage(browser, `${site.origin}/${kind}/${path}`, noise);
}

const PROGRAM = `
  import { Network } from "midge";
  const say = async () => {
    const network = await Network.create({ layers: [2, 4, 1], seed: 2 });
    const data = { x: [[0, 1], [1, 0]], t: [[1], [0]] };
    const options = { trainer: "rprop", epochs: 5 };
    const { epochs, stop } = await network.trainInWorker(data, options);
    return { epochs, stop };
  };
  say().catch((error) => ({ failed: String(error) }))
    .then((answer) => { window.answer = answer; });`;
const PAGE = `<!doctype html><link rel="icon" href="data:," />
  <script type="module" src="./program.js"></script>`;
const DONE = { epochs: 5, stop: "epochs" };

before(async () => {
  const { Network } = await importMidge();
  expected = await networkAnswers(Network);
  site = await serve(fileFor, headersFor);
  browser = await launch();
  for (const kind of KINDS) {
    answers[kind] = await visit(kind);
  }
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dirname(DIST), join(folder, "node_modules", "midge"));
  writeFileSync(join(folder, "program.js"), PROGRAM);
  writeFileSync(join(folder, "index.html"), PAGE);
});

after(async () => {
  await browser?.close();
  if (site) {
    stop(site);
  }
});

for (const kind of KINDS) {
  test(`${kind}: the page came to its end`, () => {
    assert.equal(answers[kind].failed, undefined);
    assert.equal(answers[kind].isolated, kind === "isolated");
  });

  test(`${kind}: XOR is learned, with the bits and the epochs of Node`, () => {
    const { xor } = answers[kind];
    assert.deepEqual(xor.bits, expected.xor.bits);
    assert.deepEqual(xor.result, expected.xor.result);
    assert.deepEqual(xor.signs, [-1, 1, 1, -1]);
    const { stop: why, epochs } = xor.result;
    assert.equal(why, "reached");
    assert.deepEqual(xor.seen, Array.from({ length: epochs }, (_, i) => i + 1));
  });

  test(`${kind}: spirals are learned while the page lives`, () => {
    const { spirals } = answers[kind];
    assert.deepEqual(spirals.bits, expected.spirals.bits);
    assert.ok(spirals.accuracy > 0.95, String(spirals.accuracy));
    assert.ok(spirals.alive);
  });

  test(`${kind}: an abort ends training at once, and keeps what was learned`, () => {
    const { name, seen, ms, changed } = answers[kind].aborted;
    assert.equal(name, "AbortError");
    assert.equal(seen, 3);
    assert.ok(ms < 2000, `${ms} ms`);
    assert.ok(changed);
  });

  test(`${kind}: the caller ends training, seeing the weights on their way`, () => {
    const { stop: why, epochs, different } = answers[kind].ended;
    assert.equal(why, "caller");
    assert.ok(epochs >= 4);
    assert.equal(different, 4);
  });
}

test("vite finds the module and the script of the worker", async () => {
  const build = { outDir: "vite", emptyOutDir: true };
  await vite.build({ root: folder, base: "./", logLevel: "error", build });
  assert.deepEqual(await visit("plain", "bundled/vite/index.html"), DONE);
});

test("esbuild, with the script as an entry and the modules beside", async () => {
  const outdir = join(folder, "esbuild");
  await esbuild.build({
    absWorkingDir: folder,
    entryPoints: { program: "program.js", network_worker: "midge/network_worker" },
    bundle: true,
    format: "esm",
    outdir,
  });
  cpSync(join(DIST, "wasm"), join(outdir, "wasm"), { recursive: true });
  writeFileSync(join(outdir, "index.html"), PAGE);
  assert.deepEqual(await visit("plain", "bundled/esbuild/index.html"), DONE);
});

test("the browser had nothing to complain about", () => {
  assert.deepEqual(noise, []);
});
