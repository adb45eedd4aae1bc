/// <reference lib="esnext.disposable" preserve="true" />
/** What lives in a module's memory until it is given back. */
import { MidgeError, type Core } from "./core.js";

interface Held {
  readonly core: Core;
  readonly at: number;
  readonly close: (at: number) => void;
}

function close(held: Held): void {
  if (held.core.alive) {
    held.close(held.at);
  }
}

/** The net under `dispose`: memory of a handle that was only forgotten. */
const forgotten = new FinalizationRegistry<Held>(close);

/** Something in a module's memory, there until it is disposed. */
export abstract class Handle {
  private held: Held | undefined;

  /** `close` must not refer to the handle, or it would never be forgotten. */
  protected constructor(core: Core, at: number, close: (at: number) => void) {
    this.held = { core, at, close };
    forgotten.register(this, this.held, this);
  }

  /** The address; throws when the handle was disposed. */
  protected get handle(): number {
    if (!this.held) {
      const text = `this ${this.constructor.name} was disposed`;
      throw new MidgeError("DISPOSED", text);
    }
    return this.held.at;
  }

  get disposed(): boolean {
    return this.held === undefined;
  }

  /** Gives the memory back; a second call does nothing. */
  dispose(): void {
    if (this.held) {
      forgotten.unregister(this);
      close(this.held);
      this.held = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
