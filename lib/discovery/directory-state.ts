import type { DirectoryLimits } from "./options.js";
import { compare, groupKeyOfSlot, type Publication } from "./publication.js";
import { refuseBy } from "./refusal.js";

/** What became of one slot. */
export interface PublicationChange {
  readonly slot: string;
  readonly before: Publication | undefined;
  readonly after: Publication | undefined;
}

/**
 * The state of a directory as a join-semilattice: for each group and publisher the greatest publication, for each group the greatest
 * so many publishers. A publisher that was dropped has that many greater ones above it, which can only grow: so what is held after any
 * merges, in any order and however often, depends on the set of publications alone, as long as none was refused for want of room.
 */
export class DirectoryState {
  readonly #groups = new Map<string, Map<string, Publication>>();
  readonly #limits: DirectoryLimits;
  #length = 0;
  #publications = 0;

  constructor(limits: DirectoryLimits) {
    this.#limits = limits;
  }

  /** Octets of all publications. */
  get length(): number {
    return this.#length;
  }
  get publications(): number {
    return this.#publications;
  }
  get groups(): number {
    return this.#groups.size;
  }

  at(slot: string): Publication | undefined {
    return this.#groups.get(groupKeyOfSlot(slot))?.get(slot);
  }

  /** The publications of a group, the greatest first. */
  of(groupKey: string): Publication[] {
    return [...(this.#groups.get(groupKey)?.values() ?? [])].sort((a, b) => compare(b, a));
  }

  groupKeys(): IterableIterator<string> {
    return this.#groups.keys();
  }

  *all(): Generator<Publication> {
    for (const slots of this.#groups.values()) yield* slots.values();
  }

  /** Whether {@link join} would change anything. */
  wants(publication: Publication): boolean {
    const slots = this.#groups.get(groupKeyOfSlot(publication.slot));
    if (slots === undefined) return true;
    const held = slots.get(publication.slot);
    if (held !== undefined) return compare(held, publication) < 0;
    return slots.size < this.#limits.publishers || compare(least(slots), publication) < 0;
  }

  /**
   * Takes in a verified publication.
   * @returns what changed
   * @throws TinyMlsError `exhausted` where there is no room; nothing is changed then
   */
  join(publication: Publication): PublicationChange[] {
    if (!this.wants(publication)) return [];
    const { slot } = publication;
    const groupKey = groupKeyOfSlot(slot);
    const slots = this.#groups.get(groupKey);
    const before = slots?.get(slot);
    const dropped =
      slots !== undefined && before === undefined && slots.size >= this.#limits.publishers ? least(slots) : undefined;
    const freed = (before ?? dropped)?.bytes.byteLength ?? 0;
    if (slots === undefined && this.#groups.size >= this.#limits.groups) {
      refuseBy("discovery/room", `${this.#limits.groups} groups`, "exhausted");
    }
    if (this.#length - freed + publication.bytes.byteLength > this.#limits.totalLength) {
      refuseBy("discovery/room", `${this.#limits.totalLength} octets`, "exhausted");
    }
    const changes = dropped === undefined ? [] : this.remove(dropped);
    this.#put(groupKey, publication, before);
    return [...changes, { slot, before, after: publication }];
  }

  /** Forgets a publication, if it is the one that is held. */
  remove(publication: Publication): PublicationChange[] {
    const { slot } = publication;
    const groupKey = groupKeyOfSlot(slot);
    const slots = this.#groups.get(groupKey);
    if (slots?.get(slot) !== publication) return [];
    slots.delete(slot);
    if (slots.size === 0) this.#groups.delete(groupKey);
    this.#length -= publication.bytes.byteLength;
    this.#publications--;
    return [{ slot, before: publication, after: undefined }];
  }

  #put(groupKey: string, publication: Publication, before: Publication | undefined): void {
    const slots = this.#groups.get(groupKey) ?? new Map<string, Publication>();
    this.#groups.set(groupKey, slots.set(publication.slot, publication));
    this.#length += publication.bytes.byteLength - (before?.bytes.byteLength ?? 0);
    if (before === undefined) this.#publications++;
  }
}

function least(slots: ReadonlyMap<string, Publication>): Publication {
  return [...slots.values()].reduce((one, other) => (compare(one, other) < 0 ? one : other));
}
