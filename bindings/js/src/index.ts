/**
 * Midge in WebAssembly: vector kernels, the models that `midge learn` writes,
 * and a swarm's event log, with the same bits as the native program.
 *
 *     const k = await loadKernels();
 *     console.log(k.dot(a, b));
 *
 *     const midge = await load();
 *     const model = midge.openModel(modelBytes);
 *     console.log(model.values(model.predictTable(csvBytes)));
 *     model.dispose();
 */
import { instantiate, type Info, type Loaded, type LoadOptions } from "./load.js";
import { Model } from "./model.js";
import { Swarm } from "./swarm.js";

export type { Arrays, Block, Kind, Vector } from "./block.js";
export { MidgeError } from "./core.js";
export {
  SELFTEST_RESULT,
  STRUCTS,
  type KernelsOps,
  type Pointer,
  type VectorsOps,
} from "./exports.js";
export type { IndexFilter } from "./index_filter.js";
export type {
  ColumnKind,
  IdType,
  IndexInfo,
  IndexKind,
  IndexMetric,
  IndexOptions,
  IndexStorage,
  IndexWalk,
} from "./index_options.js";
export type { Rows } from "./index_rows.js";
export type { IndexStore, StoreOptions, StorePart } from "./index_store.js";
export type { Activation, Kernels, MatmulOptions, Sparse } from "./kernels.js";
export {
  hasRelaxedSimd,
  hasSimd,
  type Info,
  type LoadInfo,
  type LoadOptions,
  type ModuleName,
  type Variant,
  type WasmSource,
} from "./load.js";
export {
  createIndex,
  openIndex,
  openStore,
  type CreateIndexOptions,
  type OpenIndexOptions,
} from "./load_index.js";
export { loadKernels, loadVectors, selftest } from "./load_kernels.js";
export type { Model, Prediction } from "./model.js";
export { Network, type NetworkLoadOptions } from "./network.js";
export { oneHot, type OneHot, type Part, type Split } from "./network_data.js";
export type {
  Activation as NetworkActivation,
  CascadeOptions,
  CascadeResult,
  ClassificationMeasures,
  ClassMeasures,
  ColumnScaling,
  LayerInfo,
  Loss,
  NetworkData,
  NetworkOptions,
  NetworkRows,
  RegressionMeasures,
  Scale,
  ScalingOptions,
  Schedule,
  SplitOptions,
  Stop,
  Trainer,
  TrainOptions,
  TrainProgress,
  TrainResult,
  Watch,
  WatchedCascadeOptions,
  WatchedTrainOptions,
  WeightInit,
  WorkerOptions,
} from "./network_options.js";
export type { Int8Network } from "./network_run.js";
export {
  openPool,
  type By,
  type Metric,
  type Neighbours,
  type Pool,
  type PoolIndex,
  type PoolInfo,
  type PoolOptions,
} from "./pool.js";
export type { Random } from "./random.js";
export { STATUS_NAMES } from "./status.js";
export type { Swarm } from "./swarm.js";
export type { Metadata, MetadataValue, StoredMetadata } from "./tags.js";
export type {
  AddOptions,
  Found,
  FoundMany,
  SearchOptions,
  StoredRow,
  TuneOptions,
  TuneReport,
  VectorIndex,
} from "./vector_index.js";
export type { Vectors } from "./vectors.js";

/** A fresh instance of the core, with a memory of its own. */
export class Midge {
  /** What was loaded, and the memory of this instance. */
  readonly info: () => Info;
  private readonly core: Loaded<"core">["core"];

  /** Use `load()`. */
  constructor({ core, info }: Loaded<"core">) {
    this.core = core;
    this.info = info;
  }

  /** Opens the bytes of a model file; dispose the model when done. */
  openModel(bytes: Uint8Array): Model {
    const { core } = this;
    const at = core.withBytes(bytes, (from) =>
      core.calls.bundle_open(from, bytes.byteLength),
    );
    return new Model(core, core.checkHandle(at));
  }
}

/** Loads the core in the variant that fits this engine. */
export async function load(options: LoadOptions = {}): Promise<Midge> {
  return new Midge(await instantiate("core", options));
}

/** An empty swarm in an instance of its own; dispose it when done. */
export async function openSwarm(
  options: Pick<LoadOptions, "wasm"> = {},
): Promise<Swarm> {
  return new Swarm(await instantiate("swarm", options));
}
