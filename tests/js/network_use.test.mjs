// What a user may do with a network, and what happens when it goes wrong.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { bitsOf, numbers, spirals, waves } from "./network_support.mjs";
import { assertSameBits, importMidge } from "./wasm_support.mjs";

const { MidgeError, Network, oneHot, STATUS_NAMES } = await importMidge();
const data = waves(60, 4, 2);
const layers = [4, 6, 2];
const make = (more) => Network.create({ layers, seed: 1, ...more });
const FOREVER = { epochs: 1e9, learningRate: 1e-4 };

describe("made", () => {
  test("a network tells what it is", async () => {
    const network = await make({ hidden: "elliot", output: "sigmoid", shortcut: true });
    assert.deepEqual([network.inputs, network.outputs, network.shortcuts], [4, 2, true]);
    assert.deepEqual(network.layers, [
      { inputs: 4, units: 6, activation: "elliot", steepness: 1, mixed: false, w: 0, b: 24 },
      { inputs: 10, units: 2, activation: "sigmoid", steepness: 0.5, mixed: false, w: 30, b: 50 },
    ]);
    assert.equal(network.weights.length, 52);
    assert.equal(network.connections, 52);
    assert.equal(network.mask, null);
    assert.equal(network.module().module, "nn-simd");
  });

  test("weights are drawn, set and seeded", async () => {
    const network = await make();
    const first = network.weights;
    network.setWeights(first.map((w) => w / 2));
    assertSameBits(network.weights, first.map((w) => w / 2));
    network.initWeights("auto", { seed: 1 });
    assertSameBits(network.weights, first);
    network.initWeights("uniform", { seed: 2n ** 63n, range: 0.5 });
    assert.ok(network.weights.every((w) => Math.abs(w) <= 0.5));
    assert.throws(() => network.setWeights([1]), { code: "E_MISMATCH" });
    assert.throws(() => network.setWeights(first.fill(NaN)), { code: "E_INVALID" });
  });

  test("some connections only", async () => {
    const network = await make({ connectionRate: 0.5 });
    const { mask, weights } = network;
    assert.equal(mask.filter((there) => there === 1).length, network.connections);
    assert.ok(network.connections < weights.length);
    network.train(data, { epochs: 3 });
    assert.ok(network.weights.every((w, i) => mask[i] === 1 || w === 0));
  });

  test("activations unit by unit", async () => {
    const network = await make();
    network.setActivation(0, "gaussian", { unit: 2, steepness: 0.25 });
    assert.deepEqual(network.unit(0, 2), { activation: "gaussian", steepness: 0.25 });
    assert.deepEqual(network.unit(0, 1), { activation: "tanh", steepness: 1 });
    assert.equal(network.layers[0].mixed, true);
    const again = await Network.load(network.save());
    assertSameBits(again.run(data.x), network.run(data.x));
    assert.throws(() => network.unit(2, 0), { code: "E_INVALID" });
    assert.throws(() => network.setActivation(0, "softmax"), { code: "E_INVALID" });
  });

  for (const [what, options, message] of [
    ["no layers", { layers: undefined }, /sizes of two layers/],
    ["one layer", { layers: [3] }, /sizes of two layers/],
    ["no units", { layers: [2, 0] }, /0/],
    ["half a unit", { layers: [2, 1.5] }, /whole number/],
    ["no such activation", { hidden: "relux" }, /no "relux"; there are linear, /],
    ["no such option", { shortcuts: true }, /there is no option "shortcuts"/],
    ["a rate", { connectionRate: 2 }, /connection_rate|rate/],
    ["a seed", { seed: 0.5 }, /whole number/],
  ]) {
    test(`an error: ${what}`, () =>
      assert.rejects(make(options), { name: "MidgeError", code: "E_INVALID", message }));
  }
});

describe("run", () => {
  test("rows in any form, one and many, give the same", async () => {
    const network = await make();
    const all = network.run(data.x);
    const list = Array.from({ length: 60 }, (_, i) => [...data.x.subarray(4 * i, 4 * i + 4)]);
    assertSameBits(network.run(list), all);
    assertSameBits(network.run(list.flat()), all);
    const y = new Float32Array(2);
    list.forEach((row, i) => {
      network.runInto(Float32Array.from(row), y);
      assertSameBits(y, all.subarray(2 * i, 2 * i + 2));
    });
    assertSameBits(network.runInto(data.x, new Float32Array(120)), all);
    assert.equal(network.run([]).length, 0);
  });

  test("more rows than are copied at once", async () => {
    const network = await Network.create({ layers: [64, 8, 1], hidden: "relu" });
    const next = numbers(3);
    const x = Float32Array.from({ length: 64 * 40000 }, next);
    const all = network.run(x);
    for (const row of [0, 16131, 16132, 39999]) {
      const one = network.run(x.subarray(64 * row, 64 * row + 64));
      assertSameBits(one, all.subarray(row, row + 1));
    }
  });

  test("rows that do not fit", async () => {
    const network = await make();
    assert.throws(() => network.run([1, 2, 3]), { code: "E_MISMATCH", message: /rows of 4/ });
    assert.throws(() => network.run([[1, 2, 3, 4], [1]]), /row 1 has 1 elements where 4/);
    assert.throws(() => network.run(7), { code: "E_INVALID" });
    assert.throws(() => network.runInto(data.x, new Float32Array(3)), { code: "E_MISMATCH" });
    network.dispose();
    assert.throws(() => network.run(data.x), { code: "DISPOSED", message: /this Network/ });
  });
});

