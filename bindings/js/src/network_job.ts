/** Training in a worker, seen from where it was asked for. */
import { MidgeError } from "./core.js";
import type { Job } from "./network_calls.js";
import type {
  CascadeResult,
  TrainProgress,
  TrainResult,
  WorkerOptions,
} from "./network_options.js";
import type { JobBest, JobProgress, JobSays, JobStart } from "./network_serve.js";
import { jobStarter } from "./pool_platform.js";
import type { Thread } from "./pool_serve.js";

type Bytes = Uint8Array<ArrayBuffer>;

const PROGRESS_MS = 20;

/** What a job has besides itself. */
export interface JobOrder extends WorkerOptions {
  readonly job: Job;
  readonly module: WebAssembly.Module;
  readonly network: Bytes;
  readonly onEpoch: ((progress: TrainProgress) => unknown) | undefined;
  readonly signal: AbortSignal | undefined;
  /** Takes a network over; with `last` it is the one that stays. */
  readonly take: (network: Bytes) => void;
}

type Result = TrainResult | CascadeResult;

/** Where threads can share memory, a flag to stop them. */
function makeFlag(): Int32Array | undefined {
  return typeof SharedArrayBuffer === "function"
    ? new Int32Array(new SharedArrayBuffer(4))
    : undefined;
}

/** The result of a worker that was ended when its caller said so. */
function endedResult(
  cascade: boolean,
  { epoch, trainLoss, trainMse: mse, bitFail }: TrainProgress,
  best: JobBest | undefined,
): Result {
  const stop = "caller";
  return cascade
    ? { units: epoch, mse, bitFail, stop }
    : {
        epochs: epoch,
        bestEpoch: best?.epoch ?? 0,
        trainLoss,
        trainMse: mse,
        validLoss: best?.validLoss ?? null,
        stop,
      };
}

/** One job in a worker of its own, which ends with it. */
export class WorkerJob {
  readonly done: Promise<Result>;
  private readonly order: JobOrder;
  private readonly flag = makeFlag();
  private thread: Thread<JobStart> | undefined;
  private settled = false;
  private stopping = false;
  private resolve!: (result: Result) => void;
  private reject!: (cause: unknown) => void;
  /** What is thrown in the end, when it was stopped. */
  private cause: { readonly error: unknown } | undefined;
  private best: JobBest | undefined;

  constructor(order: JobOrder) {
    this.order = order;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  async start(): Promise<Result> {
    const { order, flag } = this;
    const { signal, job, module, network, worker } = order;
    signal?.throwIfAborted();
    const abort = () => this.abort(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const startThread = await jobStarter();
      if (!this.stopping) {
        this.thread = startThread(
          worker,
          (message) => this.hear(message),
          (why) => this.fail(new MidgeError("WORKER_FAILED", why)),
        );
        const { progressMs = PROGRESS_MS, follow = false } = order;
        const start = { ...job, module, network, flag, progressMs, follow };
        this.thread.start(start);
      }
      return await this.done;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.settled = true;
      await this.thread?.end();
    }
  }

  /** Ends it now; nothing is taken over any more. */
  abandon(error: unknown): void {
    this.fail(error);
  }

  private fail(error: unknown): void {
    this.settled = true;
    this.reject(error);
  }

  /** With a flag the worker sends its network; without, it is ended, and the
   * best one that it told of counts. */
  private stop(cause: { readonly error: unknown } | undefined): boolean {
    if (this.settled || this.stopping) {
      return false;
    }
    this.stopping = true;
    this.cause = cause;
    if (this.flag && this.thread) {
      Atomics.store(this.flag, 0, 1);
      return false;
    }
    return true;
  }

  private finish(result: Result | undefined, network: Bytes | undefined): void {
    this.settled = true;
    if (network) {
      this.order.take(network);
    }
    if (this.cause || !result) {
      this.reject(this.cause?.error);
    } else {
      this.resolve(this.stopping ? { ...result, stop: "caller" } : result);
    }
  }

  private abort(error: unknown): void {
    if (this.stop({ error })) {
      this.finish(undefined, this.best?.network);
    }
  }

  /** Whether training goes on; what is thrown is kept. */
  private look(progress: TrainProgress): boolean {
    try {
      return this.order.onEpoch?.(progress) !== false;
    } catch (error) {
      this.cause ??= { error };
      return false;
    }
  }

  private hear(message: JobSays): void {
    if (this.settled) {
      return;
    }
    if ("failed" in message) {
      const { code, text } = message.failed;
      this.fail(this.cause?.error ?? new MidgeError(code, text));
    } else if ("result" in message) {
      if (message.last && !this.stopping) {
        this.look(message.last);
      }
      this.finish(message.result, message.network);
    } else if (!this.stopping) {
      this.hearProgress(message);
    }
  }

  private hearProgress({ progress, now, best }: JobProgress): void {
    this.best = best ?? this.best;
    if (now) {
      this.order.take(now);
    }
    if (!this.look(progress) && this.stop(this.cause)) {
      const result = endedResult(this.order.job.cascade, progress, this.best);
      this.finish(result, this.best?.network);
    }
  }
}
