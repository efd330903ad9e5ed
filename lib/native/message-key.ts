import { addon, type Bytes } from "./addon.js";
import { aeadParameters, aeadTagLength, hashParameters, type AeadAlgorithm, type HashAlgorithm } from "./algorithms.js";
import { check, usage } from "./fault.js";
import { handleOf, type Secret } from "./secret.js";

type Call = (
  profile: Bytes,
  secret: number,
  context: Bytes,
  aad: Bytes,
  input: Bytes,
  out: Bytes,
  nonceXor: Bytes | undefined,
) => number;
const native = addon<{ readonly messageSeal: Call; readonly messageOpen: Call }>();

/** Whole labels, prefix included. */
export interface MessageKeyLabels {
  readonly key: Bytes;
  readonly nonce: Bytes;
}

const mlsFormat = 1;

/**
 * AEAD under a key and a nonce that are expanded from a secret, framed as in RFC 9420 §8, for one message, and that exist during the
 * call alone: one call where handles of keys would take four. `nonceXor` is XORed onto the first octets of the nonce, at most 12.
 */
export class MessageKeys {
  readonly #profile: Bytes;

  constructor(hash: HashAlgorithm, aead: AeadAlgorithm, { key, nonce }: MessageKeyLabels) {
    const [{ id: hashId }, { id: aeadId }] = [hashParameters(hash, "MessageKeys"), aeadParameters(aead, "MessageKeys")];
    if (key.byteLength > 255) throw usage("MessageKeys", "the label of the key has at most 255 octets");
    this.#profile = Buffer.concat([Uint8Array.of(hashId, aeadId, mlsFormat, key.byteLength), key, nonce]);
  }

  /** @param out as long as the plaintext and the tag; it may start where the plaintext does */
  seal(secret: Secret, context: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes, nonceXor?: Bytes): void {
    const handle = handleOf(secret);
    check(native.messageSeal(this.#profile, handle, context, aad, plaintext, out, nonceXor), "MessageKeys.seal");
  }

  /** @throws TinyMlsError `undecryptable`, whatever was wrong */
  open(secret: Secret, context: Bytes, aad: Bytes, sealed: Bytes, nonceXor?: Bytes): Buffer {
    const out = Buffer.allocUnsafe(Math.max(0, sealed.byteLength - aeadTagLength));
    const handle = handleOf(secret);
    check(native.messageOpen(this.#profile, handle, context, aad, sealed, out, nonceXor), "MessageKeys.open");
    return out;
  }
}
