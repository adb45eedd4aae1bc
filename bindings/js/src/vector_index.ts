/**
 * Vectors with metadata, and the nearest of them: exact, or by a graph of near
 * neighbours (HNSW).
 *
 *     const index = await createIndex({ dim: 3, columns: { lang: "string" } });
 *     index.add([[1, 0, 0], [0, 1, 0]], { metadata: [{ lang: "en" }, null] });
 *     index.search([1, 0.1, 0], { k: 1, filter: 'lang = "en"' });
 *     const file = index.save(); // what the native program opens, too
 */
import { MidgeError, type Core } from "./core.js";
import type { IndexExports, IndexThreadsExports } from "./exports.js";
import { Handle } from "./handle.js";
import { FilterCache, IndexFilter } from "./index_filter.js";
import {
  columnKind,
  count,
  infoOf,
  invalid,
  readInfoOf,
  unsupported,
  type ColumnKind,
  type Id,
  type IdType,
  type IndexInfo,
  type InfoNumbers,
} from "./index_options.js";
import {
  Copies,
  countRows,
  idBits,
  isTexts,
  putRows,
  rowBytes,
  shapeOf,
  type Rows,
  type Shape,
} from "./index_rows.js";
import { Committer } from "./index_store.js";
import type { Info, Loaded } from "./load.js";
import type { Crew } from "./pool_crew.js";
import { readFailure } from "./pool_serve.js";
import { Reader, type Metadata, type StoredMetadata } from "./tags.js";

export interface AddOptions<I extends Id> {
  /** One for each vector; without, they are numbered on from the largest. */
  readonly ids?: ArrayLike<I>;
  /** One for each vector, null for none. */
  readonly metadata?: readonly (Metadata | null | undefined)[];
  /** Replaces rows whose ids are there already, which is an error otherwise. */
  readonly upsert?: boolean;
}

export interface SearchOptions {
  /** At most so many for each query; by default 10. */
  readonly k?: number;
  /** Candidates of the walk, at most 65536: more are slower and more exact. By
   * default that of the index. */
  readonly ef?: number;
  /** Only rows at this distance or nearer. */
  readonly within?: number;
  /** Compare with every row. */
  readonly exact?: boolean;
  /** A condition on the metadata: `lang = "en" and year >= 2020`. */
  readonly filter?: string | IndexFilter;
}

export interface Found<I extends Id> {
  readonly id: I;
  readonly distance: number;
}
export interface FoundWithMetadata<I extends Id> extends Found<I> {
  readonly metadata: StoredMetadata;
}

/** What several queries found: k places for each, nearest first. Where there are
 * fewer than k, the rest has distance Infinity and an id without meaning. */
export interface FoundMany<I extends Id> {
  readonly k: number;
  /** How many each query found. */
  readonly counts: Uint32Array;
  readonly distances: Float32Array;
  readonly ids: IdsOf<I>;
}
export type IdsOf<I extends Id> = I extends number
  ? Float64Array
  : I extends bigint
    ? BigUint64Array
    : readonly string[];

export interface StoredRow<I extends Id> {
  readonly id: I;
  /** As it is stored: rounded where the storage is not f32. */
  readonly vector: Float32Array | Uint8Array;
  readonly metadata: StoredMetadata;
}

export interface TuneOptions {
  /** The share of the true neighbours that is to be found; by default 0.95. */
  readonly recall?: number;
  readonly k?: number;
  /** Queries to measure with; by default 200. */
  readonly sample?: number;
  /** By default rows of the index. */
  readonly queries?: Rows;
}
export interface TuneReport {
  readonly ef: number;
  /** Measured with that ef. */
  readonly recall: number;
  readonly sample: number;
  readonly k: number;
}

const NO_ROW = 2 ** 32 - 1;
const FILTERS_KEPT = 16;
const SEARCH_BYTES = 64;
const IDS_AS = { number: 0, bigint: 1, text: 2 } as const;

/** Where results lie: see answer_results of wasm/index_entry.c. */
interface Places {
  readonly k: number;
  readonly n: number;
  readonly ids: number;
  readonly distances: number;
  readonly rows: number;
  readonly counts: number;
  readonly texts: number;
}

function placesOf(at: number, queries: number, k: number, ids: IdType): Places {
  const n = queries * k;
  const distances = at + (isTexts(ids) ? 0 : 8 * n);
  const rows = distances + 4 * n;
  const counts = rows + 4 * n;
  const texts = counts + 4 * queries;
  return { k, n, ids: at, distances, rows, counts, texts };
}

/** The net under `dispose`: threads of an index that was only forgotten. */
const forgotten = new FinalizationRegistry<Crew>((crew) => void crew.end());

