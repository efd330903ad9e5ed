import { hash } from "../../native/hash.js";

/** So many own handshake messages are known again when they come back. */
const most = 256;

/** The proposals and commits that this client sent, by their digests: to tell their echoes from what others send. */
export class SentHandshakes {
  readonly #digests = new Set<string>();

  add(message: Uint8Array): void {
    this.#digests.add(digestOf(message));
    if (this.#digests.size > most) this.#digests.delete(this.#digests.values().next().value!);
  }

  has(message: Uint8Array): boolean {
    return this.#digests.size > 0 && this.#digests.has(digestOf(message));
  }
}

function digestOf(message: Uint8Array): string {
  return hash("SHA-256", message).toString("latin1");
}
