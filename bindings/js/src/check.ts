/** Checks of arguments, before anything is computed. */
import { MidgeError } from "./core.js";

interface Sized {
  readonly length: number;
}

export function mismatch(text: string): MidgeError {
  return new MidgeError("E_MISMATCH", text);
}

/** The length that all have. */
export function sameLength(what: string, a: Sized, b: Sized, c = b): number {
  const n = a.length;
  if (b.length !== n || c.length !== n) {
    const other = b.length !== n ? b : c;
    throw mismatch(`${what}: ${n} elements and ${other.length}`);
  }
  return n;
}

export function needLength(what: string, x: Sized, wanted: number): void {
  if (x.length !== wanted) {
    const why =
      x.length === 0 ? " (an array from before the memory grew is empty)" : "";
    const text = `${what} has ${x.length} elements where ${wanted} are needed`;
    throw mismatch(text + why);
  }
}

/** Throws unless `value` can be a number of elements. */
export function needCount(what: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw mismatch(`${what} is ${value}, which is no number of elements`);
  }
  return value;
}

/** How many rows of `cols` elements A has. */
export function rowsOf(what: string, a: Sized, cols: number): number {
  const rows = cols === 0 ? 0 : a.length / cols;
  if (!Number.isInteger(rows) || (cols === 0 && a.length > 0)) {
    throw mismatch(`${what}: ${a.length} elements do not fill rows of ${cols}`);
  }
  return rows;
}
