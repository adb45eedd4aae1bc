// The examples of docs/guide/wasm.md, run as a user's program that has the
// package installed under its name.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { DIST, oracle, PENGUINS, scratch } from "./wasm_support.mjs";

const guide = new URL("../../docs/guide/wasm.md", import.meta.url);
const examples = readFileSync(guide, "utf8")
  .split("```js\n")
  .slice(1)
  .map((rest) => rest.split("```")[0]);
const folder = scratch(after);

/** The example that has `text` in it. */
function exampleWith(text) {
  const found = examples.filter((example) => example.includes(text));
  assert.equal(found.length, 1, text);
  return found[0];
}

/** Runs a program text in the folder; returns what it printed. */
function runIn(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  const options = { cwd: folder, encoding: "utf8" };
  return execFileSync(process.execPath, [path], options);
}

before(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dirname(DIST), join(folder, "node_modules", "midge"));
  const model = join(folder, "model.midge");
  oracle("fit", "net", PENGUINS, "Species", "0", model);
  copyFileSync(PENGUINS, join(folder, "penguins.csv"));
});

test("vectors", () => {
  const printed = runIn("vectors.mjs", exampleWith("loadVectors"));
  assert.match(printed, /\[ 1, 2 \].*\[ 0\.05\d+, 0\.25 \]/s);
});

test("matrices", () => {
  const printed = runIn("matrices.mjs", exampleWith("loadKernels"));
  assert.match(printed, /\[ 5, 10 \]/);
});

test("predicting", () => {
  const printed = runIn("predict.mjs", exampleWith("predictTable"));
  assert.match(printed, /^\[\n? *'Adelie',/);
});

test("replaying", () => {
  const event = {
    type: "agent.joined",
    seq: 1,
    at_ms: 0,
    agent: 1,
    slots: 1,
    name: "ada",
    pattern: "convergent",
    capabilities: [],
  };
  const line = JSON.stringify(event);
  const log = join(folder, "log.jsonl");
  writeFileSync(log, line);
  const text = `const lines = [${JSON.stringify(line)}];\n${exampleWith("replay(")}`;
  assert.equal(runIn("replay.mjs", text), oracle("replay", log).toString());
});

test("threads", () => {
  const printed = runIn("threads.mjs", exampleWith("openPool"));
  assert.match(printed, /\[ 1, 0 \].*\[ 5, 8 \]/s);
});
