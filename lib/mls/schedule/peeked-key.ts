import { TinyMlsError } from "../../errors.js";
import { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";
import { openWithRatchet, type MessageKey, type Opening, type RatchetType } from "./hash-ratchet.js";

/** The secret tree, as the keys that it lets peek at see it. */
export interface KeySource {
  readonly suite: Suite;
  /** Whether the generation was unused until now. */
  use(peeked: PeekedKey): boolean;
  forget(peeked: PeekedKey): void;
}

/** The ratchet_secret of the generation, or its key as it was kept; both are the tree's own. */
export type KeyOrigin = Secret | MessageKey;

/**
 * The key of one received message, before it is known whether the message is genuine. The secret tree has not changed for it:
 * {@link commit} erases the key for good, {@link discard} leaves everything as if it had never been asked for. One of the two must
 * be called; calls after the first do nothing. {@link open} comes before, and before any other key of the tree is committed.
 */
export class PeekedKey {
  readonly leafIndex: number;
  readonly type: RatchetType;
  readonly generation: number;
  /** @internal Lent. */
  readonly origin: KeyOrigin;
  /** @internal Nodes that were derived ahead for it. */
  readonly nodesAhead: readonly number[];
  /** @internal The first generation that was derived ahead for it; those up to its own follow. */
  readonly firstAhead: number;
  #source: KeySource | undefined;

  /** @internal */
  constructor(
    source: KeySource,
    place: { readonly leafIndex: number; readonly type: RatchetType; readonly generation: number },
    origin: KeyOrigin,
    ahead: { readonly nodes: readonly number[]; readonly first: number },
  ) {
    this.#source = source;
    this.leafIndex = place.leafIndex;
    this.type = place.type;
    this.generation = place.generation;
    this.origin = origin;
    this.nodesAhead = ahead.nodes;
    this.firstAhead = ahead.first;
  }

  /**
   * Decrypts the message. Key and nonce exist during the call alone, but for those that were kept for a late message.
   * @throws TinyMlsError `undecryptable`; `closed` once it is committed or discarded
   */
  open(message: Opening): Buffer {
    if (this.#source === undefined) throw new TinyMlsError("closed", "the key is settled", { component: "mls" });
    const { origin } = this;
    const { suite } = this.#source;
    if (origin instanceof Secret) return openWithRatchet(suite, origin, this.generation, message);
    const { aad, ciphertext, reuseGuard } = message;
    return suite.open(origin.key, origin.nonce, aad, ciphertext, reuseGuard);
  }

  /**
   * The message is genuine: erases its key from the secret tree.
   * @returns false where another copy of the message was committed since this one was peeked at: a duplicate.
   */
  commit(): boolean {
    const source = this.#settle();
    return source !== undefined && source.use(this);
  }

  /** The message is refused. */
  discard(): void {
    this.#settle()?.forget(this);
  }

  #settle(): KeySource | undefined {
    const source = this.#source;
    this.#source = undefined;
    return source;
  }
}
