/** The few parts of Node that the package uses, so that it can be compiled
 * without the types of all of Node. Not part of the package. */
declare module "node:fs/promises" {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
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
