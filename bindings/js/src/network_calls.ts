/** Training, as the module does it: in the thread of the caller. Here and in the
 * script of a worker, which has nothing else of the package. */
import { MidgeError, type Core } from "./core.js";
import type { NnExports, NnFullExports, NnxExports } from "./exports.js";
import type {
  CascadeOptions,
  CascadeResult,
  TrainOptions,
  TrainProgress,
  TrainResult,
} from "./network_options.js";
import {
  bytesOf,
  fillStruct,
  measured,
  numberOf,
  readStruct,
} from "./structs.js";

/** What a module of networks asks of its caller while it trains. What is thrown
 * here must not go through the module, which would be lost by it: it ends training
 * and is thrown again behind it. */
export class Hooks {
  /** True ends training. */
  onEpoch: ((at: number) => boolean) | undefined;
  cancelled: (() => boolean) | undefined;
  private thrown: { readonly cause: unknown } | undefined;

  readonly imports = {
    midge: {
      on_epoch: (at: number) => this.ask(() => this.onEpoch?.(at)),
      cancelled: () => this.ask(this.cancelled),
      now_ms: () => performance.now(),
    },
  };

  private ask(question: (() => boolean | undefined) | undefined): number {
    try {
      return Number(this.thrown !== undefined || question?.() === true);
    } catch (cause) {
      this.thrown = { cause };
      return 1;
    }
  }

  /** Runs `use` with these answers. */
  during<T>(
    onEpoch: Hooks["onEpoch"],
    cancelled: Hooks["cancelled"],
    use: () => T,
  ): T {
    this.onEpoch = onEpoch;
    this.cancelled = cancelled;
    this.thrown = undefined;
    let result;
    try {
      result = use();
    } finally {
      this.onEpoch = this.cancelled = undefined;
    }
    const thrown = this.thrown as { readonly cause: unknown } | undefined;
    if (thrown) {
      this.thrown = undefined;
      throw thrown.cause;
    }
    return result;
  }
}

/** An instance of a module of networks; of midge-nn-full where a job needs that. */
export interface NnCore {
  readonly core: Core<NnExports>;
  readonly hooks: Hooks;
}

/** What trainers of midge-nn-full only are called. */
const FULL_TRAINERS: readonly unknown[] = ["lbfgs", "levenberg_marquardt"];

/** Whether a job needs midge-nn-full. */
export function needsFull({ cascade, options }: Job): boolean {
  return cascade || FULL_TRAINERS.includes((options as TrainOptions).trainer);
}

/** Rows that were counted. */
export interface FloatData {
  readonly x: Float32Array;
  readonly t: Float32Array;
}

/** What to do with a network; a worker is sent it. */
export interface Job {
  readonly cascade: boolean;
  readonly train: FloatData;
  readonly valid: FloatData | undefined;
  readonly options: TrainOptions | CascadeOptions;
}

export interface Watching {
  /** True ends training. Undefined: nobody looks. */
  readonly onEpoch: ((progress: TrainProgress) => boolean) | undefined;
  readonly cancelled: (() => boolean) | undefined;
}

export function withFloats<T>(
  core: Core,
  x: Float32Array,
  use: (at: number) => T,
): T {
  return core.withRoom(x.byteLength, (at) => {
    new Float32Array(core.memory.buffer, at, x.length).set(x);
    return use(at);
  });
}

/** Runs `use` with a midge_net_data; the address 0 where there are no rows. */
function withData<T>(
  { core }: NnCore,
  data: FloatData | undefined,
  inputs: number,
  use: (at: number) => T,
): T {
  if (!data) {
    return use(0);
  }
  const { x, t } = data;
  return withFloats(core, x, (xAt) =>
    withFloats(core, t, (tAt) =>
      core.withRoom(bytesOf("midge_net_data"), (at) => {
        const pointers = { x: xAt, t: tAt };
        const rows = { nRows: x.length / inputs };
        fillStruct(core, at, "midge_net_data", "data", rows, pointers);
        return use(at);
      }),
    ),
  );
}

