/** What an index of vectors can be, and the numbers that stand for it in the
 * core and in files (include/midge/index.h). */
import { MidgeError, type Core } from "./core.js";
import type { IndexExports } from "./exports.js";

const METRICS = { l2sq: 0, cosine: 1, ip: 2, l1: 3, hamming: 4 } as const;
const KINDS_OF_INDEX = { auto: 0, flat: 1, hnsw: 2 } as const;
const STORAGES = { f32: 0, f16: 1, int8: 2, binary: 3 } as const;
const WALKS = { auto: 0, rows: 1, int8: 2 } as const;
const ID_TYPES = { number: 0, bigint: 0, text: 1 } as const;
const COLUMN_KINDS = { int: 0, float: 1, string: 2, bool: 3, set: 4 } as const;

/**
 * Smaller is nearer: "l2sq" the squared distance; "cosine" 1 - the cosine; "ip"
 * the negative inner product; "l1" the sum of absolute differences; "hamming"
 * the bits that differ.
 */
export type IndexMetric = keyof typeof METRICS;
/** "auto": exact while that is as fast, then a graph. */
export type IndexKind = keyof typeof KINDS_OF_INDEX;
/** What is kept of a vector. "binary" goes with the metric "hamming" only. */
export type IndexStorage = keyof typeof STORAGES;
/** What the graph is walked by: the rows, or a copy in 8 bits, which is faster.
 * Distances are those of the storage all the same. "auto" becomes "int8" once
 * there are some thousand rows in a graph and a sample of them says that 8 bits
 * tell neighbours apart; else "rows". */
export type IndexWalk = keyof typeof WALKS;
/** Numbers below 2^53, 64 bits as bigint (the same in a file), or texts. */
export type IdType = keyof typeof ID_TYPES;
export type ColumnKind = keyof typeof COLUMN_KINDS;
export type Id = number | bigint | string;

export interface IndexOptions {
  /** Elements of a vector, 1 to 65536; bits for "hamming". */
  readonly dim: number;
  /** By default "cosine", or "hamming" where the storage is "binary". */
  readonly metric?: IndexMetric;
  readonly kind?: IndexKind;
  readonly storage?: IndexStorage;
  readonly walk?: IndexWalk;
  /** By default "number". */
  readonly ids?: IdType;
  /** Links of a node, 2 to 128; by default 16. */
  readonly m?: number;
  /** Candidates when a row is linked; by default 128. */
  readonly efConstruction?: number;
  /** Candidates of a search; by default 64. */
  readonly ef?: number;
  readonly seed?: number | bigint;
  /** Metadata that rows may have. */
  readonly columns?: Readonly<Record<string, ColumnKind>>;
}

/** What midge-hnsw-micro.wasm has of all that; `kind` is "hnsw" there. */
const MICRO: Readonly<Record<string, readonly unknown[]>> = {
  metric: [undefined, "cosine", "l2sq", "ip"],
  kind: [undefined, "hnsw"],
  storage: [undefined, "f32"],
  walk: [undefined, "rows"],
  ids: [undefined, "number", "bigint"],
  columns: [undefined],
};

export function unsupported(what: string): MidgeError {
  const text = `midge-hnsw-micro has no ${what}: leave out \`micro\``;
  return new MidgeError("E_UNSUPPORTED", text);
}

/** Options for the smallest module, or an error that says what it has not. */
export function microOptions<O extends IndexOptions>(options: O): O {
  for (const [name, has] of Object.entries(MICRO)) {
    const asked = options[name as keyof IndexOptions];
    if (!has.includes(asked)) {
      throw unsupported(`${name} ${JSON.stringify(asked)}`);
    }
  }
  return { ...options, kind: "hnsw", walk: "rows" };
}

/** The type of ids that options ask for. */
export type IdOf<O> = O extends { readonly ids: "text" }
  ? string
  : O extends { readonly ids: "bigint" }
    ? bigint
    : number;

/** An index as it is now, and what it holds, in bytes. */
export interface IndexInfo {
  readonly dim: number;
  readonly metric: IndexMetric;
  readonly kind: IndexKind;
  readonly storage: IndexStorage;
  readonly walk: IndexWalk;
  readonly ids: IdType;
  readonly m: number;
  readonly efConstruction: number;
  readonly ef: number;
  /** Rows that can be found. */
  readonly count: number;
  /** Places of deleted rows that are not in use again. */
  readonly deleted: number;
  readonly hasGraph: boolean;
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly vectorBytes: number;
  /** What the walk has beside the vectors. */
  readonly walkBytes: number;
  readonly graphBytes: number;
  readonly idBytes: number;
  readonly metadataBytes: number;
  /** Of the file that commits go to; 0 without. */
  readonly fileBytes: number;
  /** Changes in it behind the image that it began as. */
  readonly fileFrames: number;
}

