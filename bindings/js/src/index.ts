/**
 * Midge in WebAssembly: run the models that `midge learn` writes, and replay a
 * swarm's event log, with the same bits as the native program.
 *
 *     const midge = await load();
 *     const model = midge.openModel(modelBytes);
 *     console.log(model.values(model.predictTable(csvBytes)));
 *     model.dispose();
 */
import { Core } from "./core.js";
import { instantiate, type LoadInfo, type LoadOptions } from "./load.js";
import { Model } from "./model.js";
import { Swarm } from "./swarm.js";

export { MidgeError } from "./core.js";
export {
  hasSimd,
  type LoadInfo,
  type LoadOptions,
  type ModuleName,
  type Variant,
  type WasmSource,
} from "./load.js";
export type { Model, Prediction } from "./model.js";
export { STATUS_NAMES } from "./status.js";
export type { Swarm } from "./swarm.js";

export interface Info extends LoadInfo {
  readonly version: string;
  /** The module's whole memory; it grows and never shrinks. */
  readonly memoryBytes: number;
  /** What of it is in use: goes back when models are disposed. */
  readonly usedBytes: number;
}

/** A fresh instance of the core, with a memory of its own. */
export class Midge {
  private readonly core: Core;
  private readonly loaded: LoadInfo;

  /** Use `load()`. */
  constructor(core: Core, loaded: LoadInfo) {
    this.core = core;
    this.loaded = loaded;
  }

  info(): Info {
    return {
      ...this.loaded,
      version: this.core.text(this.core.call("version")),
      memoryBytes: this.core.memory.buffer.byteLength,
      usedBytes: this.core.call("heap_used"),
    };
  }

  /** Opens the bytes of a model file; dispose the model when done. */
  openModel(bytes: Uint8Array): Model {
    const { core } = this;
    const at = core.withBytes(bytes, (from) =>
      core.call("bundle_open", from, bytes.byteLength),
    );
    return new Model(core, core.checkHandle(at));
  }

  /**
   * Runs every kernel on a fixed corpus and hashes the results: the same number
   * as the native program's on every machine that computes correctly.
   */
  selftest(): number {
    return this.core.call("selftest");
  }
}

/** Loads the core in the variant that fits this engine. */
export async function load(options: LoadOptions = {}): Promise<Midge> {
  const { instance, info } = await instantiate("core", options);
  return new Midge(new Core(instance), info);
}

/** An empty swarm in an instance of its own; dispose it when done. */
export async function openSwarm(
  options: Pick<LoadOptions, "wasm"> = {},
): Promise<Swarm> {
  const core = new Core((await instantiate("swarm", options)).instance);
  return new Swarm(core, core.checkHandle(core.call("swarm_open")));
}
