import type { Secret } from "../../native/secret.js";
import { disposeKey, type MessageKey, type RatchetType } from "./hash-ratchet.js";

/** The secret tree, as the keys that it lets peek at see it. */
export interface KeySource {
  /** Whether the generation was unused until now. */
  use(peeked: PeekedKey): boolean;
  forget(peeked: PeekedKey): void;
}

/**
 * The key of one received message, before it is known whether the message is genuine. The secret tree has not changed for it:
 * {@link commit} erases the key for good, {@link discard} leaves everything as if it had never been asked for. One of the two must
 * be called; calls after the first do nothing.
 */
export class PeekedKey implements MessageKey {
  readonly leafIndex: number;
  readonly type: RatchetType;
  readonly generation: number;
  readonly key: Secret;
  readonly nonce: Secret;
  /** @internal Nodes that were derived ahead for it. */
  readonly nodesAhead: readonly number[];
  /** @internal The first generation that was derived ahead for it; those up to its own follow. */
  readonly firstAhead: number;
  #source: KeySource | undefined;

  /** @internal */
  constructor(
    source: KeySource,
    leafIndex: number,
    type: RatchetType,
    message: MessageKey,
    nodesAhead: readonly number[],
    firstAhead: number,
  ) {
    this.#source = source;
    this.leafIndex = leafIndex;
    this.type = type;
    this.generation = message.generation;
    this.key = message.key;
    this.nonce = message.nonce;
    this.nodesAhead = nodesAhead;
    this.firstAhead = firstAhead;
  }

  /** Wipes key and nonce, when the message is opened and it stays to be seen whether it is genuine. */
  wipe(): void {
    disposeKey(this);
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
    this.wipe();
    return source;
  }
}
