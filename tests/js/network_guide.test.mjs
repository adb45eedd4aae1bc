// The examples of docs/guide/nn_js.md, run as they stand.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { DIST, scratch } from "./wasm_support.mjs";

const guide = new URL("../../docs/guide/nn_js.md", import.meta.url);
const examples = readFileSync(guide, "utf8")
  .split("```js\n")
  .slice(1)
  .map((rest) => rest.split("```")[0]);
const folder = scratch(after);

/** What each example prints. */
const PRINTED = {
  xor: "reached true\n[ 1 ]\n",
  worker: "epochs [ 'blue', 'red' ] true\n",
  scaling: "true\n",
  files: "[ 5, 2 ]\n2 true\n",
  exchange: "true\ntrue true object\n",
};

before(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dirname(DIST), join(folder, "node_modules", "midge"));
});

for (const [name, printed] of Object.entries(PRINTED)) {
  test(name, () => {
    const found = examples.filter((example) => example.includes(`// ${name}\n`));
    assert.equal(found.length, 1, name);
    writeFileSync(join(folder, `${name}.mjs`), found[0]);
    const options = { cwd: folder, encoding: "utf8", stdio: "pipe" };
    assert.equal(execFileSync(process.execPath, [`${name}.mjs`], options), printed);
  });
}

test("every example is run", () => {
  assert.equal(examples.length, Object.keys(PRINTED).length);
});
