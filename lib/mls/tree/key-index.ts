// Which nodes hold a public key: a hash table in pages that versions of a tree share until a draft changes them.
// Keys are chosen by members, so the hash is keyed: no one outside this process can choose keys that collide.

const pageSlots = 64;
const smallestPages = 1;
const prime = 2 ** 31 - 1;
const hashedPairs = 128;

const multipliers = Float64Array.from(
  globalThis.crypto.getRandomValues(new Uint32Array(hashedPairs + 2)),
  (word) => 1 + (word % (prime - 1)),
);

export type KeyKind = "encryption" | "signature";

/**
 * A keyed universal hash of a key's first 256 octets and its length; keys of different kinds are told apart.
 * @param key octets that hold the key, from `start` to before `end`
 */
export function keyHash(kind: KeyKind, key: Uint8Array, start = 0, end = key.length): number {
  const length = end - start;
  let sum = multipliers[hashedPairs + (kind === "encryption" ? 0 : 1)]! + length;
  const pairs = Math.min(length >> 1, hashedPairs);
  for (let i = 0, at = start; i < pairs; i++, at += 2) {
    sum += ((key[at]! << 8) | key[at + 1]!) * multipliers[i]!;
    if ((i & 31) === 31) sum %= prime;
  }
  if ((length & 1) === 1) sum += key[end - 1]! * multipliers[hashedPairs - 1]!;
  return sum % prime;
}

interface Page {
  owner: object | undefined;
  /** Pairs: a key's hash, and a node index plus one, or 0 where nothing is. */
  readonly slots: Int32Array;
}

/** Linear probing over pairs (hash, node). Several nodes may hold one key; telling them apart is up to the caller. */
export class KeyIndex {
  private pages: Page[];
  private count: number;
  private alike: number;
  private owner: object | undefined;

  private constructor(pages: Page[], count: number, alike: number, owner: object | undefined) {
    this.pages = pages;
    this.count = count;
    this.alike = alike;
    this.owner = owner;
  }

  /** Whether no two keys that were ever in it had the same hash: none then is in two nodes. */
  get allDiffer(): boolean {
    return this.alike === 0;
  }

  /** An empty index with room for so many keys. */
  static empty(expected = 0): KeyIndex {
    const owner = {};
    let pages = smallestPages;
    while (pages * pageSlots < expected * 2) pages *= 2;
    return new KeyIndex(freshPages(pages, owner), 0, 0, owner);
  }

  /** A copy that shares all pages until they change. The original must not change any more. */
  fork(): KeyIndex {
    this.owner = undefined;
    return new KeyIndex(this.pages.slice(), this.count, this.alike, {});
  }

  /** The nodes whose key may be the one with this hash. */
  candidates(hash: number): number[] {
    const nodes: number[] = [];
    const mask = this.pages.length * pageSlots - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const { slots } = this.pages[at >> 6]!;
      const node = slots[2 * (at & 63) + 1]!;
      if (node === 0) return nodes;
      if (slots[2 * (at & 63)] === hash) nodes.push(node - 1);
    }
  }

  /** @returns how many nodes had the same hash already; each of them makes the next insertion slower. */
  insert(hash: number, node: number): number {
    if ((this.count + 1) * 5 > this.pages.length * pageSlots * 3) this.grow();
    this.count++;
    const alike = this.place(hash, node + 1);
    this.alike += alike;
    return alike;
  }

  remove(hash: number, node: number): void {
    const mask = this.pages.length * pageSlots - 1;
    let hole = hash & mask;
    while (this.hashAt(hole) !== hash || this.valueAt(hole) !== node + 1) {
      if (this.valueAt(hole) === 0) return;
      hole = (hole + 1) & mask;
    }
    this.count--;
    // Later entries of the run move up, so that no probe ends before them.
    for (let at = (hole + 1) & mask; this.valueAt(at) !== 0; at = (at + 1) & mask) {
      const home = this.hashAt(at) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.put(hole, this.hashAt(at), this.valueAt(at));
      hole = at;
    }
    this.put(hole, 0, 0);
  }

  private hashAt(at: number): number {
    return this.pages[at >> 6]!.slots[2 * (at & 63)]!;
  }

  private valueAt(at: number): number {
    return this.pages[at >> 6]!.slots[2 * (at & 63) + 1]!;
  }

  private place(hash: number, value: number): number {
    const mask = this.pages.length * pageSlots - 1;
    let alike = 0;
    let at = hash & mask;
    for (; this.valueAt(at) !== 0; at = (at + 1) & mask) if (this.hashAt(at) === hash) alike++;
    this.put(at, hash, value);
    return alike;
  }

  private put(at: number, hash: number, value: number): void {
    let page = this.pages[at >> 6]!;
    if (page.owner === undefined || page.owner !== this.owner) {
      page = { owner: this.owner, slots: page.slots.slice() };
      this.pages[at >> 6] = page;
    }
    page.slots[2 * (at & 63)] = hash;
    page.slots[2 * (at & 63) + 1] = value;
  }

  private grow(): void {
    const old = this.pages;
    this.pages = freshPages(old.length * 2, this.owner);
    for (const { slots } of old) {
      for (let i = 0; i < 2 * pageSlots; i += 2) {
        if (slots[i + 1] !== 0) this.place(slots[i]!, slots[i + 1]!);
      }
    }
  }
}

function freshPages(count: number, owner: object | undefined): Page[] {
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) pages.push({ owner, slots: new Int32Array(2 * pageSlots) });
  return pages;
}
