/** What networks, their training and its results are (include/midge/nn.h,
 * nn_train.h, measure.h). */
import { mismatch } from "./check.js";
import { invalid, type NameOf } from "./structs.js";

/** Formulas: include/midge/nn.h. "tanh" is also called "sigmoid_symmetric". */
export type Activation = NameOf<"midge_activation">;
/** How weights begin. "auto": "he" before ReLU and its kin, else "glorot". */
export type WeightInit = NameOf<"midge_init">;
/** "standard": mean 0, deviation 1; "min_max": into a range; "robust": by median
 * and quartiles; "fann": as FANN does it. */
export type Scale = NameOf<"midge_scale">;
export type Loss = NameOf<"midge_loss">;
export type Trainer = NameOf<"midge_trainer">;
export type Schedule = NameOf<"midge_schedule">;
/** Why training ended: "epochs" all were done, "patience" validation got no
 * better, "caller" `onEpoch` said so, "reached" the stop value, "time" the limit,
 * "converged" no step helps. */
export type Stop = NameOf<"midge_stop">;

/** Rows of numbers: one behind the other in a typed array, which is fastest, or an
 * array of rows. */
export type NetworkRows = ArrayLike<number> | readonly ArrayLike<number>[];

/** Rows to learn from. */
export interface NetworkData {
  /** (rows, inputs) */
  readonly x: NetworkRows;
  /** Targets, (rows, outputs): one-hot for classes, see `oneHot`. */
  readonly t: NetworkRows;
}

export interface NetworkOptions {
  /** How many units: inputs, hidden layers, outputs. */
  readonly layers: readonly number[];
  /** Of all layers but the last; by default "tanh". */
  readonly hidden?: Activation;
  /** By default "linear". */
  readonly output?: Activation;
  /** By default 0.5 for sigmoids in [0, 1], so that they are 1 / (1 + e^-x), and 1
   * for all others. */
  readonly hiddenSteepness?: number;
  readonly outputSteepness?: number;
  /** Each layer also reads all before its last. */
  readonly shortcut?: boolean;
  /** The share of the possible connections that exist; by default all. */
  readonly connectionRate?: number;
  readonly init?: WeightInit;
  /** Of the weights, and of which connections exist; by default 0. */
  readonly seed?: number | bigint;
}

/** One layer: y = f(steepness (x W + b)). */
export interface LayerInfo {
  readonly inputs: number;
  readonly units: number;
  /** Of its first unit. */
  readonly activation: Activation;
  readonly steepness: number;
  /** Units differ: ask `unit()`. */
  readonly mixed: boolean;
  /** Where W (inputs, units) and b (units) begin in `weights`. */
  readonly w: number;
  readonly b: number;
}

/** After an epoch; of cascade training, after a unit. */
export interface TrainProgress {
  /** Epochs, or units, that are done. */
  readonly epoch: number;
  readonly maxEpochs: number;
  /** Mean over the rows, as seen while training. */
  readonly trainLoss: number;
  /** Null without validation rows. */
  readonly validLoss: number | null;
  readonly trainMse: number;
  /** Outputs that are off by `bitFailLimit` or more. */
  readonly bitFail: number;
  readonly learningRate: number;
}

/** Without a value: what the trainer's own defaults say (midge_train_defaults in
 * include/midge/nn_train.h). */
export interface TrainOptions {
  /** By default "adam". */
  readonly trainer?: Trainer;
  readonly loss?: Loss;
  readonly lossParameter?: number;
  readonly epochs?: number;
  /** Rows of a step of "sgd", "rmsprop", "adam" and "adamw". */
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly schedule?: Schedule;
  readonly finalLearningRate?: number;
  readonly scheduleFactor?: number;
  readonly scheduleEpochs?: number;
  readonly l1?: number;
  readonly weightDecay?: number;
  /** Longer gradients are shortened to this. */
  readonly clipNorm?: number;
  readonly dropout?: number;
  readonly inputDropout?: number;
  readonly fannGradient?: boolean;
  readonly rpropIncrease?: number;
  readonly rpropDecrease?: number;
  readonly rpropDeltaMin?: number;
  readonly rpropDeltaMax?: number;
  readonly rpropDeltaZero?: number;
  readonly quickpropDecay?: number;
  readonly quickpropMu?: number;
  readonly sarpropWeightDecayShift?: number;
  readonly sarpropStepErrorThresholdFactor?: number;
  readonly sarpropStepErrorShift?: number;
  readonly sarpropTemperature?: number;
  /** What `stopValue` is compared with: the mean of squared errors, or how many
   * outputs are off by `bitFailLimit`. */
  readonly stopAt?: NameOf<"midge_stop_at">;
  readonly stopValue?: number;
  readonly bitFailLimit?: number;
  /** Epochs without a better validation loss after which training ends. */
  readonly patience?: number;
  readonly timeLimitMs?: number;
  /** Of the order of rows, dropout, noise; by default 0. */
  readonly seed?: number | bigint;
}