describe("trained", () => {
  test("with validation, the best weights stay", async () => {
    const network = await make({ layers: [4, 30, 2], hidden: "relu" });
    const { train, validation, test: held } = await network.split(data, {
      validation: 0.3, test: 0.1, seed: 4 });
    const rows = [...train.rows, ...validation.rows, ...held.rows];
    assert.deepEqual(rows.sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
    const seen = [];
    const result = network.train(train, { epochs: 200, learningRate: 0.02, validation,
      patience: 5, onEpoch: ({ validLoss }) => void seen.push(validLoss) });
    assert.equal(result.stop, "patience");
    assert.equal(seen.length, result.epochs);
    assert.equal(result.bestEpoch, result.epochs - 5);
    assert.equal(result.validLoss, Math.min(...seen));
    const { mse } = await network.evaluate(validation);
    assert.ok(Math.abs(mse - result.validLoss) < 1e-6, `${mse} ${result.validLoss}`);
  });

  test("parts by label", async () => {
    const network = await make();
    const labels = Array.from({ length: 60 }, (_, i) => (i % 3 ? "often" : "seldom"));
    const { validation } = await network.split(data, { validation: 0.5, labels });
    const seldom = [...validation.rows].filter((row) => labels[row] === "seldom");
    assert.deepEqual([validation.rows.length, seldom.length], [30, 10]);
    await assert.rejects(network.split(data, { labels: ["a"] }), { code: "E_MISMATCH" });
    await assert.rejects(network.split(data, { validation: 0.7, test: 0.5 }),
      { code: "E_INVALID", message: /0\.7/ });
  });

  test("the caller's word counts: stop, throw, abort", async () => {
    const network = await make();
    const stopped = network.train(data, { ...FOREVER, onEpoch: ({ epoch }) => epoch < 7 });
    assert.deepEqual([stopped.epochs, stopped.stop], [7, "caller"]);
    const mine = new Error("mine");
    const thrower = () => { throw mine; };
    assert.throws(() => network.train(data, { ...FOREVER, onEpoch: thrower }), mine);
    const control = new AbortController();
    const before = bitsOf(network.weights);
    const aborter = ({ epoch }) => void (epoch === 3 && control.abort());
    const { signal } = control;
    assert.throws(() => network.train(data, { ...FOREVER, signal, onEpoch: aborter }),
      { name: "AbortError" });
    assert.notDeepEqual(bitsOf(network.weights), before);
    assert.throws(() => network.train(data, { signal }), { name: "AbortError" });
    const slow = network.train(data, { ...FOREVER, timeLimitMs: 20 });
    assert.equal(slow.stop, "time");
    const reached = network.train(data, { ...FOREVER, stopValue: 10 });
    assert.deepEqual([reached.stop, reached.epochs], ["reached", 1]);
  });

  test("it runs meanwhile, and is changed by nobody else", async () => {
    const network = await make();
    const refused = { code: "E_STATE", message: /being trained/ };
    network.train(data, { epochs: 2, onEpoch: () => {
      assert.equal(network.run(data.x).length, 120);
      assert.throws(() => network.setWeights(network.weights), refused);
      assert.throws(() => network.train(data), refused);
      assert.throws(() => network.dispose(), refused);
    } });
    const training = network.trainInWorker(data, { ...FOREVER });
    assert.throws(() => network.initWeights(), refused);
    await assert.rejects(network.trainInWorker(data), refused);
    assert.equal(network.run(data.x).length, 120);
    network.dispose();
    await assert.rejects(training, { code: "DISPOSED" });
  });

  test("in a worker, with the bits of here", async () => {
    for (const [trainer, more] of [["adam", { dropout: 0.2 }], ["lbfgs", {}]]) {
      const [here, there] = [await make({ full: true }), await make()];
      const options = { trainer, epochs: 20, seed: 3, ...more };
      const result = here.train(data, options);
      assert.deepEqual(await there.trainInWorker(data, options), result);
      assertSameBits(there.weights, here.weights);
    }
    const grown = [await make({ layers: [2, 2], shortcut: true, full: true }),
      await make({ layers: [2, 2], shortcut: true })];
    const rows = spirals(15);
    const how = { maxUnits: 2, activations: ["tanh", "gaussian"], steepnesses: [0.5, 1],
      train: { seed: 1 } };
    const seen = [];
    const result = grown[0].cascade(rows, how);
    assert.deepEqual(await grown[1].cascadeInWorker(rows, { ...how, progressMs: 0,
      onEpoch: ({ epoch }) => void seen.push(epoch) }), result);
    assert.ok(grown[1].save().every((byte, i) => byte === grown[0].save()[i]));
    assert.deepEqual(seen, [1, 2]);
  });

  test("in a worker: aborted before, meanwhile and by what onEpoch throws", async () => {
    const network = await make();
    const reason = new Error("enough");
    await assert.rejects(network.trainInWorker(data, { signal: AbortSignal.abort(reason) }),
      reason);
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 30);
    await assert.rejects(
      network.trainInWorker(data, { ...FOREVER, signal: control.signal }), reason);
    await assert.rejects(network.trainInWorker(data, { ...FOREVER,
      onEpoch: () => { throw reason; } }), reason);
    await assert.rejects(network.trainInWorker(data, { learningRate: -1 }),
      { code: "E_INVALID" });
    const worker = new URL("data:text/javascript,throw Error('no luck')");
    await assert.rejects(network.trainInWorker(data, { worker }),
      { code: "WORKER_FAILED", message: /no luck/ });
    assert.equal(network.train(data, { epochs: 1 }).epochs, 1);
  });

  for (const [what, options, message, code = "E_INVALID"] of [
    ["trainer", { trainer: "adan" }, /no "adan"; there are incremental, /],
    ["option", { learningrate: 1 }, /there is no option "learningrate"/],
    ["value", { learningRate: "1" }, /learningRate is 1, a number is needed/],
    ["rate", { learningRate: -0.5 }, /-0\.5/],
    ["pointer", { ctx: 3 }, /there is no option "ctx"/],
    ["loss for these outputs", { loss: "cross_entropy" }, /cross/],
    ["module", { trainer: "lbfgs" }, /lbfgs is in midge-nn-full/, "E_UNSUPPORTED"],
  ]) {
    test(`an error: no such ${what}`, async () => {
      const network = await make();
      assert.throws(() => network.train(data, options), { code, message });
    });
  }

  test("an error: rows that do not fit, or are not finite", async () => {
    const network = await make();
    const { x, t } = data;
    assert.throws(() => network.train({ x, t: t.subarray(2) }),
      { code: "E_MISMATCH", message: /60 rows of x and 59 of t/ });
    assert.throws(() => network.train(undefined), { code: "E_INVALID" });
    assert.throws(() => network.train({ x: x.map(() => NaN), t }), { code: "E_INVALID" });
    assert.throws(() => network.train({ x, t: t.map((v) => v * 1e30) },
      { trainer: "sgd", learningRate: 10 }), { code: "E_STATE" });
    assert.ok(network.weights.every(Number.isFinite));
  });
});

