/** Threads for a pool, and for training: Web Workers. */
import type { JobSays, JobStart } from "./network_serve.js";
import type { StartThread, WorkerSays, WorkerStart } from "./pool_serve.js";

/** How many threads can run at once here. */
export function cores(): number {
  return navigator.hardwareConcurrency || 1;
}

/** Why there cannot be more than one thread here, if so. */
export function whyAlone(): string | undefined {
  if (typeof Worker === "undefined") {
    return "this place has no Worker";
  }
  return globalThis.crossOriginIsolated && typeof SharedArrayBuffer === "function"
    ? undefined
    : "this page is not cross-origin isolated: serve it with " +
        "Cross-Origin-Opener-Policy: same-origin and " +
        "Cross-Origin-Embedder-Policy: require-corp";
}

/** Whether this thread may wait: the main thread of a page may not. */
export function mayWait(): boolean {
  return typeof document === "undefined";
}

/** `beside` makes the worker whose script lies beside this file. */
function starter<Start, Says>(beside: () => Worker): StartThread<Start, Says> {
  return (url, says, fails) => {
    const worker = url ? new Worker(url, { type: "module" }) : beside();
    worker.onmessage = ({ data }) => says(data as Says);
    worker.onerror = (event) => {
      event.preventDefault();
      fails(event.message || "its script cannot be loaded");
    };
    return {
      start: (start) => worker.postMessage(start),
      unref: () => undefined,
      end: async () => worker.terminate(),
    };
  };
}

// In this form bundlers find the files of workers.

export async function threadStarter(): Promise<StartThread> {
  return starter<WorkerStart, WorkerSays>(
    () =>
      new Worker(new URL("./pool_worker.js", import.meta.url), {
        type: "module",
      }),
  );
}

export async function jobStarter(): Promise<StartThread<JobStart, JobSays>> {
  return starter(
    () =>
      new Worker(new URL("./network_worker.js", import.meta.url), {
        type: "module",
      }),
  );
}
