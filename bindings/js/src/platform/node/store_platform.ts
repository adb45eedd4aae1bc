/** Where indexes are kept: files, in Node. */
import {
  open,
  readFile,
  rename,
  stat,
  unlink,
  type FileHandle,
} from "node:fs/promises";

import { busy, storeFailed, type IndexStore, type StoreOptions, type StorePart } from "./index_store.js";

interface Failure {
  readonly code?: string;
}

function codeOf(cause: unknown): string | undefined {
  return (cause as Failure | null)?.code;
}

/** The folder of a path, which must be synced for a new name to be durable. */
function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end < 0 ? "." : path.slice(0, end + 1);
}

async function writeAll(
  file: FileHandle,
  bytes: Uint8Array,
  at: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const left = bytes.length - done;
    const { bytesWritten } = await file.write(bytes, done, left, at + done);
    done += bytesWritten;
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(folderOf(path), "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    // Windows has no handles of folders, and needs none for this.
    if (!["EPERM", "EISDIR", "EACCES"].includes(codeOf(cause) ?? "")) {
      throw cause;
    }
  }
}

/** Is there a process with this number? */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return codeOf(cause) === "EPERM";
  }
}

/** Locks by a file beside, with the number of the process. One that was left by
 * a process that is gone is taken away. */
async function lock(path: string): Promise<void> {
  for (let i = 0; i < 3; i++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return;
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST") {
        throw cause;
      }
    }
    const owner = await readFile(path).then(
      (bytes) => Number(new TextDecoder().decode(bytes)),
      () => 0,
    );
    if (owner === 0 || owner === process.pid || runs(owner)) {
      throw busy(path.slice(0, -".lock".length));
    }
    await unlink(path).catch(() => undefined);
  }
  throw busy(path);
}

class FileStore implements IndexStore {
  readonly kind = "file";
  size: number;
  private readonly path: string;
  private file: FileHandle | undefined;
  private closed = false;

  constructor(path: string, size: number) {
    this.path = path;
    this.size = size;
  }

  read(): Promise<Uint8Array<ArrayBuffer>> {
    return this.trying(() => readFile(this.path));
  }

  replace(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.trying(async () => {
      const fresh = `${this.path}.new`;
      const file = await open(fresh, "w");
      try {
        await writeAll(file, bytes, 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.file?.close();
      this.file = undefined;
      await rename(fresh, this.path);
      await syncFolder(this.path);
      this.size = bytes.length;
    });
  }

  write(parts: readonly StorePart[]): Promise<void> {
    return this.trying(async () => {
      this.file ??= await open(this.path, "r+");
      for (const { at, bytes } of parts) {
        await writeAll(this.file, bytes, at);
        await this.file.datasync();
        this.size = Math.max(this.size, at + bytes.length);
      }
    });
  }

  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      await this.file?.close();
      await unlink(`${this.path}.lock`);
    }
  }

  private async trying<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (cause) {
      throw storeFailed(this.path, cause);
    }
  }
}

export async function openStore(
  name: string,
  _options: StoreOptions,
): Promise<IndexStore> {
  try {
    await lock(`${name}.lock`);
  } catch (cause) {
    throw codeOf(cause) === "E_BUSY" ? cause : storeFailed(name, cause);
  }
  const size = await stat(name).then(
    (found) => found.size,
    () => 0,
  );
  return new FileStore(name, size);
}
