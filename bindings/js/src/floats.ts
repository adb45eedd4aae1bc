/**
 * Vectors of floats: what the modules of vectors and of kernels have in common.
 * Every operation takes plain typed arrays, which are copied in and results out,
 * or blocks of the module's memory, which are used where they lie.
 */
import { Block, Frame, type Vector } from "./block.js";
import { sameLength } from "./check.js";
import { MidgeError, type Core } from "./core.js";
import type { FloatsExports, FloatsOps } from "./exports.js";
import type { Info } from "./load.js";
import { OpCalls } from "./op_calls.js";
import { Random } from "./random.js";

type F32 = Vector<"f32">;

/** What Vectors and Kernels are made of. */
export interface LoadedOps<E extends FloatsExports> {
  readonly core: Core<E>;
  readonly info: () => Info;
}

export class Floats<E extends FloatsExports = FloatsExports> {
  /** Every operation as it is: addresses and numbers in, nothing checked. An
   * address is `Block.pointer`; what an operation means says its header in
   * src/kernels. */
  readonly ops: FloatsOps;
  protected readonly calls: OpCalls;
  protected readonly core: Core<E>;
  private readonly loaded: () => Info;

  /** Use `loadVectors()` or `loadKernels()`. */
  constructor({ core, info }: LoadedOps<E>) {
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

  /** Throws unless the module is of the variant that it was asked for as, which
   * is in doubt only when somebody else says where it is. */
  checkVariant(): void {
    const { module, variant, isa } = this.info();
    if ((isa === "scalar") !== (variant === "scalar")) {
      const text = `midge: what was given as midge-${module}.wasm is ${isa}: pass its \`variant\` too`;
      throw new MidgeError("LOAD_FAILED", text);
    }
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

  dot(a: F32, b: F32): number {
    return this.calls.pair("dot", "f32", this.ops.dot_f32, a, b);
  }
  /** The squared Euclidean distance. */
  l2sq(a: F32, b: F32): number {
    return this.calls.pair("l2sq", "f32", this.ops.l2sq_f32, a, b);
  }
  /** The sum of |a_i - b_i|. */
  l1(a: F32, b: F32): number {
    return this.calls.pair("l1", "f32", this.ops.l1_f32, a, b);
  }
  /** The cosine of the angle between them; NaN when one is zero. */
  cosine(a: F32, b: F32): number {
    const n = sameLength("cosine", a, b);
    const parts = new Float32Array(3);
    this.calls.run((f) => {
      const [x, y] = [f.input("f32", a), f.input("f32", b)];
      this.ops.cosine_f32(n, x, y, f.output("f32", parts));
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

  /** A, row-major, times x; A has rows as long as x. */
  gemv<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.calls.rows("gemv", this.ops.gemv_f32, a, x, out);
  }

  /** A stream of random numbers, the same everywhere for the same seed. */
  random(seed: number | bigint): Random {
    return new Random(this.core, BigInt(seed));
  }
}
