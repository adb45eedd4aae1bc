/**
 * Neural networks: made, trained and run here, in files that every Midge opens.
 *
 *     const network = await Network.create({ layers: [2, 8, 1], seed: 1 });
 *     network.train({ x, t }, { trainer: "rprop", epochs: 500 });
 *     network.run([0, 1]);
 *     const file = network.save(); // what the native program opens, too
 */
import { MidgeError, type Core } from "./core.js";
import { needLength } from "./check.js";
import type { NnExports, NnxExports } from "./exports.js";
import {
  instantiate,
  type Loaded,
  type LoadOptions,
  type WasmSource,
} from "./load.js";
import {
  Hooks,
  needsFull,
  openNetwork,
  runJob,
  withFloats,
  type FloatData,
  type Job,
} from "./network_calls.js";
import { WorkerJob } from "./network_job.js";
import { dataOf, oneHotLabels, splitData, type Split } from "./network_data.js";
import { convert, type Form } from "./network_files.js";
import {
  floatRows,
  type Activation,
  type CascadeResult,
  type ClassificationMeasures,
  type ColumnScaling,
  type LayerInfo,
  type NetworkData,
  type NetworkOptions,
  type NetworkRows,
  type RegressionMeasures,
  type Scale,
  type ScalingOptions,
  type SplitOptions,
  type TrainProgress,
  type TrainResult,
  type Watch,
  type WatchedCascadeOptions,
  type WatchedTrainOptions,
  type WeightInit,
  type WorkerOptions,
} from "./network_options.js";
import {
  measureClasses,
  measureRegression,
} from "./network_measures.js";
import { Int8Network, Runner } from "./network_run.js";
import {
  bytesOf,
  fillStruct,
  invalid,
  numberOf,
  readStruct,
  seedOf,
  whole,
} from "./structs.js";

/** How the modules of a network are loaded. */
export interface NetworkLoadOptions extends LoadOptions {
  /** True: the module midge-nn-full, which has all of midge-nn, the trainers
   * "lbfgs" and "levenberg_marquardt", and `cascade`. */
  readonly full?: boolean;
  /** Where midge-nnx comes from, when it does not lie beside this file: the module
   * of all that is asynchronous here but training. */
  readonly nnx?: WasmSource;
}

/** The class as a value, for static methods that must not name it: bundlers rename
 * a class that names itself. */
type Made<T> = new (nn: LoadedNn, at: number) => T;

/** An instance that trains. */
interface LoadedNn extends Loaded<"nn"> {
  readonly hooks: Hooks;
  readonly options: NetworkLoadOptions;
}

const ALL_UNITS = 2 ** 32 - 1;

async function startNn(options: NetworkLoadOptions): Promise<LoadedNn> {
  const hooks = new Hooks();
  const { variant, wasm, full = false } = options;
  const module = full ? "nn_full" : "nn";
  const loaded = await instantiate(module, { variant, wasm }, hooks.imports);
  return { ...(loaded as Loaded<"nn">), hooks, options };
}

function startNnx(options: NetworkLoadOptions): Promise<Loaded<"nnx">> {
  const { variant, nnx } = options;
  return instantiate("nnx", { variant, wasm: nnx });
}

function newNetwork({ core }: LoadedNn, options: NetworkOptions): number {
  const { layers, hidden = "tanh", output = "linear", ...rest } = options;
  if (!Array.isArray(layers) || layers.length < 2) {
    throw invalid("layers: the sizes of two layers or more are needed");
  }
  const sizes = Uint32Array.from(layers, (n, i) => whole(`layers: size ${i}`, n));
  return core.withBytes(new Uint8Array(sizes.buffer), (at) =>
    core.withRoom(bytesOf("midge_net_options"), (to) => {
      core.bytes.fill(0, to, to + bytesOf("midge_net_options"));
      const values = { nLayers: layers.length - 1, hidden, output, ...rest };
      const pointers = { sizes: at };
      fillStruct(core, to, "midge_net_options", "create", values, pointers);
      return core.checkHandle(core.calls.net_new(to));
    }),
  );
}

