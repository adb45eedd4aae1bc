/** Where the files of threads are: beside this one. */
declare const __dirname: string;

export function workerUrl(name: string): URL | string {
  return `${__dirname}/${name}.cjs`;
}
