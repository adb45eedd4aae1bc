// What the native program learns, wasm predicts, bit for bit, in both variants.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";

import {
  assertSameBits,
  CARS,
  FAMILIES,
  floatsOf,
  importMidge,
  midgeJson,
  npyRows,
  oracle,
  PENGUINS,
  scratch,
  VARIANTS,
} from "./wasm_support.mjs";

const { load, MidgeError, STATUS_NAMES } = await importMidge();
const folder = scratch(after);
const digits = npyRows(process.env.MIDGE_DIGITS, 300, join(folder, "300.npy"));
const data = {
  penguins: { file: PENGUINS, target: "Species" },
  cars: { file: CARS, target: "Miles_per_Gallon" },
  digits: { file: digits, target: "-1" },
};

/** Learned by the oracle: model bytes by name of data and family. */
function fit(name, family) {
  const path = join(folder, `${name}-${family}.midge`);
  oracle("fit", family, data[name].file, data[name].target, "200", path);
  return { path, bytes: readFileSync(path) };
}

for (const name of Object.keys(data)) {
  describe(name, () => {
    for (const family of FAMILIES) {
      const { path, bytes } = fit(name, family);
      const expected = floatsOf(oracle("outputs", path, data[name].file));
      const features = floatsOf(oracle("features", path, data[name].file));
      for (const variant of VARIANTS) {
        test(`${family}, ${variant}: the native bits`, async () => {
          const midge = await load({ variant });
          const model = midge.openModel(bytes);
          const table = model.predictTable(readFileSync(data[name].file));
          assertSameBits(table.outputs, expected);
          assertSameBits(model.predict(features).outputs, expected);
          const one = model.predict(features.subarray(0, model.nInputs));
          assertSameBits(one.outputs, expected.subarray(0, model.nOutputs));
          assert.equal(table.nRows * model.nOutputs, expected.length);
          assert.ok(expected.some((y) => y !== 0) && expected.every(isFinite));
          model.dispose();
          assert.equal(midge.info().usedBytes, 0);
        });
      }
    }
  });
}

describe("what midge learn wrote", () => {
  const db = ["--db", join(folder, "swarm")];
  let bytes;
  before(() => {
    midgeJson("learn", PENGUINS, "--target", "Species", "--rounds", "2", ...db);
    bytes = readFileSync(join(folder, "swarm", "runs", "1", "model.midge"));
  });

  for (const variant of VARIANTS) {
    test(`${variant}: the answers of midge predict`, async () => {
      const native = midgeJson("predict", PENGUINS, ...db);
      const model = (await load({ variant })).openModel(bytes);
      assert.equal(model.problem, "classify");
      assert.equal(model.target, "Species");
      assert.deepEqual([...model.classes].sort(), ["Adelie", "Chinstrap", "Gentoo"]);
      const table = model.predictTable(readFileSync(PENGUINS));
      assert.equal(table.nRows, 344);
      assert.deepEqual(model.values(table), native.values);
      const likeliest = native.probabilities.map((p, row) => {
        const y = table.outputs.subarray(row * 3, row * 3 + 3);
        return [Math.fround(p), Math.max(...y)];
      });
      for (const [p, y] of likeliest) {
        assert.equal(y, p);
      }
      model.dispose();
    });
  }
});

test("a regression answers in the unit of its target", async () => {
  const model = (await load()).openModel(fit("cars", "ensemble").bytes);
  assert.equal(model.problem, "regress");
  assert.deepEqual(model.classes, []);
  const values = model.values(model.predictTable(readFileSync(CARS)));
  assert.ok(values.every((mpg) => mpg > 0 && mpg < 60), "miles per gallon");
  model.dispose();
});

