/** RFC 9420 §6.3.2. */
import { randomBytes } from "../../native/random.js";
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

/** SenderData, encrypted, is as long as this and the tag. */
export const senderDataLength = 12;
export const tagLength = 16;
const reuseGuardLength = 4;

/** The sender of a PrivateMessage, as the message says; anyone in the group could have said it. */
export interface ClaimedSender {
  readonly leafIndex: number;
  readonly generation: number;
  readonly reuseGuard: Bytes;
}

// Drawn for many messages at once: a draw costs as much as the encryption of a message does.
let guards: Buffer = Buffer.alloc(0);

/** RFC 9420 §6.3.1: a reuse_guard. None is given twice. */
export function freshReuseGuard(): Bytes {
  if (guards.byteLength === 0) guards = randomBytes(64 * reuseGuardLength);
  const guard = guards.subarray(0, reuseGuardLength);
  guards = guards.subarray(reuseGuardLength);
  return guard;
}

/** @param aad the encoded SenderDataAAD */
export function sealSenderData(
  suite: Suite,
  senderDataSecret: Secret,
  ciphertext: Bytes,
  aad: Bytes,
  { leafIndex, generation, reuseGuard }: ClaimedSender,
): Buffer {
  const plaintext = Buffer.allocUnsafe(senderDataLength);
  plaintext.writeUInt32BE(leafIndex, 0);
  plaintext.writeUInt32BE(generation, 4);
  plaintext.set(reuseGuard, 8);
  const sealed = Buffer.allocUnsafe(senderDataLength + tagLength);
  suite.sealExpanded(senderDataSecret, sampleOf(suite, ciphertext), aad, plaintext, sealed);
  return sealed;
}

/**
 * @param aad the encoded SenderDataAAD
 * @returns undefined for anything that is not SenderData encrypted for this ciphertext.
 */
export function openSenderData(
  suite: Suite,
  senderDataSecret: Secret,
  ciphertext: Bytes,
  aad: Bytes,
  encrypted: Bytes,
): ClaimedSender | undefined {
  try {
    const plaintext = suite.openExpanded(senderDataSecret, sampleOf(suite, ciphertext), aad, encrypted);
    if (plaintext.byteLength !== senderDataLength) return undefined;
    return {
      leafIndex: plaintext.readUInt32BE(0),
      generation: plaintext.readUInt32BE(4),
      reuseGuard: plaintext.subarray(8),
    };
  } catch (error) {
    if (isUndecryptable(error)) return undefined;
    throw error;
  }
}

/** ciphertext_sample, the context of sender_data_key and sender_data_nonce. */
function sampleOf({ Nh }: Suite, ciphertext: Bytes): Bytes {
  return ciphertext.subarray(0, Nh);
}

export function isUndecryptable(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "undecryptable";
}