/** The midge_scaling of each column, none of them for "none". */
function fitColumns(
  core: Core<NnxExports>,
  what: string,
  scale: Scale,
  [low, high]: readonly [number, number],
  rows: Float32Array,
  width: number,
): Uint8Array {
  const kind = numberOf(`fitScaling: ${what}`, "midge_scale", scale);
  const size = kind === 0 ? 0 : width * bytesOf("midge_scaling");
  return withFloats(core, rows, (from) =>
    core.withRoom(size, (to) => {
      const { scaling_fit } = core.calls;
      const columns = kind === 0 ? 0 : width;
      const n = rows.length / width;
      core.check(scaling_fit(kind, low, high, n, columns, from, to));
      return core.bytes.slice(to, to + size);
    }),
  );
}

export class Network extends Runner<NnExports> {
  private readonly nn: LoadedNn;
  private nnx: Promise<Loaded<"nnx">> | undefined;
  /** What trains it in a worker. */
  private job: WorkerJob | undefined;
  /** While the module trains, in this thread. */
  private training = false;

  /** Use `Network.create()` or `Network.load()`. */
  constructor(nn: LoadedNn, at: number) {
    super(nn, at);
    this.nn = nn;
  }

  /** A network with new weights, in an instance of the module of its own. */
  static async create(
    options: NetworkOptions & NetworkLoadOptions,
  ): Promise<Network> {
    const { variant, wasm, full, nnx, ...shape } = options;
    const nn = await startNn({ variant, wasm, full, nnx });
    return new (this as Made<Network>)(nn, newNetwork(nn, shape));
  }

  /** A network from the bytes of a file. */
  static async load(
    bytes: Uint8Array,
    options: NetworkLoadOptions = {},
  ): Promise<Network> {
    const nn = await startNn(options);
    return new (this as Made<Network>)(nn, openNetwork(nn.core, bytes));
  }

  /** A network in small integers, from what its `save` gave. */
  static async loadInt8(
    bytes: Uint8Array,
    options: NetworkLoadOptions = {},
  ): Promise<Int8Network> {
    const nnx = await startNnx(options);
    return new Int8Network(nnx, openNetwork(nnx.core, bytes));
  }

  /** From a FANN `.net` file, of floats or fixed point. */
  static async fromFann(
    bytes: Uint8Array,
    options: NetworkLoadOptions = {},
  ): Promise<Network> {
    const { core } = await startNnx(options);
    return this.load(convert(core, "fann", bytes, "midge"), options);
  }

  /** From what `toJson` gave. */
  static async fromJson(
    text: string,
    options: NetworkLoadOptions = {},
  ): Promise<Network> {
    const { core } = await startNnx(options);
    const bytes = new TextEncoder().encode(text);
    return this.load(convert(core, "json", bytes, "midge"), options);
  }

  // ---- Files of others

  /** A file that C FANN opens; with `fixed` in fixed point. */
  toFann({ fixed = false } = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.convert(fixed ? "fann_fixed" : "fann");
  }

  async toJson(): Promise<string> {
    return new TextDecoder().decode(await this.convert("json"));
  }

  /** With the input "x" and the output "y". */
  toOnnx({ name }: { name?: string } = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.convert("onnx", name);
  }

  /** A C file with a function NAME_run; NAME is "network" without a `name`. */
  async toC({ name }: { name?: string } = {}): Promise<string> {
    return new TextDecoder().decode(await this.convert("c", name));
  }

  private async convert(form: Form, name?: string) {
    const bytes = this.save();
    return convert(await this.extras(), "midge", bytes, form, name);
  }

  /** The module of what is not needed to train and run, loaded when it is. */
  private async extras(): Promise<Core<NnxExports>> {
    this.nnx ??= startNnx(this.nn.options);
    try {
      const { core } = await this.nnx;
      return core;
    } catch (cause) {
      this.nnx = undefined; // to be tried again
      throw cause;
    }
  }

  // ---- Layers and weights

