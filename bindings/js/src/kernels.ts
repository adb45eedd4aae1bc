/**
 * The kernels by themselves: vectors and matrices in a module that computes
 * nothing else. Every operation takes plain typed arrays, which are copied in
 * and results out, or blocks of the module's memory, which are used where they
 * lie.
 */
import { Block, Frame, type Kind, type Vector } from "./block.js";
import { mismatch, needCount, needLength, rowsOf, sameLength } from "./check.js";
import type { Core } from "./core.js";
import {
  MDG_GEMM,
  OPERATIONS,
  type KernelOps,
  type KernelsExports,
} from "./exports.js";
import {
  choose,
  instantiate,
  once,
  type Info,
  type Loaded,
  type LoadOptions,
  type Variant,
} from "./load.js";
import { Random } from "./random.js";

type F32 = Vector<"f32">;
type U16 = Vector<"u16">;
type U32 = Vector<"u32">;

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
  private readonly frame: Frame;
  private readonly loaded: () => Info;

  /** Use `loadKernels()`. */
  constructor({ core, info }: Loaded<"kernels">) {
    const { calls } = core;
    this.core = core;
    this.frame = new Frame(core);
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

  // Two vectors to a number. Sums run over sixteen lanes (src/kernels/kernels.h)
  // and are the same everywhere.

  dot(a: F32, b: F32): number {
    return this.pair("dot", "f32", this.ops.dot_f32, a, b);
  }
  /** The squared Euclidean distance. */
  l2sq(a: F32, b: F32): number {
    return this.pair("l2sq", "f32", this.ops.l2sq_f32, a, b);
  }
  /** The sum of |a_i - b_i|. */
  l1(a: F32, b: F32): number {
    return this.pair("l1", "f32", this.ops.l1_f32, a, b);
  }
  /** The cosine of the angle between them; NaN when one is zero. */
  cosine(a: F32, b: F32): number {
    const n = sameLength("cosine", a, b);
    const parts = new Float32Array(3);
    this.frame.run((f) =>
      this.ops.cosine_f32(
        n,
        f.input("f32", a),
        f.input("f32", b),
        f.output("f32", parts),
      ),
    );
    return parts[0]! / Math.sqrt(parts[1]! * parts[2]!);
  }

  // One vector to a number. NaNs are passed over by max, min and argmax.

  sum(x: F32): number {
    return this.reduce(this.ops.sum_f32, x);
  }
  /** The Euclidean length. */
  norm(x: F32): number {
    return this.reduce(this.ops.norm_f32, x);
  }
  /** -Infinity when there is none. */
  max(x: F32): number {
    return this.reduce(this.ops.max_f32, x);
  }
  /** Infinity when there is none. */
  min(x: F32): number {
    return this.reduce(this.ops.min_f32, x);
  }
  /** The place of the first largest element; -1 when there is none. */
  argmax(x: F32): number {
    const at = this.reduce(this.ops.argmax_f32, x);
    return at < x.length ? at : -1;
  }

  // Element by element. `out` may be one of the inputs.

  /** y += a x; returns y. */
  axpy<Y extends F32>(a: number, x: F32, y: Y): Y {
    const n = sameLength("axpy", x, y);
    this.frame.run((f) =>
      this.ops.axpy_f32(n, a, f.input("f32", x), f.inout("f32", y)),
    );
    return y;
  }
  /** a x. */
  scale<O extends F32 = Float32Array>(a: number, x: F32, out?: O): O {
    const to = out ?? new Float32Array(x.length);
    const n = sameLength("scale", x, to);
    this.frame.run((f) =>
      this.ops.scale_f32(n, a, f.input("f32", x), f.output("f32", to, true)),
    );
    return to as O;
  }
  add<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.elements("add", this.ops.add_f32, a, b, out);
  }
  sub<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.elements("sub", this.ops.sub_f32, a, b, out);
  }
  mul<O extends F32 = Float32Array>(a: F32, b: F32, out?: O): O {
    return this.elements("mul", this.ops.mul_f32, a, b, out);
  }

  // Functions of every element, in place.

  exp<X extends F32>(x: X): X {
    return this.inPlace(this.ops.exp_f32, x);
  }
  tanh<X extends F32>(x: X): X {
    return this.inPlace(this.ops.tanh_f32, x);
  }
  sigmoid<X extends F32>(x: X): X {
    return this.inPlace(this.ops.sigmoid_f32, x);
  }
  cos<X extends F32>(x: X): X {
    return this.inPlace(this.ops.cos_f32, x);
  }
  relu<X extends F32>(x: X): X {
    return this.inPlace(this.ops.relu_f32, x);
  }
  /** e^x_i over the sum of all. */
  softmax<X extends F32>(x: X): X {
    return this.inPlace(this.ops.softmax_f32, x);
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
    return this.overRows("gemv", fast ? gemv_fast_f32 : gemv_f32, a, x, out);
  }
  /** The squared distance of x to each row of A. */
  l2sqRows<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.overRows("l2sqRows", this.ops.l2sq_rows_f32, a, x, out);
  }
  /** x with each of the rows of A that are named, in that order. */
  gatherDot<O extends F32 = Float32Array>(
    a: F32,
    rows: U32,
    x: F32,
    out?: O,
  ): O {
    return this.gather("gatherDot", this.ops.gather_dot_f32, a, rows, x, out);
  }
  gatherL2sq<O extends F32 = Float32Array>(
    a: F32,
    rows: U32,
    x: F32,
    out?: O,
  ): O {
    return this.gather("gatherL2sq", this.ops.gather_l2sq_f32, a, rows, x, out);
  }

  /** The k smallest, from the smallest on; NaNs are never among them. */
  topK(x: F32, k: number): { values: Float32Array; indices: Uint32Array } {
    const most = Math.min(needCount("topK: k", k), x.length);
    const values = new Float32Array(most);
    const indices = new Uint32Array(most);
    const found = this.frame.run((f) =>
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
    this.frame.run((f) => {
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
    this.frame.run((f) =>
      this.ops.transpose_f32(rows, cols, f.input("f32", x), f.output("f32", to)),
    );
    return to as O;
  }

  // Floats of 16 bits, stored as Uint16Array: IEEE half precision and bfloat16.

  toF16<O extends U16 = Uint16Array>(x: F32, out?: O): O {
    return this.narrow("toF16", this.ops.f32_to_f16, x, out);
  }
  toBf16<O extends U16 = Uint16Array>(x: F32, out?: O): O {
    return this.narrow("toBf16", this.ops.f32_to_bf16, x, out);
  }
  fromF16<O extends F32 = Float32Array>(x: U16, out?: O): O {
    return this.widen("fromF16", this.ops.f16_to_f32, x, out);
  }
  fromBf16<O extends F32 = Float32Array>(x: U16, out?: O): O {
    return this.widen("fromBf16", this.ops.bf16_to_f32, x, out);
  }
  dotF16(a: U16, b: U16): number {
    return this.pair("dotF16", "u16", this.ops.dot_f16, a, b);
  }
  l2sqF16(a: U16, b: U16): number {
    return this.pair("l2sqF16", "u16", this.ops.l2sq_f16, a, b);
  }
  dotBf16(a: U16, b: U16): number {
    return this.pair("dotBf16", "u16", this.ops.dot_bf16, a, b);
  }
  l2sqBf16(a: U16, b: U16): number {
    return this.pair("l2sqBf16", "u16", this.ops.l2sq_bf16, a, b);
  }

  // Of the base.

  /** CRC-32C of bytes behind those whose checksum is `before`. */
  crc32c(bytes: Vector<"u8">, before = 0): number {
    return this.frame.run((f) =>
      this.core.calls.crc32c(before, f.input("u8", bytes), bytes.length),
    );
  }

  /** 64 hexadecimal digits. */
  sha256(bytes: Vector<"u8">): string {
    const { core } = this;
    return core.withRoom(65, (hex) =>
      this.frame.run((f) => {
        core.calls.sha256_hex(f.input("u8", bytes), bytes.length, hex);
        return core.text(hex);
      }),
    );
  }

  /** A stream of random numbers, the same everywhere for the same seed. */
  random(seed: number | bigint): Random {
    return new Random(this.core, BigInt(seed));
  }

  private pair<K extends Kind>(
    what: string,
    kind: K,
    operation: (n: number, a: number, b: number) => number,
    a: Vector<K>,
    b: Vector<K>,
  ): number {
    const n = sameLength(what, a, b);
    return this.frame.run((f) => operation(n, f.input(kind, a), f.input(kind, b)));
  }

  private reduce(operation: (n: number, x: number) => number, x: F32): number {
    return this.frame.run((f) => operation(x.length, f.input("f32", x)));
  }

  private inPlace<X extends F32>(
    operation: (n: number, x: number) => void,
    x: X,
  ): X {
    this.frame.run((f) => operation(x.length, f.inout("f32", x)));
    return x;
  }

  private elements<O extends F32>(
    what: string,
    operation: KernelOps["add_f32"],
    a: F32,
    b: F32,
    out?: O,
  ): O {
    const to = out ?? new Float32Array(a.length);
    const n = sameLength(what, a, b, to);
    this.frame.run((f) => {
      const [x, y] = [f.input("f32", a), f.input("f32", b)];
      operation(n, x, y, f.output("f32", to, true));
    });
    return to as O;
  }

  private overRows<O extends F32>(
    what: string,
    operation: KernelOps["gemv_f32"],
    a: F32,
    x: F32,
    out?: O,
  ): O {
    const cols = x.length;
    const rows = rowsOf(what, a, cols);
    const to = out ?? new Float32Array(rows);
    needLength(`${what}: the result`, to, rows);
    this.frame.run((f) => {
      const from = f.input("f32", a);
      operation(rows, cols, from, cols, f.input("f32", x), f.output("f32", to));
    });
    return to as O;
  }

  private gather<O extends F32>(
    what: string,
    operation: KernelOps["gather_dot_f32"],
    a: F32,
    indices: U32,
    x: F32,
    out?: O,
  ): O {
    const cols = x.length;
    const rows = rowsOf(what, a, cols);
    const list = indices instanceof Block ? indices.array : indices;
    const wrong = list.find((row) => row >= rows);
    if (wrong !== undefined) {
      throw mismatch(`${what}: there is no row ${wrong} of ${rows}`);
    }
    const count = list.length;
    const to = out ?? new Float32Array(count);
    needLength(`${what}: the result`, to, count);
    this.frame.run((f) => {
      const [from, at] = [f.input("f32", a), f.input("u32", indices)];
      const query = f.input("f32", x);
      operation(count, at, cols, from, cols, query, f.output("f32", to));
    });
    return to as O;
  }

  private narrow<O extends U16>(
    what: string,
    operation: KernelOps["f32_to_f16"],
    x: F32,
    out?: O,
  ): O {
    const to = out ?? new Uint16Array(x.length);
    const n = sameLength(what, x, to);
    this.frame.run((f) => operation(n, f.input("f32", x), f.output("u16", to)));
    return to as O;
  }

  private widen<O extends F32>(
    what: string,
    operation: KernelOps["f16_to_f32"],
    x: U16,
    out?: O,
  ): O {
    const to = out ?? new Float32Array(x.length);
    const n = sameLength(what, x, to);
    this.frame.run((f) => operation(n, f.input("u16", x), f.output("f32", to)));
    return to as O;
  }
}

const shared = new Map<string, Promise<Kernels>>();

async function start(options: LoadOptions<Variant>): Promise<Kernels> {
  return new Kernels(await instantiate("kernels", options));
}

/**
 * The kernels in the variant that fits this engine. All callers in a thread that
 * ask for the same get the same instance, so that blocks fit together; from given
 * bytes or a Module it is always a fresh one.
 */
export async function loadKernels(
  options: LoadOptions<Variant> = {},
): Promise<Kernels> {
  const { wasm } = options;
  if (wasm !== undefined && !(wasm instanceof URL)) {
    return start(options);
  }
  const key = `${choose("kernels", options).name} ${wasm?.href ?? ""}`;
  for (;;) {
    const promise = once(shared, key, () => start(options));
    const kernels = await promise;
    if (kernels.alive) {
      return kernels;
    }
    if (shared.get(key) === promise) {
      shared.delete(key);
    }
  }
}

/** `Kernels.selftest` of the shared instance. */
export async function selftest(
  options: LoadOptions<Variant> = {},
): Promise<number> {
  return (await loadKernels(options)).selftest();
}
