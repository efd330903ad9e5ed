/** RFC 9420 §9.1: the sender ratchets. */
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

/** Each leaf has two ratchets: one for proposals and commits, one for application messages. */
export type RatchetType = "handshake" | "application";

export const maxGeneration = 0xffffffff;

/** The key of one message. Whoever holds it disposes it once it is used. */
export interface MessageKey {
  readonly generation: number;
  readonly key: Secret;
  readonly nonce: Secret;
}

/** A message to encrypt (RFC 9420 §6.3.1). `out` is as long as the plaintext and the tag, and may start where the plaintext does. */
export interface Sealing {
  readonly aad: Bytes;
  readonly plaintext: Bytes;
  readonly out: Bytes;
  readonly reuseGuard: Bytes;
}

/** A message to decrypt. */
export interface Opening {
  readonly aad: Bytes;
  readonly ciphertext: Bytes;
  readonly reuseGuard: Bytes;
}

/** The key of a generation that was passed over, kept for a late message. */
export interface SkippedKey extends MessageKey {
  readonly ratchet: HashRatchet;
  /** Milliseconds since 1970. */
  readonly retainedAt: number;
}

export function disposeKey({ key, nonce }: MessageKey): void {
  key.dispose();
  nonce.dispose();
}

// The addon reads it before it returns, so that one buffer serves every derivation.
const generationBytes = Buffer.alloc(4);

/** ratchet_key and ratchet_nonce of `generation`, from its ratchet_secret. */
export function messageKey(suite: Suite, ratchetSecret: Secret, generation: number): MessageKey {
  generationBytes.writeUInt32BE(generation);
  const nonce = suite.expandWithLabel(ratchetSecret, "nonce", generationBytes, suite.Nn);
  try {
    return { generation, nonce, key: suite.expandWithLabel(ratchetSecret, "key", generationBytes, suite.Nk) };
  } catch (error) {
    nonce.dispose();
    throw error;
  }
}

/** ratchet_secret of the generation after `generation`. */
export function nextRatchetSecret(suite: Suite, ratchetSecret: Secret, generation: number): Secret {
  generationBytes.writeUInt32BE(generation);
  return suite.expandWithLabel(ratchetSecret, "secret", generationBytes, suite.Nh);
}

/**
 * Seals under ratchet_key and ratchet_nonce of `generation`.
 * @param out as long as the plaintext and the tag; it may start where the plaintext does
 */
export function sealWithRatchet(suite: Suite, ratchetSecret: Secret, generation: number, message: Sealing): void {
  generationBytes.writeUInt32BE(generation);
  const { aad, plaintext, out, reuseGuard } = message;
  suite.sealExpanded(ratchetSecret, generationBytes, aad, plaintext, out, reuseGuard);
}

/** Opens what {@link sealWithRatchet} sealed. @throws TinyMlsError `undecryptable` */
export function openWithRatchet(suite: Suite, ratchetSecret: Secret, generation: number, message: Opening): Buffer {
  generationBytes.writeUInt32BE(generation);
  const { aad, ciphertext, reuseGuard } = message;
  return suite.openExpanded(ratchetSecret, generationBytes, aad, ciphertext, reuseGuard);
}

/** One ratchet: the secret of the first generation not reached, and the keys of those passed over. */
export class HashRatchet {
  readonly leafIndex: number;
  readonly type: RatchetType;
  /** The first generation not reached; {@link secret} is its ratchet_secret. */
  generation: number;
  /** Owned. */
  secret: Secret;
  /** In the order of generations. */
  readonly skipped = new Map<number, SkippedKey>();
  /** Every key below that is not in {@link skipped} may have been dropped unused; every one from here on was used. */
  droppedBelow = 0;

  constructor(leafIndex: number, type: RatchetType, secret: Secret, generation = 0) {
    this.leafIndex = leafIndex;
    this.type = type;
    this.secret = secret;
    this.generation = generation;
  }

  /** Goes one generation on: the next ratchet_secret takes the place of this one. */
  step(suite: Suite): void {
    generationBytes.writeUInt32BE(this.generation);
    suite.stepWithLabel(this.secret, "secret", generationBytes);
    this.generation++;
  }

  /** Puts the ratchet at `generation`, and wipes the secret that led there. */
  moveTo(generation: number, secret: Secret): void {
    this.secret.dispose();
    this.secret = secret;
    this.generation = generation;
  }

  dispose(): void {
    this.secret.dispose();
    for (const key of this.skipped.values()) disposeKey(key);
    this.skipped.clear();
  }
}