  get layers(): readonly LayerInfo[] {
    const { core, handle } = this;
    const n = core.calls.net_layers(handle);
    return Array.from({ length: n }, (_, i) => {
      const at = core.calls.net_layer(handle, i);
      const read = readStruct(core, at, "midge_layer");
      const { nIn: inputs, nOut: units, activation, steepness, w, b } = read;
      const mixed = read.mixed !== 0;
      return { inputs, units, activation, steepness, mixed, w, b };
    });
  }

  get shortcuts(): boolean {
    return this.core.calls.net_shortcuts(this.handle) !== 0;
  }

  /** Connections that exist, biases included. */
  get connections(): number {
    return this.core.calls.net_connections(this.handle);
  }

  /** A copy of all weights: W of the first layer (inputs, units), row-major, its
   * biases, W of the second. */
  get weights(): Float32Array<ArrayBuffer> {
    const { core, handle } = this;
    const n = core.calls.net_n_weights(handle);
    return core.floats(core.calls.net_weights(handle), n);
  }

  /** 1 for each weight that exists, 0 for the others; null when all do. */
  get mask(): Uint8Array<ArrayBuffer> | null {
    const { core, handle } = this;
    const at = core.calls.net_mask(handle);
    const n = core.calls.net_n_weights(handle);
    return at === 0 ? null : core.bytes.slice(at, at + n);
  }

  setWeights(weights: ArrayLike<number>): void {
    const at = this.changing();
    const { core } = this;
    const from = floatRows("setWeights", weights, 1);
    needLength("setWeights", from, core.calls.net_n_weights(at));
    withFloats(core, from, (to) =>
      core.check(core.calls.net_set_weights(at, to, from.length)),
    );
  }

  /** Draws all weights anew; `range` is that of "uniform". */
  initWeights(
    init: WeightInit = "auto",
    { seed = 0, range = 0 }: { seed?: number | bigint; range?: number } = {},
  ): void {
    const at = this.changing();
    const { core } = this;
    const how = numberOf("initWeights", "midge_init", init);
    const from = seedOf("initWeights: seed", seed);
    core.check(core.calls.net_init_weights(at, how, range, from));
  }

  /** Activation and steepness of one unit. */
  unit(
    layer: number,
    unit: number,
  ): { readonly activation: Activation; readonly steepness: number } {
    const { core, handle } = this;
    const [l, u] = [whole("unit: layer", layer), whole("unit: unit", unit)];
    const at = core.calls.net_unit(handle, l, u);
    if (at === 0) {
      throw invalid(`unit: there is no unit ${unit} of layer ${layer}`);
    }
    const { activation, steepness } = readStruct(core, at, "midge_layer");
    return { activation, steepness };
  }

  /** Of a layer, or of one unit of it. */
  setActivation(
    layer: number,
    activation: Activation,
    { unit = ALL_UNITS, steepness = 0 }: { unit?: number; steepness?: number } = {},
  ): void {
    const at = this.changing();
    const { core } = this;
    const number = numberOf("setActivation", "midge_activation", activation);
    const [l, u] = [whole("layer", layer), whole("unit", unit)];
    core.check(core.calls.net_set_activation(at, l, u, number, steepness));
    this.forgetPlaces();
  }

  // ---- Scaling

  /** What was set or fitted, for each column; null when there is none. */
  get scaling(): {
    readonly inputs: readonly ColumnScaling[] | null;
    readonly outputs: readonly ColumnScaling[] | null;
  } {
    return { inputs: this.scalingOf(0), outputs: this.scalingOf(1) };
  }

  private scalingOf(side: number): ColumnScaling[] | null {
    const { core, handle } = this;
    const at = core.calls.net_scaling(handle, side);
    const n = side === 0 ? this.inputs : this.outputs;
    const size = bytesOf("midge_scaling");
    return at === 0
      ? null
      : Array.from({ length: n }, (_, i) =>
          readStruct(core, at + i * size, "midge_scaling"),
        );
  }

