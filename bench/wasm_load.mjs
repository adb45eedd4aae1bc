// wasm_load.mjs DIST MODULE: loads a module of the built package, once, as the
// first thing this process does with it. Prints one JSON object: the ms from
// calling the loader until there is an instance, its parts, and the memory.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

const [dist, module] = process.argv.slice(2);
const [family, variant] = module.split("-");
if (variant === "relaxed") {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { load, loadKernels, loadVectors, openPool, openSwarm } = await import(
  pathToFileURL(join(dist, "index.mjs"))
);
const open = {
  core: load,
  kernels: loadKernels,
  swarm: openSwarm,
  threads: (options) => openPool({ ...options, threads: 1 }),
  vectors: loadVectors,
}[family];

const before = process.resourceUsage().maxRSS;
const start = performance.now();
const loaded = await open({ variant });
const loadMs = performance.now() - start;

const info = loaded.info();
if (info.cached || info.module !== module) {
  throw new Error(`not a first load of ${module}: ${JSON.stringify(info)}`);
}
console.log(
  JSON.stringify({
    what: "load",
    module,
    load_ms: loadMs,
    read_ms: info.loadMs,
    compile_ms: info.compileMs,
    instantiate_ms: info.instantiateMs,
    memory_bytes: info.memoryBytes,
    // What the process grew by, the engine's own memory with it.
    rss_kib: process.resourceUsage().maxRSS - before,
    node: process.version,
  }),
);