/** What index_info of wasm/index_entry.c answers, in this order. */
const INFO = [
  "dim",
  "metric",
  "kind",
  "storage",
  "walk",
  "idType",
  "m",
  "efConstruction",
  "ef",
  "count",
  "deleted",
  "hasGraph",
  "vectorBytes",
  "walkBytes",
  "graphBytes",
  "idBytes",
  "metadataBytes",
  "fileBytes",
  "fileBaseBytes",
  "fileFrames",
  "heal",
] as const;
export type InfoNumbers = Record<(typeof INFO)[number], number>;

export function invalid(text: string): MidgeError {
  return new MidgeError("E_INVALID", text);
}

/** The number that a name stands for. */
function numberOf<K extends string>(
  what: string,
  numbers: Readonly<Record<K, number>>,
  name: K,
): number {
  if (typeof name !== "string" || !Object.hasOwn(numbers, name)) {
    const known = Object.keys(numbers).join(", ");
    throw invalid(`${what}: no "${String(name)}"; there are ${known}`);
  }
  return numbers[name];
}

function nameOf<K extends string>(
  numbers: Readonly<Record<K, number>>,
  number: number,
): K {
  const found = Object.entries(numbers).find(([, value]) => value === number);
  return found![0] as K;
}

/** A whole number of 32 bits; the core says which are too many. */
export function count(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw invalid(`${what} is ${String(value)}, a whole number is needed`);
  }
  return value;
}

function seedOf(seed: number | bigint): bigint {
  if (typeof seed !== "bigint" && !Number.isSafeInteger(seed)) {
    throw invalid(`seed is ${String(seed)}, a whole number is needed`);
  }
  return BigInt.asUintN(64, BigInt(seed));
}

/** The struct index_numbers of wasm/index_entry.c. */
export function optionNumbers(o: IndexOptions): Uint32Array {
  if (typeof o !== "object" || o === null) {
    throw invalid("options with a dim are needed");
  }
  const binary = o.storage === "binary";
  const hamming = o.metric === "hamming";
  const seed = seedOf(o.seed ?? 0);
  return Uint32Array.of(
    count("dim", o.dim),
    numberOf("metric", METRICS, o.metric ?? (binary ? "hamming" : "cosine")),
    numberOf("kind", KINDS_OF_INDEX, o.kind ?? "auto"),
    numberOf("storage", STORAGES, o.storage ?? (hamming ? "binary" : "f32")),
    numberOf("walk", WALKS, o.walk ?? "auto"),
    numberOf("ids", ID_TYPES, o.ids ?? "number"),
    count("m", o.m ?? 0),
    count("efConstruction", o.efConstruction ?? 0),
    count("ef", o.ef ?? 0),
    Number(seed & 0xffffffffn),
    Number(seed >> 32n),
  );
}

export function columnNumber(name: string, kind: ColumnKind): number {
  return numberOf(`column ${name}`, COLUMN_KINDS, kind);
}

export function columnKind(number: number): ColumnKind {
  return nameOf(COLUMN_KINDS, number);
}

/** What index_info says of an index. */
export function readInfoOf(
  core: Core<IndexExports>,
  index: number,
): InfoNumbers {
  core.check(core.calls.index_info(index));
  const at = core.calls.answer_data();
  const numbers = new Float64Array(core.memory.buffer, at, INFO.length);
  const entries = INFO.map((name, i) => [name, numbers[i]!]);
  return Object.fromEntries(entries) as InfoNumbers;
}

export function infoOf(
  n: InfoNumbers,
  ids: IdType,
  columns: Readonly<Record<string, ColumnKind>>,
): IndexInfo {
  const { idType, fileBaseBytes, heal, ...plain } = n;
  return {
    ...plain,
    metric: nameOf(METRICS, n.metric),
    kind: nameOf(KINDS_OF_INDEX, n.kind),
    storage: nameOf(STORAGES, n.storage),
    walk: nameOf(WALKS, n.walk),
    hasGraph: n.hasGraph !== 0,
    ids,
    columns,
  };
}
