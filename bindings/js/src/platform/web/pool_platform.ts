/** Threads for a pool: Web Workers. */
import type { StartThread, WorkerSays } from "./pool_serve.js";

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

const startThread: StartThread = (url, says, fails) => {
  // In this form bundlers find the file of the worker.
  const worker = url
    ? new Worker(url, { type: "module" })
    : new Worker(new URL("./pool_worker.js", import.meta.url), {
        type: "module",
      });
  worker.onmessage = ({ data }) => says(data as WorkerSays);
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

export async function threadStarter(): Promise<StartThread> {
  return startThread;
}
