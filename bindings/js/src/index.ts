/**
 * Midge's core in WebAssembly: run the models that `midge learn` writes, and
 * replay a swarm's event log, with the same bits as the native program.
 *
 *     const midge = await load();
 *     using model = midge.openModel(bytes);
 *     const { outputs } = model.predictTable(csvBytes);
 */
import { instantiate, type LoadInfo, type LoadOptions } from "./load.js";
import { STATUS_NAMES } from "./status.js";

export { hasSimd, type LoadInfo, type LoadOptions, type Variant } from "./load.js";
export { STATUS_NAMES } from "./status.js";

/** A failure the core reported; `code` is a name of STATUS_NAMES. */
export class MidgeError extends Error {
  readonly code: string;
  constructor(status: number, message: string) {
    const code = STATUS_NAMES[status] ?? `status ${status}`;
    super(message || code);
    this.name = "MidgeError";
    this.code = code;
  }
}

type Call = (...args: number[]) => number;

/** The module's exports, with the copying in and out of its memory. */
class Core {
  readonly memory: WebAssembly.Memory;
  private readonly calls: Record<string, Call>;

  constructor(instance: WebAssembly.Instance) {
    this.memory = instance.exports.memory as WebAssembly.Memory;
    this.calls = instance.exports as unknown as Record<string, Call>;
  }

  call(name: string, ...args: number[]): number {
    return this.calls[name]!(...args) >>> 0;
  }

  callFloat(name: string, ...args: number[]): number {
    return this.calls[name]!(...args);
  }

  alloc(size: number): number {
    const at = size > 0 ? this.call("alloc", size) : 0;
    if (size > 0 && at === 0) {
      throw new MidgeError(1, `out of memory for ${size} bytes`);
    }
    return at;
  }

  release(at: number, size: number): void {
    if (at !== 0) {
      this.call("release", at, size);
    }
  }

  /** Runs `use` with a copy of `bytes` in the module's memory. */
  withBytes<T>(bytes: Uint8Array, use: (at: number) => T): T {
    const at = this.alloc(bytes.byteLength);
    try {
      // The view is made after the allocation: memory may have grown.
      new Uint8Array(this.memory.buffer).set(bytes, at);
      return use(at);
    } finally {
      this.release(at, bytes.byteLength);
    }
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count).slice();
  }

  text(at: number): string {
    const bytes = new Uint8Array(this.memory.buffer);
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  /** Throws the core's own words when `status` is not 0. */
  check(status: number): void {
    if (status !== 0) {
      throw new MidgeError(status, this.text(this.call("error_text")));
    }
  }

  fail(): never {
    const status = this.call("error_status");
    throw new MidgeError(status, this.text(this.call("error_text")));
  }
}

/** A handle that lives in the module's memory until it is disposed. */
abstract class Handle {
  protected readonly core: Core;
  private at: number;

  constructor(core: Core, at: number) {
    this.core = core;
    this.at = at;
  }

  protected get handle(): number {
    if (this.at === 0) {
      throw new MidgeError(9, `this ${this.constructor.name} was disposed`);
    }
    return this.at;
  }

  protected abstract close(at: number): void;

