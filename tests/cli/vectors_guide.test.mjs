// The examples of docs/guide/vectors.md, run as they stand with vectors made up
// for them, and the number of rows at which `--kind auto` builds a graph.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { BIN, generator, midgeJson, scratch } from "./midge.mjs";

const guide = readFileSync(
  new URL("../../docs/guide/vectors.md", import.meta.url),
  "utf8",
);
const blocks = [...guide.matchAll(/```(\w+)\n(.*?)```/gs)];

/** Rows around 50 centres. */
function fbin(rows, dim) {
  const next = generator(7);
  const centres = Array.from({ length: 50 * dim }, () => next() - 0.5);
  const floats = Float32Array.from({ length: rows * dim }, (_, i) => {
    const centre = Math.floor(i / dim) % 50;
    return centres[centre * dim + (i % dim)] + (next() - 0.5) / 4;
  });
  const head = Uint32Array.of(rows, dim);
  return Buffer.concat([Buffer.from(head.buffer), Buffer.from(floats.buffer)]);
}

test("at a shell", async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, "words.fbin"), fbin(5000, 100));
  assert.deepEqual(blocks.map((found) => found[1]), ["sh"], "every example is run");
  const { stdout } = await promisify(execFile)(
    "bash",
    ["--norc", "-eu", "-c", blocks[0][2]],
    { cwd, env: { PATH: `${dirname(BIN)}:${process.env.PATH}` } },
  );
  assert.match(stdout, /^words\.midge: an empty index of 100 dimensions, cosine\n/);
  assert.match(stdout, /^added 5000 rows in [\d.]+ s; words\.midge has 5000 now$/m);
  assert.match(stdout, /^ef \d+ finds (0\.9[5-9]|1\.0)\d* of the 10 nearest/m);
  const found = stdout.split("\n").filter((line) => /^\d\t\d+\t[\d.]+$/.test(line));
  assert.deepEqual(found.map((line) => line.split("\t")[0]), ["1", "2", "3", "4", "5"]);
  assert.ok(found.every((line) => Number(line.split("\t")[1]) % 50 === 17));
  assert.match(stdout, /^search {5}by a graph /m);
  assert.match(stdout, /^sound +1$/m);
});

test("auto, flat and hnsw build a graph when the guide says so", async (t) => {
  const cwd = scratch(t);
  const told = /below\n?\s*([\d,]+) rows, and then builds a graph/.exec(guide);
  const limit = Number(told[1].replace(",", ""));
  writeFileSync(join(cwd, "most.fbin"), fbin(limit - 1, 2));
  writeFileSync(join(cwd, "one.fbin"), fbin(1, 2));
  for (const [kind, before, after] of [
    ["auto", false, true], ["flat", false, false], ["hnsw", true, true],
  ]) {
    const file = `${kind}.midge`;
    await midgeJson(["index", "create", file, "--dim", "2", "--kind", kind], { cwd });
    await midgeJson(["index", "add", file, "most.fbin"], { cwd });
    assert.equal((await midgeJson(["index", "info", file], { cwd })).graph, before);
    await midgeJson(["index", "add", file, "one.fbin"], { cwd });
    assert.equal((await midgeJson(["index", "info", file], { cwd })).graph, after);
  }
});
