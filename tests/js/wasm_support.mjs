// wasm_support.mjs: the built package, the native side, and data to compare on.
//
// From the environment (./test js sets it): MIDGE_JS is the folder of the built
// package, MIDGE_BUILD a build folder with js_oracle, MIDGE_BIN the program,
// MIDGE_PENGUINS, MIDGE_CARS, MIDGE_DIGITS the data.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const VARIANTS = ["scalar", "simd"];
export const FAMILIES = ["net", "knn", "features", "ensemble"];
export const PENGUINS = process.env.MIDGE_PENGUINS;
export const CARS = process.env.MIDGE_CARS;
export const DIST = process.env.MIDGE_JS;

export const PACKAGE_URL = pathToFileURL(join(DIST, "index.mjs")).href;

export function importMidge() {
  return import(PACKAGE_URL);
}

export function run(program, args) {
  return execFileSync(program, args, { maxBuffer: 1 << 28, stdio: "pipe" });
}

export function oracle(...args) {
  const program = join(process.env.MIDGE_BUILD, "tests", "js", "js_oracle");
  return run(program, args);
}

export function midgeJson(...args) {
  return JSON.parse(run(process.env.MIDGE_BIN, [...args, "--json"]));
}

/** An empty folder, removed after the suite that `after` belongs to. */
export function scratch(after) {
  const folder = mkdtempSync(join(tmpdir(), "midge-js-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The raw floats that the oracle printed. */
export function floatsOf(bytes) {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Compares bits: 0 and -0 differ. */
export function assertSameBits(actual, expected) {
  const bits = (x) => new Uint32Array(x.buffer, x.byteOffset, x.length);
  assert.equal(actual.length, expected.length);
  assert.deepEqual(bits(actual), bits(expected));
}

/** Rows spread over an .npy file of one-byte cells, as a file of their own. */
export function npyRows(from, nRows, to) {
  const file = readFileSync(from);
  const start = 10 + file.readUInt16LE(8);
  const head = file.toString("latin1", 10, start);
  const [shape, all, columns] = /\((\d+), (\d+)\)/.exec(head);
  assert.match(head, /'\|u1'/);
  const cut = head.replace(shape, `(${nRows}, ${columns})`).trimEnd();
  const step = Math.floor(all / nRows);
  const width = Number(columns);
  const rows = Array.from({ length: nRows }, (_, i) => {
    const at = start + i * step * width;
    return file.subarray(at, at + width);
  });
  const padded = Buffer.from(cut.padEnd(head.length - 1) + "\n", "latin1");
  writeFileSync(to, Buffer.concat([file.subarray(0, 10), padded, ...rows]));
  return to;
}

/** The elements of a JSON array as the texts they are: parsing and writing them
 * again would change the spelling of numbers, and so the hash. */
export function elements(text) {
  const found = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:\\.|[^"\\])*"|[[\]{}]/g)) {
    if (token === "{" || token === "[") {
      depth += 1;
      start = depth === 2 ? index : start;
    } else if (token === "}" || token === "]") {
      depth -= 1;
      if (depth === 1) {
        found.push(text.slice(start, index + 1));
      }
    }
  }
  return found;
}
