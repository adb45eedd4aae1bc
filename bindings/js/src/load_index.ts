/** Making and opening indexes of vectors, each in an instance of its own. */
import { MidgeError } from "./core.js";
import {
  columnNumber,
  invalid,
  microOptions,
  optionNumbers,
  type IdOf,
  type IndexOptions,
} from "./index_options.js";
import { Committer, type IndexStore, type StoreOptions } from "./index_store.js";
import { instantiate, type Loaded, type LoadOptions } from "./load.js";
import { openStore as openPlatformStore } from "./store_platform.js";
import { VectorIndex } from "./vector_index.js";

export interface CreateIndexOptions extends IndexOptions, LoadOptions {
  /** Where commits go; there must be nothing in it. */
  readonly store?: IndexStore;
  /** True: the smallest module, with the kind "hnsw", floats and number ids; no
   * metadata, and commits write the whole file. */
  readonly micro?: boolean;
}

export interface OpenIndexOptions<B extends "number" | "bigint">
  extends LoadOptions {
  /** How number ids are to be told. */
  readonly ids?: B;
  /** True: the smallest module, if it has what is in the file. */
  readonly micro?: boolean;
}

const NAME_BYTES_MAX = 1024; // the core says what is wrong with long ones

function addColumns(
  { core }: Loaded<"index">,
  at: number,
  columns: NonNullable<IndexOptions["columns"]>,
): void {
  for (const [name, kind] of Object.entries(columns)) {
    const number = columnNumber(name, kind);
    const text = new TextEncoder().encode(`${name.slice(0, NAME_BYTES_MAX)}\0`);
    core.withBytes(text, (from) =>
      core.check(core.calls.index_column_add(at, from, number)),
    );
  }
}

/** The smallest module has a part of the other's doors, the same ones. */
async function instantiateIndex(
  micro: boolean | undefined,
  options: LoadOptions,
): Promise<Loaded<"index">> {
  const loaded = await instantiate(micro === true ? "micro" : "index", options);
  return loaded as Loaded<"index">;
}

/** An empty index; dispose it when done. */
export async function createIndex<const O extends CreateIndexOptions>(
  options: O,
): Promise<VectorIndex<IdOf<O>>> {
  const numbers = optionNumbers(
    options?.micro === true ? microOptions(options) : options,
  );
  const { columns = {}, ids, store } = options;
  if (store && store.size > 0) {
    throw new MidgeError("E_EXISTS", "there is something in this store already");
  }
  const loaded = await instantiateIndex(options.micro, options);
  const { core } = loaded;
  const at = core.withBytes(new Uint8Array(numbers.buffer), (from) =>
    core.checkHandle(core.calls.index_new(from)),
  );
  addColumns(loaded, at, columns);
  const committer = store && new Committer(store, true);
  return new VectorIndex(loaded, at, ids === "bigint" ? ids : "number", committer);
}

function isStore(source: Uint8Array | IndexStore): source is IndexStore {
  return Object(source) === source && "replace" in source;
}

/**
 * Opens the bytes of a file, or what is in a store, whatever wrote it. The ids
 * are texts when it was made so, and else numbers or, when asked for, bigint.
 */
export async function openIndex<
  I extends number | bigint | string = number,
  B extends "number" | "bigint" = "number" | "bigint",
>(
  source: Uint8Array | IndexStore,
  options: OpenIndexOptions<B> = {},
): Promise<VectorIndex<I>> {
  const store = isStore(source) ? source : undefined;
  const bytes = store ? await store.read() : (source as Uint8Array);
  if (Object(bytes)[Symbol.toStringTag] !== "Uint8Array") {
    throw invalid("the bytes of a file (a Uint8Array), or a store, are needed");
  }
  const loaded = await instantiateIndex(options.micro, options);
  const { core } = loaded;
  const file = core.alloc(bytes.length || 1);
  core.bytes.set(bytes, file); // from here on the core's
  const track = Number(store !== undefined);
  const at = core.checkHandle(
    core.calls.index_open(file, bytes.length, track),
  );
  core.check(core.calls.index_info(at));
  const heal = new Float64Array(core.memory.buffer, core.calls.answer_data(), 21)[20];
  const committer = store && new Committer(store, heal !== 0);
  return new VectorIndex(loaded, at, options.ids ?? "number", committer);
}

/**
 * Where an index is kept, for `createIndex` and `openIndex`: in Node the file of
 * that path; in a browser a name in the origin's private file system, or in an
 * IndexedDB. Nobody else can have it open meanwhile.
 */
export async function openStore(
  name: string,
  options: StoreOptions = {},
): Promise<IndexStore> {
  if (typeof name !== "string" || name === "") {
    throw invalid("a store needs a name");
  }
  return openPlatformStore(name, options);
}