  /** Finds the scaling of these rows and keeps it with the network. It is not
   * applied by `run` and `train`: `scale` rows before, or use `predict`. */
  async fitScaling(
    data: NetworkData,
    options: ScalingOptions = {},
  ): Promise<void> {
    this.changing();
    const { inputs = "standard", outputs = "none", range = [-1, 1] } = options;
    const { x, t } = this.data("fitScaling", data);
    const nnx = await this.extras();
    const ofX = fitColumns(nnx, "inputs", inputs, range, x, this.inputs);
    const ofT = fitColumns(nnx, "outputs", outputs, range, t, this.outputs);
    this.setScaling(ofX, ofT);
  }

  private setScaling(ofX: Uint8Array, ofT: Uint8Array): void {
    const at = this.changing();
    const { core } = this;
    core.withBytes(ofX, (x) =>
      core.withBytes(ofT, (t) =>
        core.check(core.calls.net_set_scaling(at, x, t)),
      ),
    );
  }

  /** Inputs as the network takes them. */
  scaleInputs(x: NetworkRows): Float32Array<ArrayBuffer> {
    return this.scaled(0, x, "scaling_apply");
  }
  /** Targets as the network is to learn them. */
  scaleOutputs(t: NetworkRows): Float32Array<ArrayBuffer> {
    return this.scaled(1, t, "scaling_apply");
  }
  /** What `run` gave, in the units of the targets. */
  unscaleOutputs(y: NetworkRows): Float32Array<ArrayBuffer> {
    return this.scaled(1, y, "scaling_undo");
  }

  /** Scales, runs, and takes the scaling of the outputs back. */
  predict(x: NetworkRows): Float32Array<ArrayBuffer> {
    return this.unscaleOutputs(this.run(this.scaleInputs(x)));
  }

  private scaled(
    side: number,
    rows: NetworkRows,
    how: "scaling_apply" | "scaling_undo",
  ): Float32Array<ArrayBuffer> {
    const { core, handle } = this;
    const width = side === 0 ? this.inputs : this.outputs;
    const from = floatRows("scaling", rows, width);
    return withFloats(core, from, (at) => {
      const scaling = core.calls.net_scaling(handle, side);
      core.calls[how](scaling, width, from.length / width, at);
      return core.floats(at, from.length);
    });
  }

  // ---- Data and measures

  /** Rows in two or three parts, drawn with a seed. */
  async split(data: NetworkData, options: SplitOptions = {}): Promise<Split> {
    const rows = this.data("split", data);
    const { inputs, outputs } = this;
    return splitData(await this.extras(), rows, [inputs, outputs], options);
  }

  /** How near the outputs are to the targets. */
  async evaluate(
    data: NetworkData,
    { bitFailLimit = 0.35 }: { bitFailLimit?: number } = {},
  ): Promise<RegressionMeasures> {
    const { x, t } = this.data("evaluate", data);
    const y = this.run(x);
    const nnx = await this.extras();
    return measureRegression(nnx, y, t, this.outputs, bitFailLimit);
  }

  /** How well classes are told apart: outputs are probabilities, targets one-hot;
   * one output is the probability of the second class of two. */
  async evaluateClasses(data: NetworkData): Promise<ClassificationMeasures> {
    const { x, t } = this.data("evaluateClasses", data);
    const y = this.run(x);
    const labels = oneHotLabels(t, this.outputs);
    return measureClasses(await this.extras(), y, labels, this.outputs);
  }

  private data(what: string, data: NetworkData): FloatData {
    return dataOf(what, data, this.inputs, this.outputs);
  }

  // ---- Training

  /** Trains in place, in this thread: nothing else runs until it returns. */
  train(data: NetworkData, options: WatchedTrainOptions = {}): TrainResult {
    const { onEpoch, signal, validation, ...rest } = options;
    const train = this.data("train", data);
    const valid = validation && this.data("train: validation", validation);
    const job = { cascade: false, train, valid, options: rest };
    return this.runHere(job, { onEpoch, signal }) as TrainResult;
  }

