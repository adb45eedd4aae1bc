/** Threads for a pool, and for training: worker_threads. */
import { availableParallelism } from "node:os";

import type { JobSays, JobStart } from "./network_serve.js";
import type { StartThread } from "./pool_serve.js";
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

/** Node's module of threads takes a millisecond to load: only who needs threads
 * loads it. */
async function starter<Start, Says>(
  script: URL | string,
): Promise<StartThread<Start, Says>> {
  const { Worker } = await import("node:worker_threads");
  return (url, says, fails) => {
    // The flags of the program can be such that no file can be run with them.
    const worker = new Worker(url ?? script, { execArgv: [] });
    worker.on("message", (message) => says(message as Says));
    worker.on("error", (error) => fails(error.message));
    worker.on("exit", () => fails("it ended"));
    return {
      start: (start) => worker.postMessage(start),
      unref: () => worker.unref(),
      end: async () => void (await worker.terminate()),
    };
  };
}

export function threadStarter(): Promise<StartThread> {
  return starter(workerUrl("pool_worker"));
}

export function jobStarter(): Promise<StartThread<JobStart, JobSays>> {
  return starter(workerUrl("network_worker"));
}
