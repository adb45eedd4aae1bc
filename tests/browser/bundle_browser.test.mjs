// The packed package in what bundlers make of it, run in a real Chromium.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import * as esbuild from "esbuild";
import * as vite from "vite";

import { install, pack, write } from "../js/package_support.mjs";
import { DIST, scratch } from "../js/wasm_support.mjs";
import { openPage, serve, stop } from "./browser_support.mjs";

const folder = scratch(after);
const project = join(folder, "project");

const HTML = (script) => `<!doctype html>
  <link rel="icon" href="data:," />
  <script type="module" src="${script}"></script>`;
const USE = `
  async function use(options) {
    const k = await loadKernels(options);
    using a = k.f32([4, 5, 6]);
    return [k.dot(Float32Array.of(1, 2, 3), a), k.info().module,
      k.info().source, k.sum(a) === 15];
  }`;
const PLAIN = `
  import { loadKernels, openSwarm } from "midge";
  ${USE}
  async function all() {
    return { kernels: await use(), swarm: (await openSwarm()).nTasks };
  }
  all().catch((error) => ({ failed: error.message })).then((answer) => {
    window.answer = answer;
  });`;
const EXPECTED = {
  kernels: [32, "kernels-simd", "stream", true],
  swarm: 0,
};

before(() => install(pack(folder), project));

async function inBrowser(site) {
  const noise = [];
  const found = await serve((path) => join(site, path));
  try {
    const answer = await openPage(`${found.origin}/index.html`, noise);
    return { answer, noise };
  } finally {
    stop(found);
  }
}

function esbuildInto(site, name, text, options) {
  write(project, { [name]: text });
  mkdirSync(site, { recursive: true });
  write(site, { "index.html": HTML(`./${name}`) });
  return esbuild.build({
    entryPoints: [join(project, name)],
    outdir: site,
    bundle: true,
    minify: true,
    logLevel: "silent",
    ...options,
  });
}

test("vite finds the modules and copies them", async () => {
  const site = join(folder, "vite");
  write(project, { "index.html": HTML("./main.js"), "main.js": PLAIN });
  await vite.build({
    root: project,
    configFile: false,
    logLevel: "error",
    build: { outDir: site, emptyOutDir: true },
  });
  const assets = readdirSync(join(site, "assets"));
  assert.ok(assets.some((name) => /^midge-kernels-simd-.*\.wasm$/.test(name)));
  const { answer, noise } = await inBrowser(site);
  assert.deepEqual(answer, EXPECTED);
  assert.deepEqual(noise, []);
});

test("vite serving, with the loader left where it is", async () => {
  write(project, { "index.html": HTML("./main.js"), "main.js": PLAIN });
  const server = await vite.createServer({
    root: project,
    configFile: false,
    logLevel: "error",
    optimizeDeps: { exclude: ["midge"] },
    server: { port: 0, host: "127.0.0.1", hmr: false },
  });
  await server.listen();
  try {
    const { port } = server.httpServer.address();
    const answer = await openPage(`http://127.0.0.1:${port}/index.html`, []);
    assert.deepEqual(answer, EXPECTED);
  } finally {
    await server.close();
  }
});

test("esbuild, modules copied beside the bundle", async () => {
  const site = join(folder, "esbuild");
  await esbuildInto(site, "main.js", PLAIN, { format: "esm" });
  cpSync(join(DIST, "wasm"), join(site, "wasm"), { recursive: true });
  const { answer, noise } = await inBrowser(site);
  assert.deepEqual(answer, EXPECTED);
  assert.deepEqual(noise, []);
});

test("esbuild with its file loader", async () => {
  const site = join(folder, "loader");
  const text = `
    import { loadKernels } from "midge";
    import file from "midge/wasm/midge-kernels-scalar.wasm";
    ${USE}
    const wasm = new URL(file, import.meta.url);
    window.answer = await use({ variant: "scalar", wasm });`;
  const loader = { ".wasm": "file" };
  await esbuildInto(site, "named.js", text, { format: "esm", loader });
  const { answer } = await inBrowser(site);
  assert.deepEqual(answer, [32, "kernels-scalar", "stream", true]);
});

test("a bundle without its modules says which is missing", async () => {
  const site = join(folder, "bare");
  await esbuildInto(site, "bare.js", PLAIN, { format: "esm" });
  const { answer } = await inBrowser(site);
  assert.match(answer.failed, /cannot load .*\/wasm\/midge-.*\.wasm: HTTP 404/);
});

test("a bundle that is no ES module says what to do", async () => {
  const site = join(folder, "iife");
  await esbuildInto(site, "old.js", PLAIN, { format: "iife" });
  const { answer } = await inBrowser(site);
  assert.match(answer.failed, /is not known in this bundle: pass it as the option/);
});