  /** The same in a worker, with the same bits, while this thread goes on. Until it
   * has ended the network can be run, but not changed. */
  async trainInWorker(
    data: NetworkData,
    options: WatchedTrainOptions & WorkerOptions = {},
  ): Promise<TrainResult> {
    const { onEpoch, signal, validation, progressMs, follow, worker, ...rest } =
      options;
    const train = this.data("train", data);
    const valid = validation && this.data("train: validation", validation);
    const job = { cascade: false, train, valid, options: rest };
    const how = { onEpoch, signal, progressMs, follow, worker };
    return (await this.runInWorker(job, how)) as TrainResult;
  }

  /** Grows a network with shortcuts, one unit at a time (cascade-correlation). The
   * network was made with `full`. */
  cascade(
    data: NetworkData,
    options: WatchedCascadeOptions = {},
  ): CascadeResult {
    const { onEpoch, signal, ...rest } = options;
    const job = this.cascadeJob(data, rest);
    return this.runHere(job, { onEpoch, signal }) as CascadeResult;
  }

  /** The same in a worker, which loads what it needs. */
  async cascadeInWorker(
    data: NetworkData,
    options: WatchedCascadeOptions & WorkerOptions = {},
  ): Promise<CascadeResult> {
    const { onEpoch, signal, progressMs, follow, worker, ...rest } = options;
    const job = this.cascadeJob(data, rest);
    const how = { onEpoch, signal, progressMs, follow, worker };
    return (await this.runInWorker(job, how)) as CascadeResult;
  }

  /** The network in small integers: weights in 8 bits, a quarter of the memory.
   * Its inputs are expected to be like these rows. */
  async quantise(
    calibration: NetworkRows,
    { tail = 0 }: { tail?: number } = {},
  ): Promise<Int8Network> {
    const { inputs } = this;
    const x = floatRows("quantise", calibration, inputs);
    const file = this.save();
    const nnx = await startNnx(this.nn.options);
    const { core } = nnx;
    const at = core.withBytes(file, (from) =>
      withFloats(core, x, (rows) => {
        const n = x.length / inputs;
        const { net_quantise } = core.calls;
        return core.checkHandle(net_quantise(from, file.length, n, rows, tail));
      }),
    );
    return new Int8Network(nnx, at);
  }

  private cascadeJob(data: NetworkData, options: Job["options"]): Job {
    const train = this.data("cascade", data);
    return { cascade: true, train, valid: undefined, options };
  }

  private runHere(job: Job, { onEpoch, signal }: Watch) {
    const at = this.changing();
    signal?.throwIfAborted();
    this.training = true;
    try {
      const result = runJob(this.nn, at, job, {
        onEpoch: onEpoch && ((progress) => onEpoch(progress) === false),
        cancelled: signal && (() => signal.aborted),
      });
      signal?.throwIfAborted();
      return result;
    } finally {
      this.training = false;
      this.forgetPlaces();
    }
  }

  private async runInWorker(job: Job, how: Watch & WorkerOptions) {
    this.changing();
    const { core, options } = this.nn;
    const other = needsFull(job) && options.full !== true;
    const { code } = other
      ? await startNn({ variant: options.variant, full: true })
      : this.nn;
    this.changing();
    const running = new WorkerJob({
      ...how,
      onEpoch: how.onEpoch as ((p: TrainProgress) => unknown) | undefined,
      signal: how.signal,
      job,
      module: code,
      network: this.save(),
      take: (bytes) => {
        core.calls.net_become(this.handle, openNetwork(core, bytes));
        this.forgetPlaces();
      },
    });
    this.job = running;
    try {
      return await running.start();
    } finally {
      this.job = undefined;
    }
  }

  /** The handle, to change what is behind it. */
  private changing(): number {
    if (this.training || this.job) {
      throw new MidgeError("E_STATE", "this network is being trained");
    }
    return this.handle;
  }

  /** Gives the memory back, and ends a worker. */
  override dispose(): void {
    if (this.training) {
      throw new MidgeError("E_STATE", "this network is being trained");
    }
    const text = "this Network was disposed while it was trained";
    this.job?.abandon(new MidgeError("DISPOSED", text));
    super.dispose();
  }
}

