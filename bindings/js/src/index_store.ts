/** Where an index is kept, and how its changes get there: as a whole file, or as
 * a frame with the changes behind it (spec/formats/index.md). */
import { MidgeError, type Core } from "./core.js";
import type { IndexExports } from "./exports.js";
import { readInfoOf } from "./index_options.js";

/** Bytes that go to a place of a file. */
export interface StorePart {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Use `openStore()`, or bring one of your own. One index at a time uses it. */
export interface IndexStore {
  /** "file", "opfs-sync", "opfs", "indexeddb", or another. */
  readonly kind: string;
  /** Bytes that are there; 0 when nothing was ever stored. */
  readonly size: number;
  read(): Promise<Uint8Array<ArrayBuffer>>;
  /** Puts a whole new file in the place of what was there: after a crash at any
   * moment there is one or the other. */
  replace(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes parts in their order: each is durable before the next begins, or all
   * are there at once. */
  write(parts: readonly StorePart[]): Promise<void>;
  close(): Promise<void>;
}

/** Which store a browser is to use; by default OPFS, where there is one. */
export interface StoreOptions {
  readonly kind?: "opfs" | "indexeddb";
}

const E_STATE = 9;
const COMMIT_BYTES = 80;
const SLOT_AT = 16; // in a midge_index_commit, behind two u64
const REWRITE_SHARE = 0.5;
const REWRITE_BYTES = 2 ** 20;

/** Brings the changes of one index to its store, one commit after the other. */
export class Committer {
  private readonly store: IndexStore;
  /** What the store has is not what changes are told against. */
  private outdated: boolean;
  private last: Promise<void> = Promise.resolve();

  // The smallest module does not tell changes: there every commit is whole.

  /** `outdated`: the store is empty, or a part of it is damaged. */
  constructor(store: IndexStore, outdated: boolean) {
    this.store = store;
    this.outdated = outdated;
  }

  commit(core: Core<IndexExports>, index: number): Promise<void> {
    const done = this.last.then(() => this.write(core, index));
    this.last = done.catch(() => undefined);
    return done;
  }

  /** When all commits are done, well or not. */
  settled(): Promise<void> {
    return this.last;
  }

  async close(): Promise<void> {
    await this.last;
    await this.store.close();
  }

  // The index may change while bytes are on their way. So what it noted counts
  // as told as soon as its bytes are made; when they do not arrive, nothing that
  // is told against them would, and the next commit is a whole file.

  private async write(core: Core<IndexExports>, index: number): Promise<void> {
    const parts = this.takeChanges(core, index);
    if (parts === "none") {
      return;
    }
    const bytes = parts ? undefined : this.takeAll(core, index);
    this.outdated = true;
    await (parts ? this.store.write(parts) : this.store.replace(bytes!));
    this.outdated = false;
  }

  private tooLong(core: Core<IndexExports>, index: number): boolean {
    const info = readInfoOf(core, index);
    const frames = info.fileBytes - info.fileBaseBytes;
    return frames > Math.max(REWRITE_SHARE * info.fileBaseBytes, REWRITE_BYTES);
  }

  /** A frame and its slot; undefined when only a whole file can tell. */
  private takeChanges(
    core: Core<IndexExports>,
    index: number,
  ): StorePart[] | "none" | undefined {
    const { calls } = core;
    if (this.outdated || calls.index_changes === undefined) {
      return undefined;
    }
    if (calls.index_changed(index) === 0) {
      return "none";
    }
    if (this.tooLong(core, index)) {
      return undefined;
    }
    const status = calls.index_changes(index);
    if (status === E_STATE) {
      return undefined;
    }
    core.check(status);
    const from = calls.answer_data();
    const frame = core.bytes.slice(from, from + calls.answer_size());
    const at = calls.index_commit(index);
    const commit = core.bytes.slice(at, at + COMMIT_BYTES);
    const view = new DataView(commit.buffer);
    calls.index_committed(index);
    return [
      { at: Number(view.getBigUint64(0, true)), bytes: frame },
      {
        at: Number(view.getBigUint64(8, true)),
        bytes: commit.slice(SLOT_AT),
      },
    ];
  }

  private takeAll(
    core: Core<IndexExports>,
    index: number,
  ): Uint8Array<ArrayBuffer> {
    const { calls } = core;
    core.check(calls.index_save(index));
    const from = calls.answer_data();
    const bytes = core.bytes.slice(from, from + calls.answer_size());
    calls.answer_release();
    if (calls.index_track !== undefined) {
      core.check(calls.index_track(index));
    }
    return bytes;
  }
}

/** What a store says that somebody else has open. */
export function busy(name: string, where = "elsewhere"): MidgeError {
  return new MidgeError("E_BUSY", `${name} is open ${where}`);
}

export function storeFailed(name: string, cause: unknown): MidgeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MidgeError("E_IO", `${name}: ${why}`, { cause });
}
