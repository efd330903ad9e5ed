import { TinyMlsError } from "../errors.js";
import type { ClientStore } from "./durable/client-store.js";
import type { OwnKeyPackage } from "./group/key-package.js";
import type { Welcome } from "./objects/index.js";

/** The key packages of a client that are not used up, with their private keys: in its storage, or in memory where it has none. */
export class KeyPackageStore {
  readonly #stored: ClientStore | undefined;
  readonly #byRef = new Map<string, OwnKeyPackage>();

  constructor(stored?: ClientStore) {
    this.#stored = stored;
  }

  /** Takes the key package over. */
  async add(keyPackage: OwnKeyPackage): Promise<void> {
    if (this.#stored === undefined) return this.#giveBack(keyPackage);
    try {
      await this.#stored.addKeyPackage(keyPackage);
    } finally {
      keyPackage.dispose();
    }
  }

  /**
   * Lends the key package that a Welcome is for, in memory so that no other join has it meanwhile. It is used up when `join` resolves,
   * unless it is one of last resort.
   * @throws TinyMlsError `missing` where there is none
   */
  async use<T>(welcome: Welcome, join: (keyPackage: OwnKeyPackage) => Promise<T>): Promise<T> {
    const keyPackage = await this.#take(welcome);
    let isUsed = false;
    try {
      const joined = await join(keyPackage);
      isUsed = !keyPackage.isLastResort;
      return joined;
    } finally {
      if (isUsed) keyPackage.dispose();
      else this.#giveBack(keyPackage);
    }
  }

  dispose(): void {
    for (const keyPackage of this.#byRef.values()) keyPackage.dispose();
    this.#byRef.clear();
  }

  async #take(welcome: Welcome): Promise<OwnKeyPackage> {
    const found = this.#stored === undefined ? this.#takeOut(welcome) : await this.#stored.findKeyPackage(welcome);
    if (found !== undefined) return found;
    throw new TinyMlsError("missing", "the Welcome is for no key package that this client has", {
      operation: "joinGroup",
      component: "mls",
      rule: "12.4.3.1/key-package-ref",
      section: "RFC 9420 §12.4.3.1",
      retryable: false,
    });
  }

  #giveBack(keyPackage: OwnKeyPackage): void {
    if (this.#stored === undefined) this.#byRef.set(keyPackage.ref.toString("hex"), keyPackage);
    else keyPackage.dispose();
  }

  #takeOut({ secrets }: Welcome): OwnKeyPackage | undefined {
    for (const { newMember } of secrets) {
      const key = Buffer.from(newMember).toString("hex");
      const found = this.#byRef.get(key);
      if (found === undefined) continue;
      this.#byRef.delete(key);
      return found;
    }
    return undefined;
  }
}