/** Use `createIndex()` or `openIndex()`. */
export class VectorIndex<I extends Id = number> extends Handle {
  readonly dim: number;
  readonly ids: IdType;
  /** That share the work, this one among them. */
  readonly threads: number;
  private readonly core: Core<IndexExports>;
  private readonly loaded: () => Info;
  private readonly shape: Shape;
  private readonly filters = new FilterCache(FILTERS_KEPT);
  private readonly committer: Committer | undefined;
  private readonly crew: Crew | undefined;
  /** Rows, as long as none are added or deleted: asking takes as long as a small
   * search. */
  private counted: number | undefined;
  /** Room for the numbers of a search, and behind them for one query. */
  private readonly scratch: number;

  constructor(
    { core, info }: Loaded<"index">,
    at: number,
    ids: "number" | "bigint",
    committer?: Committer,
    crew?: Crew,
  ) {
    const size = SEARCH_BYTES;
    super(core, at, (index) => core.calls.index_free(index));
    this.core = core;
    this.loaded = info;
    const numbers = this.numbers();
    this.dim = numbers.dim;
    this.ids = numbers.idType === 1 ? "text" : ids;
    this.shape = shapeOf(numbers.dim, numbers.storage === 3);
    this.scratch = core.alloc(size + rowBytes(this.shape));
    this.committer = committer;
    this.crew = crew;
    this.threads = 1 + (crew?.threads.length ?? 0);
    if (crew) {
      forgotten.register(this, crew, this);
    }
  }

  /** The module, and the memory of its instance, which is this index's alone. */
  module(): Info {
    return this.loaded();
  }

  get count(): number {
    void this.handle; // not disposed
    this.counted ??= this.numbers().count;
    return this.counted;
  }

  info(): IndexInfo {
    return infoOf(this.numbers(), this.ids, this.columns());
  }

  /** Adds vectors, all or none of them. */
  add(vectors: Rows, options: AddOptions<I> = {}): void {
    const { core, handle } = this;
    const { ids, metadata, upsert = false } = options;
    const n = countRows("add", vectors, this.shape);
    this.needEach("ids", ids, n);
    this.needEach("metadata", metadata, n);
    if (metadata) {
      this.need("index_metadata", "metadata");
    }
    this.counted = undefined;
    this.copying((copies) => {
      const at = copies.rows(vectors, n, this.shape);
      const [numbers, texts] = this.putIds(copies, ids);
      const meta = metadata ? copies.metadata(metadata) : 0;
      const { index_add } = core.calls;
      this.check(
        index_add(handle, n, at, numbers, texts, meta, Number(upsert)),
      );
    });
  }

  /** Deletes rows; tells how many of them were there. */
  delete(ids: ArrayLike<I>): number {
    const { core, handle } = this;
    this.counted = undefined;
    return this.copying((copies) => {
      const [numbers, texts] = this.putIds(copies, ids);
      this.check(core.calls.index_delete(handle, ids.length, numbers, texts));
      return new Uint32Array(core.memory.buffer, core.calls.answer_data(), 1)[0]!;
    });
  }

  has(id: I): boolean {
    return this.find(id) !== NO_ROW;
  }

  get(id: I): StoredRow<I> | undefined {
    const { core, handle, shape } = this;
    const row = this.find(id);
    if (row === NO_ROW) {
      return undefined;
    }
    const vector = core.withRoom(rowBytes(shape), (at) => {
      core.check(core.calls.index_vector(handle, row, at));
      const Type = shape.bytes ? Uint8Array : Float32Array;
      return new Type(core.memory.buffer, at, shape.width).slice();
    });
    return { id, vector, metadata: this.metadataOf([row])[0]! };
  }

  /** A condition for several searches. Texts given to a search are remembered,
   * too, but only the last few. */
  filter(text: string): IndexFilter {
    if (typeof text !== "string") {
      throw invalid("a filter is a text");
    }
    this.need("filter_new", "filters");
    return new IndexFilter(this.core, this.handle, this, text);
  }

  /** The nearest rows of one vector, nearest first. */
  search(
    query: ArrayLike<number>,
    options: SearchOptions & { readonly metadata: true },
  ): FoundWithMetadata<I>[];
  search(query: ArrayLike<number>, options?: SearchOptions): Found<I>[];
  search(
    query: ArrayLike<number>,
    options: SearchOptions & { readonly metadata?: boolean } = {},
  ): Found<I>[] {
    void this.handle; // not disposed
    const n = countRows("search", query, this.shape);
    if (n !== 1) {
      throw invalid(`search: ${n} queries; searchMany takes several`);
    }
    const at = this.scratch + SEARCH_BYTES;
    putRows(this.core, at, query, this.shape);
    return this.readOne(
      this.run(at, 1, options),
      options.metadata === true,
    );
  }

