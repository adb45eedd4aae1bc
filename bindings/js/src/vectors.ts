/**
 * Vectors of floats, bytes and bits, by the kernels that compare them. Every
 * operation takes plain typed arrays, which are copied in and results out, or
 * blocks of the module's memory, which are used where they lie.
 */
import { Block, Frame, type Vector } from "./block.js";
import { mismatch, needCount, sameLength } from "./check.js";
import type { Core } from "./core.js";
import type { VectorsExports, VectorsOps } from "./exports.js";
import type { Info } from "./load.js";
import { kindOf, OpCalls } from "./op_calls.js";
import { Random } from "./random.js";

type F32 = Vector<"f32">;
type U32 = Vector<"u32">;
type U8 = Vector<"u8">;
type I8 = Vector<"i8">;
/** Vectors of bytes are exact: their results are integers. */
type Numbers = "f32" | "i8" | "u8";
type AnyNumbers = F32 | I8 | U8;
type Result = Vector<"f32" | "i32" | "u32">;
const NUMBERS = ["f32", "i8", "u8"] as const;
const DOT_OF = { f32: "f32", i8: "i32", u8: "u32" } as const;
const DISTANCE_OF = { f32: "f32", i8: "u32", u8: "u32" } as const;
/** Names that are not put together at each call. */
const DOT = { f32: "dot_f32", i8: "dot_i8", u8: "dot_u8" } as const;
const L2SQ = { f32: "l2sq_f32", i8: "l2sq_i8", u8: "l2sq_u8" } as const;
/** Elements of a vector of bytes, at most: no result leaves 32 bits. */
const INT8_MAX = 65536;

function needInt8(what: string, kind: Numbers, x: { length: number }): void {
  if (kind !== "f32" && x.length > INT8_MAX) {
    const text = `${what}: ${x.length} bytes in a vector; ${INT8_MAX} at most`;
    throw mismatch(text);
  }
}

/** What Vectors and Kernels are made of. */
export interface LoadedOps<E extends VectorsExports> {
  readonly core: Core<E>;
  readonly info: () => Info;
}

export class Vectors {
  /** Every operation as it is: addresses and numbers in, nothing checked. An
   * address is `Block.pointer`; what an operation means says its header in
   * src/kernels. */
  readonly ops: VectorsOps;
  protected readonly calls: OpCalls;
  private readonly core: Core<VectorsExports>;
  private readonly loaded: () => Info;

  /** Use `loadVectors()`. */
  constructor({ core, info }: LoadedOps<VectorsExports>) {
    this.core = core;
    this.loaded = info;
    this.calls = new OpCalls(new Frame(core));
    this.ops = core.calls;
  }

  /** False when a call stopped in the middle: load a fresh one. */
  get alive(): boolean {
    return this.core.alive;
  }

  info(): Info & { readonly isa: string } {
    const { core } = this;
    return { ...this.loaded(), isa: core.text(core.calls.isa()) };
  }

  /** Room for floats in the module's memory; zeros, or a copy of `from`. */
  f32(from: number | ArrayLike<number>): Block<"f32"> {
    return Block.make(this.core, "f32", from);
  }
  i8(from: number | ArrayLike<number>): Block<"i8"> {
    return Block.make(this.core, "i8", from);
  }
  u8(from: number | ArrayLike<number>): Block<"u8"> {
    return Block.make(this.core, "u8", from);
  }
  u16(from: number | ArrayLike<number>): Block<"u16"> {
    return Block.make(this.core, "u16", from);
  }
  i32(from: number | ArrayLike<number>): Block<"i32"> {
    return Block.make(this.core, "i32", from);
  }
  u32(from: number | ArrayLike<number>): Block<"u32"> {
    return Block.make(this.core, "u32", from);
  }

  // Two vectors to a number. Sums of floats run over sixteen lanes
  // (src/kernels/kernels.h) and are the same everywhere.

