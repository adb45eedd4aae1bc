/**
 * What a worker does that trains a network: starts an instance of the module,
 * trains there what it was sent, says how it goes, and sends the network back. It
 * is told to stop by a flag in memory that both can see; where there is no such
 * memory it is ended, and what it said last counts.
 */
import { Core, MidgeError, reasonOf } from "./core.js";
import type { NnExports } from "./exports.js";
import {
  Hooks,
  openNetwork,
  runJob,
  saveNetwork,
  type Job,
  type NnCore,
} from "./network_calls.js";
import type {
  CascadeResult,
  TrainProgress,
  TrainResult,
} from "./network_options.js";

/** What the caller sends, once. */
export interface JobStart extends Job {
  readonly module: WebAssembly.Module;
  /** The file of the network. */
  readonly network: Uint8Array<ArrayBuffer>;
  /** Not 0: stop. */
  readonly flag: Int32Array | undefined;
  readonly progressMs: number;
  /** Whether the network goes with each progress. */
  readonly follow: boolean;
}

/** The network that counts when the worker is ended. */
export interface JobBest {
  readonly network: Uint8Array<ArrayBuffer>;
  readonly epoch: number;
  readonly validLoss: number | null;
}

export interface JobProgress {
  readonly progress: TrainProgress;
  /** The network as it is, where that was asked for. */
  readonly now: Uint8Array<ArrayBuffer> | undefined;
  /** Where there is no flag: the best since the last message, if there is one. */
  readonly best: JobBest | undefined;
}

/** What it answers: how it goes, several times, and then one of the others. */
export type JobSays =
  | JobProgress
  | {
      readonly result: TrainResult | CascadeResult;
      readonly network: Uint8Array<ArrayBuffer>;
      /** What was not told before. */
      readonly last: TrainProgress | undefined;
    }
  | { readonly failed: { readonly code: string; readonly text: string } };

type Say = (message: JobSays) => void;

/** Tells how it goes, not more often than asked for. */
class Teller {
  private readonly nn: NnCore;
  private readonly network: number;
  private readonly start: JobStart;
  private readonly say: Say;
  private told = -Infinity;
  private bestLoss = Infinity;
  private best: JobBest | undefined;
  last: TrainProgress | undefined;

  constructor(nn: NnCore, network: number, start: JobStart, say: Say) {
    this.nn = nn;
    this.network = network;
    this.start = start;
    this.say = say;
  }

  /** The weights that count are those of the best validation loss, or the last. */
  private keepBest(progress: TrainProgress): void {
    const { validLoss, epoch } = progress;
    if (validLoss === null || validLoss < this.bestLoss) {
      this.bestLoss = validLoss ?? Infinity;
      const network = saveNetwork(this.nn.core, this.network);
      this.best = { network, epoch, validLoss };
    }
  }

  tell(progress: TrainProgress): void {
    const { start, nn, network } = this;
    const due = performance.now() - this.told >= start.progressMs;
    if (!start.flag && (due || progress.validLoss !== null)) {
      this.keepBest(progress);
    }
    this.last = due ? undefined : progress;
    if (due) {
      const now = start.follow ? saveNetwork(nn.core, network) : undefined;
      this.say({ progress, now, best: this.best });
      this.best = undefined;
      this.told = performance.now();
    }
  }
}

function work(start: JobStart, say: Say): void {
  const hooks = new Hooks();
  const instance = new WebAssembly.Instance(start.module, hooks.imports);
  const nn = { core: new Core<NnExports>(instance), hooks };
  const network = openNetwork(nn.core, start.network);
  const teller = new Teller(nn, network, start, say);
  const { flag } = start;
  const result = runJob(nn, network, start, {
    onEpoch: (progress) => {
      teller.tell(progress);
      return false;
    },
    cancelled: flag && (() => Atomics.load(flag, 0) !== 0),
  });
  say({ result, network: saveNetwork(nn.core, network), last: teller.last });
}

export function serveJob(start: JobStart, say: Say): void {
  try {
    work(start, say);
  } catch (cause) {
    const code = cause instanceof MidgeError ? cause.code : "WORKER_FAILED";
    say({ failed: { code, text: reasonOf(cause) } });
  }
}
