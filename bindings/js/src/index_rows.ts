/** Vectors, ids and metadata on their way into the module's memory. */
import type { Core } from "./core.js";
import { mismatch } from "./check.js";
import { invalid, type Id, type IdType } from "./index_options.js";
import { Writer, type Metadata } from "./tags.js";

/**
 * Vectors: an array of them, or all behind each other in one typed array. Of
 * "hamming" they are bytes, bit i % 8 of byte i / 8, those past `dim` 0.
 */
export type Rows = ArrayLike<number> | readonly ArrayLike<number>[];

/** How vectors of an index lie in memory. */
export interface Shape {
  readonly dim: number;
  /** Elements of a vector: bytes of "hamming", else floats. */
  readonly width: number;
  readonly bytes: boolean;
}

export function shapeOf(dim: number, bytes: boolean): Shape {
  return { dim, width: bytes ? Math.ceil(dim / 8) : dim, bytes };
}

export function rowBytes(shape: Shape): number {
  return shape.bytes ? shape.width : 4 * shape.width;
}

function isList(rows: Rows): rows is readonly ArrayLike<number>[] {
  return typeof rows[0] === "object";
}

/** How many vectors there are; throws unless all have the right length. */
export function countRows(what: string, rows: Rows, shape: Shape): number {
  if (typeof rows !== "object" || rows === null || !("length" in rows)) {
    throw invalid(`${what}: an array of numbers, or of vectors, is needed`);
  }
  const { width, bytes } = shape;
  if (isList(rows)) {
    rows.forEach((row, i) => {
      if (row?.length !== width) {
        const text = `${what}: vector ${i} has ${row?.length} elements where ${width} are needed`;
        throw mismatch(text);
      }
    });
    return rows.length;
  }
  if (bytes && ArrayBuffer.isView(rows) && !(rows instanceof Uint8Array)) {
    throw invalid(`${what}: a Uint8Array is needed for bits`);
  }
  const n = rows.length / width;
  if (!Number.isInteger(n)) {
    throw mismatch(
      `${what}: ${rows.length} elements do not fill vectors of ${width}`,
    );
  }
  return n;
}

/** Copies vectors, which were counted, to an address. */
export function putRows(core: Core, at: number, rows: Rows, shape: Shape): void {
  const { buffer } = core.memory;
  const { width } = shape;
  const n = isList(rows) ? rows.length * width : rows.length;
  const to = shape.bytes
    ? new Uint8Array(buffer, at, n)
    : new Float32Array(buffer, at, n);
  if (isList(rows)) {
    rows.forEach((row, i) => to.set(row, i * width));
  } else {
    to.set(rows);
  }
}

export function isTexts(ids: IdType): boolean {
  return ids === "text";
}

function needType(id: unknown, wanted: string): void {
  if (typeof id !== wanted) {
    const given = typeof id === "number" ? `the number ${id}` : `a ${typeof id}`;
    throw invalid(`ids of this index are ${wanted}s, this is ${given}`);
  }
}

/** A number id as 64 bits. */
export function idBits(id: Id, ids: IdType): bigint {
  needType(id, ids);
  if (typeof id === "number") {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw invalid(
        `id ${id}: a whole number from 0 to 2^53 - 1 is needed (or ids: "bigint")`,
      );
    }
  } else if ((id as bigint) < 0n || (id as bigint) >= 1n << 64n) {
    throw invalid(`id ${id}: 0 to 2^64 - 1`);
  }
  return BigInt(id);
}

/** What of a call lies in the module's memory until it is over. */
export class Copies {
  private readonly core: Core;
  private readonly held: { at: number; size: number }[] = [];

  constructor(core: Core) {
    this.core = core;
  }

  alloc(size: number): number {
    const at = this.core.alloc(size);
    this.held.push({ at, size });
    return at;
  }

  bytes(bytes: Uint8Array): number {
    const at = this.alloc(bytes.length);
    this.core.bytes.set(bytes, at);
    return at;
  }

  rows(rows: Rows, n: number, shape: Shape): number {
    const at = this.alloc(n * rowBytes(shape));
    putRows(this.core, at, rows, shape);
    return at;
  }

  /** Number ids, 64 bits each. */
  numbers(list: ArrayLike<Id>, ids: IdType): number {
    const at = this.alloc(8 * list.length);
    const words = new Uint32Array(this.core.memory.buffer, at, 2 * list.length);
    for (let i = 0; i < list.length; i++) {
      const id = list[i]!;
      if (typeof id === "number" && ids === "number" && id >= 0 && id < 2 ** 32) {
        words[2 * i] = id; // a fraction is found by its difference
        if (words[2 * i] === id) {
          words[2 * i + 1] = 0;
          continue;
        }
      }
      const bits = idBits(id, ids);
      words[2 * i] = Number(bits & 0xffffffffn);
      words[2 * i + 1] = Number(bits >> 32n);
    }
    return at;
  }

  /** Text ids: midge_text each, an address and a size. */
  texts(list: ArrayLike<Id>): number {
    const writer = new Writer();
    const sizes = Array.from(list, (id) => {
      needType(id, "string");
      return writer.text(id as string);
    });
    let from = this.bytes(writer.written);
    const at = this.alloc(8 * sizes.length);
    const words = new Uint32Array(this.core.memory.buffer, at, 2 * sizes.length);
    sizes.forEach((size, i) => {
      words[2 * i] = from + 4; // behind its size
      words[2 * i + 1] = size;
      from += 4 + size;
    });
    return at;
  }

  metadata(list: readonly (Metadata | null | undefined)[]): number {
    const writer = new Writer();
    list.forEach((row) => writer.metadata(row));
    return this.bytes(writer.written);
  }

  release(): void {
    while (this.held.length > 0) {
      const { at, size } = this.held.pop()!;
      this.core.release(at, size);
    }
  }
}
