/**
 * Several threads over one memory: rows against a vector, products of matrices,
 * neighbours. The results are those of one thread, bit for bit.
 *
 *     const pool = await openPool();
 *     const rows = pool.f32(embeddings); // in the memory that all share
 *     const { rows: best } = await pool.nearest(rows, query, 10);
 *     await pool.dispose();
 *
 * The thread that opens a pool is one of its threads: it works on every job and
 * is busy until the job is done. A page that must stay fluent opens its pool in a
 * worker.
 */
import { Block, Frame, type Vector } from "./block.js";
import { needCount, needLength, rowsOf } from "./check.js";
import { MidgeError, type Core } from "./core.js";
import { STRUCTS, type ThreadsExports } from "./exports.js";
import { Handle } from "./handle.js";
import type { Info, Loaded } from "./load.js";
import { openThreads, type Crew, type PoolOptions } from "./pool_crew.js";
import { readFailure } from "./pool_serve.js";

type F32 = Vector<"f32">;

export type { PoolOptions };

export interface PoolInfo extends Info {
  readonly mode: "threads" | "single";
  readonly reason: string | undefined;
  readonly threads: number;
}

/** Per query k places, nearest first. Where there are fewer than k rows, the
 * rest has row 2^32 - 1 and distance Infinity. */
export interface Neighbours {
  readonly k: number;
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
}

/** "l2sq": the smallest squared distance first; "dot": the largest product. */
export type By = "l2sq" | "dot";
export type Metric = "l2sq" | "cosine";

const GIB = 2 ** 30;
const NEIGHBOUR_BYTES = 8;
const NEIGHBOURS_MAX = 65536;
const OPERATION = { dot: 0, l2sq: 1 } as const;
const METRIC = { l2sq: 0, cosine: 1 } as const;

/** The number that a name stands for; a wrong name would be the first. */
function named<K extends string>(
  what: string,
  numbers: Readonly<Record<K, number>>,
  name: K,
): number {
  if (!Object.hasOwn(numbers, name)) {
    const known = Object.keys(numbers).join(", ");
    throw new MidgeError("E_INVALID", `${what}: no "${name}"; there are ${known}`);
  }
  return numbers[name];
}

function neighbourCount(what: string, k: number): number {
  if (!Number.isInteger(k) || k < 1 || k > NEIGHBOURS_MAX) {
    const text = `${what}: k is ${k}, it must be 1 to ${NEIGHBOURS_MAX}`;
    throw new MidgeError("E_INVALID", text);
  }
  return k;
}

function neighboursAt(core: Core, at: number, n: number, k: number): Neighbours {
  const rows = new Uint32Array(core.memory.buffer, at, 2 * n);
  const distances = new Float32Array(core.memory.buffer, at, 2 * n);
  return {
    k,
    rows: Uint32Array.from({ length: n }, (_, i) => rows[2 * i]!),
    distances: Float32Array.from({ length: n }, (_, i) => distances[2 * i + 1]!),
  };
}

/** The net under `dispose`: workers of a pool that was only forgotten. */
const forgotten = new FinalizationRegistry<Crew>((crew) => void crew.end());

/** Use `openPool()`. */
export class Pool {
  /** "single": everything runs in the thread that opened the pool. */
  readonly mode: "threads" | "single";
  /** Why it is single. */
  readonly reason: string | undefined;
  /** The opener one of them. */
  readonly threads: number;
  private readonly core: Core<ThreadsExports>;
  private readonly loaded: () => Info;
  private readonly crew: Crew;
  private disposed = false;

  constructor(loaded: Loaded<"threads">, crew: Crew, reason?: string) {
    this.core = loaded.core;
    this.loaded = loaded.info;
    this.crew = crew;
    this.threads = crew.threads.length + 1;
    this.mode = crew.threads.length > 0 ? "threads" : "single";
    this.reason = reason;
    forgotten.register(this, crew, this);
  }

  info(): PoolInfo {
    const { mode, reason, threads } = this;
    return { ...this.loaded(), mode, reason, threads };
  }

  /** Room for floats in the memory that all threads share; zeros, or a copy of
   * `from`. Jobs use it where it lies; plain arrays they copy every time. */
  f32(from: number | ArrayLike<number>): Block<"f32"> {
    this.check();
    return Block.make(this.core, "f32", from);
  }

  /** A (rows, cols) times x: the product of x and each row. */
  async gemv<O extends F32 = Float32Array>(
    a: F32,
    x: F32,
    out?: O,
  ): Promise<O> {
    return this.overRows("gemv", OPERATION.dot, a, x, out);
  }

  /** The squared distance of x to each row of A. */
  async l2sqRows<O extends F32 = Float32Array>(
    a: F32,
    x: F32,
    out?: O,
  ): Promise<O> {
    return this.overRows("l2sqRows", OPERATION.l2sq, a, x, out);
  }

  /** The k rows of A that are nearest to x; k is at most 65536. Ties go to the
   * smaller row; NaN is near to nothing. For "dot" the distances are the
   * products, the largest first. */
  async nearest(
    a: F32,
    x: F32,
    k: number,
    by: By = "l2sq",
  ): Promise<Neighbours> {
    const operation = named("nearest", OPERATION, by);
    const n = rowsOf("nearest", a, x.length);
    const rows = new Uint32Array(neighbourCount("nearest", k));
    const distances = new Float32Array(k);
    this.run((f, calls) => {
      const from = f.input("f32", a);
      const to = f.input("f32", x);
      const near = f.output("f32", distances);
      const at = f.output("u32", rows);
      const { length } = x;
      this.finish(
        calls.pool_nearest(operation, n, length, from, to, k, near, at),
      );
    });
    if (by === "dot") {
      distances.forEach((d, i) => (distances[i] = -d));
    }
    return { k, rows, distances };
  }

