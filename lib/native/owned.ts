/** What has to be disposed. */
export interface Owner {
  dispose(): void;
}

/**
 * What a function owns until it returns or throws: `using owned = new Owned()`, `owned.add(secret)`. What passes to someone else on
 * success is released at the end with {@link release}.
 */
export class Owned {
  #owners: Owner[] = [];

  add<T extends Owner | undefined>(owner: T): T {
    if (owner !== undefined) this.#owners.push(owner);
    return owner;
  }

  /** From now on the caller owns nothing here. */
  release(): void {
    this.#owners = [];
  }

  /** In the reverse order. */
  [Symbol.dispose](): void {
    for (const owner of this.#owners.reverse()) owner.dispose();
    this.#owners = [];
  }
}
