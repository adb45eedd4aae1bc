/** Conditions on metadata, parsed once. */
import { MidgeError, type Core } from "./core.js";
import type { IndexExports } from "./exports.js";
import { Handle } from "./handle.js";

/** Use `VectorIndex.filter`. */
export class IndexFilter extends Handle {
  readonly text: string;
  /** The index whose columns it names. */
  readonly of: object;

  constructor(core: Core<IndexExports>, index: number, of: object, text: string) {
    const bytes = new TextEncoder().encode(text);
    const at = core.withBytes(bytes, (from) =>
      core.checkHandle(core.calls.filter_new(index, from, bytes.length)),
    );
    super(core, at, core.calls.filter_free);
    this.text = text;
    this.of = of;
  }

  /** Its address, for a search of that index. */
  pointerFor(index: object): number {
    if (index !== this.of) {
      throw new MidgeError("E_INVALID", "this filter is of another index");
    }
    return this.handle;
  }
}

/** The filters that were given as texts lately: parsing one takes longer than
 * some searches do. */
export class FilterCache {
  private readonly filters = new Map<string, IndexFilter>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get(text: string, make: (text: string) => IndexFilter): IndexFilter {
    const found = this.filters.get(text) ?? make(text);
    this.filters.delete(text); // and to the end: the first is the oldest
    this.filters.set(text, found);
    if (this.filters.size > this.most) {
      const [oldest] = this.filters.values();
      this.filters.delete(oldest!.text);
      oldest!.dispose();
    }
    return found;
  }

  dispose(): void {
    this.filters.forEach((filter) => filter.dispose());
    this.filters.clear();
  }
}