describe("memory", () => {
  test("is given back, whatever happens", async () => {
    const midge = await load();
    const { bytes } = fit("penguins", "ensemble");
    const csv = readFileSync(PENGUINS);
    const ragged = Buffer.concat([csv, Buffer.from("1\n")]);
    for (let i = 0; i < 30; i++) {
      const model = midge.openModel(bytes);
      model.predictTable(csv);
      assert.throws(() => model.predictTable(ragged));
      assert.throws(() => model.predict(new Float32Array(1)));
      assert.throws(() => midge.openModel(bytes.subarray(0, -1)));
      model.dispose();
      model.dispose();
      assert.equal(midge.info().usedBytes, 0);
    }
    assert.ok(midge.info().memoryBytes < 16 << 20);
  });

  test("grows while models stay valid", async () => {
    const midge = await load();
    const { bytes, path } = fit("digits", "knn");
    const before = midge.info().memoryBytes;
    const models = Array.from({ length: 20 }, () => midge.openModel(bytes));
    const expected = floatsOf(oracle("outputs", path, digits));
    assert.ok(midge.info().memoryBytes > before + 19 * bytes.length);
    for (const model of [models[0], models[19]]) {
      assertSameBits(model.predictTable(readFileSync(digits)).outputs, expected);
    }
    models.forEach((model) => model.dispose());
    assert.equal(midge.info().usedBytes, 0);
  });

  test("of a forgotten model comes back with the garbage", async () => {
    v8.setFlagsFromString("--expose-gc");
    const gc = vm.runInNewContext("gc");
    const midge = await load();
    const { bytes } = fit("penguins", "net");
    (() => midge.openModel(bytes))();
    assert.ok(midge.info().usedBytes > 0);
    for (let i = 0; i < 50 && midge.info().usedBytes > 0; i++) {
      gc();
      await new Promise(setImmediate);
    }
    assert.equal(midge.info().usedBytes, 0);
  });

  test("that does not exist is an error, and the instance lives on", async () => {
    const midge = await load();
    const size = 2 ** 31 - 64; // two of them do not fit beside anything
    const first = midge.core.alloc(size);
    assert.throws(() => midge.core.alloc(size), { code: "E_NOMEM" });
    assert.throws(() => midge.core.alloc(2 ** 32), { code: "E_NOMEM" });
    midge.core.release(first, size);
    assert.equal(midge.info().usedBytes, 0);
    assert.equal(midge.info().usedBytes, 0);
  });
});

describe("bad input", () => {
  test("is an error with the core's words, and leaves nothing behind", async () => {
    const midge = await load();
    const { bytes } = fit("penguins", "net");
    const model = midge.openModel(bytes);
    const used = midge.info().usedBytes;
    const text = (s) => new TextEncoder().encode(s);
    assert.throws(() => model.predictTable(text("a,b\n1\n")), {
      name: "MidgeError",
      code: "E_PARSE",
      message: /line 2/,
    });
    assert.throws(() => model.predictTable(text("a,b\n1,2\n")), MidgeError);
    assert.throws(() => model.predictTable(text("")), MidgeError);
    assert.throws(() => model.predictTable(Uint8Array.of(0x93, 0x4e)), MidgeError);
    assert.throws(() => model.predict(new Float32Array(0)), { code: "E_MISMATCH" });
    assert.throws(() => midge.openModel(new Uint8Array(0)), MidgeError);
    assert.throws(() => midge.openModel(new ArrayBuffer(9)), /a Uint8Array is needed/);
    assert.throws(() => midge.openModel(new Uint8Array(100)), MidgeError);
    assert.equal(midge.info().usedBytes, used);
    model.dispose();
    assert.throws(() => model.predictTable(text("")), { code: "DISPOSED" });
    assert.throws(() => model.predict(new Float32Array(9)), /this Model was disposed/);
  });

  test("a model cut short anywhere, or with a bit turned, is refused", async () => {
    const midge = await load();
    const { bytes } = fit("penguins", "ensemble");
    const known = (error) => STATUS_NAMES.includes(error.code);
    const step = Math.max(1, Math.floor(bytes.length / 400));
    for (let size = 0; size < bytes.length; size += size < 600 ? 1 : step) {
      assert.throws(() => midge.openModel(bytes.subarray(0, size)), known);
    }
    for (let at = 0; at < bytes.length; at += at < 100 ? 1 : step) {
      const turned = Uint8Array.from(bytes);
      turned[at] ^= 1 << (at % 8);
      assert.throws(() => midge.openModel(turned), known);
    }
    assert.equal(midge.info().usedBytes, 0);
  });
});
