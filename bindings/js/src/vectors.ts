/** Vectors of floats, bytes, bits and half floats, by the kernels that compare
 * them: distances, rows by index, the nearest. */
import type { Vector } from "./block.js";
import { mismatch, needCount, sameLength } from "./check.js";
import type { VectorsExports, VectorsOps } from "./exports.js";
import { Floats } from "./floats.js";
import { kindOf } from "./op_calls.js";

type F32 = Vector<"f32">;
type U32 = Vector<"u32">;
type U16 = Vector<"u16">;
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

export class Vectors extends Floats<VectorsExports> {
  declare readonly ops: VectorsOps;

  // Distances, of bytes too.

  override dot(a: F32, b: F32): number;
  override dot(a: I8, b: I8): number;
  override dot(a: U8, b: U8): number;
  override dot(a: AnyNumbers, b: AnyNumbers): number {
    const kind = kindOf<Numbers>("dot", a, NUMBERS);
    needInt8("dot", kind, a);
    return this.calls.pair("dot", kind, this.ops[DOT[kind]], a, b);
  }
  /** The squared Euclidean distance. */
  override l2sq(a: F32, b: F32): number;
  override l2sq(a: I8, b: I8): number;
  override l2sq(a: U8, b: U8): number;
  override l2sq(a: AnyNumbers, b: AnyNumbers): number {
    const kind = kindOf<Numbers>("l2sq", a, NUMBERS);
    needInt8("l2sq", kind, a);
    return this.calls.pair("l2sq", kind, this.ops[L2SQ[kind]], a, b);
  }
  /** The cosine of the angle between them; NaN when one is zero. */
  override cosine(a: F32, b: F32): number;
  override cosine(a: I8, b: I8): number;
  override cosine(a: F32 | I8, b: F32 | I8): number {
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

  // Matrices, row-major.

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

  // Floats of 16 bits, stored as Uint16Array: IEEE half precision and bfloat16.

  toF16<O extends U16 = Uint16Array>(x: F32, out?: O): O {
    return this.calls.convert("toF16", ["f32", "u16"], this.ops.f32_to_f16, x, out);
  }
  toBf16<O extends U16 = Uint16Array>(x: F32, out?: O): O {
    return this.calls.convert("toBf16", ["f32", "u16"], this.ops.f32_to_bf16, x, out);
  }
  fromF16<O extends F32 = Float32Array>(x: U16, out?: O): O {
    return this.calls.convert("fromF16", ["u16", "f32"], this.ops.f16_to_f32, x, out);
  }
  fromBf16<O extends F32 = Float32Array>(x: U16, out?: O): O {
    return this.calls.convert("fromBf16", ["u16", "f32"], this.ops.bf16_to_f32, x, out);
  }
  dotF16(a: U16, b: U16): number {
    return this.calls.pair("dotF16", "u16", this.ops.dot_f16, a, b);
  }
  l2sqF16(a: U16, b: U16): number {
    return this.calls.pair("l2sqF16", "u16", this.ops.l2sq_f16, a, b);
  }
  dotBf16(a: U16, b: U16): number {
    return this.calls.pair("dotBf16", "u16", this.ops.dot_bf16, a, b);
  }
  l2sqBf16(a: U16, b: U16): number {
    return this.calls.pair("l2sqBf16", "u16", this.ops.l2sq_bf16, a, b);
  }

  /** CRC-32C of bytes behind those whose checksum is `before`. */
  crc32c(bytes: U8, before = 0): number {
    return this.calls.run((f) =>
      this.core.calls.crc32c(before, f.input("u8", bytes), bytes.length),
    );
  }
}
