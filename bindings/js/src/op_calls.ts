/** The shapes that operations of the kernels have: checks of lengths and types,
 * addresses of the arguments, the result. */
import {
  arrayOf,
  Block,
  KINDS,
  type Arrays,
  type Frame,
  type Kind,
  type Vector,
} from "./block.js";
import { mismatch, needLength, rowsOf, sameLength } from "./check.js";
import { MidgeError } from "./core.js";

type Numbers = number | bigint;

/** Which of `kinds` a vector has. */
export function kindOf<K extends Kind>(
  what: string,
  x: Vector<K>,
  kinds: readonly K[],
): K {
  const inBlock = x instanceof Block ? x.kind : undefined;
  const tag = inBlock ? undefined : Object(x)[Symbol.toStringTag];
  let found: K | undefined;
  for (const kind of kinds) {
    if (inBlock ? inBlock === kind : KINDS[kind].name === tag) {
      found = kind;
    }
  }
  if (found === undefined) {
    const names = kinds.map((kind) => KINDS[kind].name).join(", ");
    const text = `${what}: a ${names}, or a block of that type, is needed`;
    throw new MidgeError("E_INVALID", text);
  }
  return found;
}

function room<K extends Kind>(kind: K, length: number): Arrays[K] {
  return new KINDS[kind](length) as Arrays[K];
}

export class OpCalls {
  private readonly frame: Frame;

  constructor(frame: Frame) {
    this.frame = frame;
  }

  run<T>(use: (frame: Frame) => T): T {
    return this.frame.run(use);
  }

  /** Two vectors to a number. */
  pair<K extends Kind>(
    what: string,
    kind: K,
    operation: (n: number, a: number, b: number) => Numbers,
    a: Vector<K>,
    b: Vector<K>,
  ): number {
    const n = sameLength(what, a, b);
    return Number(
      this.frame.run((f) => operation(n, f.input(kind, a), f.input(kind, b))),
    );
  }

  /** One vector to a number. */
  reduce<K extends Kind>(
    kind: K,
    operation: (n: number, x: number) => Numbers,
    x: Vector<K>,
  ): number {
    return Number(this.frame.run((f) => operation(x.length, f.input(kind, x))));
  }

  inPlace<X extends Vector<"f32">>(
    operation: (n: number, x: number) => void,
    x: X,
  ): X {
    this.frame.run((f) => operation(x.length, f.inout("f32", x)));
    return x;
  }

  /** Two vectors to one; it may be either of them. */
  elements<K extends Kind, O extends Vector<K>>(
    what: string,
    kind: K,
    operation: (n: number, a: number, b: number, out: number) => void,
    a: Vector<K>,
    b: Vector<K>,
    out?: O,
  ): O {
    const to: Vector<K> = out ?? room(kind, a.length);
    const n = sameLength(what, a, b, to);
    this.frame.run((f) => {
      const [x, y] = [f.input(kind, a), f.input(kind, b)];
      operation(n, x, y, f.output(kind, to, true));
    });
    return to as O;
  }

  /** A vector to one of another type. */
  convert<K extends Kind, L extends Kind, O extends Vector<L>>(
    what: string,
    [from, into]: readonly [K, L],
    operation: (n: number, x: number, out: number) => void,
    x: Vector<K>,
    out?: O,
  ): O {
    const to: Vector<L> = out ?? room(into, x.length);
    const n = sameLength(what, x, to);
    this.frame.run((f) => operation(n, f.input(from, x), f.output(into, to)));
    return to as O;
  }

  /** Each row of a matrix with a vector. */
  rows<O extends Vector<"f32">>(
    what: string,
    operation: (
      rows: number,
      cols: number,
      a: number,
      lda: number,
      x: number,
      out: number,
    ) => void,
    a: Vector<"f32">,
    x: Vector<"f32">,
    out?: O,
  ): O {
    const cols = x.length;
    const rows = rowsOf(what, a, cols);
    const to = out ?? room("f32", rows);
    needLength(`${what}: the result`, to, rows);
    this.frame.run((f) => {
      const from = f.input("f32", a);
      operation(rows, cols, from, cols, f.input("f32", x), f.output("f32", to));
    });
    return to as O;
  }

  /** Some rows of a matrix with a vector. */
  gather<K extends Kind, L extends Kind, O extends Vector<L>>(
    what: string,
    [kind, into]: readonly [K, L],
    operation: (
      count: number,
      index: number,
      cols: number,
      a: number,
      lda: number,
      x: number,
      out: number,
    ) => void,
    a: Vector<K>,
    indices: Vector<"u32">,
    x: Vector<K>,
    out?: O,
  ): O {
    const cols = x.length;
    const rows = rowsOf(what, a, cols);
    const list = arrayOf(indices);
    const wrong = list.find((row) => row >= rows);
    if (wrong !== undefined) {
      throw mismatch(`${what}: there is no row ${wrong} of ${rows}`);
    }
    const count = list.length;
    const to: Vector<L> = out ?? room(into, count);
    needLength(`${what}: the result`, to, count);
    this.frame.run((f) => {
      const [from, at] = [f.input(kind, a), f.input("u32", indices)];
      const query = f.input(kind, x);
      operation(count, at, cols, from, cols, query, f.output(into, to));
    });
    return to as O;
  }
}
