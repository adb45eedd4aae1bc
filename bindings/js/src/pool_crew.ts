/** The workers of a pool: started together, failing together. */
import { MidgeError } from "./core.js";
import type { Loaded } from "./load.js";
import { threadStarter } from "./pool_platform.js";
import type { Thread, WorkerSays } from "./pool_serve.js";

const PAGE = 65536;
/** Those of --initial-memory in meson.build. */
const PAGES_AT_FIRST = 4;
const STACK_BYTES = 65536;
/** A script that is none of ours may never say anything. */
const READY_MS = 30000;

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
  { core, code }: Loaded<"threads">,
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
