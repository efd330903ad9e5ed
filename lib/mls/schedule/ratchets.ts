/** RFC 9420 §9.1: the ratchets that a secret tree has reached. */
import type { Suite } from "../suite/index.js";
import type { HashRatchet, RatchetType } from "./hash-ratchet.js";
import { RatchetsAhead } from "./ratchets-ahead.js";

/** One of the member's own, found without a look into the Map of all: every message that is sent needs it. */
export interface OwnRatchet {
  ratchet: HashRatchet | undefined;
  /** The first generation that sealing does not give; undefined where none is reserved. */
  end: number | undefined;
}

export function ratchetId(leafIndex: number, type: RatchetType): number {
  return 2 * leafIndex + (type === "application" ? 1 : 0);
}

export class Ratchets {
  readonly ahead = new RatchetsAhead();
  readonly #suite: Suite;
  readonly #ownLeafIndex: number | undefined;
  readonly #ownHandshake: OwnRatchet = { ratchet: undefined, end: undefined };
  readonly #ownApplication: OwnRatchet = { ratchet: undefined, end: undefined };
  readonly #all = new Map<number, HashRatchet>();

  constructor(suite: Suite, ownLeafIndex: number | undefined) {
    this.#suite = suite;
    this.#ownLeafIndex = ownLeafIndex;
  }

  get(leafIndex: number, type: RatchetType): HashRatchet | undefined {
    return this.#all.get(ratchetId(leafIndex, type));
  }

  own(type: RatchetType): OwnRatchet {
    return type === "application" ? this.#ownApplication : this.#ownHandshake;
  }

  /** Takes the ratchet over. */
  add(ratchet: HashRatchet): void {
    const { leafIndex, type } = ratchet;
    this.#all.set(ratchetId(leafIndex, type), ratchet);
    if (leafIndex === this.#ownLeafIndex) this.own(type).ratchet = ratchet;
  }

  values(): IterableIterator<HashRatchet> {
    return this.#all.values();
  }

  /**
   * To the next generation, by a secret that was derived ahead where there is one.
   * @returns whether there was.
   */
  step(ratchet: HashRatchet): boolean {
    const { leafIndex, type, generation } = ratchet;
    const ahead = this.ahead.take(ratchetId(leafIndex, type), generation + 1);
    if (ahead === undefined) ratchet.step(this.#suite);
    else ratchet.moveTo(generation + 1, ahead);
    return ahead !== undefined;
  }

  dispose(): void {
    this.ahead.dispose();
    for (const ratchet of this.#all.values()) ratchet.dispose();
    this.#all.clear();
    this.#ownHandshake.ratchet = this.#ownApplication.ratchet = undefined;
  }
}
