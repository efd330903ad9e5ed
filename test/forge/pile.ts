import type { Owner } from "#dist/native/owned.js";

/** The handles that forging leaves behind, disposed all at once: so that they do not go while live handles are counted. */
export class Pile {
  private owners: Owner[] = [];

  add<T extends Owner | undefined>(owner: T): T {
    if (owner !== undefined) this.owners.push(owner);
    return owner;
  }

  dispose(): void {
    for (const owner of this.owners) owner.dispose();
    this.owners = [];
  }
}
