// Indexes in a real Chromium: kept in OPFS and in IndexedDB, from the page and
// from a worker, there again after a reload, with the answers of Node.
import assert from "node:assert/strict";
import { join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { answers, fill, makeIndex, ROWS } from "../js/index_support.mjs";
import { DIST, importMidge } from "../js/wasm_support.mjs";
import { launch, serve, stop } from "./browser_support.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const KINDS = {
  page: "opfs",
  pageDatabase: "indexeddb",
  worker: "opfs-sync",
  workerDatabase: "indexeddb",
};
const noise = [];
let site;
let browser;
let expected;
let made;
let reopened;

function fileFor(path) {
  const [, first, ...rest] = normalize(path).split("/");
  if (first === "dist") {
    return join(DIST, ...rest);
  }
  return first === "js" ? join(here, "..", "js", ...rest) : join(here, first, ...rest);
}

async function read(page) {
  await page.waitForFunction(() => window.answer, null, { timeout: 120000 });
  return page.evaluate(() => window.answer);
}

before(async () => {
  const { createIndex } = await importMidge();
  const index = await makeIndex(createIndex);
  fill(index, ROWS, 10, 5);
  index.delete([12]);
  expected = answers(index);
  site = await serve(fileFor);
  browser = await launch();
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      noise.push(message.text());
    }
  });
  await page.goto(`${site.origin}/index_page.html`);
  made = await read(page);
  await page.evaluate(() => history.replaceState(null, "", "?again"));
  await page.reload();
  reopened = await read(page);
});

after(async () => {
  await browser?.close();
  stop(site);
});

/** Typed arrays come out of a page as objects. */
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

test("the page came to its end", () => {
  assert.equal(made.failed, undefined);
  assert.equal(reopened.failed, undefined);
  assert.deepEqual(noise, []);
});

for (const [where, kind] of Object.entries(KINDS)) {
  test(`${where}: committed, changes behind the image`, () => {
    assert.equal(made[where].failed, undefined);
    assert.equal(made[where].kind, kind);
    assert.deepEqual(made[where].frames, [0, 1]);
    assert.equal(made[where].grew, true);
    assert.equal(made[where].busy, "E_BUSY");
    assert.deepEqual(plain(made[where].answers), plain(expected));
  });

  test(`${where}: there after a reload, and to be changed on`, () => {
    assert.equal(reopened[where].failed, undefined);
    assert.equal(reopened[where].kind, kind);
    assert.equal(reopened[where].frames, 1);
    assert.deepEqual(plain(reopened[where].answers), plain(expected));
    assert.equal(reopened[where].compacted, 0);
    assert.equal(reopened[where].count, expected.count + 5);
    assert.equal(reopened[where].sameAfterwards, true);
    assert.equal(reopened[where].fromBytes, expected.count + 5);
  });
}

test("what a worker wrote, the page opens", () => {
  assert.equal(reopened.crossed.failed, undefined);
  assert.equal(reopened.crossed.kind, "opfs");
  assert.equal(reopened.crossed.count, expected.count + 10);
});
