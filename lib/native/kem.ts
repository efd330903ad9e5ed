import { addon, type Bytes } from "./addon.js";
import { kemParameters, type KemAlgorithm } from "./algorithms.js";
import { joinHandles } from "./batch.js";
import { faultError, usage } from "./fault.js";
import { checkPublicKey, generatePrivateKey, privateKeyHandle, privateKeyOf, type PrivateKey } from "./keys.js";
import { handleOf, MadeTogether, secretOf, secretOrBytes, type Secret } from "./secret.js";

type Optional<T> = T | undefined;
interface KemCalls {
  kemDeriveKeyPair(algorithm: number, ikm: number | Bytes): number;
  kemDeriveKeyPairs(algorithm: number, ikms: Bytes): Promise<number | number[]> | number | number[];
  kemEncapsulate(
    algorithm: number,
    publicKey: Bytes,
    enc: Bytes,
    ephemeral: Optional<number>,
    randomness: Optional<Bytes>,
  ): number;
  kemDecapsulate(key: number, enc: Bytes): number;
  diffieHellman(key: number, publicKey: Bytes): number;
}
const native = addon<KemCalls>();

/** What a sender gets: `enc` for the receiver, and the secret that both share. */
export interface Encapsulation {
  readonly enc: Buffer;
  readonly sharedSecret: Secret;
}

/** Fixes what is drawn at random otherwise: DHKEM's ephemeral key pair, ML-KEM's 32 octets. For known answers alone. */
export interface FixedRandomness {
  readonly ephemeral?: PrivateKey;
  readonly randomness?: Bytes;
}

/**
 * Key encapsulation: DHKEM (RFC 9180 §4.1), and ML-KEM (FIPS 203) where OpenSSL offers it (`config` otherwise).
 *
 * A public key or an `enc` of wrong length is `malformed`; one that is no point of the curve, whose coefficients are out of range or
 * that gives an all-zero secret is `invalid` (RFC 9180 §7.1.4).
 */
export const kem = {
  /** A fresh key pair (RFC 9180 §4, GenerateKeyPair). */
  generateKeyPair(algorithm: KemAlgorithm): PrivateKey {
    kemParameters(algorithm, "kem.generateKeyPair");
    return generatePrivateKey(algorithm, "kem.generateKeyPair");
  },

  /** RFC 9180 §7.1.3: the same input gives the same key pair. `ikm` has at least as much entropy as the private key has octets. */
  deriveKeyPair(algorithm: KemAlgorithm, ikm: Secret | Bytes): PrivateKey {
    const { id } = kemParameters(algorithm, "kem.deriveKeyPair");
    return privateKeyOf(algorithm, native.kemDeriveKeyPair(id, secretOrBytes(ikm)), "kem.deriveKeyPair");
  },

  /**
   * As `deriveKeyPair` of each, in parallel off the event loop unless they are so few that they are done at once. The secrets may be
   * disposed of as soon as this returns. Where one fails, there are none.
   */
  async deriveKeyPairs(algorithm: KemAlgorithm, ikms: readonly Secret[]): Promise<PrivateKey[]> {
    const operation = "kem.deriveKeyPairs";
    const { id } = kemParameters(algorithm, operation);
    if (!Array.isArray(ikms)) throw usage(operation, "the secrets are an array");
    const handles = await native.kemDeriveKeyPairs(id, joinHandles((ikms as readonly Secret[]).map(handleOf)));
    if (typeof handles === "number") throw faultError(handles, operation);
    const together = new MadeTogether();
    return handles.map((handle) => privateKeyOf(algorithm, handle, operation, { together }));
  },

  /**
   * A shared secret for the holder of a public key, and what to send them (RFC 9180 §4, Encap).
   * @throws TinyMlsError `malformed` or `invalid` where the public key is none
   */
  encapsulate(algorithm: KemAlgorithm, publicKey: Bytes): Encapsulation {
    return encapsulateWith(algorithm, publicKey, {});
  },

  /** ML-KEM answers an `enc` that nobody made with a pseudorandom secret, not with an error. */
  decapsulate(key: PrivateKey, enc: Bytes): Secret {
    return secretOf(native.kemDecapsulate(privateKeyHandle(key), enc), "kem.decapsulate");
  },

  /** Whether `encapsulate` accepts the public key: points of small order are none. */
  validPublicKey(algorithm: KemAlgorithm, publicKey: Bytes): boolean {
    kemParameters(algorithm, "kem.validPublicKey");
    const answer = checkPublicKey(algorithm, publicKey, "kem.validPublicKey");
    if (answer === malformed || answer === invalid) return false;
    if (answer < 0) throw faultError(answer, "kem.validPublicKey");
    return true;
  },

  /** The bare Diffie-Hellman function of a DHKEM: the x-coordinate on the NIST curves. */
  diffieHellman(key: PrivateKey, publicKey: Bytes): Secret {
    return secretOf(native.diffieHellman(privateKeyHandle(key), publicKey), "kem.diffieHellman");
  },
};

const malformed = -4;
const invalid = -5;

/** `kem.encapsulate` with fixed randomness, for known answers: not part of the package's surface. */
export function encapsulateWith(algorithm: KemAlgorithm, publicKey: Bytes, fixed: FixedRandomness): Encapsulation {
  const { id, encLength } = kemParameters(algorithm, "kem.encapsulate");
  const enc = Buffer.allocUnsafe(encLength);
  const ephemeral = fixed.ephemeral && privateKeyHandle(fixed.ephemeral);
  const answer = native.kemEncapsulate(id, publicKey, enc, ephemeral, fixed.randomness);
  return { sharedSecret: secretOf(answer, "kem.encapsulate"), enc };
}
