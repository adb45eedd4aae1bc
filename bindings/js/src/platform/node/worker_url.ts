/** Where the files of threads are: beside this one. */
export function workerUrl(name: string): URL | string {
  return new URL(`./${name}.mjs`, import.meta.url);
}