  dot(a: F32, b: F32): number;
  dot(a: I8, b: I8): number;
  dot(a: U8, b: U8): number;
  dot(a: AnyNumbers, b: AnyNumbers): number {
    const kind = kindOf<Numbers>("dot", a, NUMBERS);
    needInt8("dot", kind, a);
    return this.calls.pair("dot", kind, this.ops[DOT[kind]], a, b);
  }
  /** The squared Euclidean distance. */
  l2sq(a: F32, b: F32): number;
  l2sq(a: I8, b: I8): number;
  l2sq(a: U8, b: U8): number;
  l2sq(a: AnyNumbers, b: AnyNumbers): number {
    const kind = kindOf<Numbers>("l2sq", a, NUMBERS);
    needInt8("l2sq", kind, a);
    return this.calls.pair("l2sq", kind, this.ops[L2SQ[kind]], a, b);
  }
  /** The sum of |a_i - b_i|. */
  l1(a: F32, b: F32): number {
    return this.calls.pair("l1", "f32", this.ops.l1_f32, a, b);
  }
  /** The cosine of the angle between them; NaN when one is zero. */
  cosine(a: F32, b: F32): number;
  cosine(a: I8, b: I8): number;
  cosine(a: F32 | I8, b: F32 | I8): number {
    const kind = kindOf<"f32" | "i8">("cosine", a, ["f32", "i8"]);
    needInt8("cosine", kind, a);
    const n = sameLength("cosine", a, b);
    const into = DOT_OF[kind];
    const parts = kind === "f32" ? new Float32Array(3) : new Int32Array(3);
    this.calls.run((f) => {
      const [x, y] = [f.input(kind, a), f.input(kind, b)];
      this.ops[`cosine_${kind}`](n, x, y, f.output(into, parts));
    });
    return parts[0]! / Math.sqrt(parts[1]! * parts[2]!);
  }

  // One vector to a number. NaNs are passed over by max, min and argmax.

  sum(x: F32): number {
    return this.calls.reduce("f32", this.ops.sum_f32, x);
  }
  /** The Euclidean length. */
  norm(x: F32): number {
    return this.calls.reduce("f32", this.ops.norm_f32, x);
  }
  /** -Infinity when there is none. */
  max(x: F32): number {
    return this.calls.reduce("f32", this.ops.max_f32, x);
  }
  /** Infinity when there is none. */
  min(x: F32): number {
    return this.calls.reduce("f32", this.ops.min_f32, x);
  }
  /** The place of the first largest element; -1 when there is none. */
  argmax(x: F32): number {
    const at = this.calls.reduce("f32", this.ops.argmax_f32, x);
    return at < x.length ? at : -1;
  }

  // Element by element. `out` may be one of the inputs.

