/** The few parts of Node that the package uses, so that it can be compiled
 * without the types of all of Node. Not part of the package. */
declare module "node:fs/promises" {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}
declare module "node:url" {
  export function pathToFileURL(path: string): URL;
}
