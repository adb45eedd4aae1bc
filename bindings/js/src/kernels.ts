/**
 * The kernels by themselves: vectors and matrices in a module that computes
 * nothing else. Every operation takes plain typed arrays, which are copied in
 * and results out, or blocks of the module's memory, which are used where they
 * lie.
 */
import { Block, Frame, type Arrays, type Vector } from "./block.js";
import { mismatch, needCount, needLength, rowsOf, sameLength } from "./check.js";
import type { Core } from "./core.js";
import {
  MDG_GEMM,
  OPERATIONS,
  type KernelOps,
  type KernelsExports,
} from "./exports.js";
import type { Info, Loaded } from "./load.js";
import { kindOf, OpCalls } from "./op_calls.js";
import { Random } from "./random.js";

type F32 = Vector<"f32">;
type U16 = Vector<"u16">;
type U32 = Vector<"u32">;
type U8 = Vector<"u8">;
type I8 = Vector<"i8">;
/** Vectors of bytes are exact: their results are integers. */
type Numbers = "f32" | "i8" | "u8";
interface DotOf {
  f32: "f32";
  i8: "i32";
  u8: "u32";
}
interface DistanceOf {
  f32: "f32";
  i8: "u32";
  u8: "u32";
}
const NUMBERS = ["f32", "i8", "u8"] as const;
const DOT_OF = { f32: "f32", i8: "i32", u8: "u32" } as const;
const DISTANCE_OF = { f32: "f32", i8: "u32", u8: "u32" } as const;
/** Elements of a vector of bytes, at most: no result leaves 32 bits. */
const INT8_MAX = 65536;

function needInt8(what: string, kind: Numbers, x: { length: number }): void {
  if (kind !== "f32" && x.length > INT8_MAX) {
    const text = `${what}: ${x.length} bytes in a vector; ${INT8_MAX} at most`;
    throw mismatch(text);
  }
}

/** In the order of entry_activation in wasm/kernels_entry.c. */
const ACTIVATIONS = ["relu", "tanh", "sigmoid"] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export interface MatmulOptions<O extends F32 = F32> {
  /** Rows of A and of the result. */
  m: number;
  /** Columns of A, rows of B. */
  k: number;
  /** Columns of B and of the result. */
  n: number;
  out?: O;
  /** Added to each row; n elements. */
  bias?: F32;
  /** Of each element of the result, last of all. */
  activation?: Activation;
  /** Adds to what `out` holds. */
  accumulate?: boolean;
  /** A is stored as (k, m). */
  transposeA?: boolean;
  /** Fused and in another order: faster, the last bits may differ. */
  fast?: boolean;
}

export class Kernels {
  /** Every operation as it is: addresses and numbers in, nothing checked. An
   * address is `Block.pointer`; what an operation means says its header in
   * src/kernels. */
  readonly ops: KernelOps;
  private readonly core: Core<KernelsExports>;
  private readonly calls: OpCalls;
  private readonly loaded: () => Info;

  /** Use `loadKernels()`. */
  constructor({ core, info }: Loaded<"kernels">) {
    const { calls } = core;
    this.core = core;
    this.calls = new OpCalls(new Frame(core));
    this.loaded = info;
    this.ops = Object.fromEntries(
      OPERATIONS.map((name) => [name, calls[name]]),
    ) as unknown as KernelOps;
  }

  /** False when a call stopped in the middle: load a fresh one. */
  get alive(): boolean {
    return this.core.alive;
  }

  info(): Info & { readonly isa: string } {
    const { core } = this;
    return { ...this.loaded(), isa: core.text(core.calls.isa()) };
  }

