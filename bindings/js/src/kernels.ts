/**
 * The kernels by themselves: vectors and matrices in a module that computes
 * nothing else. Every operation takes plain typed arrays, which are copied in
 * and results out, or blocks of the module's memory, which are used where they
 * lie.
 */
import { Block, Frame, type Vector } from "./block.js";
import { MidgeError, type Core } from "./core.js";
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

function sameLength(what: string, ...vectors: { length: number }[]): number {
  const n = vectors[0]!.length;
  const other = vectors.find((x) => x.length !== n);
  if (other) {
    throw mismatch(`${what}: ${n} elements and ${other.length}`);
  }
  return n;
}

function mismatch(text: string): MidgeError {
  return new MidgeError("E_MISMATCH", text);
}

/** Throws unless `value` can be a number of elements. */
function count(what: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw mismatch(`${what} is ${value}, which is no number of elements`);
  }
  return value;
}

function needLength(what: string, x: { length: number }, wanted: number): void {
  if (x.length !== wanted) {
    throw mismatch(`${what} has ${x.length} elements where ${wanted} are needed`);
  }
}

export interface MatmulOptions {
  /** Rows of A and of the result. */
  m: number;
  /** Columns of A, rows of B. */
  k: number;
  /** Columns of B and of the result. */
  n: number;
  out?: F32;
  /** Added to each row; n elements. */
  bias?: F32;
  /** Adds to what `out` holds. */
  accumulate?: boolean;
  /** A is stored as (k, m). */
  transposeA?: boolean;
}

export class Kernels {
  /** Every operation as it is: addresses and numbers in, nothing checked. An
   * address is `Block.pointer`; what an operation means says its header in
   * src/kernels. */
  readonly ops: KernelOps;
  private readonly core: Core<KernelsExports>;
  private readonly loaded: () => Info;

  /** Use `loadKernels()`. */
  constructor({ core, info }: Loaded<"kernels">) {
    const { calls } = core;
    this.core = core;
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

  dot(a: F32, b: F32): number {
    const n = sameLength("dot", a, b);
    return this.frame((f) =>
      this.ops.dot_f32(n, f.input("f32", a), f.input("f32", b)),
    );
  }

  /** The squared Euclidean distance. */
  l2sq(a: F32, b: F32): number {
    const n = sameLength("l2sq", a, b);
    return this.frame((f) =>
      this.ops.l2sq_f32(n, f.input("f32", a), f.input("f32", b)),
    );
  }

  sum(x: F32): number {
    return this.frame((f) => this.ops.sum_f32(x.length, f.input("f32", x)));
  }

  /** The largest element; -Infinity of none. */
  max(x: F32): number {
    return this.frame((f) => this.ops.max_f32(x.length, f.input("f32", x)));
  }

  /** y += a x; returns y. */
  axpy<Y extends F32>(a: number, x: F32, y: Y): Y {
    const n = sameLength("axpy", x, y);
    this.frame((f) =>
      this.ops.axpy_f32(n, a, f.input("f32", x), f.inout("f32", y)),
    );
    return y;
  }

  exp<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.exp_f32);
  }
  tanh<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.tanh_f32);
  }
  sigmoid<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.sigmoid_f32);
  }
  cos<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.cos_f32);
  }
  relu<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.relu_f32);
  }
  /** e^x_i over their sum, in place. */
  softmax<X extends F32>(x: X): X {
    return this.inPlace(x, this.ops.softmax_f32);
  }

  /** A (rows, cols) times x; the result has as many elements as A has rows. */
  gemv(a: F32, x: F32, out?: F32): F32 {
    return this.overRows("gemv", this.ops.gemv_f32, a, x, out);
  }

  /** The squared distance of x to each row of A. */
  l2sqRows(a: F32, x: F32, out?: F32): F32 {
    return this.overRows("l2sqRows", this.ops.l2sq_rows_f32, a, x, out);
  }

  /** A (m, k) times B (k, n), row-major; the result is (m, n). */
  matmul(a: F32, b: F32, options: MatmulOptions): F32 {
    const { bias, accumulate = false, transposeA = false } = options;
    const m = count("matmul: m", options.m);
    const k = count("matmul: k", options.k);
    const n = count("matmul: n", options.n);
    needLength("matmul: A", a, m * k);
    needLength("matmul: B", b, k * n);
    if (bias) {
      needLength("matmul: the bias", bias, n);
    }
    const out = options.out ?? new Float32Array(m * n);
    needLength("matmul: the result", out, m * n);
    this.frame((f) => {
      const g = new Uint32Array(MDG_GEMM.WORDS);
      g[MDG_GEMM.m] = m;
      g[MDG_GEMM.n] = n;
      g[MDG_GEMM.k] = k;
      g[MDG_GEMM.a] = f.input("f32", a);
      g[MDG_GEMM.a_row] = transposeA ? 1 : k;
      g[MDG_GEMM.a_col] = transposeA ? m : 1;
      g[MDG_GEMM.b] = f.input("f32", b);
      g[MDG_GEMM.ldb] = n;
      g[MDG_GEMM.c] = accumulate ? f.inout("f32", out) : f.output("f32", out);
      g[MDG_GEMM.ldc] = n;
      g[MDG_GEMM.bias] = bias ? f.input("f32", bias) : 0;
      g[MDG_GEMM.accumulate] = Number(accumulate);
      this.ops.gemm_f32(f.input("u32", g));
    });
    return out;
  }

  /** CRC-32C of bytes behind those whose checksum is `before`. */
  crc32c(bytes: Vector<"u8">, before = 0): number {
    return this.frame((f) =>
      this.core.calls.crc32c(before, f.input("u8", bytes), bytes.length),
    );
  }

  /** 64 hexadecimal digits. */
  sha256(bytes: Vector<"u8">): string {
    const { core } = this;
    return core.withRoom(65, (hex) =>
      this.frame((f) => {
        core.calls.sha256_hex(f.input("u8", bytes), bytes.length, hex);
        return core.text(hex);
      }),
    );
  }

  /** A stream of random numbers, the same everywhere for the same seed. */
  random(seed: number | bigint): Random {
    return new Random(this.core, BigInt(seed));
  }

  private inPlace<X extends F32>(
    x: X,
    operation: (n: number, x: number) => void,
  ): X {
    this.frame((f) => operation(x.length, f.inout("f32", x)));
    return x;
  }

  private overRows(
    what: string,
    operation: KernelOps["gemv_f32"],
    a: F32,
    x: F32,
    out?: F32,
  ): F32 {
    const cols = x.length;
    const rows = cols === 0 ? 0 : a.length / cols;
    if (!Number.isInteger(rows)) {
      throw mismatch(`${what}: ${a.length} elements do not fill rows of ${cols}`);
    }
    const to = out ?? new Float32Array(rows);
    needLength(`${what}: the result`, to, rows);
    this.frame((f) => {
      const from = f.input("f32", a);
      operation(rows, cols, from, cols, f.input("f32", x), f.output("f32", to));
    });
    return to;
  }

  /** Runs `use` with the addresses of its arguments, and gives back copies. */
  private frame<T>(use: (f: Frame) => T): T {
    const frame = new Frame(this.core);
    try {
      const result = use(frame);
      frame.copyBack();
      return result;
    } finally {
      frame.release();
    }
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
