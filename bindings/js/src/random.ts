/** Random numbers (xoshiro256**), the same everywhere for the same seed. */
import { Frame, type Vector } from "./block.js";
import { MidgeError, type Core } from "./core.js";
import type { FloatsExports } from "./exports.js";
import { Handle } from "./handle.js";

const STATE_BYTES = 32;

export class Random extends Handle {
  private readonly core: Core<FloatsExports>;
  private readonly seed: bigint;

  /** Use `Kernels.random()`. */
  constructor(core: Core<FloatsExports>, seed: bigint) {
    super(core, core.alloc(STATE_BYTES), (at) => core.release(at, STATE_BYTES));
    this.core = core;
    this.seed = seed;
    core.calls.rng_seed(this.handle, seed);
  }

  /** Another stream, well mixed from this one's seed and a number. */
  split(stream: number | bigint): Random {
    const { core, seed } = this;
    return fresh(core, core.calls.rng_mix(seed, BigInt(stream)));
  }

  /** 64 random bits. */
  next(): bigint {
    return BigInt.asUintN(64, this.core.calls.rng_next(this.handle));
  }

  /** Uniform in [0, bound), bound from 1 to 2^32 - 1. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound >= 2 ** 32) {
      throw new MidgeError("E_INVALID", `no random number below ${bound}`);
    }
    return this.core.calls.rng_below(this.handle, bound);
  }

  /** Uniform in [0, 1), 53 bits. */
  double(): number {
    return this.core.calls.rng_double(this.handle);
  }

  /** Fills with uniform numbers in [0, 1), 24 bits each. */
  uniform<X extends Vector<"f32">>(out: X): X {
    return this.fill("f32", out, this.core.calls.rng_uniform);
  }

  /** Fills with standard normal numbers. */
  normal<X extends Vector<"f32">>(out: X): X {
    return this.fill("f32", out, this.core.calls.rng_normal);
  }

  shuffle<X extends Vector<"u32">>(items: X): X {
    const { rng_shuffle } = this.core.calls;
    return this.fill("u32", items, (rng, n, at) => rng_shuffle(rng, at, n));
  }

  private fill<K extends "f32" | "u32", X extends Vector<K>>(
    kind: K,
    x: X,
    operation: (rng: number, n: number, x: number) => void,
  ): X {
    new Frame(this.core).run((f) =>
      operation(this.handle, x.length, f.inout(kind, x)),
    );
    return x;
  }
}

/** Bundlers rename a class that names itself, and errors tell its name. */
function fresh(core: Core<FloatsExports>, seed: bigint): Random {
  return new Random(core, seed);
}