test("measures", async () => {
  const network = await Network.create({ layers: [1, 1], seed: 1 });
  network.setWeights([2, 1]);
  const rows = { x: [0, 1, 2], t: [1, 3, 6] };
  const { mse, mae, r2, bitFail, nRows } = await network.evaluate(rows);
  assert.ok(Math.abs(mse - 1 / 3) < 1e-12 && Math.abs(mae - 1 / 3) < 1e-12);
  assert.ok(r2 > 0.9 && r2 < 1);
  assert.deepEqual([bitFail, nRows], [1, 3]);
  assert.equal((await network.evaluate({ x: [0], t: [1] })).r2, null);
  const classes = await Network.create({ layers: [1, 2], output: "softmax" });
  classes.setWeights([-1, 1, 0, 0]);
  const told = oneHot(["no", "no", "yes", "yes"]);
  const good = await classes.evaluateClasses({ x: [-1, 1, 1, 2], t: told.t });
  assert.deepEqual([good.accuracy, good.confusion], [0.75, [[1, 1], [0, 2]]]);
  assert.deepEqual(good.classes.map(({ nRows: n, recall }) => [n, recall]), [[2, 0.5], [2, 1]]);
  assert.ok(good.auc > 0.8 && good.logLoss > 0);
  assert.throws(() => oneHot(["a"], ["b"]), { code: "E_INVALID" });
});

