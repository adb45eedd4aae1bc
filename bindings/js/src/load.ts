/**
 * Finds, compiles and starts the wasm modules. A module is read and compiled
 * once; every start after that is a fresh instance of the compiled code with a
 * memory of its own. The variant is chosen by what the engine can validate,
 * never by guessing, and a module that cannot be loaded is an error that names
 * the file: nothing is silently replaced by something else.
 */
import { Core, MidgeError, reasonOf } from "./core.js";
import { EXPORT_NAMES, type ModuleExports } from "./exports.js";
import { moduleUrl } from "./module_url.js";
import { readModule } from "./platform.js";

/** "relaxed" is SIMD with fused arithmetic in the operations named `_fast`. */
export type Variant = "simd" | "scalar" | "relaxed";
export type ModuleName =
  | "vectors-simd"
  | "vectors-scalar"
  | "kernels-simd"
  | "kernels-scalar"
  | "kernels-relaxed"
  | "core-simd"
  | "core-scalar"
  | "selftest-simd"
  | "selftest-scalar"
  | "index-simd"
  | "index-scalar"
  | "index-threads"
  | "hnsw-micro"
  | "nn-simd"
  | "nn-scalar"
  | "nn-full-simd"
  | "nn-full-scalar"
  | "nnx-simd"
  | "nnx-scalar"
  | "swarm"
  | "threads-simd"
  | "threads-scalar";
/** Where a module comes from, when it does not lie beside this file. */
export type WasmSource = URL | BufferSource | WebAssembly.Module;

export interface LoadOptions<V extends Variant = "simd" | "scalar"> {
  /** Which variant to run; by default SIMD where the engine has it. */
  variant?: V;
  wasm?: WasmSource;
}

export interface LoadInfo {
  readonly module: ModuleName;
  /** Null when a module has only one, which computes no floats. */
  readonly variant: Variant | null;
  /** How the code came: from a file, a response compiled while it arrives, a
   * response compiled afterwards, or from the caller. */
  readonly source: "file" | "stream" | "response" | "given";
  /** Whether the compiled code was there from an earlier load. */
  readonly cached: boolean;
  /** Size of the module; null where it was not seen (stream, Module). */
  readonly bytes: number | null;
  /** Reading, the first time; of a stream until its first bytes. */
  readonly loadMs: number;
  /** Compiling, the first time; of a stream with the reading of the rest. */
  readonly compileMs: number;
  readonly instantiateMs: number;
}

export interface Info extends LoadInfo {
  readonly version: string;
  /** The module's whole memory: it grows and never shrinks. */
  readonly memoryBytes: number;
  /** What of it is in use. */
  readonly usedBytes: number;
  /** The most that was in use at one time. */
  readonly peakBytes: number;
}

interface Compiled {
  readonly module: WebAssembly.Module;
  readonly source: LoadInfo["source"];
  readonly bytes: number | null;
  readonly loadMs: number;
  readonly compileMs: number;
}

/** Complete modules, each a function that uses one instruction. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8,
  0, 65, 0, 253, 15, 253, 98, 11,
]);
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0,
  10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11,
]);

/** Whether this engine runs the SIMD variant. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Whether this engine runs the relaxed variant. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

type Came = Omit<Compiled, "loadMs" | "compileMs"> & { readonly since: number };

async function compileBytes(
  bytes: BufferSource,
  source: LoadInfo["source"],
): Promise<Came> {
  const since = performance.now();
  const module = await WebAssembly.compile(bytes);
  return { module, source, bytes: bytes.byteLength, since };
}

/** A server that names the right type lets the engine compile while the bytes
 * arrive; from any other server they are compiled when they are all there. */
async function compileResponse(response: Response): Promise<Came> {
  if (!response.ok) {
    throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
  }
  // Exactly this: engines refuse a stream whose type has parameters.
  const type = (response.headers.get("content-type") ?? "").trim().toLowerCase();
  if (type === "application/wasm") {
    const since = performance.now();
    const module = await WebAssembly.compileStreaming(response);
    return { module, source: "stream", bytes: null, since };
  }
  if (type.startsWith("text/html")) {
    throw new Error("the server answered with a page (text/html), not a module");
  }
  return compileBytes(await response.arrayBuffer(), "response");
}

async function compileSource(wasm: WasmSource): Promise<Came> {
  if (wasm instanceof WebAssembly.Module) {
    const since = performance.now();
    return { module: wasm, source: "given", bytes: null, since };
  }
  if (!(wasm instanceof URL)) {
    return compileBytes(wasm, "given");
  }
  // Naming Response would make Node load all of fetch: 30 ms.
  const read = await readModule(wasm);
  return ArrayBuffer.isView(read)
    ? compileBytes(read, "file")
    : compileResponse(read);
}

async function compile(wasm: WasmSource): Promise<Compiled> {
  const start = performance.now();
  try {
    const { since, ...compiled } = await compileSource(wasm);
    const compileMs = performance.now() - since;
    return { ...compiled, loadMs: since - start, compileMs };
  } catch (cause) {
    const name = wasm instanceof URL ? wasm.href : "the given bytes";
    throw failed(`cannot load ${name}: ${reasonOf(cause)}`, cause);
  }
}

