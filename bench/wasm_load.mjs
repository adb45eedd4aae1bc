// wasm_load.mjs DIST MODULE: loads a module of the built package, once, as the
// first thing this process does with it. Prints one JSON object: the ms from
// calling the loader until there is an instance, and its parts.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, module] = process.argv.slice(2);
const { load, openSwarm } = await import(pathToFileURL(join(dist, "index.mjs")));

const start = performance.now();
const loaded =
  module === "swarm"
    ? await openSwarm()
    : await load({ variant: module.replace("core-", "") });
const loadMs = performance.now() - start;

const info = module === "swarm" ? null : loaded.info();
if (info && (info.cached || info.module !== module)) {
  throw new Error(`not a first load of ${module}: ${JSON.stringify(info)}`);
}
console.log(
  JSON.stringify({
    what: "load",
    module,
    load_ms: loadMs,
    read_and_compile_ms: info?.compileMs ?? null,
    instantiate_ms: info?.instantiateMs ?? null,
    node: process.version,
  }),
);