  /** The nearest rows of several vectors. Far faster than one by one. */
  searchMany(queries: Rows, options: SearchOptions = {}): FoundMany<I> {
    const n = countRows("searchMany", queries, this.shape);
    return this.copying((copies) => {
      const at = copies.rows(queries, n, this.shape);
      return this.readMany(this.run(at, n, options), n);
    });
  }

  /** Finds the smallest ef that reaches a recall, and keeps it. */
  tune(options: TuneOptions = {}): TuneReport {
    const { core, handle } = this;
    const { recall = 0.95, k = 10, queries } = options;
    this.need("index_tune", "tuning");
    const given = queries ? countRows("tune", queries, this.shape) : undefined;
    const sample = count("sample", options.sample ?? given ?? 200);
    if (given !== undefined && sample > given) {
      throw invalid(`tune: sample is ${sample}, there are ${given} queries`);
    }
    return this.copying((copies) => {
      const at = queries ? copies.rows(queries, given!, this.shape) : 0;
      const { index_tune } = core.calls;
      this.check(index_tune(handle, recall, count("k", k), sample, at));
      const numbers = this.answerNumbers(4);
      const [ef, measured, n, nearest] = numbers as unknown as number[];
      return { ef: ef!, recall: measured!, sample: n!, k: nearest! };
    });
  }

  /** Closes the gaps of deleted rows. */
  compact(): void {
    this.need("index_compact", "compaction");
    this.check(this.core.calls.index_compact(this.handle));
  }

  /** The bytes of a file with all of it, as every Midge opens it. */
  save(): Uint8Array<ArrayBuffer> {
    const { core, handle } = this;
    this.check(core.calls.index_save(handle));
    const { answer_data, answer_size, answer_release } = core.calls;
    const at = answer_data();
    const bytes = core.bytes.slice(at, at + answer_size());
    answer_release();
    return bytes;
  }

  /** Makes all changes since the last commit durable in the store. */
  async commit(): Promise<void> {
    if (!this.committer) {
      const text = "this index has no store: create or open it with one";
      throw new MidgeError("E_STATE", text);
    }
    void this.handle; // not disposed
    this.check(0);
    await this.committer.commit(this.core, this.handle);
  }

  /** Waits for commits that are on their way, then gives memory and store back.
   * What was not committed is lost. */
  async close(): Promise<void> {
    const { committer } = this;
    await committer?.settled();
    this.free();
    await this.crew?.end();
    await committer?.close();
  }

  /** The same without waiting: the store is closed when commits are done. */
  override dispose(): void {
    this.free();
    this.committer?.close().catch(() => undefined);
  }

  private free(): void {
    if (!this.disposed) {
      this.filters.dispose();
      this.core.release(this.scratch, SEARCH_BYTES + rowBytes(this.shape));
      super.dispose();
      forgotten.unregister(this);
      void this.crew?.end();
    }
  }

  // ---- What the above is made of

  /** Throws where the smallest module lacks a door. */
  private need(door: keyof IndexExports, what: string): void {
    if (this.core.calls[door] === undefined) {
      throw unsupported(what);
    }
  }

  private numbers(): InfoNumbers {
    return readInfoOf(this.core, this.handle);
  }

  private answerNumbers(n: number): Float64Array {
    const { core } = this;
    return new Float64Array(core.memory.buffer, core.calls.answer_data(), n);
  }

  private columns(): Record<string, ColumnKind> {
    const { core, handle } = this;
    const { index_column_kind, index_column_name } = core.calls;
    const found: [string, ColumnKind][] = [];
    if (index_column_name === undefined) {
      return {};
    }
    for (let i = 0; ; i++) {
      const name = index_column_name(handle, i);
      if (name === 0) {
        return Object.fromEntries(found);
      }
      found.push([core.text(name), columnKind(index_column_kind(handle, i))]);
    }
  }

  /** Throws when a call failed, in this thread or in another. */
  private check(status: number): void {
    const { core, crew } = this;
    const { pool_failure } = core.calls as Partial<IndexThreadsExports>;
    const why = crew && readFailure(core.memory, pool_failure!());
    if (why !== undefined) {
      crew!.fail(why);
    }
    if (crew?.failed) {
      throw crew.failed;
    }
    core.check(status);
  }

  private copying<T>(use: (copies: Copies) => T): T {
    const copies = new Copies(this.core);
    try {
      return use(copies);
    } finally {
      copies.release();
    }
  }

  private needEach(what: string, list: ArrayLike<unknown> | undefined, n: number) {
    if (list !== undefined && list.length !== n) {
      const text = `add: ${list.length} ${what} for ${n} vectors`;
      throw new MidgeError("E_MISMATCH", text);
    }
  }

