/** The state of a swarm, from its events. */
import type { Core } from "./core.js";
import type { SwarmExports } from "./exports.js";
import { Handle } from "./handle.js";
import type { Info, Loaded } from "./load.js";

export class Swarm extends Handle {
  private readonly core: Core<SwarmExports>;
  /** What was loaded, and the memory of this swarm's instance. */
  readonly info: () => Info;

  /** Use `openSwarm`. */
  constructor({ core, info }: Loaded<"swarm">) {
    super(
      core,
      core.checkHandle(core.calls.swarm_open()),
      core.calls.swarm_close,
    );
    this.core = core;
    this.info = info;
  }

  /** Applies one event, as stored: the text of one JSON object. An event that
   * cannot follow those before it is refused and changes nothing. */
  replay(event: string): void {
    const { core, handle } = this;
    const bytes = new TextEncoder().encode(event);
    core.withBytes(bytes, (at) =>
      core.check(core.calls.swarm_replay(handle, at, bytes.byteLength)),
    );
  }

  /** Sequence number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.core.calls.swarm_last_seq(this.handle);
  }

  get nTasks(): number {
    return this.core.calls.swarm_n_tasks(this.handle);
  }

  /** SHA-256 of the whole state, 64 hexadecimal digits. */
  hash(): string {
    const { core, handle } = this;
    return core.withRoom(65, (hex) => {
      core.check(core.calls.swarm_hash(handle, hex));
      return core.text(hex);
    });
  }
}