  /** A (m, k) times B (k, n), row-major; the result is (m, n). */
  async matmul<O extends F32 = Float32Array>(
    a: F32,
    b: F32,
    { m, k, n, out }: { m: number; k: number; n: number; out?: O },
  ): Promise<O> {
    needCount("matmul: m", m);
    needCount("matmul: k", k);
    needCount("matmul: n", n);
    needLength("matmul: A", a, m * k);
    needLength("matmul: B", b, k * n);
    const to = out ?? new Float32Array(m * n);
    needLength("matmul: the result", to, m * n);
    this.run((f, calls) => {
      const words = STRUCTS.mdg_gemm;
      const g = new Uint32Array(words.WORDS);
      g[words.m] = m;
      g[words.n] = n;
      g[words.k] = k;
      g[words.a] = f.input("f32", a);
      g[words.a_row] = k;
      g[words.a_col] = 1;
      g[words.b] = f.input("f32", b);
      g[words.ldb] = n;
      g[words.c] = f.output("f32", to);
      g[words.ldc] = n;
      const bytes = new Uint8Array(g.buffer);
      this.core.withBytes(bytes, (at) => this.finish(calls.pool_gemm(at)));
    });
    return to as O;
  }

  /** An empty index of exact neighbours; dispose it when done. */
  openIndex(dim: number, metric: Metric): PoolIndex {
    this.check();
    const { core } = this;
    const by = named("openIndex", METRIC, metric);
    const at = core.calls.index_open(needCount("openIndex: dim", dim), by);
    return new PoolIndex(core, core.checkHandle(at), dim, (use) =>
      this.run((f, calls) => use(f, calls, (status) => this.finish(status))),
    );
  }

  /** Ends the workers. Whatever lived in the pool's memory is gone. */
  async dispose(): Promise<void> {
    this.disposed = true;
    forgotten.unregister(this);
    await this.crew.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private check(): void {
    if (this.disposed) {
      throw new MidgeError("DISPOSED", "this Pool was disposed");
    }
    if (this.crew.failed) {
      throw this.crew.failed;
    }
  }

  private run<T>(use: (f: Frame, calls: ThreadsExports) => T): T {
    this.check();
    const frame = new Frame(this.core);
    try {
      const result = use(frame, this.core.calls);
      frame.copyBack();
      return result;
    } finally {
      frame.release();
    }
  }

  /** Throws when the job failed, in this thread or in a worker. */
  private finish(status: number): void {
    const { core, crew } = this;
    const why = readFailure(core.memory, core.calls.pool_failure());
    if (why !== undefined) {
      crew.fail(why);
      throw crew.failed!;
    }
    core.check(status);
  }

  private overRows<O extends F32 = Float32Array>(
    what: string,
    operation: number,
    a: F32,
    x: F32,
    out?: O,
  ): O {
    const rows = rowsOf(what, a, x.length);
    const to = out ?? new Float32Array(rows);
    needLength(`${what}: the result`, to, rows);
    this.run((f, calls) => {
      const from = f.input("f32", a);
      const by = f.input("f32", x);
      const at = f.output("f32", to);
      this.finish(calls.pool_rows(operation, rows, x.length, from, by, at));
    });
    return to as O;
  }
}

type Runner = <T>(
  use: (f: Frame, calls: ThreadsExports, finish: (status: number) => void) => T,
) => T;

/** Rows, and the nearest of them to many queries at once. */
export class PoolIndex extends Handle {
  readonly dim: number;
  private readonly core: Core<ThreadsExports>;
  private readonly run: Runner;

  /** Use `Pool.openIndex`. */
  constructor(
    core: Core<ThreadsExports>,
    at: number,
    dim: number,
    run: Runner,
  ) {
    super(core, at, (index) => core.calls.index_close(index));
    this.core = core;
    this.dim = dim;
    this.run = run;
  }

  /** Appends rows of `dim` elements each; all must be finite. */
  add(rows: F32): void {
    const n = rowsOf("add", rows, this.dim);
    const { handle } = this;
    this.run((f, calls, finish) =>
      finish(calls.index_add(handle, n, f.input("f32", rows))),
    );
  }

  /** The k nearest rows of each query; the queries are shared by the threads. */
  async search(queries: F32, k: number): Promise<Neighbours> {
    const n = rowsOf("search", queries, this.dim);
    needCount("search: k", k);
    const { core, handle } = this;
    return this.run((f, calls, finish) =>
      core.withRoom(n * k * NEIGHBOUR_BYTES, (at) => {
        const from = f.input("f32", queries);
        finish(calls.index_search(handle, n, from, k, at));
        return neighboursAt(core, at, n * k, k);
      }),
    );
  }
}

/**
 * A pool of threads, where there can be one; else a pool whose `mode` is
 * "single" and whose `reason` says why. A worker that cannot be started is an
 * error, not a reason.
 */
export async function openPool(options: PoolOptions = {}): Promise<Pool> {
  const { loaded, crew, reason } = await openThreads("threads", options, GIB);
  return new Pool(loaded, crew, reason);
}
