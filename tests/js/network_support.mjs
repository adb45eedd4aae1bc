// network_support.mjs: rows to learn from, in Node and in a page: nothing of Node
// here.

/** Numbers in [0, 1), the same every time. */
export function numbers(seed) {
  let x = seed >>> 0;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return (x >>> 8) / 2 ** 24;
  };
}

export const XOR = {
  x: [[-1, -1], [-1, 1], [1, -1], [1, 1]],
  t: [[-1], [1], [1], [-1]],
};

/** Two spirals, `n` points on each; one-hot targets. */
export function spirals(n, noise = 0) {
  const next = numbers(7);
  const x = new Float32Array(4 * n);
  const t = new Float32Array(4 * n);
  for (let i = 0; i < 2 * n; i++) {
    const along = Math.floor(i / 2) / n;
    const angle = 3 * Math.PI * along + (i % 2) * Math.PI;
    const from = () => noise * (next() - 0.5);
    x[2 * i] = (0.1 + along) * Math.cos(angle) + from();
    x[2 * i + 1] = (0.1 + along) * Math.sin(angle) + from();
    t[2 * i + (i % 2)] = 1;
  }
  return { x, t };
}

/** A smooth function of `inputs` numbers, and rows of it. */
export function waves(rows, inputs, outputs, seed = 1) {
  const next = numbers(seed);
  const x = Float32Array.from({ length: rows * inputs }, () => 2 * next() - 1);
  const t = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < outputs; j++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) {
        sum += x[row * inputs + i] * Math.sin(i + 3 * j + 1);
      }
      t[row * outputs + j] = 0.8 * Math.sin(sum);
    }
  }
  return { x, t };
}

export function bitsOf(x) {
  return [...new Uint32Array(x.buffer, x.byteOffset, x.length)];
}

const SPIRALS = { layers: [2, 24, 24, 2], hidden: "elu", output: "softmax", seed: 3 };
export const SPIRAL_TRAINING = {
  trainer: "adam",
  loss: "cross_entropy",
  learningRate: 0.01,
  epochs: 300,
  seed: 1,
};
export const XOR_TRAINING = { trainer: "rprop", epochs: 500, stopValue: 1e-3 };

async function learnedXor(Network) {
  const network = await Network.create({ layers: [2, 4, 1], output: "tanh", seed: 2 });
  const seen = [];
  const result = await network.trainInWorker(XOR, {
    ...XOR_TRAINING,
    progressMs: 0,
    onEpoch: ({ epoch }) => void seen.push(epoch),
  });
  const bits = bitsOf(network.weights);
  const reopened = await Network.load(network.save());
  const signs = [...reopened.run(XOR.x)].map(Math.sign);
  network.dispose();
  reopened.dispose();
  return { result, seen, bits, signs };
}

async function learnedSpirals(Network) {
  const data = spirals(100);
  const network = await Network.create(SPIRALS);
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  const result = await network.trainInWorker(data, SPIRAL_TRAINING);
  clearInterval(timer);
  const { accuracy } = await network.evaluateClasses(data);
  const bits = bitsOf(network.weights);
  network.dispose();
  return { result, accuracy, bits, alive: ticks > 0 };
}

/** What is left of endless training that is aborted at its third progress. */
async function aborted(Network) {
  const data = spirals(100);
  const network = await Network.create(SPIRALS);
  const before = bitsOf(network.weights);
  const stop = new AbortController();
  let seen = 0;
  let since = 0;
  const training = network.trainInWorker(data, {
    ...SPIRAL_TRAINING,
    epochs: 1e9,
    progressMs: 5,
    signal: stop.signal,
    onEpoch: () => {
      seen += 1;
      if (seen === 3) {
        since = performance.now();
        stop.abort();
      }
    },
  });
  const name = await training.then(() => "ended", (error) => error.name);
  const ms = performance.now() - since;
  const changed = bitsOf(network.weights).some((word, i) => word !== before[i]);
  network.train(data, { ...SPIRAL_TRAINING, epochs: 1 }); // free to be used again
  network.dispose();
  return { name, seen, ms, changed };
}

/** Endless training that its caller ends, with the weights of the moment. */
async function ended(Network) {
  const data = spirals(100);
  const network = await Network.create(SPIRALS);
  const followed = [];
  const result = await network.trainInWorker(data, {
    ...SPIRAL_TRAINING,
    epochs: 1e9,
    follow: true,
    progressMs: 5,
    onEpoch: () => followed.push(bitsOf(network.weights).join()) < 4,
  });
  const different = new Set(followed).size;
  network.dispose();
  return { stop: result.stop, epochs: result.epochs, different };
}

/** What networks do in a place; compared from place to place. */
export async function networkAnswers(Network) {
  return {
    xor: await learnedXor(Network),
    spirals: await learnedSpirals(Network),
    aborted: await aborted(Network),
    ended: await ended(Network),
  };
}