  /**
   * Runs every kernel on a fixed corpus and hashes the results: SELFTEST_RESULT
   * on every machine that computes correctly.
   */
  selftest(): number {
    return this.core.calls.selftest();
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

  dot<K extends Numbers>(a: Vector<K>, b: Vector<K>): number {
    const kind = kindOf<Numbers>("dot", a, NUMBERS);
    needInt8("dot", kind, a);
    return this.calls.pair("dot", kind, this.ops[`dot_${kind}`], a, b);
  }
  /** The squared Euclidean distance. */
  l2sq<K extends Numbers>(a: Vector<K>, b: Vector<K>): number {
    const kind = kindOf<Numbers>("l2sq", a, NUMBERS);
    needInt8("l2sq", kind, a);
    return this.calls.pair("l2sq", kind, this.ops[`l2sq_${kind}`], a, b);
  }
  /** The sum of |a_i - b_i|. */
  l1(a: F32, b: F32): number {
    return this.calls.pair("l1", "f32", this.ops.l1_f32, a, b);
  }
  /** The cosine of the angle between them; NaN when one is zero. */
  cosine<K extends "f32" | "i8">(a: Vector<K>, b: Vector<K>): number {
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

  // Functions of every element, in place.

  exp<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.exp_f32, x);
  }
  tanh<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.tanh_f32, x);
  }
  sigmoid<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.sigmoid_f32, x);
  }
  cos<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.cos_f32, x);
  }
  relu<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.relu_f32, x);
  }
  /** e^x_i over the sum of all. */
  softmax<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.softmax_f32, x);
  }

  // Matrices, row-major. What is `fast` may differ in the last bits between
  // engines and from the rest.

  /** A times x; A has rows as long as x. */
  gemv<O extends F32 = Float32Array>(
    a: F32,
    x: F32,
    { out, fast = false }: { out?: O; fast?: boolean } = {},
  ): O {
    const { gemv_fast_f32, gemv_f32 } = this.ops;
    return this.calls.rows("gemv", fast ? gemv_fast_f32 : gemv_f32, a, x, out);
  }
  /** The squared distance of x to each row of A. */
  l2sqRows<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.calls.rows("l2sqRows", this.ops.l2sq_rows_f32, a, x, out);
  }
  /** x with each of the rows of A that are named, in that order. */
  gatherDot<K extends Numbers, O extends Vector<DotOf[K]> = Arrays[DotOf[K]]>(
    a: Vector<K>,
    rows: U32,
    x: Vector<K>,
    out?: O,
  ): O {
    const kind = kindOf<Numbers>("gatherDot", a, NUMBERS);
    needInt8("gatherDot", kind, x);
    const types = [kind, DOT_OF[kind]] as const;
    const operation = this.ops[`gather_dot_${kind}`];
    const to = out as Vector<DotOf[Numbers]> | undefined;
    return this.calls.gather("gatherDot", types, operation, a, rows, x, to) as O;
  }
  /** The squared distances of x to the rows of A that are named. */
  gatherL2sq<
    K extends Numbers,
    O extends Vector<DistanceOf[K]> = Arrays[DistanceOf[K]],
  >(a: Vector<K>, rows: U32, x: Vector<K>, out?: O): O {
    const kind = kindOf<Numbers>("gatherL2sq", a, NUMBERS);
    needInt8("gatherL2sq", kind, x);
    const types = [kind, DISTANCE_OF[kind]] as const;
    const operation = this.ops[`gather_l2sq_${kind}`];
    const to = out as Vector<DistanceOf[Numbers]> | undefined;
    return this.calls.gather("gatherL2sq", types, operation, a, rows, x, to) as O;
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

  /** A (m, k) times B (k, n); the result is (m, n). */
  matmul<O extends F32 = Float32Array>(
    a: F32,
    b: F32,
    options: MatmulOptions<O>,
  ): O {
    const { bias, accumulate = false, transposeA = false, fast } = options;
    const m = needCount("matmul: m", options.m);
    const k = needCount("matmul: k", options.k);
    const n = needCount("matmul: n", options.n);
    const out = options.out ?? new Float32Array(m * n);
    needLength("matmul: A", a, m * k);
    needLength("matmul: B", b, k * n);
    needLength("matmul: the result", out, m * n);
    if (bias) {
      needLength("matmul: the bias", bias, n);
    }
    const how = new Uint32Array(MDG_GEMM.WORDS);
    how[MDG_GEMM.activate] = this.activation(options.activation);
    this.calls.run((f) => {
      how[MDG_GEMM.m] = m;
      how[MDG_GEMM.n] = n;
      how[MDG_GEMM.k] = k;
      how[MDG_GEMM.a] = f.input("f32", a);
      how[MDG_GEMM.a_row] = transposeA ? 1 : k;
      how[MDG_GEMM.a_col] = transposeA ? m : 1;
      how[MDG_GEMM.b] = f.input("f32", b);
      how[MDG_GEMM.ldb] = n;
      how[MDG_GEMM.bias] = bias ? f.input("f32", bias) : 0;
      how[MDG_GEMM.c] = f.output("f32", out, false, accumulate);
      how[MDG_GEMM.ldc] = n;
      how[MDG_GEMM.accumulate] = Number(accumulate);
      const { gemm_f32, gemm_fast_f32 } = this.ops;
      (fast ? gemm_fast_f32 : gemm_f32)(f.input("u32", how));
    });
    return out as O;
  }

  /** The transpose of a matrix with rows of `cols` elements. */
  transpose<O extends F32 = Float32Array>(x: F32, cols: number, out?: O): O {
    const rows = rowsOf("transpose", x, needCount("transpose: cols", cols));
    const to = out ?? new Float32Array(x.length);
    needLength("transpose: the result", to, x.length);
    this.calls.run((f) =>
      this.ops.transpose_f32(rows, cols, f.input("f32", x), f.output("f32", to)),
    );
    return to as O;
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

  /** Where the function is that the product of matrices calls. */
  private activation(name: Activation | undefined): number {
    if (name === undefined) {
      return 0;
    }
    const which = ACTIVATIONS.indexOf(name);
    if (which < 0) {
      const known = ACTIVATIONS.join(", ");
      throw mismatch(`matmul: no activation "${name}"; there are ${known}`);
    }
    return this.core.calls.activation(which);
  }
}
