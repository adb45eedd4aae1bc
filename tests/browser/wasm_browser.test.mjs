// The built package in a real Chromium, against native results. Serves the page
// beside this file, the package and the data on 127.0.0.1; the environment is
// that of tests/js.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

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

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".csv": "text/csv",
};
// Without these Chromium calls home, also where there is no network.
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
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
    "/untyped.wasm": join(DIST, "wasm", "midge-core-simd.wasm"),
  };
  const local = normalize(path);
  if (local.startsWith("/dist/")) {
    return join(DIST, local.slice("/dist/".length));
  }
  return files[local] ?? join(here, local);
}

async function serve() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = fileFor(pathname);
    const type = TYPES[pathname === "/untyped.wasm" ? "" : extname(file)];
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": type ?? "application/octet-stream" });
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function openPage(url) {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
    existsSync,
  );
  const browser = await chromium.launch({ executablePath, args: ARGS });
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => noise.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        noise.push(message.text());
      }
    });
    await page.goto(url);
    await page.waitForFunction(() => window.answer, null, { timeout: 60000 });
    return await page.evaluate(() => window.answer);
  } finally {
    await browser.close();
  }
}

before(async () => {
  const db = ["--db", join(folder, "swarm")];
  oracle("fit", "ensemble", PENGUINS, "Species", "200", model);
  midgeJson("learn", PENGUINS, "--target", "Species", "--rounds", "1", ...db);
  const args = ["events", "--limit", "1000000", "--json", ...db];
  const events = run(process.env.MIDGE_BIN, args).toString();
  writeFileSync(log, elements(events).join("\n"));
  const server = await serve();
  try {
    const { port } = server.address();
    answer = await openPage(`http://127.0.0.1:${port}/wasm_page.html`);
  } finally {
    server.closeAllConnections();
    server.close();
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

test("the browser had nothing to complain about", () => {
  assert.deepEqual(noise, []);
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
