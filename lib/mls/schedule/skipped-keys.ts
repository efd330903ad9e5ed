/** RFC 9420 §9.2, §15.3: the keys of messages that have not come yet, bounded in number and in time. */
import { disposeKey, type HashRatchet, type MessageKey, type SkippedKey } from "./hash-ratchet.js";
import type { RetentionPolicy } from "./retention.js";
import type { TouchedKeys } from "./touched-keys.js";

export class SkippedKeys {
  readonly #retention: RetentionPolicy;
  readonly #now: () => number;
  /** Of all ratchets, the oldest first; those of one ratchet are in the order of generations. */
  readonly #all = new Set<SkippedKey>();
  /** Of {@link #all}: here, as every operation asks, in a process of many groups mostly where no cache has the Set. */
  #size = 0;
  #latest = 0;
  /** Where changes are noted for storage. */
  touched: TouchedKeys | undefined;

  constructor(retention: RetentionPolicy, now: () => number) {
    this.#retention = retention;
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  get oldest(): SkippedKey | undefined {
    return this.#all.values().next().value;
  }

  /** Takes the key over; drops the oldest ones where that makes too many. */
  retain(ratchet: HashRatchet, message: MessageKey, retainedAt: number = this.#time()): void {
    const key: SkippedKey = { ratchet, retainedAt, ...message };
    ratchet.skipped.set(key.generation, key);
    this.#all.add(key);
    this.#size = this.#all.size;
    this.touched?.skipped(ratchet, key.generation);
    if (ratchet.skipped.size > this.#retention.maxSkippedKeys) this.#drop(ratchet.skipped.values().next().value!);
    if (this.#size > this.#retention.maxSkippedKeysPerEpoch) this.#drop(this.oldest!);
  }

  /** Wipes a key that was used. */
  use(key: SkippedKey): void {
    key.ratchet.skipped.delete(key.generation);
    this.#all.delete(key);
    this.#size = this.#all.size;
    this.touched?.skipped(key.ratchet, key.generation);
    disposeKey(key);
  }

  /** Drops those kept for longer than the policy allows. */
  expire(): void {
    if (this.#size === 0) return; // nearly always, in an operation on a group
    const keptSince = this.#time() - this.#retention.skippedKeyLifetimeMs;
    for (const key of this.#all) {
      if (key.retainedAt > keptSince) break;
      this.#drop(key);
    }
  }

  #drop(key: SkippedKey): void {
    key.ratchet.droppedBelow = Math.max(key.ratchet.droppedBelow, key.generation + 1);
    this.touched?.ratchet(key.ratchet.leafIndex);
    this.use(key);
  }

  // The order of #all is that of time: a clock that is set back must not disturb it.
  #time(): number {
    this.#latest = Math.max(this.#latest, this.#now());
    return this.#latest;
  }
}
