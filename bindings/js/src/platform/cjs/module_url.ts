/** Where the modules are: beside this file, which in CommonJS has no
 * import.meta. */
import { pathToFileURL } from "node:url";

import type { ModuleName } from "./load.js";

declare const __dirname: string;

/** The address of a module beside this file. */
export function moduleUrl(name: ModuleName): URL {
  return pathToFileURL(`${__dirname}/wasm/midge-${name}.wasm`);
}
