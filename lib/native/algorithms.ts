import { usage } from "./fault.js";

/** SHA-2 (FIPS 180-4). */
export type HashAlgorithm = "SHA-256" | "SHA-384" | "SHA-512";
/** AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439). */
export type AeadAlgorithm = "AES-128-GCM" | "AES-256-GCM" | "CHACHA20-POLY1305";
/** The DHKEMs of RFC 9180 §7.1 and, where OpenSSL offers it, ML-KEM (FIPS 203). */
export type KemAlgorithm =
  "DHKEM-P256" | "DHKEM-P384" | "DHKEM-P521" | "DHKEM-X25519" | "DHKEM-X448" | "ML-KEM-768" | "ML-KEM-1024";
/** EdDSA (RFC 8032), ECDSA (FIPS 186-5) and, where OpenSSL offers it, ML-DSA (FIPS 204). */
export type SignatureAlgorithm =
  "Ed25519" | "Ed448" | "ECDSA-P256" | "ECDSA-P384" | "ECDSA-P521" | "ML-DSA-65" | "ML-DSA-87";

/** Numbers and sizes of an algorithm; the numbers are those of native/core. */
interface HashParameters {
  readonly id: number;
  readonly length: number;
}
interface AeadParameters {
  readonly id: number;
  readonly keyLength: number;
}

const hashes: ReadonlyMap<string, HashParameters> = new Map([
  ["SHA-256", { id: 1, length: 32 }],
  ["SHA-384", { id: 2, length: 48 }],
  ["SHA-512", { id: 3, length: 64 }],
]);

const aeads: ReadonlyMap<string, AeadParameters> = new Map([
  ["AES-128-GCM", { id: 1, keyLength: 16 }],
  ["AES-256-GCM", { id: 2, keyLength: 32 }],
  ["CHACHA20-POLY1305", { id: 3, keyLength: 32 }],
]);

/** Octets of a nonce and of a tag, the same for every AEAD here. */
export const aeadNonceLength = 12;
export const aeadTagLength = 16;

export function hashParameters(algorithm: HashAlgorithm, operation: string): HashParameters {
  return hashes.get(algorithm) ?? unknown(operation, hashes);
}

export function aeadParameters(algorithm: AeadAlgorithm, operation: string): AeadParameters {
  return aeads.get(algorithm) ?? unknown(operation, aeads);
}

function unknown(operation: string, known: ReadonlyMap<string, unknown>): never {
  throw usage(operation, `the algorithm is one of ${[...known.keys()].join(", ")}`);
}