function failed(text: string, cause?: unknown): MidgeError {
  return new MidgeError("LOAD_FAILED", `midge: ${text}`, { cause });
}

/** What `key` was made to once. A failure is forgotten, so that it can be tried
 * again. */
export function once<T>(
  made: Map<string, Promise<T>>,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  let promise = made.get(key);
  if (!promise) {
    promise = make();
    made.set(key, promise);
    promise.catch(() => made.delete(key));
  }
  return promise;
}

const compiledModules = new Map<string, Promise<Compiled>>();

function besideThisFile(name: ModuleName): URL {
  try {
    return moduleUrl(name);
  } catch (cause) {
    const text = `where midge-${name}.wasm lies is not known in this bundle: pass it as the option \`wasm\``;
    throw failed(text, cause);
  }
}

type Family =
  | "core"
  | "vectors"
  | "kernels"
  | "index"
  | "nn"
  | "nn-full"
  | "nnx"
  | "selftest"
  | "threads";
const VARIANTS: Record<Family, readonly Variant[]> = {
  core: ["simd", "scalar"],
  vectors: ["simd", "scalar"],
  kernels: ["simd", "scalar", "relaxed"],
  index: ["simd", "scalar"],
  nn: ["simd", "scalar"],
  "nn-full": ["simd", "scalar"],
  nnx: ["simd", "scalar"],
  selftest: ["simd", "scalar"],
  threads: ["simd", "scalar"],
};

function chooseVariant(
  module: Family,
  asked: Variant | undefined,
): Variant {
  const variant = asked ?? (hasSimd() ? "simd" : "scalar");
  if (!VARIANTS[module].includes(variant)) {
    const known = VARIANTS[module].map((name) => `"${name}"`).join(" or ");
    throw new TypeError(`unknown variant "${variant}" of ${module}: use ${known}`);
  }
  if (variant === "relaxed" && !hasRelaxedSimd()) {
    throw new MidgeError(
      "E_UNSUPPORTED",
      "midge: this engine does not run relaxed SIMD; Node 20 does when started with --experimental-wasm-relaxed-simd",
    );
  }
  return variant;
}

/** For modules that are there once. */
function needSimd(name: ModuleName, asked: Variant | undefined): void {
  if ((asked ?? "simd") !== "simd" || !hasSimd()) {
    throw new MidgeError("E_UNSUPPORTED", `midge: midge-${name} needs SIMD`);
  }
}

/** The variant that `options` ask for, and the name of its module. */
export function choose<M extends keyof ModuleExports>(
  module: M,
  options: LoadOptions<Variant>,
): { name: ModuleName; variant: Variant | null } {
  if (module === "swarm") {
    return { name: "swarm", variant: null };
  }
  if (module === "micro" || module === "index_threads") {
    const name = module === "micro" ? "hnsw-micro" : "index-threads";
    needSimd(name, options.variant);
    return { name, variant: "simd" };
  }
  const family = module.replace("_", "-") as Family;
  const variant = chooseVariant(family, options.variant);
  return { name: `${family}-${variant}` as ModuleName, variant };
}

export interface Loaded<M extends keyof ModuleExports> {
  readonly core: Core<ModuleExports[M]>;
  /** The compiled code, for the other threads of a pool. */
  readonly code: WebAssembly.Module;
  readonly info: () => Info;
}

/** What modules import: those of threads their memory, those of networks whom to
 * ask while they train, the others nothing. */
export interface Imports {
  readonly env?: { readonly memory: WebAssembly.Memory };
  readonly midge?: Readonly<Record<string, (at: number) => number>>;
}

/** A fresh instance of a module. */
export async function instantiate<M extends keyof ModuleExports>(
  module: M,
  options: LoadOptions<Variant>,
  imports: Imports = {},
): Promise<Loaded<M>> {
  const { name, variant } = choose(module, options);
  const wasm = options.wasm ?? besideThisFile(name);
  const cached = wasm instanceof URL && compiledModules.has(wasm.href);
  const compiled = await (wasm instanceof URL
    ? once(compiledModules, wasm.href, () => compile(wasm))
    : compile(wasm));
  const start = performance.now();
  const instance = await WebAssembly.instantiate(
    compiled.module,
    imports as WebAssembly.Imports,
  );
  const { module: code, ...how } = compiled;
  const instantiateMs = performance.now() - start;
  const { exports } = instance;
  for (const one of EXPORT_NAMES[module] as readonly string[]) {
    if (typeof exports[one] !== "function") {
      const from = wasm instanceof URL ? wasm.href : "the given module";
      throw failed(
        `${from} is no midge-${name} of this version: it has no ${one}`,
      );
    }
  }
  const core = new Core<ModuleExports[M]>(instance, imports.env?.memory);
  const loadInfo = { module: name, variant, ...how, cached, instantiateMs };
  return { core, code, info: () => infoOf(core, loadInfo) };
}

function infoOf(core: Core, loaded: LoadInfo): Info {
  return {
    ...loaded,
    version: core.text(core.calls.version()),
    memoryBytes: core.memory.buffer.byteLength,
    usedBytes: core.calls.heap_used(),
    peakBytes: core.calls.heap_peak(),
  };
}
