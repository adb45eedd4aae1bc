// nn_node.mjs PEER PACKAGE WORK NET SET THREADS FOLDER: a side of the benchmark
// of networks that runs in Node, with the questions and answers of nn_side.h.
// PEER is one of nn_node_peers.mjs; PACKAGE is the folder in which its package
// is installed (of Midge: that of the built package).
import { readFileSync, readSync, writeSync } from "node:fs";
import { peers } from "./nn_node_peers.mjs";

const TRAIN = 60000;
const TEST = 1000;
const MANY = 1024;
const MS = 200; // what is over sooner is done again until then

const [name, modules, work, net, set, threads, folder] = process.argv.slice(2);
if (!folder || !peers[name] || threads !== "1") {
  console.error(
    "usage: node nn_node.mjs PEER PACKAGE WORK NET SET 1 FOLDER",
  );
  process.exit(2);
}

// Packages that print do not do so between the answers.
const answer = (value) => writeSync(1, `${JSON.stringify(value)}\n`);
console.log = console.error;

let start = 0; // of the measurement that was asked for
let question = "";

/** Waits to be asked, without giving way to others: a network that is training
 * asks this between two epochs. True for a measurement, whose clock runs from now
 * on. */
function asked() {
  const letter = Buffer.alloc(1);
  question = "";
  while (readSync(0, letter) === 1 && letter[0] !== 10) {
    question += letter;
  }
  start = performance.now();
  return question === "go";
}

function took(n, more) {
  answer({ ms: performance.now() - start, n, ...more });
}

/** Rows of nn_data.py from `first` on, as floats, and their classes. */
function rowsOf(first, count) {
  const bytes = readFileSync(`${folder}/${set}`);
  const x = new Float32Array(count * 784);
  const classes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const row = (first + i) * 785;
    for (let j = 0; j < 784; j++) {
      x[i * 784 + j] = bytes[row + j] / 255;
    }
    classes[i] = bytes[row + 784];
  }
  return { x, classes, count };
}

const test = rowsOf(TRAIN, TEST);

/** The test rows again, up to `count`. */
function repeated(count) {
  const x = new Float32Array(count * 784);
  for (let i = 0; i < count; i++) {
    const row = (i % TEST) * 784;
    x.set(test.x.subarray(row, row + 784), i * 784);
  }
  return x;
}

function accuracy(outputs) {
  let hits = 0;
  for (let i = 0; i < TEST; i++) {
    const row = outputs.subarray(i * 10, (i + 1) * 10);
    hits += row.indexOf(Math.max(...row)) === test.classes[i] ? 1 : 0;
  }
  return hits / TEST;
}

const peer = new peers[name]({
  modules,
  net,
  work,
  file: (ending) => `${folder}/${net}.${set}.${ending}`,
});

async function runs() {
  const count = work === "one" ? 1 : MANY;
  const pass = async () => {
    let n = 0;
    do {
      await peer.pass();
      n += MANY;
    } while (performance.now() - start < MS);
    return n;
  };
  await peer.open();
  await peer.prepare(repeated(MANY), count);
  for (let i = 0; i < 3; i++) {
    start = performance.now();
    await pass(); // until the engine has compiled its second time
  }
  while (asked()) {
    took(await pass());
  }
}

async function trains() {
  const rows = rowsOf(0, Math.round(TRAIN * (peer.share ?? 1)));
  await peer.create(rows);
  if (peer.epochs) {
    peer.epochs(asked, (loss) => took(1, { loss }));
    return;
  }
  await peer.warm();
  while (asked()) {
    const loss = await peer.epoch();
    took(rows.count / TRAIN, { loss });
  }
}

try {
  await (work === "one" || work === "many" ? runs() : trains());
  if (question === "score") {
    answer({ accuracy: accuracy(await peer.outputs(test.x, TEST)) });
  }
} catch (error) {
  const why = String(error?.message ?? error).split("\n")[0];
  answer({ error: why.slice(0, 200) });
}
process.exit(0); // some packages leave something running
