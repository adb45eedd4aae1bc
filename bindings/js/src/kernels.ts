/** Matrices and functions of every element: what nets and solvers are made
 * of. */
import { arrayOf, type Vector } from "./block.js";
import { mismatch, needCount, needLength, rowsOf, sameLength } from "./check.js";
import {
  STRUCTS,
  type KernelsExports,
  type KernelsOps,
} from "./exports.js";
import { Floats } from "./floats.js";

type F32 = Vector<"f32">;

/** In the order of entry_activation in wasm/kernels_entry.c. */
const ACTIVATIONS = [
  "relu",
  "tanh",
  "sigmoid",
  "gelu",
  "silu",
  "elliot",
] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A sparse matrix: the elements rowStart[i] up to rowStart[i + 1] of `column`
 * and `value` are those of row i. */
export interface Sparse {
  rowStart: Vector<"u32">;
  column: Vector<"u32">;
  value: F32;
}

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

/** How many rows a sparse matrix has; throws unless each is inside. */
function checkedRows({ rowStart, column, value }: Sparse, cols: number): number {
  const starts = arrayOf(rowStart);
  const end = sameLength("spmv: columns and values", column, value);
  if (starts.length === 0 || starts.some((at, i) => at > (starts[i + 1] ?? end))) {
    throw mismatch(`spmv: the starts of rows do not rise to at most ${end}`);
  }
  const wrong = arrayOf(column)
    .subarray(starts[0], starts.at(-1))
    .find((at) => at >= cols);
  if (wrong !== undefined) {
    throw mismatch(`spmv: there is no column ${wrong} of ${cols}`);
  }
  return starts.length - 1;
}

export class Kernels extends Floats<KernelsExports> {
  declare readonly ops: KernelsOps;

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
  sin<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.sin_f32, x);
  }
  cos<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.cos_f32, x);
  }
  relu<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.relu_f32, x);
  }
  /** By the error function, not an approximation by tanh. */
  gelu<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.gelu_f32, x);
  }
  /** x sigmoid(x). */
  silu<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.silu_f32, x);
  }
  /** x / (1 + |x|). */
  elliot<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.elliot_f32, x);
  }
  /** e^x_i over the sum of all. */
  softmax<X extends F32>(x: X): X {
    return this.calls.inPlace(this.ops.softmax_f32, x);
  }

  /** The logarithm of the sum of e^x_i. */
  logSumExp(x: F32): number {
    return this.calls.reduce("f32", this.ops.log_sum_exp_f32, x);
  }

  /** Turns the gradient of what comes after y = f(x) into that of x, in place.
   * `of` is x for gelu and silu, y for the others. */
  backward<G extends F32>(name: Activation | "softmax", of: F32, gradient: G): G {
    const known: readonly string[] = [...ACTIVATIONS, "softmax"];
    if (!known.includes(name)) {
      const text = `backward: no activation "${name}"`;
      throw mismatch(`${text}; there are ${known.join(", ")}`);
    }
    const n = sameLength("backward", of, gradient);
    this.calls.run((f) =>
      this.ops[`${name}_back_f32`](
        n,
        f.input("f32", of),
        f.inout("f32", gradient),
      ),
    );
    return gradient;
  }

  // Matrices, row-major. What is fast may differ in its last bits from the rest
  // and between engines.

  /** `gemv`, fused and in another order. */
  gemvFast<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    return this.calls.rows("gemvFast", this.ops.gemv_fast_f32, a, x, out);
  }

  /** The transpose of A times x; A has as many rows as x elements. */
  gemvT<O extends F32 = Float32Array>(a: F32, x: F32, out?: O): O {
    const rows = x.length;
    const cols = rowsOf("gemvT", a, rows);
    const to = out ?? new Float32Array(cols);
    needLength("gemvT: the result", to, cols);
    this.calls.run((f) => {
      const [from, by] = [f.input("f32", a), f.input("f32", x)];
      const at = f.output("f32", to);
      this.ops.gemv_t_f32(rows, cols, from, cols, by, 0, at);
    });
    return to as O;
  }

  /** A += alpha x y', in place; A is (x.length, y.length). */
  rank1<A extends F32>(a: A, alpha: number, x: F32, y: F32): A {
    const [rows, cols] = [x.length, y.length];
    needLength("rank1: A", a, rows * cols);
    this.calls.run((f) => {
      const [left, right] = [f.input("f32", x), f.input("f32", y)];
      const at = f.output("f32", a, false, true);
      this.ops.rank1_f32(rows, cols, alpha, left, right, at, cols);
    });
    return a;
  }

  /** A sparse matrix times x. */
  spmv<O extends F32 = Float32Array>(a: Sparse, x: F32, out?: O): O {
    const rows = checkedRows(a, x.length);
    const to = out ?? new Float32Array(rows);
    needLength("spmv: the result", to, rows);
    this.calls.run((f) => {
      const [start, column] = [f.input("u32", a.rowStart), f.input("u32", a.column)];
      const [value, by] = [f.input("f32", a.value), f.input("f32", x)];
      this.ops.spmv_csr_f32(rows, start, column, value, by, f.output("f32", to));
    });
    return to as O;
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
    needLength("matmul: A", a, m * k);
    needLength("matmul: B", b, k * n);
    const out = options.out ?? new Float32Array(m * n);
    needLength("matmul: the result", out, m * n);
    if (bias) {
      needLength("matmul: the bias", bias, n);
    }
    const words = STRUCTS.mdg_gemm;
    const how = new Uint32Array(words.WORDS);
    how[words.activate] = this.activation(options.activation);
    this.calls.run((f) => {
      how[words.m] = m;
      how[words.n] = n;
      how[words.k] = k;
      how[words.a] = f.input("f32", a);
      how[words.a_row] = transposeA ? 1 : k;
      how[words.a_col] = transposeA ? m : 1;
      how[words.b] = f.input("f32", b);
      how[words.ldb] = n;
      how[words.bias] = bias ? f.input("f32", bias) : 0;
      how[words.c] = f.output("f32", out, false, accumulate);
      how[words.ldc] = n;
      how[words.accumulate] = Number(accumulate);
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
