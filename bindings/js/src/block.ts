/** Typed arrays in a module's memory, and the passing of arguments to kernels. */
import { MidgeError, type Core } from "./core.js";
import { Handle } from "./handle.js";

export const KINDS = {
  f32: Float32Array,
  i8: Int8Array,
  u8: Uint8Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
} as const;

export interface Arrays {
  f32: Float32Array;
  i8: Int8Array;
  u8: Uint8Array;
  /** Also floats of 16 bits. */
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
}
export type Kind = keyof Arrays;
type Any = Arrays[Kind];

/** An argument of an operation: a plain array, which is copied, or a block. */
export type Vector<K extends Kind> = Arrays[K] | Block<K>;

/** Arrays that hold their block: it lives while they do. */
const blockOf = new WeakMap<Any, Block<Kind>>();

function freer(core: Core, size: number): (at: number) => void {
  return (at) => core.release(at, size);
}

/** A typed array in the module's memory, until it is disposed. */
export class Block<K extends Kind> extends Handle {
  readonly kind: K;
  readonly length: number;
  /** Whose memory it is. */
  readonly core: Core;
  private view: Arrays[K] | undefined;

  /** Use `Kernels.f32()` and so on. */
  private constructor(core: Core, kind: K, length: number) {
    const size = length * KINDS[kind].BYTES_PER_ELEMENT;
    super(core, core.alloc(size), freer(core, size));
    this.core = core;
    this.kind = kind;
    this.length = length;
  }

  static make<K extends Kind>(
    core: Core,
    kind: K,
    from: number | ArrayLike<number>,
  ): Block<K> {
    const length = typeof from === "number" ? from : from.length;
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new MidgeError("E_INVALID", `${length} is no length of a block`);
    }
    // Bundlers rename a class that names itself; errors tell its name.
    const block = new this(core, kind, length);
    try {
      if (typeof from === "number") {
        block.array.fill(0);
      } else {
        block.array.set(from);
      }
    } catch (cause) {
      block.dispose();
      throw cause;
    }
    return block;
  }

  /** Its address, for `Kernels.ops`; it never changes. */
  get pointer(): number {
    return this.handle;
  }

  /**
   * The elements where they lie. Whatever makes the memory grow leaves earlier
   * arrays empty: do not keep this, take it anew.
   */
  get array(): Arrays[K] {
    const { buffer } = this.core.memory;
    const at = this.handle;
    if (this.view?.buffer !== buffer) {
      const view: Any = new KINDS[this.kind](buffer, at, this.length);
      blockOf.set(view, this);
      this.view = view as Arrays[K];
    }
    return this.view;
  }

  override dispose(): void {
    this.view = undefined;
    super.dispose();
  }
}

/** The elements of a vector, to look at. */
export function arrayOf<K extends Kind>(x: Vector<K>): Arrays[K] {
  return x instanceof Block ? x.array : x;
}

function invalid(text: string): MidgeError {
  return new MidgeError("E_INVALID", text);
}

/** The arguments of one call: addresses of blocks, and copies of arrays. */
export class Frame {
  private readonly core: Core;
  private readonly copies: {
    kind: Kind;
    at: number;
    x: Any;
    back: boolean;
  }[] = [];
  /** The whole memory by type: making views is most of the cost of a copy. */
  private readonly views: Partial<Arrays> = {};
  /** Where the blocks that are read begin and end, one after the other. */
  private readonly read: number[] = [];
  private nRead = 0;

  constructor(core: Core) {
    this.core = core;
  }

  /** Runs `use`, then gives results back to arrays, and all copies up. */
  run<T>(use: (frame: this) => T): T {
    try {
      const result = use(this);
      if (this.copies.length > 0) {
        this.copyBack();
      }
      return result;
    } finally {
      this.release();
    }
  }

  copyBack(): void {
    for (const { kind, at, x, back } of this.copies) {
      if (back) {
        const from = at / x.BYTES_PER_ELEMENT;
        x.set(this.memory(kind).subarray(from, from + x.length));
      }
    }
  }

  /** Ready for the next call. */
  release(): void {
    this.nRead = 0;
    while (this.copies.length > 0) {
      const { at, x } = this.copies.pop()!;
      this.core.release(at, x.byteLength);
    }
  }

  /** Something the operation reads. */
  input<K extends Kind>(kind: K, x: Vector<K>): number {
    const at = this.place(kind, x);
    if (at >= 0) {
      this.read[this.nRead++] = at;
      this.read[this.nRead++] = at + x.length * KINDS[kind].BYTES_PER_ELEMENT;
      return at;
    }
    return this.copy(kind, x as Any, true, false);
  }

  /** Something it reads and writes, element by element; after the inputs, one
   * of which it may be. */
  inout<K extends Kind>(kind: K, x: Vector<K>): number {
    const at = this.place(kind, x);
    if (at < 0) {
      return this.copy(kind, x as Any, true, true);
    }
    this.needApart(at, x.length * KINDS[kind].BYTES_PER_ELEMENT, true);
    return at;
  }

  /** Something it writes all of; after the inputs. With `same` it may be one of
   * them; with `fill` what it holds matters. */
  output<K extends Kind>(
    kind: K,
    x: Vector<K>,
    same = false,
    fill = false,
  ): number {
    const at = this.place(kind, x);
    if (at < 0) {
      return this.copy(kind, x as Any, fill, true);
    }
    this.needApart(at, x.length * KINDS[kind].BYTES_PER_ELEMENT, same);
    return at;
  }

  /** Throws when a result lies upon an input, but for exactly one of them. */
  private needApart(at: number, size: number, same: boolean): void {
    for (let i = 0; i < this.nRead; i += 2) {
      const [start, stop] = [this.read[i]!, this.read[i + 1]!];
      if (at < stop && start < at + size && !(same && at === start)) {
        throw invalid("the result lies upon what it is computed from");
      }
    }
  }

  /** The address of what is in the module's memory, -1 for a plain array. */
  private place(kind: Kind, x: unknown): number {
    if (x instanceof Block && x.kind === kind) {
      if (x.core !== this.core) {
        throw invalid("this block is in the memory of another instance");
      }
      return x.pointer;
    }
    const wanted = KINDS[kind].name;
    if (!ArrayBuffer.isView(x) || Object(x)[Symbol.toStringTag] !== wanted) {
      throw invalid(`a ${wanted} or a block of ${kind} is needed here`);
    }
    // A part of a block's array.
    return x.buffer === this.core.memory.buffer ? x.byteOffset : -1;
  }

  private copy(kind: Kind, x: Any, fill: boolean, back: boolean): number {
    const at = this.core.alloc(x.byteLength);
    this.copies.push({ kind, at, x, back });
    if (fill) {
      this.memory(kind).set(x, at / x.BYTES_PER_ELEMENT);
    }
    return at;
  }

  private memory(kind: Kind): Any {
    const { buffer } = this.core.memory;
    const known = this.views[kind];
    if (known?.buffer === buffer) {
      return known;
    }
    const view: Any = new KINDS[kind](buffer);
    Object.assign(this.views, { [kind]: view });
    return view;
  }
}
