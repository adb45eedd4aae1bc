// nn_node_peers.mjs: the sides of nn_node.mjs, each a class over what a package
// of npm offers. To run: open() loads the weights that nn_midge.c has left,
// prepare(x, count) gets the rows that pass() runs, `count` in a call. To train:
// create(rows), then epoch() after epoch(), which gives the mean loss. Either
// way outputs(x, count) at the end. `share`: an epoch is this part of the rows,
// where a whole one would take too long. epochs(asked, took) in place of epoch():
// of a peer that trains many epochs in one call.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const SIZES = [784, 128, 10];
const BATCH = 32;

const requireIn = (folder) => createRequire(join(folder, "package.json"));

/** What nn_midge.c has left: W (n_in, n_out) and the biases of each layer. */
function weightsOf(file) {
  const bytes = Uint8Array.from(readFileSync(file));
  const run = new Float32Array(bytes.buffer);
  const layers = [];
  let at = 0;
  for (let l = 0; l + 1 < SIZES.length; l++) {
    const [nIn, nOut] = [SIZES[l], SIZES[l + 1]];
    const middle = at + nIn * nOut;
    layers.push({
      w: run.slice(at, middle),
      b: run.slice(middle, middle + nOut),
      nIn,
      nOut,
    });
    at = middle + nOut;
  }
  return layers;
}

function oneHot({ classes, count }) {
  const t = new Float32Array(count * 10);
  classes.forEach((c, i) => (t[i * 10 + c] = 1));
  return t;
}

/** Whole numbers below count, in a new order. */
function shuffled(count) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Runs by its fused operations, which are faster than a model of layers;
 * trains by its optimizers on rows gathered from tensors that are ready. */
class Tensorflow {
  constructor({ modules, work, file }, backend) {
    Object.assign(this, { modules, work, file, backend });
  }
  async start() {
    const require = requireIn(this.modules);
    this.tf = require("@tensorflow/tfjs");
    if (this.backend === "wasm") {
      const wasm = require("@tensorflow/tfjs-backend-wasm");
      const place = "node_modules/@tensorflow/tfjs-backend-wasm/dist/";
      wasm.setWasmPaths(join(this.modules, place));
      wasm.setThreadsCount(1);
    }
    await this.tf.setBackend(this.backend);
    await this.tf.ready();
    if (this.tf.getBackend() !== this.backend) {
      throw new Error(`tfjs runs on ${this.tf.getBackend()}`);
    }
  }
  variables(layers) {
    this.layers = layers.map(({ w, b, nIn, nOut }) => ({
      w: this.tf.variable(this.tf.tensor2d(w, [nIn, nOut])),
      b: this.tf.variable(this.tf.tensor1d(b)),
    }));
  }
  logits(x) {
    const [hidden, output] = this.layers;
    const { matMul } = this.tf.fused;
    const h = matMul({ a: x, b: hidden.w, bias: hidden.b, activation: "relu" });
    return matMul({ a: h, b: output.w, bias: output.b });
  }
  run(x) {
    const { tf } = this;
    return tf.tidy(() => tf.softmax(this.logits(x)).dataSync());
  }
  async open() {
    await this.start();
    this.variables(weightsOf(this.file("weights")));
  }
  prepare(x, count) {
    this.parts = [];
    for (let i = 0; i < x.length; i += 784 * count) {
      this.parts.push(
        this.tf.tensor2d(x.slice(i, i + 784 * count), [count, 784]),
      );
    }
  }
  pass() {
    for (const part of this.parts) {
      this.run(part);
    }
  }
  async create(rows) {
    await this.start();
    const { tf } = this;
    this.count = rows.count;
    this.x = tf.tensor2d(rows.x, [rows.count, 784]);
    this.t = tf.tensor2d(oneHot(rows), [rows.count, 10]);
    this.variables(weightsOf(this.file("start")));
    this.optimizer = {
      sgd: () => tf.train.sgd(0.1),
      momentum: () => tf.train.momentum(0.01, 0.9),
      adam: () => tf.train.adam(0.001),
    }[this.work]();
  }
  train(count) {
    const { tf } = this;
    const order = shuffled(this.count);
    let loss = tf.scalar(0);
    for (let at = 0; at + BATCH <= count; at += BATCH) {
      loss = tf.tidy(() => {
        const batch = tf.tensor1d(order.slice(at, at + BATCH), "int32");
        const x = tf.gather(this.x, batch);
        const t = tf.gather(this.t, batch);
        const one = this.optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(t, this.logits(x)),
          true,
        );
        const sum = tf.add(loss, one);
        loss.dispose();
        return sum;
      });
    }
    return loss.dataSync()[0] / Math.floor(count / BATCH);
  }
  warm() {
    this.train(3200);
  }
  epoch() {
    return this.train(this.count);
  }
  outputs(x, count) {
    return this.run(this.tf.tensor2d(x, [count, 784]));
  }
}

