/**
 * Finds, checks and starts the core module. The variant is chosen by what the
 * engine can validate, never by guessing, and a module that cannot be loaded
 * is an error that names the file: there is no silent fallback.
 */
export type Variant = "simd" | "scalar";

export interface LoadOptions {
  /** Which variant to run; by default SIMD where the engine has it. */
  variant?: Variant;
  /** The module's bytes, when they do not lie beside this file. */
  wasm?: BufferSource;
}

export interface LoadInfo {
  readonly variant: Variant;
  readonly loadMs: number;
  readonly compileMs: number;
  readonly bytes: number;
}

/** A function using one SIMD instruction, as a complete module. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8,
  0, 65, 0, 253, 15, 253, 98, 11,
]);

export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

async function readBytes(url: URL): Promise<BufferSource> {
  if (url.protocol === "file:") {
    // The name is built so that bundlers for the browser leave it alone.
    const fs = await import("node:" + "fs/promises");
    return (await fs.readFile(url)) as Uint8Array<ArrayBuffer>;
  }
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`HTTP ${response.status} ${response.statusText}`);
  }
  return response.arrayBuffer();
}

export async function instantiate(
  options: LoadOptions,
): Promise<{ instance: WebAssembly.Instance; info: LoadInfo }> {
  const variant = options.variant ?? (hasSimd() ? "simd" : "scalar");
  if (variant !== "simd" && variant !== "scalar") {
    throw new TypeError(`unknown variant "${variant}": use "simd" or "scalar"`);
  }
  const url = new URL(`./wasm/midge-core-${variant}.wasm`, import.meta.url);
  const name = options.wasm ? "the given bytes" : url.href;
  const start = performance.now();
  try {
    const bytes = options.wasm ?? (await readBytes(url));
    const loaded = performance.now();
    const module = await WebAssembly.compile(bytes);
    const instance = await WebAssembly.instantiate(module, {});
    const info = {
      variant,
      loadMs: loaded - start,
      compileMs: performance.now() - loaded,
      bytes: bytes.byteLength,
    };
    return { instance, info };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`midge: cannot load ${name}: ${why}`, { cause });
  }
}
