/** Where indexes are kept: in browsers, in the origin's private file system
 * (OPFS), or where there is none in an IndexedDB. */
import { MidgeError } from "./core.js";
import { busy, storeFailed, type IndexStore, type StoreOptions, type StorePart } from "./index_store.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** The parts of the file system that TypeScript's `dom` does not have. */
interface SyncFile {
  getSize(): number;
  read(to: Bytes, at: { at: number }): number;
  write(bytes: Bytes, at: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
interface OpfsFile extends FileSystemFileHandle {
  createSyncAccessHandle?(): Promise<SyncFile>;
}

const FOLDER = "midge";
const DATABASE = "midge";
const PARTS = "parts";

/** Holds a lock of that name until the promise that it gives is called. */
function lock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const options = { ifAvailable: true };
    navigator.locks
      .request(`midge:${name}`, options, (held) => {
        if (!held) {
          reject(busy(name));
          return undefined;
        }
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

/** What all stores here have: a name, a lock, errors. */
abstract class WebStore implements IndexStore {
  abstract readonly kind: string;
  size = 0;
  protected readonly name: string;
  private release: (() => void) | undefined;

  constructor(name: string, release: () => void) {
    this.name = name;
    this.release = release;
  }

  abstract read(): Promise<Bytes>;
  abstract replace(bytes: Bytes): Promise<void>;
  abstract write(parts: readonly StorePart[]): Promise<void>;
  protected abstract end(): void;

  async close(): Promise<void> {
    if (this.release) {
      this.end();
      this.release();
      this.release = undefined;
    }
  }

  protected async trying<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (cause) {
      throw storeFailed(this.name, cause);
    }
  }
}

// ---- OPFS -------------------------------------------------------------------

/** A file that only this worker may open, written in place. A new image is
 * written into the other of two files, its header last; the name of a file ends
 * with a number, and the whole one with the largest number counts. */
class SyncStore extends WebStore {
  readonly kind = "opfs-sync";
  private readonly folder: FileSystemDirectoryHandle;
  private file: SyncFile | undefined;
  private number = 0;

  constructor(
    name: string,
    release: () => void,
    folder: FileSystemDirectoryHandle,
  ) {
    super(name, release);
    this.folder = folder;
  }

  async open(): Promise<void> {
    for (const number of await numbersOf(this.folder, this.name)) {
      const file = await this.openFile(number, false);
      if (this.size === 0 && isWhole(file)) {
        this.file = file;
        this.number = number;
        this.size = file.getSize();
      } else {
        file.close();
        await this.folder.removeEntry(fileName(this.name, number));
      }
    }
  }

  private async openFile(number: number, create: boolean): Promise<SyncFile> {
    const name = fileName(this.name, number);
    const handle: OpfsFile = await this.folder.getFileHandle(name, { create });
    return handle.createSyncAccessHandle!();
  }

  async read(): Promise<Bytes> {
    const bytes = new Uint8Array(this.size);
    this.file?.read(bytes, { at: 0 });
    return bytes;
  }

  replace(bytes: Bytes): Promise<void> {
    return this.trying(async () => {
      const file = await this.openFile(this.number + 1, true);
      file.truncate(0);
      const head = bytes.subarray(0, HEAD_BYTES);
      writeWhole(file, bytes.subarray(HEAD_BYTES), HEAD_BYTES);
      file.flush();
      writeWhole(file, head, 0);
      file.flush();
      const old = this.file;
      this.file = file;
      this.number += 1;
      this.size = bytes.length;
      if (old) {
        old.close();
        await this.folder.removeEntry(fileName(this.name, this.number - 1));
      }
    });
  }

  write(parts: readonly StorePart[]): Promise<void> {
    return this.trying(async () => {
      for (const { at, bytes } of parts) {
        writeWhole(this.file!, bytes, at);
        this.file!.flush();
        this.size = Math.max(this.size, at + bytes.length);
      }
    });
  }

  protected end(): void {
    this.file?.close();
  }
}

/** Header and commit slots of a file. */
const HEAD_BYTES = 12288;
const MAGIC = "MIDGEVEC";

function fileName(name: string, number: number): string {
  return `${encodeURIComponent(name)}.${number}`;
}

/** The numbers of the files of a name, the largest first. */
async function numbersOf(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<number[]> {
  const found: number[] = [];
  const entries = folder as unknown as { keys(): AsyncIterable<string> };
  for await (const key of entries.keys()) {
    const number = Number(key.slice(key.lastIndexOf(".") + 1));
    if (Number.isInteger(number) && fileName(name, number) === key) {
      found.push(number);
    }
  }
  return found.sort((a, b) => b - a);
}

function beginsRight(head: Bytes): boolean {
  return new TextDecoder().decode(head.subarray(0, MAGIC.length)) === MAGIC;
}

function isWhole(file: SyncFile): boolean {
  const head = new Uint8Array(MAGIC.length);
  file.read(head, { at: 0 });
  return file.getSize() >= HEAD_BYTES && beginsRight(head);
}

function writeWhole(file: SyncFile, bytes: Bytes, at: number): void {
  const done = file.write(bytes, { at });
  if (done !== bytes.length) {
    throw new Error(`${done} of ${bytes.length} bytes could be written`);
  }
}

/** Where there are no files to write in place (the main thread): each commit
 * writes a copy of the file, which takes its place when it is whole. */
class CopyStore extends WebStore {
  readonly kind = "opfs";
  private readonly folder: FileSystemDirectoryHandle;
  private number = 1;

  constructor(
    name: string,
    release: () => void,
    folder: FileSystemDirectoryHandle,
  ) {
    super(name, release);
    this.folder = folder;
  }

  private async handle(number: number, create = false) {
    const name = fileName(this.name, number);
    return this.folder.getFileHandle(name, { create });
  }

  async open(): Promise<void> {
    for (const number of await numbersOf(this.folder, this.name)) {
      const file = await (await this.handle(number)).getFile();
      const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
      if (this.size === 0 && head.length === HEAD_BYTES && beginsRight(head)) {
        this.number = number;
        this.size = file.size;
      } else {
        await this.folder.removeEntry(fileName(this.name, number));
      }
    }
  }

  async read(): Promise<Bytes> {
    const file = await (await this.handle(this.number)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  }

  replace(bytes: Bytes): Promise<void> {
    return this.put([{ at: 0, bytes }], false);
  }

  write(parts: readonly StorePart[]): Promise<void> {
    return this.put(parts, true);
  }

  private put(parts: readonly StorePart[], keep: boolean): Promise<void> {
    return this.trying(async () => {
      const handle = await this.handle(this.number, true);
      const out = await handle.createWritable({ keepExistingData: keep });
      try {
        for (const { at, bytes } of parts) {
          await out.write({ type: "write", position: at, data: bytes });
        }
      } catch (cause) {
        await out.abort().catch(() => undefined);
        throw cause;
      }
      await out.close();
      this.size = (await handle.getFile()).size;
    });
  }

  protected end(): void {}
}

// ---- IndexedDB --------------------------------------------------------------

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(PARTS);
  return settled(request);
}

/** The parts of a file by [name, where they go]; a commit is a transaction. */
class DatabaseStore extends WebStore {
  readonly kind = "indexeddb";
  private readonly database: IDBDatabase;

  constructor(name: string, release: () => void, database: IDBDatabase) {
    super(name, release);
    this.database = database;
  }

  private get range(): IDBKeyRange {
    return IDBKeyRange.bound([this.name], [this.name, []]);
  }

  async open(): Promise<void> {
    const parts = await this.parts();
    this.size = parts.reduce((most, { at, bytes }) => Math.max(most, at + bytes.length), 0);
  }

  private async parts(): Promise<StorePart[]> {
    const store = this.database.transaction(PARTS).objectStore(PARTS);
    const [keys, values] = await Promise.all([
      settled(store.getAllKeys(this.range)),
      settled(store.getAll(this.range)),
    ]);
    return values.map((bytes, i) => ({
      at: (keys[i] as [string, number, number])[1],
      bytes,
    }));
  }

  async read(): Promise<Bytes> {
    const all = new Uint8Array(this.size);
    // By where they go: the image first, and what was written into it later.
    (await this.parts()).forEach(({ at, bytes }) => all.set(bytes, at));
    return all;
  }

  replace(bytes: Bytes): Promise<void> {
    return this.put([{ at: 0, bytes }], true);
  }

  write(parts: readonly StorePart[]): Promise<void> {
    return this.put(parts, false);
  }

  private put(parts: readonly StorePart[], all: boolean): Promise<void> {
    return this.trying(
      () =>
        new Promise((resolve, reject) => {
          const durability = "strict";
          const change = this.database.transaction(PARTS, "readwrite", {
            durability,
          });
          change.oncomplete = () => {
            const ends = parts.map(({ at, bytes }) => at + bytes.length);
            this.size = Math.max(all ? 0 : this.size, ...ends);
            resolve();
          };
          change.onerror = () => reject(change.error);
          change.onabort = () => reject(change.error);
          const store = change.objectStore(PARTS);
          if (all) {
            store.delete(this.range);
          }
          parts.forEach(({ at, bytes }) => store.put(bytes, [this.name, at]));
        }),
    );
  }

  protected end(): void {
    this.database.close();
  }
}

// ---- Which ------------------------------------------------------------------

/** The folder in OPFS, where there is OPFS. */
async function folderInOpfs(): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch {
    return undefined; // a private window, an old browser
  }
}

async function openFolder(
  name: string,
  release: () => void,
  folder: FileSystemDirectoryHandle,
): Promise<WebStore> {
  const files = (globalThis as { FileSystemFileHandle?: { prototype: object } })
    .FileSystemFileHandle;
  const inPlace = files && "createSyncAccessHandle" in files.prototype;
  const store = inPlace
    ? new SyncStore(name, release, folder)
    : new CopyStore(name, release, folder);
  await store.open();
  return store;
}

async function openDatabaseStore(
  name: string,
  release: () => void,
): Promise<WebStore> {
  const store = new DatabaseStore(name, release, await openDatabase());
  await store.open();
  return store;
}

async function choose(
  name: string,
  kind: StoreOptions["kind"],
  release: () => void,
): Promise<WebStore> {
  const folder = kind === "indexeddb" ? undefined : await folderInOpfs();
  if (folder) {
    return openFolder(name, release, folder);
  }
  if (kind === "opfs") {
    throw new MidgeError("E_UNSUPPORTED", "this place has no OPFS");
  }
  return openDatabaseStore(name, release);
}

export async function openStore(
  name: string,
  { kind }: StoreOptions,
): Promise<IndexStore> {
  const release = await lock(name);
  try {
    return await choose(name, kind, release);
  } catch (cause) {
    release();
    throw cause instanceof MidgeError ? cause : storeFailed(name, cause);
  }
}
