import type { Secret } from "../../native/secret.js";

/**
 * Ratchet secrets derived ahead of their ratchets, for keys that are peeked at and not used yet. A cache: whatever is forgotten
 * is derived again.
 */
export class RatchetsAhead {
  /** Undefined while nothing is derived ahead: sending then costs no look into a Map, which is seldom in a cache. */
  #secrets: Map<number, Map<number, Secret>> | undefined;

  /** Lent. */
  get(ratchet: number, generation: number): Secret | undefined {
    return this.#secrets?.get(ratchet)?.get(generation);
  }

  /** Takes the secret over. */
  set(ratchet: number, generation: number, secret: Secret): void {
    const secrets = (this.#secrets ??= new Map<number, Map<number, Secret>>());
    let generations = secrets.get(ratchet);
    if (generations === undefined) secrets.set(ratchet, (generations = new Map<number, Secret>()));
    generations.get(generation)?.dispose();
    generations.set(generation, secret);
  }

  /** Gives a secret away. */
  take(ratchet: number, generation: number): Secret | undefined {
    const generations = this.#secrets?.get(ratchet);
    const secret = generations?.get(generation);
    if (secret === undefined) return undefined;
    generations!.delete(generation);
    if (generations!.size === 0) this.#secrets!.delete(ratchet);
    return secret;
  }

  /** Wipes the generations from `first` to before `end`. */
  forget(ratchet: number, first: number, end: number): void {
    for (let generation = first; generation < end; generation++) this.take(ratchet, generation)?.dispose();
  }

  dispose(): void {
    for (const generations of this.#secrets?.values() ?? [])
      for (const secret of generations.values()) secret.dispose();
    this.#secrets = undefined;
  }
}