  dispose(): void {
    if (this.at !== 0) {
      this.close(this.at);
      this.at = 0;
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface Prediction {
  readonly nRows: number;
  /** Row-major (nRows, nOutputs): class probabilities, or one value. */
  readonly outputs: Float32Array;
}

/** A model with its encoder, as written by `midge learn`. */
export class Model extends Handle {
  get nInputs(): number {
    return this.core.call("bundle_n_inputs", this.handle);
  }

  get nOutputs(): number {
    return this.core.call("bundle_n_outputs", this.handle);
  }

  get problem(): "classify" | "regress" {
    const problem = this.core.call("bundle_problem", this.handle);
    return problem === 0 ? "classify" : "regress";
  }

  /** Name of the column that is predicted. */
  get target(): string {
    return this.core.text(this.core.call("bundle_target", this.handle));
  }

  /** Names of the classes, in the order of the outputs; empty to regress. */
  get classes(): string[] {
    if (this.problem === "regress") {
      return [];
    }
    return Array.from({ length: this.nOutputs }, (_, i) =>
      this.core.text(this.core.call("bundle_class", this.handle, i)),
    );
  }

  /** Predicts encoded features, row-major (nRows, nInputs). */
  predict(features: Float32Array): Prediction {
    const { core, handle, nInputs, nOutputs } = this;
    const nRows = features.length / nInputs;
    if (!Number.isInteger(nRows)) {
      throw new MidgeError(
        16,
        `${features.length} features do not fill rows of ${nInputs}`,
      );
    }
    const { buffer, byteOffset, byteLength } = features;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const outputBytes = nRows * nOutputs * 4;
    const y = core.alloc(outputBytes);
    try {
      core.withBytes(bytes, (x) =>
        core.check(core.call("bundle_predict", handle, nRows, x, y)),
      );
      return { nRows, outputs: core.floats(y, nRows * nOutputs) };
    } finally {
      core.release(y, outputBytes);
    }
  }

  /** Predicts every row of a CSV or .npy file, given as its bytes. */
  predictTable(file: Uint8Array): Prediction {
    const { core, handle, nOutputs } = this;
    return core.withBytes(file, (at) => {
      const y = core.call("bundle_predict_table", handle, at, file.byteLength);
      if (y === 0) {
        core.fail();
      }
      const nRows = core.call("predicted_rows");
      return { nRows, outputs: core.floats(y, nRows * nOutputs) };
    });
  }

  /** A regression output in the unit of the target. */
  unscale(output: number): number {
    return this.core.callFloat("bundle_unscale", this.handle, output);
  }

  protected close(at: number): void {
    this.core.call("bundle_close", at);
  }
}

/** The state of a swarm, built from its events. */
export class Swarm extends Handle {
  /** Applies one event, as stored: one JSON object. */
  replay(event: string): void {
    const bytes = new TextEncoder().encode(event);
    this.core.withBytes(bytes, (at) =>
      this.core.check(
        this.core.call("swarm_replay", this.handle, at, bytes.byteLength),
      ),
    );
  }

  get lastSeq(): number {
    return this.core.call("swarm_last_seq", this.handle);
  }

  get nTasks(): number {
    return this.core.call("swarm_n_tasks", this.handle);
  }

  /** SHA-256 of the whole state, 64 hexadecimal digits. */
  hash(): string {
    const hex = this.core.alloc(65);
    try {
      this.core.check(this.core.call("swarm_hash", this.handle, hex));
      return this.core.text(hex);
    } finally {
      this.core.release(hex, 65);
    }
  }

  protected close(at: number): void {
    this.core.call("swarm_close", at);
  }
}

export interface Info extends LoadInfo {
  readonly version: string;
  readonly memoryBytes: number;
  readonly usedBytes: number;
}

export class Midge {
  private readonly core: Core;
  private readonly loaded: LoadInfo;

  /** Use `load()`. */
  constructor(instance: WebAssembly.Instance, loaded: LoadInfo) {
    this.core = new Core(instance);
    this.loaded = loaded;
  }

  info(): Info {
    return {
      ...this.loaded,
      version: this.core.text(this.core.call("version")),
      memoryBytes: this.core.memory.buffer.byteLength,
      usedBytes: this.core.call("heap_used"),
    };
  }

  /** Opens the bytes of a model file; dispose the model when done. */
  openModel(bytes: Uint8Array): Model {
    const handle = this.core.withBytes(bytes, (at) =>
      this.core.call("bundle_open", at, bytes.byteLength),
    );
    return handle === 0 ? this.core.fail() : new Model(this.core, handle);
  }

  openSwarm(): Swarm {
    const handle = this.core.call("swarm_open");
    return handle === 0 ? this.core.fail() : new Swarm(this.core, handle);
  }

  /**
   * Runs every kernel on a fixed corpus and hashes the results: the same number
   * as the native program's on every machine that computes correctly.
   */
  selftest(): number {
    return this.core.call("selftest");
  }
}

/** Loads the core module and starts a fresh instance of it. */
export async function load(options: LoadOptions = {}): Promise<Midge> {
  const { instance, info } = await instantiate(options);
  return new Midge(instance, info);
}
