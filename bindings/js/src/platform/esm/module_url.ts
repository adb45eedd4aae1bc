/** Where the modules are: beside this file. */
import type { ModuleName } from "./load.js";

/** Node makes `import.meta` when it is first named, which takes 0.2 ms: here it
 * is made with the package, not between asking for a module and having it. */
const HERE: string | undefined = import.meta.url;

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
  "index-simd": () => new URL("./wasm/midge-index-simd.wasm", import.meta.url),
  "index-scalar": () => new URL("./wasm/midge-index-scalar.wasm", import.meta.url),
  "index-threads": () =>
    new URL("./wasm/midge-index-threads.wasm", import.meta.url),
  "hnsw-micro": () => new URL("./wasm/midge-hnsw-micro.wasm", import.meta.url),
  "nn-simd": () => new URL("./wasm/midge-nn-simd.wasm", import.meta.url),
  "nn-scalar": () => new URL("./wasm/midge-nn-scalar.wasm", import.meta.url),
  "nn-full-simd": () => new URL("./wasm/midge-nn-full-simd.wasm", import.meta.url),
  "nn-full-scalar": () =>
    new URL("./wasm/midge-nn-full-scalar.wasm", import.meta.url),
  "nnx-simd": () => new URL("./wasm/midge-nnx-simd.wasm", import.meta.url),
  "nnx-scalar": () => new URL("./wasm/midge-nnx-scalar.wasm", import.meta.url),
  swarm: () => new URL("./wasm/midge-swarm.wasm", import.meta.url),
  "threads-simd": () => new URL("./wasm/midge-threads-simd.wasm", import.meta.url),
  "threads-scalar": () =>
    new URL("./wasm/midge-threads-scalar.wasm", import.meta.url),
};

/** The address of a module beside this file; throws where there is no such. */
export function moduleUrl(name: ModuleName): URL {
  if (HERE === undefined) {
    throw new Error("import.meta.url is undefined");
  }
  return FILES[name]();
}
