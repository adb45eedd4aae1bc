/** Where modules are and how they are read: in Node, as CommonJS, which has no
 * import.meta. */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import type { ModuleName } from "./load.js";

declare const __dirname: string;

/** The address of a module beside this file. */
export function moduleUrl(name: ModuleName): URL {
  return pathToFileURL(`${__dirname}/wasm/midge-${name}.wasm`);
}

export function readModule(
  url: URL,
): Promise<Response | Uint8Array<ArrayBuffer>> {
  return url.protocol === "file:" ? readFile(url) : fetch(url);
}
