/** Loading the kernels, once for all who ask. */
import { Kernels } from "./kernels.js";
import {
  choose,
  instantiate,
  once,
  type LoadOptions,
  type Variant,
} from "./load.js";

const shared = new Map<string, Promise<Kernels>>();

async function start(options: LoadOptions<Variant>): Promise<Kernels> {
  return new Kernels(await instantiate("kernels", options));
}

/**
 * The kernels in the variant that fits this engine. All callers in a thread that
 * ask for the same get the same instance, so that blocks fit together; from given
 * bytes or a Module it is always a fresh one.
 */
export async function loadKernels(
  options: LoadOptions<Variant> = {},
): Promise<Kernels> {
  const { wasm } = options;
  if (wasm !== undefined && !(wasm instanceof URL)) {
    return start(options);
  }
  const key = `${choose("kernels", options).name} ${wasm?.href ?? ""}`;
  for (;;) {
    const promise = once(shared, key, () => start(options));
    const kernels = await promise;
    if (kernels.alive) {
      return kernels;
    }
    if (shared.get(key) === promise) {
      shared.delete(key);
    }
  }
}

/** `Kernels.selftest` of the shared instance. */
export async function selftest(
  options: LoadOptions<Variant> = {},
): Promise<number> {
  return (await loadKernels(options)).selftest();
}
