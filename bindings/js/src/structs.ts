/** The core's structs in a module's memory, by the names of their fields. In
 * JavaScript those are in camel case: `learningRate` is `learning_rate`. */
import { MidgeError, type Core } from "./core.js";
import { ENUMS, LAYOUTS } from "./layouts.js";

export type EnumName = keyof typeof ENUMS;
export type NameOf<E extends EnumName> = keyof (typeof ENUMS)[E] & string;
export type StructName = keyof typeof LAYOUTS;
type Fields<S extends StructName> = (typeof LAYOUTS)[S]["fields"];
type Camel<S> = S extends `${infer A}_${infer B}`
  ? `${A}${Capitalize<Camel<B>>}`
  : S;
type ValueOf<K> = K extends readonly [number, infer T]
  ? T extends EnumName
    ? NameOf<T>
    : T extends StructName
      ? Struct<T>
      : T extends "u64"
        ? bigint
        : number
  : never;
/** A struct as it is read. */
export type Struct<S extends StructName> = {
  -readonly [F in keyof Fields<S> as Camel<F>]: ValueOf<Fields<S>[F]>;
};

type Field = readonly [number, string];

export function invalid(text: string): MidgeError {
  return new MidgeError("E_INVALID", text);
}

export function bytesOf(struct: StructName): number {
  return LAYOUTS[struct].bytes;
}

/** The number that a name stands for. */
export function numberOf(what: string, e: EnumName, name: unknown): number {
  const numbers: Readonly<Record<string, number>> = ENUMS[e];
  if (typeof name !== "string" || !Object.hasOwn(numbers, name)) {
    const known = Object.keys(numbers).join(", ");
    throw invalid(`${what}: no "${String(name)}"; there are ${known}`);
  }
  return numbers[name]!;
}

/** Of several names the last. */
export function nameOf<E extends EnumName>(e: E, number: number): NameOf<E> {
  const found = Object.entries(ENUMS[e]).filter(([, one]) => one === number);
  return found.at(-1)![0] as NameOf<E>;
}

function toNumber(what: string, value: unknown): number {
  if (typeof value !== "number") {
    throw invalid(`${what} is ${String(value)}, a number is needed`);
  }
  return value;
}

/** A whole number of 32 bits. */
export function whole(what: string, value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= 2 ** 32) {
    throw invalid(`${what} is ${String(value)}, a whole number is needed`);
  }
  return value as number;
}

/** A whole number of 64 bits. */
export function seedOf(what: string, value: unknown): bigint {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw invalid(`${what} is ${String(value)}, a whole number is needed`);
  }
  return BigInt.asUintN(64, BigInt(value as number | bigint));
}

function fillField(
  view: DataView,
  what: string,
  [at, kind]: Field,
  value: unknown,
): void {
  if (kind in ENUMS) {
    view.setInt32(at, numberOf(what, kind as EnumName, value), true);
  } else if (kind === "f32") {
    view.setFloat32(at, toNumber(what, value), true);
  } else if (kind === "f64") {
    view.setFloat64(at, toNumber(what, value), true);
  } else if (kind === "u64") {
    view.setBigUint64(at, seedOf(what, value), true);
  } else {
    const number = typeof value === "boolean" ? Number(value) : value;
    view.setUint32(at, whole(what, number), true);
  }
}

/** Sets the fields of a struct that `values` has; what is undefined stays. The
 * values of pointers come from `pointers`. */
export function fillStruct(
  core: Core,
  at: number,
  struct: StructName,
  what: string,
  values: object,
  pointers: Readonly<Record<string, number>> = {},
): void {
  const fields: Readonly<Record<string, Field>> = LAYOUTS[struct].fields;
  const view = new DataView(core.memory.buffer, at, bytesOf(struct));
  for (const [key, value] of Object.entries(values)) {
    const name = key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field || field[1] === "pointer" || key.includes("_")) {
      throw invalid(`${what}: there is no option "${key}"`);
    }
    if (value !== undefined && field[1] in LAYOUTS) {
      const inside = field[1] as StructName;
      fillStruct(core, at + field[0], inside, what, value as object);
    } else if (value !== undefined) {
      fillField(view, `${what}: ${key}`, field, value);
    }
  }
  for (const [name, value] of Object.entries(pointers)) {
    view.setUint32(fields[name]![0], value, true);
  }
}

function readField(view: DataView, [at, kind]: Field): unknown {
  switch (kind) {
    case "f32":
      return view.getFloat32(at, true);
    case "f64":
      return view.getFloat64(at, true);
    case "u64":
      return view.getBigUint64(at, true);
    case "i32":
      return view.getInt32(at, true);
    default:
      return kind in ENUMS
        ? nameOf(kind as EnumName, view.getInt32(at, true))
        : view.getUint32(at, true);
  }
}

/** All fields of a struct but those that are structs. */
export function readStruct<S extends StructName>(
  core: Core,
  at: number,
  struct: S,
): Struct<S> {
  const view = new DataView(core.memory.buffer, at, bytesOf(struct));
  const fields = Object.entries<Field>(LAYOUTS[struct].fields);
  return Object.fromEntries(
    fields
      .filter(([, [, kind]]) => !(kind in LAYOUTS))
      .map(([name, field]) => [
        name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
        readField(view, field),
      ]),
  ) as Struct<S>;
}

/** What is not defined or was not measured is null, not NaN. */
export function measured(x: number): number | null {
  return Number.isNaN(x) ? null : x;
}
