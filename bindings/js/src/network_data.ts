/** Rows to learn from: as floats, in parts, one-hot. */
import { mismatch } from "./check.js";
import type { Core } from "./core.js";
import type { NnxExports } from "./exports.js";
import type { FloatData } from "./network_calls.js";
import {
  floatRows,
  type NetworkData,
  type SplitOptions,
} from "./network_options.js";
import { invalid, seedOf } from "./structs.js";

/** Some of the rows, and which they were. */
export interface Part extends FloatData {
  readonly x: Float32Array<ArrayBuffer>;
  readonly t: Float32Array<ArrayBuffer>;
  readonly rows: Uint32Array;
}

export interface Split {
  readonly train: Part;
  readonly validation: Part;
  readonly test: Part;
}

/** Classes as targets. */
export interface OneHot<L> {
  /** (rows, classes): 1 for the class of a row, else 0. */
  readonly t: Float32Array<ArrayBuffer>;
  /** In the order of the columns. */
  readonly classes: readonly L[];
}

/** Labels as targets: a column for each class, in the order given, or that in
 * which they first appear. */
export function oneHot<L>(
  labels: ArrayLike<L>,
  classes: readonly L[] = [...new Set(Array.from(labels))],
): OneHot<L> {
  const column = new Map(classes.map((label, i) => [label, i]));
  const width = classes.length;
  const t = new Float32Array(labels.length * width);
  Array.from(labels).forEach((label, row) => {
    const at = column.get(label);
    if (at === undefined) {
      throw invalid(`oneHot: row ${row} is ${String(label)}, which is no class`);
    }
    t[row * width + at] = 1;
  });
  return { t, classes };
}

/** The class of each row of one-hot targets: the first of the largest. One column
 * says whether it is the second of two. */
export function oneHotLabels(t: Float32Array, width: number): Int32Array {
  return Int32Array.from({ length: t.length / width }, (_, row) => {
    const of = t.subarray(row * width, (row + 1) * width);
    return width === 1
      ? Number(of[0]! >= 0.5)
      : of.reduce((best, p, i) => (p > of[best]! ? i : best), 0);
  });
}

/** Data as floats; throws unless there are as many targets as rows. */
export function dataOf(
  what: string,
  data: NetworkData,
  inputs: number,
  outputs: number,
): FloatData {
  if (typeof data !== "object" || data === null) {
    throw invalid(`${what}: rows { x, t } are needed`);
  }
  const x = floatRows(`${what}: x`, data.x, inputs);
  const t = floatRows(`${what}: t`, data.t, outputs);
  const [n, m] = [x.length / inputs, t.length / outputs];
  if (n !== m) {
    throw mismatch(`${what}: ${n} rows of x and ${m} of t`);
  }
  return { x, t };
}

function rowsAt(from: Float32Array, width: number, rows: Uint32Array) {
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(from.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}

/** Labels as the numbers of classes. */
function numbered(labels: readonly unknown[]): Int32Array {
  const classes = new Map<unknown, number>();
  return Int32Array.from(labels, (label) => {
    const number = classes.get(label) ?? classes.size;
    classes.set(label, number);
    return number;
  });
}

function withLabels<T>(
  core: Core,
  labels: readonly unknown[] | undefined,
  rows: number,
  use: (at: number) => T,
): T {
  if (labels === undefined) {
    return use(0);
  }
  if (labels.length !== rows) {
    throw mismatch(`split: ${labels.length} labels for ${rows} rows`);
  }
  return core.withBytes(new Uint8Array(numbered(labels).buffer), use);
}

/** Rows in parts, as midge_split draws them. */
export function splitData(
  core: Core<NnxExports>,
  { x, t }: FloatData,
  [inputs, outputs]: readonly [number, number],
  options: SplitOptions,
): Split {
  const { validation = 0.2, test = 0, seed = 0, labels } = options;
  const n = x.length / inputs;
  const from = seedOf("split: seed", seed);
  const parts = core.withRoom(n, (to) =>
    withLabels(core, labels, n, (at) => {
      const { split } = core.calls;
      core.check(split(n, at, validation, test, from, to));
      return core.bytes.slice(to, to + n);
    }),
  );
  const [train, valid, tested] = [0, 1, 2].map((number) => {
    const chosen: number[] = [];
    parts.forEach((part, row) => part === number && chosen.push(row));
    const rows = Uint32Array.from(chosen);
    return { x: rowsAt(x, inputs, rows), t: rowsAt(t, outputs, rows), rows };
  });
  return { train: train!, validation: valid!, test: tested! };
}
