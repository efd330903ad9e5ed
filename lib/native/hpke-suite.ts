import type { Bytes } from "./addon.js";
import {
  aeadParameters,
  aeadTagLength,
  hashParameters,
  kemParameters,
  type AeadAlgorithm,
  type HashAlgorithm,
  type KemAlgorithm,
} from "./algorithms.js";
import { faultError, usage } from "./fault.js";
import type { PrivateKey } from "./keys.js";
import { sealableHandle, type Sealable, type Secret } from "./secret.js";

/** HKDF with a hash (RFC 9180 §7.2), or a single-stage KDF of draft-ietf-hpke-pq. */
export type HpkeKdf = HashAlgorithm | "SHAKE128" | "SHAKE256";
/** An AEAD, or none: contexts that export secrets alone (RFC 9180 §7.3). */
export type HpkeAead = AeadAlgorithm | "EXPORT-ONLY";

export interface HpkeSuite {
  readonly kem: KemAlgorithm;
  readonly kdf: HpkeKdf;
  readonly aead: HpkeAead;
}

/** What both sides share beside the receiver's key. With a psk the mode is psk, with a sender's key auth, with both authPsk. */
export interface HpkeOptions {
  /** At least 32 octets, and never without `pskId`. */
  readonly psk?: Secret;
  readonly pskId?: Bytes;
  /** The sender's key pair, on the sender's side. DHKEM alone. */
  readonly authKey?: PrivateKey;
  /** The sender's public key, on the receiver's side. */
  readonly authPublicKey?: Bytes;
}

const singleStageKdfs: ReadonlyMap<string, number> = new Map([
  ["SHAKE128", 0x10],
  ["SHAKE256", 0x11],
]);

/** The number of a suite for the addon: KEM, KDF and AEAD, an octet each. */
export function hpkeSuite(suite: HpkeSuite, operation: string): { id: number; encLength: number } {
  const { id: kem, encLength } = kemParameters(suite.kem, operation);
  const kdf = singleStageKdfs.get(suite.kdf) ?? hashParameters(suite.kdf as HashAlgorithm, operation).id;
  const aead = suite.aead === "EXPORT-ONLY" ? 0 : aeadParameters(suite.aead, operation).id;
  return { id: kem | (kdf << 8) | (aead << 16), encLength };
}

export function sealablePlaintext(plaintext: Bytes | Sealable, operation: string): number | Bytes {
  if (plaintext instanceof Uint8Array) return plaintext;
  const handle = (plaintext as Partial<Sealable> | null)?.[sealableHandle];
  if (typeof handle !== "number") throw usage(operation, "a plaintext is bytes, a Secret or a PrivateKey");
  return handle;
}

const undecryptable = -6;

export function roomToOpen(ciphertext: Bytes, operation: string): Buffer {
  if (!(ciphertext instanceof Uint8Array)) throw usage(operation, "a ciphertext is bytes");
  if (ciphertext.byteLength < aeadTagLength) throw faultError(undecryptable, operation);
  return Buffer.allocUnsafe(ciphertext.byteLength - aeadTagLength);
}
