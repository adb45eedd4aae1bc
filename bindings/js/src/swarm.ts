/** The state of a swarm, from its events. */
import { Handle, type Core } from "./core.js";

export class Swarm extends Handle {
  /** Use `openSwarm`. */
  constructor(core: Core, at: number) {
    super(core, at, "swarm_close");
  }

  /** Applies one event, as stored: the text of one JSON object. An event that
   * cannot follow those before it is refused and changes nothing. */
  replay(event: string): void {
    const { core, handle } = this;
    const bytes = new TextEncoder().encode(event);
    core.withBytes(bytes, (at) =>
      core.check(core.call("swarm_replay", handle, at, bytes.byteLength)),
    );
  }

  /** Sequence number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.core.callFloat("swarm_last_seq", this.handle);
  }

  get nTasks(): number {
    return this.core.call("swarm_n_tasks", this.handle);
  }

  /** SHA-256 of the whole state, 64 hexadecimal digits. */
  hash(): string {
    const { core, handle } = this;
    return core.withRoom(65, (hex) => {
      core.check(core.call("swarm_hash", handle, hex));
      return core.text(hex);
    });
  }
}
