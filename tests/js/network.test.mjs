// Networks in wasm: the bits of the native program, and what a user may do.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { spirals, waves, XOR } from "./network_support.mjs";
import { assertSameBits, floatsOf, importMidge, run, scratch, VARIANTS } from "./wasm_support.mjs";

const { MidgeError, Network, oneHot } = await importMidge();
const folder = scratch(after);

function oracle(what, values = {}) {
  const program = join(process.env.MIDGE_BUILD, "tests", "js", "network_oracle");
  const args = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return run(program, [what, ...args]);
}

function oracleRun(...args) {
  return run(join(process.env.MIDGE_BUILD, "tests", "js", "network_oracle"), args);
}

let files = 0;
/** A file with these floats. */
function floatFile(x) {
  const path = join(folder, `${(files += 1)}.f32`);
  writeFileSync(path, new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  return path;
}

const same = (bytes, expected) => assert.ok(Buffer.from(bytes).equals(expected));

const data = waves(203, 5, 3);
const held = waves(40, 5, 3, 2);
const layers = [5, 17, 3];
const given = { layers: layers.join(), x: floatFile(data.x), t: floatFile(data.t) };
const valid = { vx: floatFile(held.x), vt: floatFile(held.t) };
const soft = { hidden: "gelu", output: "softmax" };
const classes = oneHot(Array.from({ length: 203 }, (_, i) => (i * 7) % 3)).t;

/** What is trained: the network, how, and the same for the native program. */
const CASES = [
  [{}, { trainer: "incremental", epochs: 3, learningRate: 0.05 }, { learning: 0.05 }],
  [{}, { trainer: "batch", epochs: 5 }, {}],
  [{}, { trainer: "rprop", epochs: 20 }, {}],
  [{ hidden: "sigmoid", shortcut: true }, { trainer: "quickprop", epochs: 10 },
    { hidden: "sigmoid", shortcut: 1 }],
  [{ hidden: "elliot" }, { trainer: "sarprop", epochs: 20, seed: 5 },
    { hidden: "elliot", trainseed: 5 }],
  [{ hidden: "relu" }, { trainer: "sgd", epochs: 4, batchSize: 16 },
    { hidden: "relu", batch: 16 }],
  [{ hidden: "silu" }, { trainer: "rmsprop", epochs: 4 }, { hidden: "silu" }],
  [soft, { trainer: "adam", loss: "cross_entropy", epochs: 4, dropout: 0.25,
    seed: 9 }, { ...soft, loss: "cross_entropy", dropout: 0.25, trainseed: 9 }],
  [{ hidden: "relu", connectionRate: 0.5, seed: 4 },
    { trainer: "adamw", epochs: 30, weightDecay: 0.01, patience: 4, validation: held },
    { hidden: "relu", rate: 0.5, seed: 4, decay: 0.01, patience: 4, ...valid }],
  [{}, { trainer: "lbfgs", epochs: 10 }, {}],
  [{}, { trainer: "levenberg_marquardt", epochs: 5 }, {}],
];

for (const variant of VARIANTS) {
  describe(`${variant}: trained to the native bits`, () => {
    for (const [shape, options, native] of CASES) {
      const { trainer, epochs } = options;
      test(trainer, async () => {
        const t = options.loss ? classes : data.t;
        const expected = oracle("train", { ...given, trainer, epochs, ...native,
          ...(options.loss ? { t: floatFile(t) } : {}) });
        const full = ["lbfgs", "levenberg_marquardt"].includes(trainer);
        const network = await Network.create({ layers, ...shape, variant, full });
        const before = network.weights;
        const result = network.train({ x: data.x, t }, options);
        assert.ok(result.epochs > 0 && Number.isFinite(result.trainLoss));
        assert.notDeepEqual(network.weights, before);
        same(network.save(), expected);
        network.dispose();
      });
    }

    test("cascade", async () => {
      const { x, t } = spirals(20);
      const expected = oracle("cascade", { layers: "2,2", shortcut: 1,
        output: "sigmoid", x: floatFile(x), t: floatFile(t), units: 3, trainseed: 2 });
      const network = await Network.create({ layers: [2, 2], shortcut: true,
        output: "sigmoid", variant, full: true });
      const result = network.cascade({ x, t }, { maxUnits: 3, train: { seed: 2 } });
      assert.equal(result.units, 3);
      assert.equal(network.layers.length, 4);
      same(network.save(), expected);
      network.run(x);
      network.dispose();
    });

    test("in small integers", async () => {
      const expected = oracle("int8", { ...given, hidden: "relu", seed: 3 });
      const network = await Network.create({ layers, hidden: "relu", seed: 3, variant });
      const small = await network.quantise(data.x);
      same(small.save(), expected);
      const file = join(folder, "small.int8");
      writeFileSync(file, expected);
      const y = floatsOf(oracleRun("run", file, given.x));
      assertSameBits(small.run(data.x), y);
      const opened = await Network.loadInt8(small.save(), { variant });
      assertSameBits(opened.run(data.x), y);
      assert.ok(small.bytes >= 5 * 17 + 17 * 3);
      network.dispose();
      assertSameBits(small.run(data.x), y);
      small.dispose();
      opened.dispose();
    });

    test("new ones, their files and what they give", async () => {
      for (const init of ["auto", "uniform", "glorot", "he", "nguyen_widrow"]) {
        const number = ["auto", "uniform", "glorot", "he", "nguyen_widrow"].indexOf(init);
        const network = await Network.create({ layers, init, seed: 12, variant });
        const expected = oracle("new", { layers: "5,17,3", seed: 12, init: number });
        same(network.save(), expected);
        const file = join(folder, "new.net");
        writeFileSync(file, expected);
        const y = floatsOf(oracleRun("run", file, given.x));
        assertSameBits(network.run(data.x), y);
        const one = new Float32Array(3);
        assert.equal(network.runInto(data.x.subarray(5, 10), one), one);
        assertSameBits(one, y.subarray(3, 6));
        const loaded = await Network.load(expected, { variant });
        assertSameBits(loaded.weights, network.weights);
        same(loaded.save(), expected);
      }
    });
  });
}
