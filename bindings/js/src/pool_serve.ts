/**
 * What a worker of a pool does: starts an instance of the module over the
 * caller's memory, and serves its loops until it is terminated. While it serves
 * it receives no messages.
 */

/** What the caller sends to a worker, once. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** 1 and up; 0 is the caller. */
  readonly worker: number;
  /** The end of its stack, which grows down, and its thread's variables. */
  readonly stackTop: number;
  readonly tls: number;
  /** The address of the failure_note of wasm/pool_loop.c. */
  readonly failure: number;
}

/** What it answers: once when it is ready, and when it failed. */
export type WorkerSays = "ready" | { readonly failed: string };

/** A thread, as pool_platform.ts of each platform makes it. */
export interface Thread<Start = WorkerStart> {
  start(start: Start): void;
  /** Lets the program end while this thread runs. */
  unref(): void;
  end(): Promise<void>;
}

/** Starts the script of a thread, by default the one beside this file. */
export type StartThread<Start = WorkerStart, Says = WorkerSays> = (
  url: URL | undefined,
  says: (message: Says) => void,
  fails: (why: string) => void,
) => Thread<Start>;

/** The failure_note: a state, then text that ends with a 0. */
const STATE = { none: 0, written: 1, writing: 2 } as const;
const TEXT_AT = 4;
const TEXT_BYTES = 251;

interface WorkerExports {
  readonly __stack_pointer: WebAssembly.Global;
  readonly __wasm_init_tls: (at: number) => void;
  readonly pool_serve: (worker: number) => void;
}

/** Tells the caller, which may be waiting for this worker's share and then reads
 * no messages. The first failure is the one that is kept. */
export function writeFailure(
  memory: WebAssembly.Memory,
  at: number,
  text: string,
): void {
  const state = new Int32Array(memory.buffer, at, 1);
  const { none, writing, written } = STATE;
  if (Atomics.compareExchange(state, 0, none, writing) === none) {
    const bytes = new TextEncoder().encode(text).subarray(0, TEXT_BYTES);
    const to = new Uint8Array(memory.buffer, at + TEXT_AT, TEXT_BYTES + 1);
    to.set(bytes);
    to[bytes.length] = 0;
    Atomics.store(state, 0, written);
  }
}

/** What a worker wrote, if one did. */
export function readFailure(
  memory: WebAssembly.Memory,
  at: number,
): string | undefined {
  const state = new Int32Array(memory.buffer, at, 1);
  if (Atomics.load(state, 0) !== STATE.written) {
    return undefined;
  }
  const bytes = new Uint8Array(memory.buffer, at + TEXT_AT, TEXT_BYTES).slice();
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Does not return while the pool is alive. */
export function serve(
  start: WorkerStart,
  say: (message: WorkerSays) => void,
): void {
  const { module, memory, worker, stackTop, tls, failure } = start;
  try {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const calls = instance.exports as unknown as WorkerExports;
    calls.__stack_pointer.value = stackTop;
    calls.__wasm_init_tls(tls);
    say("ready");
    calls.pool_serve(worker);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const failed = `worker ${worker} stopped: ${why}`;
    writeFailure(memory, failure, failed);
    say({ failed });
  }
}
