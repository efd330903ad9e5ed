/** RFC 9420 §12.1: the proposals received in an epoch, and the private keys of own Updates among them. */
import type { PrivateKey } from "../../native/keys.js";
import type { SentProposal } from "./proposals.js";

/** The private keys that go with an own Update. Owned by the cache. */
export interface UpdateKeys {
  readonly leafKey: PrivateKey;
  /** Where the Update changes it. */
  readonly signatureKey: PrivateKey | undefined;
}

export interface CachedProposal extends SentProposal {
  readonly ref: Buffer;
  readonly keys?: UpdateKeys | undefined;
}

export class ProposalCache {
  readonly #byRef = new Map<string, CachedProposal>();
  /** Of {@link #byRef}: here, as every message asks, in a process of many groups mostly where no cache has the Map. */
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(ref: Uint8Array): boolean {
    return this.#byRef.has(keyOf(ref));
  }

  get(ref: Uint8Array): CachedProposal | undefined {
    return this.#byRef.get(keyOf(ref));
  }

  add(proposal: CachedProposal): void {
    this.#byRef.set(keyOf(proposal.ref), proposal);
    this.#size = this.#byRef.size;
  }

  /** In the order in which they came. */
  list(): CachedProposal[] {
    return [...this.#byRef.values()];
  }

  dispose(): void {
    for (const { keys } of this.#byRef.values()) {
      keys?.leafKey.dispose();
      keys?.signatureKey?.dispose();
    }
    this.#byRef.clear();
    this.#size = 0;
  }
}

function keyOf(ref: Uint8Array): string {
  return Buffer.from(ref.buffer, ref.byteOffset, ref.byteLength).toString("latin1");
}
