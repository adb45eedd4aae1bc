/**
 * Finds, compiles and starts the wasm modules. A module is read and compiled
 * once; every start after that is a fresh instance of the compiled code with a
 * memory of its own. The variant is chosen by what the engine can validate,
 * never by guessing, and a module that cannot be loaded is an error that names
 * the file: nothing is silently replaced by something else.
 */
export type Variant = "simd" | "scalar";
export type ModuleName = "core-simd" | "core-scalar" | "swarm";
/** Where a module comes from, when it does not lie beside this file. */
export type WasmSource = URL | BufferSource | WebAssembly.Module;

export interface LoadOptions {
  /** Which variant to run; by default SIMD where the engine has it. */
  variant?: Variant;
  wasm?: WasmSource;
}

export interface LoadInfo {
  readonly module: ModuleName;
  /** How the code came: from a file, a response compiled while it arrives, a
   * response compiled afterwards, or from the caller. */
  readonly source: "file" | "stream" | "response" | "given";
  /** Whether the compiled code was there from an earlier load. */
  readonly cached: boolean;
  /** Size of the module; null where it was not seen (stream, Module). */
  readonly bytes: number | null;
  /** Reading and compiling, the first time; a stream does both at once. */
  readonly compileMs: number;
  readonly instantiateMs: number;
}

interface Compiled {
  readonly module: WebAssembly.Module;
  readonly source: LoadInfo["source"];
  readonly bytes: number | null;
  readonly compileMs: number;
}

/** A function using one SIMD instruction, as a complete module. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8,
  0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Whether this engine runs the SIMD variant. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Written out one by one: bundlers look for this form to copy the files. */
const FILES: Record<ModuleName, URL> = {
  "core-simd": new URL("./wasm/midge-core-simd.wasm", import.meta.url),
  "core-scalar": new URL("./wasm/midge-core-scalar.wasm", import.meta.url),
  swarm: new URL("./wasm/midge-swarm.wasm", import.meta.url),
};

async function compileFile(url: URL): Promise<Omit<Compiled, "compileMs">> {
  // The name is built so that bundlers for the browser leave it alone.
  const fs = await import("node:" + "fs/promises");
  const bytes = (await fs.readFile(url)) as Uint8Array<ArrayBuffer>;
  const module = await WebAssembly.compile(bytes);
  return { module, source: "file", bytes: bytes.byteLength };
}

/** A server that names the right type lets the engine compile while the bytes
 * arrive; from any other server they are compiled when they are all there. */
async function compileFetched(url: URL): Promise<Omit<Compiled, "compileMs">> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`HTTP ${response.status} ${response.statusText}`);
  }
  // Exactly this: engines refuse a stream whose type has parameters.
  const type = response.headers.get("content-type") ?? "";
  if (type.trim().toLowerCase() === "application/wasm") {
    const module = await WebAssembly.compileStreaming(response);
    return { module, source: "stream", bytes: null };
  }
  const bytes = await response.arrayBuffer();
  const module = await WebAssembly.compile(bytes);
  return { module, source: "response", bytes: bytes.byteLength };
}

async function compileSource(
  wasm: WasmSource,
): Promise<Omit<Compiled, "compileMs">> {
  if (wasm instanceof URL) {
    return wasm.protocol === "file:" ? compileFile(wasm) : compileFetched(wasm);
  }
  if (wasm instanceof WebAssembly.Module) {
    return { module: wasm, source: "given", bytes: null };
  }
  const module = await WebAssembly.compile(wasm);
  return { module, source: "given", bytes: wasm.byteLength };
}

async function compile(wasm: WasmSource): Promise<Compiled> {
  const start = performance.now();
  try {
    const compiled = await compileSource(wasm);
    return { ...compiled, compileMs: performance.now() - start };
  } catch (cause) {
    const name = wasm instanceof URL ? wasm.href : "the given bytes";
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`midge: cannot load ${name}: ${why}`, { cause });
  }
}

/** By address. A failed load is forgotten, so that it can be tried again. */
const cache = new Map<string, Promise<Compiled>>();

function compileOnce(url: URL): Promise<Compiled> {
  let compiled = cache.get(url.href);
  if (!compiled) {
    compiled = compile(url);
    cache.set(url.href, compiled);
    compiled.catch(() => cache.delete(url.href));
  }
  return compiled;
}

function chooseVariant(options: LoadOptions): Variant {
  const variant = options.variant ?? (hasSimd() ? "simd" : "scalar");
  if (variant !== "simd" && variant !== "scalar") {
    throw new TypeError(`unknown variant "${variant}": use "simd" or "scalar"`);
  }
  return variant;
}

export async function instantiate(
  module: "core" | "swarm",
  options: LoadOptions,
): Promise<{ instance: WebAssembly.Instance; info: LoadInfo }> {
  const name: ModuleName =
    module === "swarm" ? "swarm" : `core-${chooseVariant(options)}`;
  const wasm = options.wasm ?? FILES[name];
  const cached = wasm instanceof URL && cache.has(wasm.href);
  const compiled = await (wasm instanceof URL ? compileOnce(wasm) : compile(wasm));
  const start = performance.now();
  const instance = await WebAssembly.instantiate(compiled.module, {});
  const { source, bytes, compileMs } = compiled;
  const instantiateMs = performance.now() - start;
  return {
    instance,
    info: { module: name, source, cached, bytes, compileMs, instantiateMs },
  };
}