class TensorflowWasm extends Tensorflow {
  constructor(options) {
    super(options, "wasm");
  }
}

class TensorflowCpu extends Tensorflow {
  share = 0.05;
  constructor(options) {
    super(options, "cpu");
  }
}

/** Row by row with its own defaults: sigmoids and a momentum of 0.1; it does not
 * shuffle. runInput is run without a copy of the answer. */
class Brain {
  share = 0.05;
  constructor({ modules }) {
    const brain = requireIn(modules)("brain.js");
    this.net = new brain.NeuralNetwork({
      hiddenLayers: [128],
      activation: "sigmoid",
    });
  }
  create({ x, classes, count }) {
    this.data = Array.from({ length: count }, (_, i) => {
      const output = new Float32Array(10);
      output[classes[i]] = 1;
      return { input: x.slice(i * 784, (i + 1) * 784), output };
    });
  }
  train(data) {
    const options = { iterations: 1, errorThresh: 1e-9, learningRate: 0.1 };
    return this.net.train(data, options).error;
  }
  warm() {
    this.train(this.data.slice(0, 300));
  }
  epoch() {
    return this.train(this.data);
  }
  open() {
    throw new Error("brain.js trains only here");
  }
  outputs(x, count) {
    const y = new Float32Array(count * 10);
    for (let i = 0; i < count; i++) {
      const row = x.slice(i * 784, (i + 1) * 784);
      y.set(this.net.runInput(row), i * 10);
    }
    return y;
  }
}

/** Runs only: its training module is no longer made. One thread. */
class Onnx {
  constructor({ modules, file }) {
    Object.assign(this, { modules, file });
  }
  async open() {
    this.ort = requireIn(this.modules)("onnxruntime-web");
    this.ort.env.wasm.numThreads = 1;
    this.session = await this.ort.InferenceSession.create(
      Uint8Array.from(readFileSync(this.file("onnx"))),
      { executionProviders: ["wasm"], graphOptimizationLevel: "all" },
    );
  }
  prepare(x, count) {
    this.feeds = [];
    for (let i = 0; i < x.length; i += 784 * count) {
      const part = x.slice(i, i + 784 * count);
      this.feeds.push({
        x: new this.ort.Tensor("float32", part, [count, 784]),
      });
    }
  }
  async pass() {
    for (const feed of this.feeds) {
      await this.session.run(feed);
    }
  }
  async outputs(x, count) {
    const feed = { x: new this.ort.Tensor("float32", x, [count, 784]) };
    return (await this.session.run(feed)).y.data;
  }
}

/** The module of the built package, in this thread. */
class Midge {
  constructor({ modules, work, file }) {
    Object.assign(this, { modules, work, file });
  }
  async start() {
    const path = join(this.modules, "dist/index.mjs");
    return (await import(pathToFileURL(path))).Network;
  }
  async open() {
    const Network = await this.start();
    this.net = await Network.load(readFileSync(this.file("midge")));
  }
  prepare(x, count) {
    this.y = new Float32Array(count * 10);
    this.parts = [];
    for (let i = 0; i < x.length; i += 784 * count) {
      this.parts.push(x.slice(i, i + 784 * count));
    }
  }
  pass() {
    for (const part of this.parts) {
      this.net.runInto(part, this.y);
    }
  }
  /** The same network as nn_midge.c makes. */
  async create(rows) {
    const Network = await this.start();
    const shape = { layers: SIZES, hidden: "relu", output: "softmax" };
    this.net = await Network.create({ ...shape, seed: 1 });
    this.data = { x: rows.x, t: oneHot(rows) };
  }
  epochs(asked, took) {
    const how = {
      sgd: { trainer: "sgd", learningRate: 0.1, momentum: 0 },
      momentum: { trainer: "sgd", learningRate: 0.01, momentum: 0.9 },
      adam: { trainer: "adam" },
    }[this.work];
    const onEpoch = ({ epoch, trainLoss }) => {
      if (epoch > 1) {
        took(trainLoss);
      }
      return asked();
    };
    const options = { loss: "cross_entropy", epochs: 100000, onEpoch };
    this.net.train(this.data, { ...how, ...options });
  }
  outputs(x) {
    return this.net.run(x);
  }
}

export const peers = {
  "midge-wasm": Midge,
  "tfjs-wasm": TensorflowWasm,
  "tfjs-cpu": TensorflowCpu,
  "brain.js": Brain,
  "onnxruntime-web": Onnx,
};
