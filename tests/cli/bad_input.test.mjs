// Wrong input: one line that says what and where, exit code 2, no swarm.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, truncateSync,
  writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { generator, midge, PENGUINS, scratch } from "./midge.mjs";

const rows = (n, row) => Array.from({ length: n }, (_, i) => row(i)).join("");

function junk(size) {
  const random = generator(7);
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}

/** Names of files, what is in them, the target, what must be said. */
const CASES = [
  ["ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n", "a", /line 3\b.*\b2\b.*\b3\b/],
  ["long.csv", "a,b\n1,2\n3,4,5\n", "a", /line 3\b/],
  ["nan.csv", "a,b\n1,2\n3,nan\n", "a", /line 3, column 2/],
  ["inf.csv", "a,b\n1,2\n-inf,4\n", "a", /line 3, column 1/],
  ["empty.csv", "", "a", /empty/],
  ["header.csv", "a,b\n", "a", /no rows/],
  ["twice.csv", "a,a\n1,2\n", "a", /twice/],
  ["quote.csv", 'a,b\n1,"2\n3,4\n', "a", /line 2, column 2/],
  ["junk.bin", junk(100000), "a", /not a text file|line 1/],
  ["zeros.bin", new Uint8Array(5000), "a", /./],
  ["few.csv", "a,b\n" + rows(5, (i) => `${i},${i % 2}\n`), "b", /at least 20/],
  ["same.csv", "a,b\n" + rows(30, (i) => `${i},7\n`), "b", /same value/],
  ["holes.csv", "a,b\n" + rows(40, (i) => `${i},\n`), "b", /target/],
  ["ids.csv", "a,b\n" + rows(40, (i) => `n${i},u${i}\n`), "b", /column/],
  ["npy.npy", "\x93NUMPY\x01\x00", "-1", /./],
];

async function refuses(t, cwd, file, target, message) {
  const before = readdirSync(cwd);
  const run = await midge(["learn", file, "--target", target], { cwd });
  assert.equal(run.code, 2, `${file}: ${run.stderr}`);
  assert.match(run.stderr, /^midge: [^\n]*\n$/, `${file}: one line`);
  assert.match(run.stderr, message);
  assert.ok(run.stderr.includes(file), `${file} is named: ${run.stderr}`);
  assert.equal(run.stdout, "");
  assert.deepEqual(readdirSync(cwd), before, `${file}: nothing is written`);
}

for (const [name, content, target, message] of CASES) {
  test(`refuses ${name}`, async (t) => {
    const cwd = scratch(t);
    writeFileSync(join(cwd, name), content,
      typeof content === "string" ? "latin1" : undefined);
    await refuses(t, cwd, name, target, message);
  });
}

test("refuses a column that is not there, and names those that are",
  async (t) => {
    const cwd = scratch(t);
    await refuses(t, cwd, PENGUINS, "Nope", /no column named 'Nope'.*Species/);
  });

test("refuses a folder, an absent file and a device", async (t) => {
  const cwd = scratch(t);
  mkdirSync(join(cwd, "folder"));
  await refuses(t, cwd, "folder", "a", /directory/);
  await refuses(t, cwd, "absent.csv", "a", /No such file/);
  await refuses(t, cwd, "/dev/zero", "a", /not a regular file/);
});

test("refuses a sparse file of 10 GB at once", async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, "sparse.csv"), "");
  truncateSync(join(cwd, "sparse.csv"), 10 * 2 ** 30);
  const start = performance.now();
  await refuses(t, cwd, "sparse.csv", "a", /10737418240 bytes/);
  assert.ok(performance.now() - start < 5000, "without reading it");
});

test("every cut of a good file is learned or refused, never a crash",
  async (t) => {
    const cwd = scratch(t);
    const whole = readFileSync(PENGUINS);
    const random = generator(11);
    for (let i = 0; i < 12; i++) {
      const size = Math.floor(random() * 900); // too few rows to be learned
      writeFileSync(join(cwd, "cut.csv"), whole.subarray(0, size));
      const run = await midge(
        ["learn", "cut.csv", "--target", "Species"], { cwd });
      assert.equal(run.code, 2, run.stderr);
      assert.deepEqual(readdirSync(cwd), ["cut.csv"]);
    }
  });
