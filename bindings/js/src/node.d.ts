/** The few parts of Node that the package uses, so that it can be compiled
 * without the types of all of Node. Not part of the package. */
declare module "node:fs" {
  export function linkSync(from: string, to: string): void;
  export function readFileSync(path: string, encoding: "latin1"): string;
  export function renameSync(from: string, to: string): void;
  export function rmSync(path: string, options: { force: boolean }): void;
  export function writeFileSync(
    path: string,
    text: string,
    options: { flag: string },
  ): void;
}
declare module "node:fs/promises" {
  interface FileHandle {
    write(
      bytes: Uint8Array,
      from: number,
      size: number,
      at: number,
    ): Promise<{ readonly bytesWritten: number }>;
    sync(): Promise<void>;
    datasync(): Promise<void>;
    close(): Promise<void>;
  }
  export function open(path: string, flags: string): Promise<FileHandle>;
  export function readFile(path: URL | string): Promise<Uint8Array<ArrayBuffer>>;
  export function rename(from: string, to: string): Promise<void>;
  export function stat(path: string): Promise<{ readonly size: number }>;
  export function unlink(path: string): Promise<void>;
}
declare module "node:url" {
  export function pathToFileURL(path: string): URL;
}
declare module "node:os" {
  export function availableParallelism(): number;
}
declare module "node:worker_threads" {
  interface Port {
    postMessage(message: unknown): void;
    once(event: "message", listener: (message: unknown) => void): this;
  }
  export const parentPort: Port | null;
  export class Worker {
    constructor(file: string | URL, options?: { execArgv?: string[] });
    postMessage(message: unknown): void;
    on(event: "message", listener: (message: unknown) => void): this;
    on(event: "error", listener: (error: Error) => void): this;
    on(event: "exit", listener: () => void): this;
    unref(): void;
    terminate(): Promise<number>;
  }
}
declare const process: {
  readonly pid: number;
  kill(pid: number, signal: number): boolean;
};