  /** y += a x; returns y. */
  axpy<Y extends F32>(a: number, x: F32, y: Y): Y {
    const n = sameLength("axpy", x, y);
    this.calls.run((f) =>
      this.ops.axpy_f32(n, a, f.input("f32", x), f.inout("f32", y)),
    );
    return y;
  }
  /** a x. */
  scale<O extends F32 = Float32Array>(a: number, x: F32, out?: O): O {
    const to = out ?? new Float32Array(x.length);
    const n = sameLength("scale", x, to);
    this.calls.run((f) =>
      this.ops.scale_f32(n, a, f.input("f32", x), f.output("f32", to, true)),
    );
    return to as O;
  }
  add<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.calls.elements("add", "f32", this.ops.add_f32, a, b, out);
  }
  sub<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.calls.elements("sub", "f32", this.ops.sub_f32, a, b, out);
  }
  mul<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.calls.elements("mul", "f32", this.ops.mul_f32, a, b, out);
  }

  // Matrices, row-major.

  /** A times x; A has rows as long as x. */
  gemv<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.calls.rows("gemv", this.ops.gemv_f32, a, x, out);
  }
  /** The squared distance of x to each row of A. */
  l2sqRows<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.calls.rows("l2sqRows", this.ops.l2sq_rows_f32, a, x, out);
  }
  /** x with each of the rows of A that are named, in that order. */
  gatherDot<O extends F32 = Float32Array>(
    a: F32,
    rows: U32,
    x: F32,
    out?: O,
  ): O;
  gatherDot<O extends Vector<"i32"> = Int32Array>(
    a: I8,
    rows: U32,
    x: I8,
    out?: O,
  ): O;
  gatherDot<O extends U32 = Uint32Array>(a: U8, rows: U32, x: U8, out?: O): O;
  gatherDot(a: AnyNumbers, rows: U32, x: AnyNumbers, out?: Result): Result {
    const kind = kindOf<Numbers>("gatherDot", a, NUMBERS);
    needInt8("gatherDot", kind, x);
    const types = [kind, DOT_OF[kind]] as const;
    const operation = this.ops[`gather_dot_${kind}`];
    return this.calls.gather("gatherDot", types, operation, a, rows, x, out);
  }
  /** The squared distances of x to the rows of A that are named. */
  gatherL2sq<O extends F32 = Float32Array>(
    a: F32,
    rows: U32,
    x: F32,
    out?: O,
  ): O;
  gatherL2sq<O extends U32 = Uint32Array>(
    a: I8,
    rows: U32,
    x: I8,
    out?: O,
  ): O;
  gatherL2sq<O extends U32 = Uint32Array>(a: U8, rows: U32, x: U8, out?: O): O;
  gatherL2sq(a: AnyNumbers, rows: U32, x: AnyNumbers, out?: F32 | U32): Result {
    const kind = kindOf<Numbers>("gatherL2sq", a, NUMBERS);
    needInt8("gatherL2sq", kind, x);
    const types = [kind, DISTANCE_OF[kind]] as const;
    const operation = this.ops[`gather_l2sq_${kind}`];
    return this.calls.gather("gatherL2sq", types, operation, a, rows, x, out);
  }

  /** The k smallest, from the smallest on; NaNs are never among them. */
  topK(x: F32, k: number): { values: Float32Array; indices: Uint32Array } {
    const most = Math.min(needCount("topK: k", k), x.length);
    const values = new Float32Array(most);
    const indices = new Uint32Array(most);
    const found = this.calls.run((f) =>
      this.ops.top_k_f32(
        x.length,
        f.input("f32", x),
        most,
        f.output("f32", values),
        f.output("u32", indices),
      ),
    );
    return {
      values: values.subarray(0, found),
      indices: indices.subarray(0, found),
    };
  }

  // Vectors of signed bytes, as quantised floats.

  /** x times `factor`, rounded, within -127 and 127; 127 / max |x| fits. */
  toI8<O extends I8 = Int8Array>(x: F32, factor: number, out?: O): O {
    const { f32_to_i8 } = this.ops;
    return this.calls.convert(
      "toI8",
      ["f32", "i8"],
      (n, from, to) => f32_to_i8(n, factor, from, to),
      x,
      out,
    );
  }
  /** x times `factor`. */
  fromI8<O extends F32 = Float32Array>(x: I8, factor: number, out?: O): O {
    const { i8_to_f32 } = this.ops;
    return this.calls.convert(
      "fromI8",
      ["i8", "f32"],
      (n, from, to) => i8_to_f32(n, factor, from, to),
      x,
      out,
    );
  }

  // Sets of bits, as bytes.

  /** How many bits are set. */
  popcount(x: U8): number {
    return this.calls.reduce("u8", this.ops.popcount_b1, x);
  }
  /** How many are in exactly one of both. */
  hamming(a: U8, b: U8): number {
    return this.calls.pair("hamming", "u8", this.ops.hamming_b1, a, b);
  }
  andCount(a: U8, b: U8): number {
    return this.calls.pair("andCount", "u8", this.ops.andcount_b1, a, b);
  }
  orCount(a: U8, b: U8): number {
    return this.calls.pair("orCount", "u8", this.ops.orcount_b1, a, b);
  }
  and<O extends U8 = Uint8Array>(a: U8, b: U8, out?: O): O {
    return this.calls.elements("and", "u8", this.ops.and_b1, a, b, out);
  }
  or<O extends U8 = Uint8Array>(a: U8, b: U8, out?: O): O {
    return this.calls.elements("or", "u8", this.ops.or_b1, a, b, out);
  }
  xor<O extends U8 = Uint8Array>(a: U8, b: U8, out?: O): O {
    return this.calls.elements("xor", "u8", this.ops.xor_b1, a, b, out);
  }
  /** `hamming` of x and each of the rows of A that are named. */
  gatherHamming<O extends U32 = Uint32Array>(
    a: U8,
    rows: U32,
    x: U8,
    out?: O,
  ): O {
    const operation = this.ops.gather_hamming_b1;
    const types = ["u8", "u32"] as const;
    return this.calls.gather("gatherHamming", types, operation, a, rows, x, out);
  }

  // Of the base.

  /** CRC-32C of bytes behind those whose checksum is `before`. */
  crc32c(bytes: Vector<"u8">, before = 0): number {
    return this.calls.run((f) =>
      this.core.calls.crc32c(before, f.input("u8", bytes), bytes.length),
    );
  }

  /** 64 hexadecimal digits. */
  sha256(bytes: Vector<"u8">): string {
    const { core } = this;
    return core.withRoom(65, (hex) =>
      this.calls.run((f) => {
        core.calls.sha256_hex(f.input("u8", bytes), bytes.length, hex);
        return core.text(hex);
      }),
    );
  }

  /** A stream of random numbers, the same everywhere for the same seed. */
  random(seed: number | bigint): Random {
    return new Random(this.core, BigInt(seed));
  }
}
