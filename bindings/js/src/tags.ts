/** Metadata between JavaScript and the core, as wasm/tags.h describes them. */
import { MidgeError } from "./core.js";

/** One value. Whole numbers from 2^53 on come as bigint. */
export type MetadataValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | readonly string[]
  | ReadonlySet<string>;
/** Values by the names of columns; null and absent are the same. */
export type Metadata = Readonly<Record<string, MetadataValue | undefined>>;

/** As values come back: a set is a list of its elements. */
export type StoredValue = number | bigint | string | boolean | string[];
export type StoredMetadata = Record<string, StoredValue>;

const INT_MAX = 2n ** 63n;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function letter(tag: string): number {
  return tag.charCodeAt(0);
}
const TAG = {
  null: letter("n"),
  true: letter("t"),
  false: letter("f"),
  int: letter("i"),
  double: letter("d"),
  text: letter("s"),
  list: letter("["),
  listEnd: letter("]"),
  object: letter("{"),
  objectEnd: letter("}"),
} as const;

/** Bytes that grow as they are written. */
export class Writer {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private size = 0;

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }

  /** Where `more` bytes go. */
  private take(more: number): number {
    const at = this.size;
    this.size += more;
    if (this.size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.size));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  private tag(tag: number): void {
    const at = this.take(1);
    this.bytes[at] = tag;
  }

  /** A text after its size; returns the size. */
  text(text: string): number {
    const at = this.take(4 + 3 * text.length);
    const { written } = encoder.encodeInto(text, this.bytes.subarray(at + 4));
    this.view.setUint32(at, written, true);
    this.size = at + 4 + written;
    return written;
  }

  private number(name: string, value: number): void {
    if (!Number.isFinite(value)) {
      throw new MidgeError("E_INVALID", `metadata: ${name} is ${value}`);
    }
    const whole = Number.isSafeInteger(value);
    this.tag(whole ? TAG.int : TAG.double);
    const at = this.take(8);
    if (whole) {
      this.view.setUint32(at, value >>> 0, true);
      this.view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
    } else {
      this.view.setFloat64(at, value, true);
    }
  }

  private bigint(name: string, value: bigint): void {
    if (value < -INT_MAX || value >= INT_MAX) {
      const text = `metadata: ${name} is ${value}, beyond 64 bits`;
      throw new MidgeError("E_INVALID", text);
    }
    this.tag(TAG.int);
    const at = this.take(8);
    this.view.setBigInt64(at, value, true);
  }

  private set(name: string, values: Iterable<unknown>): void {
    this.tag(TAG.list);
    for (const value of values) {
      if (typeof value !== "string") {
        const text = `metadata: ${name} is a set of strings, and an element is ${typeof value}`;
        throw new MidgeError("E_INVALID", text);
      }
      this.tag(TAG.text);
      this.text(value);
    }
    this.tag(TAG.listEnd);
  }

  private value(name: string, value: MetadataValue): void {
    if (typeof value === "number") {
      this.number(name, value);
    } else if (typeof value === "bigint") {
      this.bigint(name, value);
    } else if (typeof value === "string") {
      this.tag(TAG.text);
      this.text(value);
    } else if (typeof value === "boolean") {
      this.tag(value ? TAG.true : TAG.false);
    } else if (Array.isArray(value) || value instanceof Set) {
      this.set(name, value as Iterable<unknown>);
    } else {
      const text = `metadata: ${name} is ${typeof value}: no value of a column`;
      throw new MidgeError("E_INVALID", text);
    }
  }

  /** One row's metadata; null for none. */
  metadata(row: Metadata | null | undefined): void {
    if (row === null || row === undefined) {
      this.tag(TAG.null);
      return;
    }
    if (typeof row !== "object" || Array.isArray(row)) {
      throw new MidgeError("E_INVALID", "metadata: an object is needed");
    }
    this.tag(TAG.object);
    for (const [name, value] of Object.entries(row)) {
      if (value !== undefined && value !== null) {
        this.text(name);
        this.value(name, value);
      }
    }
    this.tag(TAG.objectEnd);
  }
}

/** Reads what the core answered. */
export class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  text(): string {
    const size = this.view.getUint32(this.at, true);
    const from = this.at + 4;
    this.at = from + size;
    return decoder.decode(this.bytes.subarray(from, this.at));
  }

  private int(): number | bigint {
    const value = this.view.getBigInt64(this.at, true);
    this.at += 8;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  private double(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  private list(): string[] {
    const found: string[] = [];
    while (this.bytes[this.at++] === TAG.text) {
      found.push(this.text());
    }
    return found;
  }

  private value(): StoredValue {
    const tag = this.bytes[this.at++];
    switch (tag) {
      case TAG.int:
        return this.int();
      case TAG.double:
        return this.double();
      case TAG.text:
        return this.text();
      case TAG.list:
        return this.list();
      default:
        return tag === TAG.true;
    }
  }

  metadata(): StoredMetadata {
    const found: [string, StoredValue][] = [];
    this.at += 1;
    while (this.bytes[this.at] !== TAG.objectEnd) {
      const name = this.text();
      found.push([name, this.value()]);
    }
    this.at += 1;
    return Object.fromEntries(found); // a column may be called __proto__
  }
}
