import type { WatchListener } from "./port.js";

interface Watch {
  readonly prefix: string;
  readonly listener: WatchListener;
}

/** The watches of one open storage. */
export class Watches {
  readonly #watches = new Set<Watch>();

  get size(): number {
    return this.#watches.size;
  }

  add(prefix: string, listener: WatchListener): () => void {
    const watch = { prefix, listener };
    this.#watches.add(watch);
    return () => void this.#watches.delete(watch);
  }

  /** Tells of changed keys those that watch them; of undefined, all. */
  tell(keys: readonly string[] | undefined): void {
    for (const watch of this.#watches) {
      const own = keys?.filter((key) => key.startsWith(watch.prefix));
      if (own?.length !== 0) this.#call(watch, own);
    }
  }

  clear(): void {
    this.#watches.clear();
  }

  /** In a turn of its own: a listener that throws ends up as an uncaught exception, not inside the write that it hears of. */
  #call(watch: Watch, keys: readonly string[] | undefined): void {
    queueMicrotask(() => {
      if (this.#watches.has(watch)) watch.listener(keys);
    });
  }
}
