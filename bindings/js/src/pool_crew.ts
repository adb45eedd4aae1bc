/** The workers of a pool: started together, failing together. */
import { MidgeError, type Core } from "./core.js";
import type { CommonExports, ThreadsExports } from "./exports.js";
import { instantiate, type Loaded, type LoadOptions } from "./load.js";
import { cores, mayWait, threadStarter, whyAlone } from "./pool_platform.js";
import type { Thread, WorkerSays } from "./pool_serve.js";

export interface PoolOptions extends LoadOptions {
  /** How many, the opener one of them; by default as many as there are cores. */
  threads?: number;
  /** The most that the memory may grow to; by default 1 GiB, at most 4 GiB. */
  maxBytes?: number;
  /** The script of the workers, where it does not lie beside this file. */
  worker?: URL;
}

const THREADS_MAX = 256;
/** Some 20 microseconds: a worker that slept would cost more. With more threads
 * than cores spinning would take the core from who has work. */
const SPINS = 20000;
const PAGE = 65536;
/** Those of --initial-memory in meson.build. */
const PAGES_AT_FIRST = 4;
const STACK_BYTES = 65536;
/** A script that is none of ours may never say anything. */
const READY_MS = 30000;

/** What a module has that several threads run. */
type PoolCalls = CommonExports &
  Pick<ThreadsExports, "pool_failure" | "pool_open" | "pool_tls_bytes">;
interface LoadedPool {
  readonly core: Core<PoolCalls>;
  readonly code: WebAssembly.Module;
}

/** The threads beside the opener, and how one of them failed. */
export class Crew {
  readonly threads: Thread[] = [];
  failed: MidgeError | undefined;
  private ended: Promise<void> | undefined;

  fail(why: string): void {
    if (!this.ended) {
      this.failed ??= new MidgeError("WORKER_FAILED", why);
    }
  }

  end(): Promise<void> {
    this.ended ??= Promise.all(this.threads.map((one) => one.end())).then(
      () => undefined,
    );
    return this.ended;
  }
}

/** A memory that threads can share, also where there are none. */
export function sharedMemory(maxBytes: number): WebAssembly.Memory {
  const maximum = Math.max(Math.floor(maxBytes / PAGE), PAGES_AT_FIRST);
  try {
    return new WebAssembly.Memory({
      initial: PAGES_AT_FIRST,
      maximum,
      shared: true,
    });
  } catch (cause) {
    const text = `midge: no shared memory of up to ${maxBytes} bytes here`;
    throw new MidgeError("E_UNSUPPORTED", text, { cause });
  }
}

/** Starts the workers `1` to `n` and waits until all are ready. */
export async function startCrew(
  crew: Crew,
  { core, code }: LoadedPool,
  n: number,
  script: URL | undefined,
): Promise<void> {
  if (n === 0) {
    return;
  }
  const startThread = await threadStarter();
  const { memory, calls } = core;
  const failure = calls.pool_failure();
  const tlsBytes = calls.pool_tls_bytes();
  const ready = Array.from({ length: n }, (_, i) => {
    const worker = i + 1;
    return new Promise<void>((resolve, reject) => {
      const fails = (why: string) => {
        clearTimeout(late);
        crew.fail(`worker ${worker} of ${n}: ${why}`);
        reject(crew.failed);
      };
      const says = (said: WorkerSays) => {
        clearTimeout(late);
        said === "ready" ? resolve() : fails(said.failed);
      };
      const late = setTimeout(fails, READY_MS, `silent for ${READY_MS} ms`);
      const thread = startThread(script, says, fails);
      crew.threads.push(thread);
      const stack = core.alloc(STACK_BYTES + tlsBytes);
      const stackTop = stack + STACK_BYTES;
      const tls = stackTop;
      thread.start({ module: code, memory, worker, stackTop, tls, failure });
    });
  });
  await Promise.all(ready);
  crew.threads.forEach((one) => one.unref());
}

function whole(what: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`${what} is ${value}, it must be 1 to ${most}`);
  }
  return value;
}

/** Why there is one thread only, if so. */
function whySingle(threads: number, asked: boolean): string | undefined {
  if (threads > 1) {
    return whyAlone();
  }
  return asked ? "one thread was asked for" : "there is one core";
}

/** An instance over a shared memory, with its crew where there can be one. A
 * worker that cannot be started is an error. */
export async function openThreads<M extends "threads" | "index_threads">(
  module: M,
  options: PoolOptions,
  mostBytes: number,
): Promise<{ loaded: Loaded<M>; crew: Crew; reason: string | undefined }> {
  const { maxBytes = mostBytes, worker, ...load } = options;
  const asked = options.threads ?? Math.min(cores(), THREADS_MAX);
  const threads = whole("threads", asked, THREADS_MAX);
  whole("maxBytes", maxBytes, 4 * 2 ** 30);
  const reason = whySingle(threads, options.threads !== undefined);
  const memory = sharedMemory(maxBytes);
  const loaded = await instantiate(module, load, { env: { memory } });
  const pool = loaded as unknown as LoadedPool;
  const crew = new Crew();
  const n = reason === undefined ? threads : 1;
  const spins = n > cores() ? 0 : SPINS;
  pool.core.calls.pool_open(n, spins, Number(mayWait()));
  try {
    await startCrew(crew, pool, n - 1, worker);
  } catch (cause) {
    await crew.end();
    throw cause;
  }
  return { loaded, crew, reason };
}
