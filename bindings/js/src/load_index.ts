/** Making and opening indexes of vectors, each in an instance of its own. */
import { MidgeError, type Core } from "./core.js";
import type { IndexExports } from "./exports.js";
import {
  columnNumber,
  invalid,
  microOptions,
  optionNumbers,
  readInfoOf,
  unsupported,
  type IdOf,
  type IndexOptions,
} from "./index_options.js";
import { Committer, type IndexStore, type StoreOptions } from "./index_store.js";
import { instantiate, type Loaded, type LoadOptions } from "./load.js";
import { openThreads, type Crew, type PoolOptions } from "./pool_crew.js";
import { openStore as openPlatformStore } from "./store_platform.js";
import { VectorIndex } from "./vector_index.js";

/** How an index is run. With `threads` (1 or more) several share the work of
 * adding and of searching for many queries, in a memory of up to `maxBytes` (by
 * default 2 GiB); without, there is one. */
export interface RunOptions extends PoolOptions {
  /** True: the smallest module, with the kind "hnsw", floats and number ids; no
   * metadata, and commits write the whole file. */
  readonly micro?: boolean;
}

export interface CreateIndexOptions extends IndexOptions, RunOptions {
  /** Where commits go; there must be nothing in it. */
  readonly store?: IndexStore;
}

export interface OpenIndexOptions<B extends "number" | "bigint">
  extends RunOptions {
  /** How number ids are to be told. */
  readonly ids?: B;
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

interface Running {
  readonly loaded: Loaded<"index">;
  readonly crew: Crew | undefined;
}

const MOST_BYTES = 2 ** 31;

/** The smallest module has a part of the doors of an index, that of threads has
 * more. */
async function start(options: RunOptions): Promise<Running> {
  const { micro, threads } = options;
  if (threads === undefined) {
    const module = micro === true ? "micro" : "index";
    const loaded = await instantiate(module, options as LoadOptions);
    return { loaded: loaded as Loaded<"index">, crew: undefined };
  }
  if (micro === true) {
    throw unsupported("threads");
  }
  const { variant, wasm, maxBytes, worker } = options;
  const given = { threads, variant, wasm, maxBytes, worker };
  const pool = await openThreads("index_threads", given, MOST_BYTES);
  const loaded = pool.loaded as Loaded<"threads" | "index" | "index_threads">;
  return { loaded: loaded as Loaded<"index">, crew: pool.crew };
}

/** Ends the threads when nothing comes of it. */
async function guarded<T>({ crew }: Running, make: () => T): Promise<T> {
  try {
    return make();
  } catch (cause) {
    await crew?.end();
    throw cause;
  }
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
  const running = await start(options);
  const { loaded, crew } = running;
  const { core } = loaded;
  return guarded(running, () => {
    const at = core.withBytes(new Uint8Array(numbers.buffer), (from) =>
      core.checkHandle(core.calls.index_new(from)),
    );
    addColumns(loaded, at, columns);
    const committer = store && new Committer(store, true);
    const type = ids === "bigint" ? ids : "number";
    return new VectorIndex<IdOf<O>>(loaded, at, type, committer, crew);
  });
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
  const running = await start(options);
  return guarded(running, () => {
    const { loaded, crew } = running;
    const { core } = loaded;
    const at = openBytes(core, bytes, store !== undefined);
    const heal = readInfoOf(core, at).heal !== 0;
    const committer = store && new Committer(store, heal);
    const type = options.ids ?? "number";
    return new VectorIndex<I>(loaded, at, type, committer, crew);
  });
}

function openBytes(
  core: Core<IndexExports>,
  bytes: Uint8Array,
  track: boolean,
): number {
  const file = core.alloc(bytes.length || 1);
  core.bytes.set(bytes, file); // from here on the core's
  const { index_open } = core.calls;
  return core.checkHandle(index_open(file, bytes.length, Number(track)));
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