  /** Addresses of number ids and of text ids, one of them 0. */
  private putIds(
    copies: Copies,
    ids: ArrayLike<I> | undefined,
  ): [number, number] {
    if (ids === undefined) {
      return [0, 0];
    }
    return isTexts(this.ids)
      ? [0, copies.texts(ids)]
      : [copies.numbers(ids, this.ids), 0];
  }

  private find(id: I): number {
    const { core, handle } = this;
    const { index_find } = core.calls;
    if (!isTexts(this.ids)) {
      return index_find(handle, idBits(id, this.ids), 0, 0);
    }
    if (typeof id !== "string") {
      throw invalid(`ids of this index are texts, this is a ${typeof id}`);
    }
    const bytes = new TextEncoder().encode(id);
    return bytes.length === 0
      ? NO_ROW
      : core.withBytes(bytes, (at) => index_find(handle, 0n, at, bytes.length));
  }

  private metadataOf(rows: readonly number[]): StoredMetadata[] {
    const { core, handle } = this;
    if (core.calls.index_metadata === undefined) {
      return rows.map(() => ({}));
    }
    const bytes = new Uint8Array(Uint32Array.from(rows).buffer);
    core.withBytes(bytes, (at) =>
      core.check(core.calls.index_metadata(handle, rows.length, at)),
    );
    const { answer_data, answer_size } = core.calls;
    const from = answer_data();
    const reader = new Reader(core.bytes.slice(from, from + answer_size()));
    return rows.map(() => reader.metadata());
  }

  private filterPointer(filter: string | IndexFilter | undefined): number {
    if (filter === undefined) {
      return 0;
    }
    const parsed =
      typeof filter === "string"
        ? this.filters.get(filter, (text) => this.filter(text))
        : filter;
    return parsed.pointerFor(this);
  }

  /** Searches for queries that are in memory already. */
  private run(at: number, n: number, options: SearchOptions): Places {
    const { core, handle, scratch, ids } = this;
    const { k = 10, ef = 0, within, exact = false } = options;
    if (count("k", k) === 0) {
      throw invalid("k is 0");
    }
    if (within !== undefined && typeof within !== "number") {
      throw invalid("within: a number is needed");
    }
    const filter = this.filterPointer(options.filter);
    const nearest = Math.min(k, Math.max(this.count, 1));
    const words = new Uint32Array(core.memory.buffer, scratch, 6);
    words[0] = n;
    words[1] = nearest;
    words[2] = count("ef", ef);
    words[3] = Number(within !== undefined);
    words[4] = Number(exact);
    new Float32Array(words.buffer, scratch + 20, 1)[0] = within ?? 0;
    const { index_search } = core.calls;
    this.check(index_search(handle, scratch, at, filter, IDS_AS[ids]));
    return placesOf(core.calls.answer_data(), n, nearest, ids);
  }

  private readTexts(places: Places, counts: Uint32Array): string[] {
    const { answer_data, answer_size } = this.core.calls;
    const end = answer_data() + answer_size();
    const reader = new Reader(this.core.bytes.slice(places.texts, end));
    const found: string[] = [];
    counts.forEach((n) => {
      for (let i = 0; i < places.k; i++) {
        found.push(i < n ? reader.text() : "");
      }
    });
    return found;
  }

  private readIds(places: Places, counts: Uint32Array): IdsOf<I> {
    const { buffer } = this.core.memory;
    let found: Float64Array | BigUint64Array | string[];
    if (this.ids === "text") {
      found = this.readTexts(places, counts);
    } else if (this.ids === "bigint") {
      found = new BigUint64Array(buffer, places.ids, places.n).slice();
    } else {
      found = new Float64Array(buffer, places.ids, places.n).slice();
    }
    return found as unknown as IdsOf<I>;
  }

  private readOne(places: Places, withMetadata: boolean): Found<I>[] {
    const { buffer } = this.core.memory;
    const counts = new Uint32Array(buffer, places.counts, 1).slice();
    const n = counts[0]!;
    const ids = this.readIds(places, counts) as unknown as ArrayLike<I>;
    const distances = new Float32Array(buffer, places.distances, n).slice();
    const rows = withMetadata
      ? [...new Uint32Array(buffer, places.rows, n)]
      : [];
    const metadata = withMetadata ? this.metadataOf(rows) : undefined;
    return Array.from(distances, (distance, i) =>
      metadata
        ? { id: ids[i]!, distance, metadata: metadata[i]! }
        : { id: ids[i]!, distance },
    );
  }

  private readMany(places: Places, queries: number): FoundMany<I> {
    const { buffer } = this.core.memory;
    const counts = new Uint32Array(buffer, places.counts, queries).slice();
    const ids = this.readIds(places, counts);
    const distances = new Float32Array(buffer, places.distances, places.n);
    return { k: places.k, counts, ids, distances: distances.slice() };
  }
}
