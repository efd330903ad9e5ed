import type { WatchListener } from "../port.js";
import { Watches } from "../watches.js";
import { isBusy } from "./database.js";
import type { Tables } from "./tables.js";

/**
 * Watches of one connection. Its own writes are told at once. For those of other connections it asks SQLite every `pollMs`
 * whether the file changed, and if so compares the revisions of what is watched with those it knew.
 */
export class FileWatch {
  readonly #tables: Tables;
  readonly #pollMs: number;
  readonly #watches = new Watches();
  readonly #known = new Map<string, { watches: number; revisions: Map<string, number> }>();
  #dataVersion = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tables: Tables, pollMs: number) {
    this.#tables = tables;
    this.#pollMs = pollMs;
  }

  add(prefix: string, listener: WatchListener): () => void {
    // Asked before the revisions are read: what changes in between is then looked at twice, not missed.
    if (this.#watches.size === 0) this.#dataVersion = this.#tables.dataVersion();
    const known = this.#known.get(prefix) ?? { watches: 0, revisions: this.#tables.revisions(prefix) };
    known.watches++;
    this.#known.set(prefix, known);
    const remove = this.#watches.add(prefix, listener);
    // Does not keep the process alive.
    this.#timer ??= setInterval(() => this.#poll(), this.#pollMs).unref();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      remove();
      if (--known.watches === 0) this.#known.delete(prefix);
      if (this.#watches.size === 0) this.close();
    };
  }

  /** Tells of a write by this connection. */
  wrote(keys: readonly string[], revision: number): void {
    if (this.#watches.size === 0 || keys.length === 0) return;
    this.#watches.tell(keys);
    for (const [prefix, { revisions }] of this.#known) {
      // A key that was deleted is told once more if another process writes too; known as changed at least.
      for (const key of keys) if (key.startsWith(prefix)) revisions.set(key, revision);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watches.clear();
    this.#known.clear();
  }

  #poll(): void {
    try {
      const dataVersion = this.#tables.dataVersion();
      if (dataVersion === this.#dataVersion) return;
      const changed = new Set<string>();
      for (const [prefix, known] of this.#known) {
        const revisions = this.#tables.revisions(prefix);
        for (const key of difference(known.revisions, revisions)) changed.add(key);
        known.revisions = revisions;
      }
      this.#dataVersion = dataVersion;
      if (changed.size > 0) this.#watches.tell([...changed]);
    } catch (error) {
      // Looked at again in the next turn. Other faults end in the calls that read: here nobody would catch them.
      if (!isBusy(error)) this.#watches.tell(undefined);
    }
  }
}

function difference(before: Map<string, number>, after: Map<string, number>): string[] {
  const changed = [...after].filter(([key, revision]) => before.get(key) !== revision).map(([key]) => key);
  const deleted = [...before.keys()].filter((key) => !after.has(key));
  return changed.concat(deleted);
}