test("scaling is found, kept, applied and taken back", async () => {
  const network = await make();
  const x = data.x.map((v, i) => v * 10 ** (i % 4));
  await network.fitScaling({ x, t: data.t }, { outputs: "min_max", range: [0, 1] });
  const scaled = network.scaleOutputs(data.t);
  assert.ok(Math.min(...scaled) > -1e-6 && Math.max(...scaled) < 1 + 1e-6);
  const back = network.unscaleOutputs(scaled);
  assert.ok(back.every((v, i) => Math.abs(v - data.t[i]) < 1e-5));
  const again = await Network.load(network.save());
  assert.deepEqual(again.scaling, network.scaling);
  assert.equal(again.scaling.inputs.length, 4);
  const by = network.unscaleOutputs(network.run(network.scaleInputs(x)));
  assertSameBits(again.predict(x), by);
  await network.fitScaling({ x, t: data.t }, { inputs: "none" });
  assert.deepEqual(network.scaling, { inputs: null, outputs: null });
  assertSameBits(network.predict(x), network.run(x));
  await assert.rejects(network.fitScaling(data, { inputs: "maximal" }), { code: "E_INVALID" });
});

describe("files of others", () => {
  test("FANN, there and back", async () => {
    const network = await make({ output: "sigmoid", connectionRate: 0.6 });
    const file = await network.toFann();
    assert.match(new TextDecoder().decode(file), /^FANN_FLO_2\.1\n/);
    const again = await Network.fromFann(file);
    assertSameBits(again.run(data.x), network.run(data.x));
    const fixed = await network.toFann({ fixed: true });
    assert.match(new TextDecoder().decode(fixed), /^FANN_FIX_2\.\d\n/);
    await assert.rejects(Network.fromFann(file.subarray(0, 300)), { code: "E_PARSE" });
    const relu = await make({ hidden: "gelu" });
    await assert.rejects(relu.toFann(), { code: "E_UNSUPPORTED", message: /gelu/ });
  });

  test("JSON, ONNX and C", async () => {
    const network = await make({ hidden: "relu" });
    const text = await network.toJson();
    assertSameBits((await Network.fromJson(text)).run(data.x), network.run(data.x));
    await assert.rejects(Network.fromJson("{}"), MidgeError);
    const onnx = Buffer.from(await network.toOnnx({ name: "waves" }));
    assert.ok(onnx.includes("waves") && onnx.includes("Gemm"));
    assert.match(await network.toC({ name: "waves" }), /void waves_run\(/);
    await assert.rejects(network.toC({ name: "no name" }), { code: "E_INVALID" });
  });

  test("a file cut short anywhere, or with a bit turned, is refused", async () => {
    const network = await make({ connectionRate: 0.5, shortcut: true });
    const known = (error) => STATUS_NAMES.includes(error.code);
    for (const bytes of [network.save(), (await (await make()).quantise(data.x)).save()]) {
      const open = bytes[0] === network.save()[0] && bytes.length === network.save().length
        ? Network.load : Network.loadInt8;
      for (let size = 0; size < bytes.length; size += 1 + (size >> 4)) {
        await assert.rejects(open.call(Network, bytes.subarray(0, size)), known);
        const turned = Uint8Array.from(bytes);
        turned[size] ^= 1 << (size % 8);
        await assert.rejects(open.call(Network, turned), known);
      }
    }
    await assert.rejects(Network.load("text"), { code: "E_INVALID" });
  });
});

test("small integers are near, and refuse what they cannot be", async () => {
  const network = await make({ layers: [4, 16, 2], hidden: "relu" });
  const small = await network.quantise(data.x);
  const [y, near] = [network.run(data.x), small.run(data.x)];
  assert.ok(near.every((v, i) => Math.abs(v - y[i]) < 0.05));
  assert.deepEqual([small.inputs, small.outputs], [4, 2]);
  small.dispose();
  assert.throws(() => small.run(data.x), { code: "DISPOSED", message: /this Int8Network/ });
  await assert.rejects((await make({ shortcut: true })).quantise(data.x),
    { code: "E_UNSUPPORTED" });
});

test("memory is given back, whatever happens", async () => {
  const network = await make();
  const { usedBytes: held } = (network.run([0, 0, 0, 0]), network.module());
  for (let i = 0; i < 30; i++) {
    network.train(data, { epochs: 2, onEpoch: () => i % 2 === 0 });
    assert.throws(() => network.train(data, { momentum: -1 }));
    assert.throws(() => network.train({ x: data.x.map(() => NaN), t: data.t }));
    assert.throws(() => network.train(data, { onEpoch: () => { throw Error("x"); } }));
  }
  network.run([0, 0, 0, 0]);
  assert.equal(network.module().usedBytes, held);
  assert.ok(network.module().memoryBytes < 4 << 20);
  network.dispose();
  network.dispose();
  assert.equal(network.module().usedBytes, 0);
});
