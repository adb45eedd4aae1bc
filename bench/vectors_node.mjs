// vectors_node.mjs PEER MODULES METRIC BASE QUERIES TRUTH ROWS: a side of the
// benchmark of vector search that runs in Node, with the questions and answers
// of vectors_side.h. PEER is one of vectors_node_peers.mjs; MODULES is the folder
// in which its package is installed (of Midge: that of the built package).
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { peers } from "./vectors_node_peers.mjs";

const K = 10;
const [name, modules, metric, basePath, queriesPath, truthPath, rowsText] =
  process.argv.slice(2);
if (!rowsText || !peers[name]) {
  console.error(
    "usage: node vectors_node.mjs PEER MODULES METRIC BASE QUERIES TRUTH ROWS",
  );
  process.exit(2);
}

/** Rows of an array file, at most `most`. */
function readArray(path, Type, most = Infinity) {
  const bytes = readFileSync(path);
  const [all, columns] = new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
  const rows = Math.min(all, most);
  const from = bytes.byteOffset + 8;
  return { rows, columns, data: new Type(bytes.buffer, from, rows * columns) };
}

const base = readArray(basePath, Float32Array, Number(rowsText));
const queries = readArray(queriesPath, Float32Array);
const truth = readArray(truthPath, Uint32Array).data;
const data = {
  metric,
  modules,
  rows: base.rows,
  dim: base.columns,
  base: base.data,
  row: (i) => base.data.subarray(i * base.columns, (i + 1) * base.columns),
};
const query = (i) =>
  queries.data.subarray(i * data.dim, (i + 1) * data.dim);

/** Of the process, in bytes that are no mapped file. */
function anonymousBytes() {
  globalThis.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(status)[1]);
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// Packages that print do not do so between the answers.
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
console.log = console.error;

const peer = new peers[name](data);

async function build(mode, threads, m, efConstruction) {
  await peer.drop();
  const before = anonymousBytes();
  const cpu = cpuSeconds();
  const start = performance.now();
  await peer.build({
    mode,
    threads: Number(threads),
    m: Number(m),
    efConstruction: Number(efConstruction),
  });
  const ms = performance.now() - start;
  const cpuMs = (cpuSeconds() - cpu) * 1e3;
  return { ms, cpu_ms: cpuMs, grown_bytes: anonymousBytes() - before };
}

/** `found` has K ids (numbers, bigints or their texts) for each query. */
function recall(found) {
  let hits = 0;
  for (let i = 0; i < queries.rows; i++) {
    const nearest = new Set(truth.subarray(i * K, (i + 1) * K));
    for (const id of found[i]) {
      hits += nearest.has(Number(id)) ? 1 : 0;
    }
  }
  return hits / (queries.rows * K);
}

async function search(efText, batch) {
  const ef = Number(efText);
  await peer.setEf?.(ef);
  const found = [];
  const cpu = cpuSeconds();
  const start = performance.now();
  if (batch === "1") {
    found.push(...(await peer.searchBatch(queries.data, queries.rows, K)));
  } else if (peer.searchLater) {
    for (let i = 0; i < queries.rows; i++) {
      found.push(await peer.searchLater(query(i), K));
    }
  } else {
    for (let i = 0; i < queries.rows; i++) {
      found.push(peer.search(query(i), K));
    }
  }
  const seconds = (performance.now() - start) / 1e3;
  const spent = cpuSeconds() - cpu;
  return { ef, seconds, cpu_seconds: spent, recall: recall(found) };
}

async function save(path) {
  const start = performance.now();
  await peer.save(path);
  return { ms: performance.now() - start, bytes: statSync(path).size };
}

async function openFile(mode, m, path) {
  await peer.drop();
  const before = anonymousBytes();
  const start = performance.now();
  await peer.open({ mode, m: Number(m), efConstruction: 0 }, path);
  const opened = performance.now();
  peer.search(query(0), K);
  const answered = performance.now();
  return {
    open_ms: opened - start,
    first_answer_ms: answered - start,
    grown_bytes: anonymousBytes() - before,
  };
}

const answers = { build, search, save, open: openFile };
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...words] = line.split(" ");
  try {
    answer(await answers[what](...words));
  } catch (error) {
    const why = String(error?.message ?? error).split("\n")[0];
    answer({ error: why.slice(0, 200) });
  }
}
