/** Loading vectors and kernels, once for all who ask. */
import { Kernels } from "./kernels.js";
import {
  choose,
  instantiate,
  once,
  type LoadOptions,
  type Variant,
} from "./load.js";
import { Vectors } from "./vectors.js";

type Made<T> = Map<string, Promise<T>>;

/** The same for all who ask for the same, until it stops; what comes from given
 * bytes or a Module is always fresh. */
async function shared<T extends { readonly alive: boolean }>(
  made: Made<T>,
  module: "vectors" | "kernels",
  options: LoadOptions<Variant>,
  start: () => Promise<T>,
): Promise<T> {
  const { wasm } = options;
  if (wasm !== undefined && !(wasm instanceof URL)) {
    return start();
  }
  const key = `${choose(module, options).name} ${wasm?.href ?? ""}`;
  for (;;) {
    const promise = once(made, key, start);
    const found = await promise;
    if (found.alive) {
      return found;
    }
    if (made.get(key) === promise) {
      made.delete(key);
    }
  }
}

/** Asking costs a third of a millisecond, so our own modules are not asked. */
function checked<T extends Vectors | Kernels>(
  made: T,
  options: LoadOptions<Variant>,
): T {
  if (options.wasm !== undefined) {
    made.checkVariant();
  }
  return made;
}

const allVectors: Made<Vectors> = new Map();
const allKernels: Made<Kernels> = new Map();

/**
 * Vectors of floats, bytes and bits, in the variant that fits this engine. All
 * callers in a thread that ask for the same get the same instance, so that
 * blocks fit together; from given bytes or a Module it is always a fresh one.
 */
export function loadVectors(options: LoadOptions = {}): Promise<Vectors> {
  return shared(allVectors, "vectors", options, async () =>
    checked(new Vectors(await instantiate("vectors", options)), options),
  );
}

/** Matrices and functions of elements; else as `loadVectors`. */
export function loadKernels(
  options: LoadOptions<Variant> = {},
): Promise<Kernels> {
  return shared(allKernels, "kernels", options, async () =>
    checked(new Kernels(await instantiate("kernels", options)), options),
  );
}

/**
 * Runs every kernel on a fixed corpus and hashes the results: SELFTEST_RESULT in
 * every engine that computes correctly. In a module of its own, which nothing
 * else loads.
 */
export async function selftest(options: LoadOptions = {}): Promise<number> {
  const { core } = await instantiate("selftest", options);
  return core.calls.selftest();
}
