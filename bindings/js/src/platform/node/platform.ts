/** How modules are read: in Node. */
import { readFile } from "node:fs/promises";

export function readModule(
  url: URL,
): Promise<Response | Uint8Array<ArrayBuffer>> {
  return url.protocol === "file:" ? readFile(url) : fetch(url);
}