function trainOptions(core: Core<NnExports>, options: TrainOptions): void {
  const { trainer = "adam", epochs: maxEpochs, ...rest } = options;
  const number = numberOf("train: trainer", "midge_trainer", trainer);
  const at = core.calls.train_defaults(number);
  const values = { maxEpochs, ...rest };
  fillStruct(core, at, "midge_train_options", "train", values);
}

/** Runs `use` when the options of the core are filled. The lists of kinds of
 * candidates lie in memory meanwhile. */
function withCascadeOptions<T>(
  core: Core<NnFullExports>,
  options: CascadeOptions,
  use: () => T,
): T {
  const { activations, steepnesses, train, ...rest } = options;
  const fill = (kinds: number, list: number): T => {
    const at = core.calls.cascade_defaults();
    const pointers = {
      ...(kinds ? { activations: kinds, n_activations: activations!.length } : {}),
      ...(list ? { steepnesses: list, n_steepnesses: steepnesses!.length } : {}),
    };
    const values = { ...rest, train };
    fillStruct(core, at, "midge_cascade_options", "cascade", values, pointers);
    return use();
  };
  const withSteepnesses = (kinds: number): T =>
    steepnesses?.length
      ? withFloats(core, Float32Array.from(steepnesses), (at) => fill(kinds, at))
      : fill(kinds, 0);
  if (!activations?.length) {
    return withSteepnesses(0);
  }
  const numbers = Int32Array.from(activations, (name) =>
    numberOf("cascade: activations", "midge_activation", name),
  );
  return core.withBytes(new Uint8Array(numbers.buffer), withSteepnesses);
}

function progressAt(core: Core, at: number): TrainProgress {
  const read = readStruct(core, at, "midge_net_progress");
  return { ...read, validLoss: measured(read.validLoss) };
}

/** Trains `network` in place. */
export function runJob(
  nn: NnCore,
  network: number,
  job: Job,
  { onEpoch, cancelled }: Watching,
): TrainResult | CascadeResult {
  const { hooks } = nn;
  const core = nn.core as Core<NnFullExports>;
  const { calls } = core;
  const { train, valid, options } = job;
  const inputs = calls.net_inputs(network);
  if (needsFull(job) && calls.net_cascade === undefined) {
    const what = job.cascade ? "cascade" : (options as TrainOptions).trainer;
    const text = `${what} is in midge-nn-full: make the network with \`full\`, or train in a worker`;
    throw new MidgeError("E_UNSUPPORTED", text);
  }
  const look = onEpoch && ((at: number) => onEpoch(progressAt(core, at)));
  const run = (call: () => number): void =>
    core.check(hooks.during(look, cancelled, call));
  withData(nn, train, inputs, (at) => {
    if (job.cascade) {
      withCascadeOptions(core, options as CascadeOptions, () =>
        run(() => calls.net_cascade(network, at)),
      );
    } else {
      withData(nn, valid, inputs, (validAt) => {
        trainOptions(core, options as TrainOptions);
        run(() => calls.net_train(network, at, validAt));
      });
    }
  });
  if (job.cascade) {
    return readStruct(core, calls.cascade_result(), "midge_cascade_result");
  }
  const read = readStruct(core, calls.train_result(), "midge_train_result");
  return { ...read, validLoss: measured(read.validLoss) };
}

/** The doors of both modules that networks have. */
export type NetworkCalls = Pick<NnExports, keyof NnExports & keyof NnxExports>;

/** The bytes that the last call answered. */
export function takeAnswer(core: Core<NetworkCalls>): Uint8Array<ArrayBuffer> {
  const { answer_data, answer_size, answer_release } = core.calls;
  const at = answer_data();
  const bytes = core.bytes.slice(at, at + answer_size());
  answer_release();
  return bytes;
}

export function saveNetwork(
  core: Core<NetworkCalls>,
  network: number,
): Uint8Array<ArrayBuffer> {
  core.check(core.calls.net_save(network));
  return takeAnswer(core);
}

/** A network from the bytes of a file. */
export function openNetwork(
  core: Core<NetworkCalls>,
  bytes: Uint8Array,
): number {
  return core.withBytes(bytes, (from) =>
    core.checkHandle(core.calls.net_open(from, bytes.length)),
  );
}
