/** Where the modules are: beside this file. */
import type { ModuleName } from "./load.js";

/** Written out one by one: bundlers look for this form to copy the files. */
const FILES: Record<ModuleName, () => URL> = {
  "vectors-simd": () => new URL("./wasm/midge-vectors-simd.wasm", import.meta.url),
  "vectors-scalar": () =>
    new URL("./wasm/midge-vectors-scalar.wasm", import.meta.url),
  "kernels-simd": () => new URL("./wasm/midge-kernels-simd.wasm", import.meta.url),
  "kernels-scalar": () =>
    new URL("./wasm/midge-kernels-scalar.wasm", import.meta.url),
  "kernels-relaxed": () =>
    new URL("./wasm/midge-kernels-relaxed.wasm", import.meta.url),
  "core-simd": () => new URL("./wasm/midge-core-simd.wasm", import.meta.url),
  "core-scalar": () => new URL("./wasm/midge-core-scalar.wasm", import.meta.url),
  "selftest-simd": () =>
    new URL("./wasm/midge-selftest-simd.wasm", import.meta.url),
  "selftest-scalar": () =>
    new URL("./wasm/midge-selftest-scalar.wasm", import.meta.url),
  swarm: () => new URL("./wasm/midge-swarm.wasm", import.meta.url),
  "threads-simd": () => new URL("./wasm/midge-threads-simd.wasm", import.meta.url),
  "threads-scalar": () =>
    new URL("./wasm/midge-threads-scalar.wasm", import.meta.url),
};

/** The address of a module beside this file; throws where there is no such. */
export function moduleUrl(name: ModuleName): URL {
  return FILES[name]();
}