/** What a caller sees of training while it runs. */
export interface Watch {
  /** After each epoch; `false` ends training. */
  readonly onEpoch?: (progress: TrainProgress) => unknown;
  /** Ends training within a batch. The call then throws the signal's reason; the
   * network has the best weights seen so far. */
  readonly signal?: AbortSignal;
}

export interface WatchedTrainOptions extends TrainOptions, Watch {
  /** Rows that are not learned from, see `Network.split`. The weights of the best
   * loss on them are restored. */
  readonly validation?: NetworkData;
}

export interface TrainResult {
  readonly epochs: number;
  /** Whose weights the network now has; 0 are those it began with. */
  readonly bestEpoch: number;
  readonly trainLoss: number;
  readonly trainMse: number;
  /** Of `bestEpoch`; null without validation rows. */
  readonly validLoss: number | null;
  readonly stop: Stop;
}

export interface CascadeOptions {
  /** To add at most. */
  readonly maxUnits?: number;
  /** Of both phases: "batch", "rprop", "quickprop" or "sarprop". */
  readonly train?: Omit<TrainOptions, "epochs">;
  readonly outputChangeFraction?: number;
  readonly outputStagnationEpochs?: number;
  readonly minOutEpochs?: number;
  readonly maxOutEpochs?: number;
  readonly candidateChangeFraction?: number;
  readonly candidateStagnationEpochs?: number;
  readonly minCandEpochs?: number;
  readonly maxCandEpochs?: number;
  readonly weightMultiplier?: number;
  readonly candidateLimit?: number;
  /** Candidates of each kind. */
  readonly nGroups?: number;
  /** Kinds of candidates: each activation with each steepness. */
  readonly activations?: readonly Activation[];
  readonly steepnesses?: readonly number[];
}

export interface WatchedCascadeOptions extends CascadeOptions, Watch {}

export interface CascadeResult {
  /** That were added. */
  readonly units: number;
  readonly mse: number;
  readonly bitFail: number;
  readonly stop: Stop;
}

/** How training in a worker is watched. */
export interface WorkerOptions {
  /** Time between two calls of `onEpoch`, at least; by default 20. */
  readonly progressMs?: number;
  /** The network takes the weights over as they are before each call of
   * `onEpoch`. */
  readonly follow?: boolean;
  /** The script of the worker, where it does not lie beside this file. */
  readonly worker?: URL;
}

/** What is not defined is null. */
export interface RegressionMeasures {
  readonly nRows: number;
  readonly mse: number | null;
  readonly rmse: number | null;
  readonly mae: number | null;
  readonly r2: number | null;
  readonly bitFail: number;
}

export interface ClassMeasures {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly nRows: number;
}

export interface ClassificationMeasures {
  readonly nRows: number;
  readonly accuracy: number | null;
  readonly balancedAccuracy: number | null;
  readonly macroPrecision: number | null;
  readonly macroRecall: number | null;
  readonly macroF1: number | null;
  readonly logLoss: number | null;
  readonly auc: number | null;
  readonly calibrationError: number | null;
  readonly classes: readonly ClassMeasures[];
  /** Rows by their true class, and in each how many were predicted as which. */
  readonly confusion: readonly (readonly number[])[];
}

/** What becomes of column c: ((v - mean) / deviation + 1) * factor + newMin. */
export interface ColumnScaling {
  readonly mean: number;
  readonly deviation: number;
  readonly newMin: number;
  readonly factor: number;
}

export interface ScalingOptions {
  /** By default "standard". */
  readonly inputs?: Scale;
  /** By default "none". */
  readonly outputs?: Scale;
  /** Into which "min_max" and "fann" scale; by default [-1, 1]. */
  readonly range?: readonly [number, number];
}

export interface SplitOptions {
  /** Shares of all rows; by default 0.2 and 0. */
  readonly validation?: number;
  readonly test?: number;
  readonly seed?: number | bigint;
  /** One for each row: every part then has its share of each. */
  readonly labels?: readonly unknown[];
}

/** The same as floats, without a copy where they are that already. */
export function floatRows(
  what: string,
  rows: NetworkRows,
  width: number,
): Float32Array {
  if (typeof rows !== "object" || rows === null || !("length" in rows)) {
    throw invalid(`${what}: an array of numbers, or of rows, is needed`);
  }
  if (typeof rows[0] === "object") {
    const list = rows as readonly ArrayLike<number>[];
    const flat = new Float32Array(list.length * width);
    list.forEach((row, i) => {
      if (row?.length !== width) {
        const text = `${what}: row ${i} has ${row?.length} elements where ${width} are needed`;
        throw mismatch(text);
      }
      flat.set(row, i * width);
    });
    return flat;
  }
  if (rows.length % width !== 0) {
    const text = `${what}: ${rows.length} elements do not fill rows of ${width}`;
    throw mismatch(text);
  }
  return Object.prototype.toString.call(rows) === "[object Float32Array]"
    ? (rows as Float32Array)
    : Float32Array.from(rows as ArrayLike<number>);
}
