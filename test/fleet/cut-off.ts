import {
  TinyMlsError,
  type ListOptions,
  type Storage,
  type WatchListener,
  type WriteOptions,
  type WriteStep,
} from "tinymls";

/** A storage as one machine reaches it: while it is cut off every call fails, and no change is heard of. */
export class Reachable implements Storage {
  readonly #storage: Storage;
  cutOff = false;
  /** Fail the writes alone: "before" they happen, or "after", when only the acknowledgement is lost. */
  writes: "pass" | "before" | "after" = "pass";

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async get(key: string) {
    this.#reach();
    return await this.#storage.get(key);
  }

  async list(prefix: string, options?: ListOptions) {
    this.#reach();
    return await this.#storage.list(prefix, options);
  }

  async write(steps: readonly WriteStep[], options?: WriteOptions) {
    this.#reach();
    if (this.writes === "before") throw lost();
    const revision = await this.#storage.write(steps, options);
    if (this.writes === "after") throw lost();
    return revision;
  }

  async read(log: string, from: number, limit?: number) {
    this.#reach();
    return await this.#storage.read(log, from, limit);
  }

  async watch(prefix: string, listener: WatchListener) {
    this.#reach();
    return await this.#storage.watch(prefix, (keys) => {
      if (!this.cutOff) listener(keys);
    });
  }

  async close() {
    // the storage is shared
  }

  #reach(): void {
    if (this.cutOff) throw lost();
  }
}

const lost = () => new TinyMlsError("storage", "no route to the storage", { component: "storage" });
