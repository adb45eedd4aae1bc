/** Where indexes are kept: files, in Node. */
import {
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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

/** What the system says of a process: the letter of its state, and when it
 * began, in ticks. */
function lookAt(pid: number | "self"): { state: string; began: number } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: words[0] ?? "", began: Number(words[19]) || 0 };
  } catch {
    return { state: "", began: 0 };
  }
}

function runs(pid: number, began: number): boolean {
  const now = lookAt(pid);
  if (now.state !== "") {
    return !"ZX".includes(now.state) && (began === 0 || began === now.began);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return codeOf(cause) === "EPERM";
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Takes a lock that is nobody's away, and only that one: by now it may be
 * another's. */
function takeAway(name: string, lock: string, judged: string): void {
  const number = Math.floor(Math.random() * 2 ** 40);
  const aside = `${name}.tmp.${process.pid}.${number}`;
  try {
    renameSync(lock, aside);
    if (textOf(aside) !== judged) {
      linkSync(aside, lock);
    }
  } catch {
    // Somebody else has taken it away, or has it by now.
  }
  rmSync(aside, { force: true });
}

const TRIES = 50;
const WAIT_MS = 10;

/** Makes the file beside that says which process writes, as spec/formats/index.md
 * has it, for programs of all kinds. Its parts are written at once: one without
 * the end of its line was left by a process that was killed, if it stays so. */
async function lock(name: string): Promise<void> {
  const path = `${name}.lock`;
  const mine = `${process.pid} ${lookAt("self").began}\n`;
  for (let i = 0; i < TRIES; i++) {
    try {
      writeFileSync(path, mine, { flag: "wx" });
      return;
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST") {
        throw cause;
      }
    }
    const text = textOf(path);
    const [pid = 0, began = 0] = text.split(" ").map(Number);
    const isWhole = text.endsWith("\n");
    if (isWhole && pid > 0 && runs(pid, began)) {
      throw busy(name, `in process ${pid}`);
    }
    if (isWhole || i === TRIES / 2) {
      takeAway(name, path, text);
    } else {
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
  throw busy(name);
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
    await lock(name);
  } catch (cause) {
    throw codeOf(cause) === "E_BUSY" ? cause : storeFailed(name, cause);
  }
  const size = await stat(name).then(
    (found) => found.size,
    () => 0,
  );
  return new FileStore(name, size);
}
