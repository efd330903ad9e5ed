import type { DirectoryReplica, SlotChange } from "./replica.js";

/** The changes that a replica has yet to be told, and the telling. */
export class Link {
  readonly replica: DirectoryReplica;
  readonly #pending = new Map<string, SlotChange>();
  #running: Promise<void> | undefined;

  constructor(replica: DirectoryReplica) {
    this.replica = replica;
  }

  /** Of one slot, the replica is told the first `before`: it knows no other. */
  add(changes: Iterable<SlotChange>): void {
    for (const change of changes) if (!this.#pending.has(change.slot)) this.#pending.set(change.slot, change);
  }

  /** Resolves when the replica has been told all; rejects when it fails, and what it was not told is kept. */
  flush(): Promise<void> {
    // Not at once, so that `#running` is set before it is cleared.
    return (this.#running ??= Promise.resolve().then(() => this.#tell()));
  }

  async #tell(): Promise<void> {
    try {
      while (this.#pending.size > 0) {
        const changes = [...this.#pending.values()];
        this.#pending.clear();
        try {
          await this.replica.write(changes);
        } catch (error) {
          const later = [...this.#pending.values()];
          this.#pending.clear();
          this.add(changes);
          this.add(later);
          throw error;
        }
      }
    } finally {
      this.#running = undefined;
    }
  }
}
