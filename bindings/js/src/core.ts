/** One instance of a module: calls, copies in and out of its memory, errors. */
import { UNSIGNED, type CommonExports } from "./exports.js";
import { STATUS_NAMES } from "./status.js";

/**
 * A failure. `code` is a name of STATUS_NAMES when the core reported it or would
 * have; or "LOAD_FAILED"; "DISPOSED" (the object was given back); "TRAPPED" (the
 * module stopped in the middle of a call: its memory cannot be trusted, load a
 * fresh one).
 */
export class MidgeError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message || code, options);
    this.name = "MidgeError";
    this.code = code;
  }
}

type Value = number | bigint;
type Call = (...args: Value[]) => Value;

export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

export class Core<E extends CommonExports = CommonExports> {
  readonly memory: WebAssembly.Memory;
  /** What the module exports. What the modules call outside throws nothing, so
   * whatever a call throws is a trap: the stack pointer and the heap stay as they were at
   * that moment, and every later call throws the same. */
  readonly calls: E;
  private trap: Error | undefined;
  private view: Uint8Array;

  constructor(instance: WebAssembly.Instance, memory?: WebAssembly.Memory) {
    const { exports } = instance;
    this.memory = memory ?? (exports.memory as WebAssembly.Memory);
    this.view = new Uint8Array(this.memory.buffer);
    // A function is guarded when it is first looked for, and found as it is from
    // then on: few are used of sixty, and guarding all takes 0.2 ms.
    const guard = (_: object, name: PropertyKey, calls: object): unknown => {
      const call = exports[name as string];
      if (typeof call !== "function") {
        return undefined;
      }
      const value = this.guarded(name as string, call as Call);
      Object.defineProperty(calls, name, { value, enumerable: true });
      return value;
    };
    this.calls = Object.create(new Proxy({}, { get: guard })) as E;
  }

  private guarded(name: string, call: Call): Call {
    const unsigned = UNSIGNED.has(name);
    return (...args) => {
      if (this.trap) {
        throw this.trap;
      }
      try {
        const result = call(...args);
        return unsigned ? (result as number) >>> 0 : result;
      } catch (cause) {
        if (cause instanceof TypeError) {
          throw cause; // an argument that is no number: nothing was called
        }
        const text = `the wasm module stopped in ${name} (${reasonOf(cause)}); load a fresh one`;
        throw (this.trap = new MidgeError("TRAPPED", text, { cause }));
      }
    };
  }

  get alive(): boolean {
    return this.trap === undefined;
  }

  /** The whole memory. Good until the next call that may allocate. */
  get bytes(): Uint8Array {
    if (this.view.buffer !== this.memory.buffer) {
      this.view = new Uint8Array(this.memory.buffer);
    }
    return this.view;
  }

  alloc(size: number): number {
    // Half of the 32-bit space is the most that one block can have.
    const at = size > 0 && size < 2 ** 31 ? this.calls.alloc(size) : 0;
    if (size > 0 && at === 0) {
      throw new MidgeError("E_NOMEM", `no memory for ${size} bytes`);
    }
    return at;
  }

  /** Nothing to give back in a memory that cannot be trusted. */
  release(at: number, size: number): void {
    if (at !== 0 && this.alive) {
      this.calls.release(at, size);
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
    if (Object(bytes)[Symbol.toStringTag] !== "Uint8Array") {
      throw new MidgeError("E_INVALID", "a Uint8Array is needed here");
    }
    return this.withRoom(bytes.byteLength, (at) => {
      this.bytes.set(bytes, at);
      return use(at);
    });
  }

  /** A copy: the module's memory may move when it grows. */
  floats(at: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, at, count).slice();
  }

  text(at: number): string {
    const { bytes } = this;
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  /** Throws the core's own words when `status` is not 0. */
  check(status: number): void {
    if (status !== 0) {
      const code = STATUS_NAMES[status] ?? `status ${status}`;
      throw new MidgeError(code, this.text(this.calls.error_text()));
    }
  }

  /** For calls that answer with a handle, 0 when they failed. */
  checkHandle(at: number): number {
    if (at === 0) {
      this.check(this.calls.error_status());
    }
    return at;
  }
}
