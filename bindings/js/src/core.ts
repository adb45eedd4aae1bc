/** One instance of a module: calls, copies in and out of its memory, errors. */
import { STATUS_NAMES } from "./status.js";

/**
 * A failure. `code` is a name of STATUS_NAMES when the core reported it; or
 * "DISPOSED" (the object was given back), or "TRAPPED" (the module stopped in
 * the middle of a call: its memory cannot be trusted, load a fresh one).
 */
export class MidgeError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message || code, options);
    this.name = "MidgeError";
    this.code = code;
  }
}

type Call = (...args: number[]) => number;

export class Core {
  readonly memory: WebAssembly.Memory;
  private readonly calls: Record<string, Call>;
  private trap: Error | undefined;

  constructor(instance: WebAssembly.Instance) {
    this.memory = instance.exports.memory as WebAssembly.Memory;
    this.calls = instance.exports as unknown as Record<string, Call>;
  }

  get alive(): boolean {
    return this.trap === undefined;
  }

  /** The modules import nothing, so whatever a call throws is a trap: the stack
   * pointer and the heap stay as they were at that moment. */
  callFloat(name: string, ...args: number[]): number {
    if (this.trap) {
      throw this.trap;
    }
    try {
      return this.calls[name]!(...args);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.trap = new MidgeError(
        "TRAPPED",
        `the wasm module stopped in ${name} (${why}); load a fresh one`,
        { cause },
      );
      throw this.trap;
    }
  }

  call(name: string, ...args: number[]): number {
    return this.callFloat(name, ...args) >>> 0;
  }

  alloc(size: number): number {
    // Half of the 32-bit space is the most that one block can have.
    const at = size > 0 && size < 2 ** 31 ? this.call("alloc", size) : 0;
    if (size > 0 && at === 0) {
      throw new MidgeError("E_NOMEM", `no memory for ${size} bytes`);
    }
    return at;
  }

  /** Nothing to give back in a memory that cannot be trusted. */
  release(at: number, size: number): void {
    if (at !== 0 && this.alive) {
      this.call("release", at, size);
    }
  }

  /** Runs `use` with room for `size` bytes in the module's memory. */
  withRoom<T>(size: number, use: (at: number) => T): T {
    const at = this.alloc(size);
    try {
      return use(at);
    } finally {
      this.release(at, size);
    }
  }

  /** Runs `use` with a copy of `bytes` in the module's memory. */
  withBytes<T>(bytes: Uint8Array, use: (at: number) => T): T {
    return this.withRoom(bytes.byteLength, (at) => {
      // The view is made after the allocation: memory may have grown.
      new Uint8Array(this.memory.buffer).set(bytes, at);
      return use(at);
    });
  }

  /** A copy: the module's memory may move when it grows. */
  floats(at: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, at, count).slice();
  }

  text(at: number): string {
    const bytes = new Uint8Array(this.memory.buffer);
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  /** Throws the core's own words when `status` is not 0. */
  check(status: number): void {
    if (status !== 0) {
      const code = STATUS_NAMES[status] ?? `status ${status}`;
      throw new MidgeError(code, this.text(this.call("error_text")));
    }
  }

  /** For calls that answer with a handle, 0 when they failed. */
  checkHandle(at: number): number {
    if (at === 0) {
      this.check(this.call("error_status"));
    }
    return at;
  }
}

interface Held {
  readonly core: Core;
  readonly close: string;
  readonly at: number;
}

function close({ core, close, at }: Held): void {
  if (core.alive) {
    core.call(close, at);
  }
}

/** The net under `dispose`: memory of a handle that was only forgotten. */
const forgotten = new FinalizationRegistry<Held>(close);

/** Something in a module's memory, there until it is disposed. */
export abstract class Handle {
  protected readonly core: Core;
  private held: Held | undefined;

  protected constructor(core: Core, at: number, closeCall: string) {
    this.core = core;
    this.held = { core, close: closeCall, at };
    forgotten.register(this, this.held, this);
  }

  protected get handle(): number {
    if (!this.held) {
      throw new MidgeError(
        "DISPOSED",
        `this ${this.constructor.name} was disposed`,
      );
    }
    return this.held.at;
  }

  /** Gives the memory back; a second call does nothing. */
  dispose(): void {
    if (this.held) {
      forgotten.unregister(this);
      close(this.held);
      this.held = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
