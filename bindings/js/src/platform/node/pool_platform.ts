/** Threads for a pool: worker_threads. */
import { availableParallelism } from "node:os";

import type { StartThread, WorkerSays } from "./pool_serve.js";
import { workerUrl } from "./worker_url.js";

/** How many threads can run at once here. */
export function cores(): number {
  return availableParallelism();
}

/** Why there cannot be more than one thread here, if so. */
export function whyAlone(): string | undefined {
  return undefined;
}

/** Whether this thread may wait. */
export function mayWait(): boolean {
  return true;
}

/** Node's module of threads takes a millisecond to load: only pools load it. */
export async function threadStarter(): Promise<StartThread> {
  const { Worker } = await import("node:worker_threads");
  return (url, says, fails) => {
    // The flags of the program can be such that no file can be run with them.
    const worker = new Worker(url ?? workerUrl(), { execArgv: [] });
    worker.on("message", (message) => says(message as WorkerSays));
    worker.on("error", (error) => fails(error.message));
    worker.on("exit", () => fails("it ended"));
    return {
      start: (start) => worker.postMessage(start),
      unref: () => worker.unref(),
      end: async () => void (await worker.terminate()),
    };
  };
}
