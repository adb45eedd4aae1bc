// The core in wasm against the native program: what one learns, the other
// predicts, bit for bit; what one logs, the other replays to the same hash.
//
// MIDGE_BIN is the native program, MIDGE_JS the folder of the built package,
// MIDGE_PENGUINS a CSV. The native tests check midge_selftest's result too.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

const bin = process.env.MIDGE_BIN;
const csv = process.env.MIDGE_PENGUINS;
const packageUrl = pathToFileURL(join(process.env.MIDGE_JS, "index.js")).href;
const { load, hasSimd, MidgeError } = await import(packageUrl);
const variants = ["scalar", "simd"];

let dir;
let learned;

function midge(...args) {
  const text = execFileSync(bin, [...args, "--db", join(dir, "swarm")], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return JSON.parse(text);
}

before(() => {
  dir = mkdtempSync(join(tmpdir(), "midge-js-"));
  learned = midge("learn", csv, "--target", "Species", "--rounds", "2", "--json");
});

after(() => rmSync(dir, { recursive: true, force: true }));

test("this engine has SIMD, so that both variants are really tested", () => {
  assert.equal(hasSimd(), true);
});

for (const variant of variants) {
  test(`${variant}: the loader says what it loaded`, async () => {
    const info = (await load({ variant })).info();
    assert.equal(info.variant, variant);
    assert.ok(info.bytes > 0 && info.loadMs >= 0 && info.compileMs >= 0);
  });

  test(`${variant}: kernels give the same bits as everywhere`, async () => {
    const core = await load({ variant });
    const header = readFileSync("include/midge/selftest.h", "utf8");
    const expected = /SELFTEST_RESULT (0x[0-9a-f]+)/.exec(header)[1];
    assert.equal(core.selftest(), Number(expected));
  });

  test(`${variant}: predictions equal the native ones bit for bit`, async () => {
    const core = await load({ variant });
    const model = core.openModel(readFileSync(learned.model));
    const native = midge("predict", csv, "--json");
    assert.deepEqual(model.classes, native.classes);
    const { nRows, outputs } = model.predictTable(readFileSync(csv));
    assert.equal(nRows, native.rows.length);
    const expected = Float32Array.from(native.rows.flatMap((row) => row.outputs));
    assert.deepEqual(
      new Uint32Array(outputs.buffer),
      new Uint32Array(expected.buffer),
    );
    model.dispose();
    assert.throws(() => model.nInputs, /disposed/);
  });

  test(`${variant}: replaying the native log gives the native hash`, async () => {
    const core = await load({ variant });
    const swarm = core.openSwarm();
    const events = midge("events", "--json", "--limit", "100000");
    for (const event of events) {
      swarm.replay(JSON.stringify(event));
    }
    const status = midge("status", "--json");
    assert.equal(swarm.lastSeq, status.last_seq);
    assert.equal(swarm.hash(), status.state_hash);
    swarm.dispose();
  });

  test(`${variant}: memory is given back`, async () => {
    const core = await load({ variant });
    const bytes = readFileSync(learned.model);
    const used = core.info().usedBytes;
    for (let i = 0; i < 20; i++) {
      const model = core.openModel(bytes);
      model.predictTable(readFileSync(csv));
      model.dispose();
    }
    // The last prediction stays until the next one.
    assert.ok(core.info().usedBytes - used < 1 << 20);
    assert.ok(core.info().memoryBytes < 64 << 20);
  });

  test(`${variant}: bad input is an error with the core's words`, async () => {
    const core = await load({ variant });
    assert.throws(() => core.openModel(new Uint8Array(100)), MidgeError);
    const bytes = Uint8Array.from(readFileSync(learned.model));
    bytes[bytes.length >> 1] ^= 1;
    assert.throws(() => core.openModel(bytes), { code: "E_CORRUPT" });
    const model = core.openModel(readFileSync(learned.model));
    const text = new TextEncoder().encode("a,b\n1\n");
    assert.throws(() => model.predictTable(text), /line 2/);
    assert.throws(() => model.predict(new Float32Array(1)), MidgeError);
    assert.throws(() => core.openSwarm().replay("{"), MidgeError);
    model.dispose();
  });
}

test("the default variant is SIMD here, and a bad one is refused", async () => {
  assert.equal((await load()).info().variant, "simd");
  await assert.rejects(load({ variant: "mmx" }), /use "simd" or "scalar"/);
  await assert.rejects(load({ wasm: new Uint8Array(8) }), /cannot load/);
});
