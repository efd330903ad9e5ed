import { hash } from "../../native/hash.js";

/** So many own handshake messages are known again when they come back. */
export const mostSentHandshakes = 256;

/** The proposals and commits that this client sent, by their digests: to tell their echoes from what others send. */
export class SentHandshakes {
  readonly #digests: Set<string>;
  #added = 0;

  /** @param digests from storage, the oldest first */
  constructor(digests: readonly Buffer[] = []) {
    this.#digests = new Set(digests.map((digest) => digest.toString("latin1")));
  }

  /** How many were added since this was made. */
  get added(): number {
    return this.#added;
  }

  /** The digests of the last ones added, the oldest first. */
  latest(count: number): Buffer[] {
    return count === 0 ? [] : [...this.#digests].slice(-count).map((digest) => Buffer.from(digest, "latin1"));
  }

  add(message: Uint8Array): void {
    this.#added++;
    this.#digests.add(digestOf(message));
    if (this.#digests.size > mostSentHandshakes) this.#digests.delete(this.#digests.values().next().value!);
  }

  has(message: Uint8Array): boolean {
    return this.#digests.size > 0 && this.#digests.has(digestOf(message));
  }
}

function digestOf(message: Uint8Array): string {
  return hash("SHA-256", message).toString("latin1");
}
