import { TinyMlsError } from "../errors.js";
import type { OwnKeyPackage } from "./group/key-package.js";
import type { Welcome } from "./objects/index.js";

/** The key packages of a client that are not used up, with their private keys. */
export class KeyPackageStore {
  readonly #byRef = new Map<string, OwnKeyPackage>();

  get size(): number {
    return this.#byRef.size;
  }

  add(keyPackage: OwnKeyPackage): void {
    this.#byRef.set(keyPackage.ref.toString("hex"), keyPackage);
  }

  /**
   * The key package that a Welcome is for, taken out so that no other join uses it: give it back with `add`, or dispose it.
   * @throws TinyMlsError `missing` where there is none
   */
  take({ secrets }: Welcome): OwnKeyPackage {
    for (const { newMember } of secrets) {
      const key = Buffer.from(newMember).toString("hex");
      const found = this.#byRef.get(key);
      if (found === undefined) continue;
      this.#byRef.delete(key);
      return found;
    }
    throw new TinyMlsError("missing", "the Welcome is for no key package that this client has", {
      operation: "joinGroup",
      component: "mls",
      rule: "12.4.3.1/key-package-ref",
      section: "RFC 9420 §12.4.3.1",
      retryable: false,
    });
  }

  /** Erases a key package that will not be used. */
  remove(ref: Uint8Array): boolean {
    const key = Buffer.from(ref).toString("hex");
    this.#byRef.get(key)?.dispose();
    return this.#byRef.delete(key);
  }

  dispose(): void {
    for (const keyPackage of this.#byRef.values()) keyPackage.dispose();
    this.#byRef.clear();
  }
}
