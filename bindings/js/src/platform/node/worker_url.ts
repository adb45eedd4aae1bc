/** Where the file of a pool's threads is: beside this one. */
export function workerUrl(): URL | string {
  return new URL("./pool_worker.mjs", import.meta.url);
}
