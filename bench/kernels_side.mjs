// kernels_side.mjs FILE VARIANT: the side of `./run bench kernels` that runs a
// wasm module of the works; it answers as kernels_side.c does. A measurement is
// one call of the module, which has the loop.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";

const TIME_NS = 2e6;
const WARM_NS = 60e6; // until the engine has compiled its second time
const PEAK = 4;

const [file, variant] = process.argv.slice(2);
if (variant === "relaxed") {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { instance } = await WebAssembly.instantiate(readFileSync(file));
const wasm = instance.exports;
const lanes = variant === "scalar" ? 1 : 4;
const calls = [];

function text(at) {
  const bytes = new Uint8Array(wasm.memory.buffer, at);
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
}

function nsOf(index, n) {
  const start = process.cpuUsage();
  wasm.run(index, n);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1e3) / n;
}

function works() {
  const list = [];
  for (let i = 0; i < wasm.count(); i++) {
    const name = text(wasm.name(i));
    const flags = wasm.flags(i);
    list.push({
      name,
      flops: wasm.flops(i) * (flags & PEAK ? lanes : 1),
      bytes: wasm.bytes(i),
      items: wasm.items(i),
      flags,
      runs: name !== "peak fma" || wasm.has_fma() ? 1 : 0,
    });
  }
  return { about: `Node ${process.version}`, works: list };
}

function check(index) {
  const hash = wasm.check(index) >>> 0;
  return {
    hash: hash.toString(16).padStart(8, "0"),
    sum: wasm.sum(),
    scale: wasm.scale(),
  };
}

function warm(index) {
  let n = 1;
  let ns = 0;
  wasm.prepare(index);
  for (let spent = 0; spent < WARM_NS; spent += Math.max(ns * n, 1e3)) {
    n = ns * n < TIME_NS ? 2 * n : n;
    ns = nsOf(index, n);
  }
  calls[index] = Math.max(1, Math.floor(TIME_NS / ns));
  return { calls: calls[index] };
}

function time(index) {
  // Others have used the caches meanwhile.
  wasm.run(index, 1);
  return { ns: Math.round(nsOf(index, calls[index]) * 100) / 100 };
}

const answers = { works, check, warm, time };
for await (const line of createInterface({ input: process.stdin })) {
  const [word, index] = line.split(" ");
  console.log(JSON.stringify(answers[word](Number(index))));
}
