/** What runs rows through a network, of floats or of small integers. */
import type { Core } from "./core.js";
import { needLength } from "./check.js";
import type { NnxExports } from "./exports.js";
import { Handle } from "./handle.js";
import type { Info, Loaded } from "./load.js";
import { saveNetwork, type NetworkCalls } from "./network_calls.js";
import { floatRows, type NetworkRows } from "./network_options.js";

/** Floats of inputs and outputs that are copied at once. */
const FLOATS_AT_ONCE = 2 ** 20;

/** Rows in the module's memory. */
interface Places {
  readonly rows: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The first row of y. */
  readonly y1: Float32Array;
}

/** An instance of a module of networks. */
interface Running<E extends NetworkCalls> {
  readonly core: Core<E>;
  readonly info: () => Info;
}

export abstract class Runner<E extends NetworkCalls> extends Handle {
  readonly inputs: number;
  readonly outputs: number;
  protected readonly core: Core<E>;
  private readonly loaded: () => Info;
  private places: Places | undefined;
  private reserved = 0;

  constructor({ core, info }: Running<E>, at: number) {
    super(core, at, (network) => core.calls.net_close(network));
    this.core = core;
    this.loaded = info;
    this.inputs = core.calls.net_inputs(at);
    this.outputs = core.calls.net_outputs(at);
  }

  /** The module, and the memory of its instance. */
  module(): Info {
    return this.loaded();
  }

  /** Outputs, (rows, outputs), of any number of rows. */
  run(x: NetworkRows): Float32Array<ArrayBuffer> {
    const from = floatRows("run", x, this.inputs);
    const rows = from.length / this.inputs;
    const y = new Float32Array(rows * this.outputs);
    this.runAll(from, rows, y);
    return y;
  }

  /** The same into an array of yours: the fastest for one row after the other. */
  runInto<Y extends Float32Array>(x: Float32Array, y: Y): Y {
    const { inputs, outputs } = this;
    if (x.length === inputs && y.length === outputs) {
      const places = this.reserve(1);
      places.x.set(x);
      this.core.check(this.core.calls.net_run(this.handle, 1));
      y.set(places.y1);
      return y;
    }
    const from = floatRows("runInto", x, inputs);
    const rows = from.length / inputs;
    needLength("runInto: the result", y, rows * outputs);
    this.runAll(from, rows, y);
    return y;
  }

  /** The bytes of a file, as every Midge opens it. */
  save(): Uint8Array<ArrayBuffer> {
    return saveNetwork(this.core, this.handle);
  }

  private runAll(x: Float32Array, rows: number, y: Float32Array): void {
    const { core, inputs, outputs } = this;
    const most = Math.max(256, Math.floor(FLOATS_AT_ONCE / (inputs + outputs)));
    for (let at = 0; at < rows; at += most) {
      const n = Math.min(most, rows - at);
      const places = this.reserve(n);
      places.x.set(x.subarray(at * inputs, (at + n) * inputs));
      core.check(core.calls.net_run(this.handle, n));
      y.set(places.y.subarray(0, n * outputs), at * outputs);
    }
  }

  /** What has another shape needs other places. */
  protected forgetPlaces(): void {
    this.places = undefined;
    this.reserved = 0;
  }

  private reserve(rows: number): Places {
    const { core, handle, places, inputs, outputs } = this;
    if (places && rows <= places.rows && places.x.buffer === core.memory.buffer) {
      return places;
    }
    if (rows > this.reserved) {
      core.check(core.calls.net_reserve(handle, rows));
      this.reserved = rows;
    }
    const { buffer } = core.memory;
    const n = this.reserved;
    const y = core.calls.net_y(handle);
    return (this.places = {
      rows: n,
      x: new Float32Array(buffer, core.calls.net_x(handle), n * inputs),
      y: new Float32Array(buffer, y, n * outputs),
      y1: new Float32Array(buffer, y, outputs),
    });
  }
}

/** A network in small integers, for inference: use `Network.quantise` or
 * `Network.loadInt8`. */
export class Int8Network extends Runner<NnxExports> {
  constructor(loaded: Loaded<"nnx">, at: number) {
    super(loaded, at);
  }

  /** Of the weights. */
  get bytes(): number {
    return this.core.calls.net_bytes(this.handle);
  }
}
