import type { Secret } from "../native/secret.js";

/** The external PSKs of a client (RFC 9420 §8.4), by their ids. */
export class PskStore {
  readonly #byId = new Map<string, Secret>();

  /** Takes the handle over. */
  add(id: Buffer, psk: Secret): void {
    this.remove(id);
    this.#byId.set(id.toString("hex"), psk);
  }

  /** Lent. */
  get(id: Uint8Array): Secret | undefined {
    return this.#byId.get(Buffer.from(id).toString("hex"));
  }

  remove(id: Buffer): boolean {
    this.#byId.get(id.toString("hex"))?.dispose();
    return this.#byId.delete(id.toString("hex"));
  }

  dispose(): void {
    for (const psk of this.#byId.values()) psk.dispose();
    this.#byId.clear();
  }
}
