/** Where the file of a pool's threads is: beside this one. */
declare const __dirname: string;

export function workerUrl(): URL | string {
  return `${__dirname}/pool_worker.cjs`;
}
