import { usage } from "./fault.js";

/** SHA-2 (FIPS 180-4). */
export type HashAlgorithm = "SHA-256" | "SHA-384" | "SHA-512";
/** AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439). */
export type AeadAlgorithm = "AES-128-GCM" | "AES-256-GCM" | "CHACHA20-POLY1305";
/** The DHKEMs of RFC 9180 §7.1 and, where OpenSSL offers it, ML-KEM (FIPS 203), alone or with a group (draft-ietf-hpke-pq). */
export type KemAlgorithm =
  | "DHKEM-P256"
  | "DHKEM-P384"
  | "DHKEM-P521"
  | "DHKEM-X25519"
  | "DHKEM-X448"
  | "ML-KEM-512"
  | "ML-KEM-768"
  | "ML-KEM-1024"
  | "MLKEM768-X25519"
  | "MLKEM768-P256"
  | "MLKEM1024-P384";
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

interface KeyParameters {
  readonly id: number;
  readonly publicKeyLength: number;
  readonly privateKeyLength: number;
}
interface KemParameters extends KeyParameters {
  readonly encLength: number;
}
interface SignatureParameters extends KeyParameters {
  /** The longest one; all but ECDSA's are exactly this long. */
  readonly signatureLength: number;
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

// Npk, Nsk and Nenc of RFC 9180 §7.1; for ML-KEM the private key is the seed.
const kems: ReadonlyMap<string, KemParameters> = new Map([
  ["DHKEM-P256", { id: 1, publicKeyLength: 65, privateKeyLength: 32, encLength: 65 }],
  ["DHKEM-P384", { id: 2, publicKeyLength: 97, privateKeyLength: 48, encLength: 97 }],
  ["DHKEM-P521", { id: 3, publicKeyLength: 133, privateKeyLength: 66, encLength: 133 }],
  ["DHKEM-X25519", { id: 4, publicKeyLength: 32, privateKeyLength: 32, encLength: 32 }],
  ["DHKEM-X448", { id: 5, publicKeyLength: 56, privateKeyLength: 56, encLength: 56 }],
  ["ML-KEM-512", { id: 8, publicKeyLength: 800, privateKeyLength: 64, encLength: 768 }],
  ["ML-KEM-768", { id: 6, publicKeyLength: 1184, privateKeyLength: 64, encLength: 1088 }],
  ["ML-KEM-1024", { id: 7, publicKeyLength: 1568, privateKeyLength: 64, encLength: 1568 }],
  ["MLKEM768-X25519", { id: 9, publicKeyLength: 1216, privateKeyLength: 32, encLength: 1120 }],
  ["MLKEM768-P256", { id: 10, publicKeyLength: 1249, privateKeyLength: 32, encLength: 1153 }],
  ["MLKEM1024-P384", { id: 11, publicKeyLength: 1665, privateKeyLength: 32, encLength: 1665 }],
]);

const signatures: ReadonlyMap<string, SignatureParameters> = new Map([
  ["Ed25519", { id: 16, publicKeyLength: 32, privateKeyLength: 32, signatureLength: 64 }],
  ["Ed448", { id: 17, publicKeyLength: 57, privateKeyLength: 57, signatureLength: 114 }],
  ["ECDSA-P256", { id: 18, publicKeyLength: 65, privateKeyLength: 32, signatureLength: 72 }],
  ["ECDSA-P384", { id: 19, publicKeyLength: 97, privateKeyLength: 48, signatureLength: 104 }],
  ["ECDSA-P521", { id: 20, publicKeyLength: 133, privateKeyLength: 66, signatureLength: 139 }],
  ["ML-DSA-65", { id: 21, publicKeyLength: 1952, privateKeyLength: 32, signatureLength: 3309 }],
  ["ML-DSA-87", { id: 22, publicKeyLength: 2592, privateKeyLength: 32, signatureLength: 4627 }],
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

export function kemParameters(algorithm: KemAlgorithm, operation: string): KemParameters {
  return kems.get(algorithm) ?? unknown(operation, kems);
}

export function isSignatureAlgorithm(name: string): name is SignatureAlgorithm {
  return signatures.has(name);
}

export function signatureParameters(algorithm: SignatureAlgorithm, operation: string): SignatureParameters {
  return signatures.get(algorithm) ?? unknown(operation, signatures);
}

/** Of a key of either use. */
export function keyParameters(algorithm: KemAlgorithm | SignatureAlgorithm, operation: string): KeyParameters {
  return (
    kems.get(algorithm) ??
    signatures.get(algorithm) ??
    unknown(operation, new Map<string, unknown>([...kems, ...signatures]))
  );
}

function unknown(operation: string, known: ReadonlyMap<string, unknown>): never {
  throw usage(operation, `the algorithm is one of ${[...known.keys()].join(", ")}`);
}
