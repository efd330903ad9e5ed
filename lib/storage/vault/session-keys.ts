import { aead, type AeadCipher } from "../../native/aead.js";
import type { Bytes } from "../../native/addon.js";
import { hkdf } from "../../native/kdf.js";
import { randomBytes } from "../../native/random.js";
import type { Secret } from "../../native/secret.js";

export const sessionIdLength = 16;

const most = 64;

/** A key of its own for each session of sealing, so that no counter has to outlive a process. */
export class SessionKeys {
  readonly #dataKey: Secret;
  readonly #ciphers = new Map<string, AeadCipher>(); // the one longest unused first
  /** What was used last: records of one session come together. */
  #last: { readonly id: Buffer; readonly cipher: AeadCipher } | undefined;

  /** @param dataKey passes to it */
  constructor(dataKey: Secret) {
    this.#dataKey = dataKey;
  }

  get dataKey(): Secret {
    return this.#dataKey;
  }

  create(): { id: Buffer; cipher: AeadCipher } {
    const id = randomBytes(sessionIdLength);
    return { id, cipher: this.#derive(id) };
  }

  /** The key that was used last, if it is that of the session whose id stands in `octets` at `at`. */
  last(octets: Bytes, at: number): AeadCipher | undefined {
    const last = this.#last;
    if (last === undefined) return undefined;
    for (let i = 0; i < sessionIdLength; i++) if (last.id[i] !== octets[at + i]) return undefined;
    return last.cipher;
  }

  /** Runs `use` with the key of a session, which is kept for later when that went well. */
  with<T>(id: Bytes, use: (cipher: AeadCipher) => T): T {
    const name = Buffer.from(id).toString("latin1");
    const kept = this.#ciphers.get(name);
    const cipher = kept ?? this.#derive(id);
    try {
      const result = use(cipher);
      this.#ciphers.delete(name);
      this.#ciphers.set(name, cipher);
      if (this.#ciphers.size > most) this.#dropOldest();
      this.#last = { id: Buffer.from(id), cipher };
      return result;
    } catch (error) {
      if (kept === undefined) cipher.dispose();
      throw error;
    }
  }

  dispose(): void {
    for (const cipher of this.#ciphers.values()) cipher.dispose();
    this.#ciphers.clear();
    this.#last = undefined;
    this.#dataKey.dispose();
  }

  #derive(id: Bytes): AeadCipher {
    using key = hkdf.expandLabel("SHA-256", this.#dataKey, "tinymls session", id, 32, "tls13");
    return aead.cipher("AES-256-GCM", key);
  }

  #dropOldest(): void {
    const [name, cipher] = this.#ciphers.entries().next().value!;
    this.#ciphers.delete(name);
    cipher.dispose();
  }
}
