// The examples of docs/guide/vectors_js.md, run as they stand.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { DIST, scratch } from "./wasm_support.mjs";

const guide = new URL("../../docs/guide/vectors_js.md", import.meta.url);
const examples = readFileSync(guide, "utf8")
  .split("```js\n")
  .slice(1)
  .map((rest) => rest.split("```")[0]);
const folder = scratch(after);

function runExample(name) {
  const found = examples.filter((example) => example.includes(`// ${name}\n`));
  assert.equal(found.length, 1, name);
  writeFileSync(join(folder, `${name}.mjs`), found[0]);
  const options = { cwd: folder, encoding: "utf8" };
  return execFileSync(process.execPath, [`${name}.mjs`], options);
}

before(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dirname(DIST), join(folder, "node_modules", "midge"));
});

test("in memory", () => {
  assert.equal(runExample("memory"), "[ 10, 20 ]\n[ 10, 30 ]\n2\n");
});

test("in a file, twice", () => {
  assert.equal(runExample("file"), "1 0\n");
  assert.equal(runExample("file"), "2 1\n");
});

test("every example is run", () => {
  assert.equal(examples.length, 2);
});
