import { TinyMlsError } from "../errors.js";
import type { PrivateKey } from "../native/keys.js";
import type { ClientStore } from "./durable/client-store.js";
import type { Suite } from "./suite/index.js";

/** The signature keys of a client: one for each signature scheme. */
export class SignatureKeys {
  readonly #byScheme = new Map<string, PrivateKey>();
  readonly #certified: boolean;
  readonly #store: ClientStore | undefined;
  /** Which keys are stored. */
  #saved = "";

  /** @param certified a certificate is for one key, so there is no other */
  constructor(certified: boolean, store: ClientStore | undefined) {
    this.#certified = certified;
    this.#store = store;
  }

  /** Those that are stored, `given` in place of the one for its scheme (lent), and one for a suite. */
  async load(given: PrivateKey | undefined, suite: Suite): Promise<void> {
    for (const [scheme, key] of (await this.#store?.signatureKeys()) ?? []) this.#byScheme.set(scheme, key);
    this.#saved = this.#fingerprint();
    if (given !== undefined) {
      this.#byScheme.get(given.algorithm)?.dispose();
      this.#byScheme.set(given.algorithm, given.clone());
    }
    this.of(suite);
    await this.save();
  }

  /**
   * Lent. A new one has to be saved before others learn of it.
   * @throws TinyMlsError `config` where the credential certifies a key of another scheme
   */
  of(suite: Suite): PrivateKey {
    const scheme = suite.algorithms.signature;
    const known = this.#byScheme.get(scheme);
    if (known !== undefined) return known;
    if (this.#certified) {
      throw new TinyMlsError("config", `signatureKey has to be the ${scheme} key that the credential certifies`, {
        operation: "Client",
        component: "mls",
      });
    }
    const key = suite.generateSignatureKeyPair();
    this.#byScheme.set(scheme, key);
    return key;
  }

  async save(): Promise<void> {
    if (this.#store === undefined) return;
    const now = this.#fingerprint();
    if (now === this.#saved) return;
    await this.#store.saveSignatureKeys(this.#byScheme);
    this.#saved = now;
  }

  dispose(): void {
    for (const key of this.#byScheme.values()) key.dispose();
    this.#byScheme.clear();
  }

  #fingerprint(): string {
    return Array.from(this.#byScheme.values(), ({ publicKey }) => publicKey.toString("hex")).join();
  }
}
