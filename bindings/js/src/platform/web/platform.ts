/** How modules are read: in pages and workers of browsers, and in what bundlers
 * make for them. */

export function readModule(
  url: URL,
): Promise<Response | Uint8Array<ArrayBuffer>> {
  return fetch(url);
}
