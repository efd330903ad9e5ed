import { kem, signature, type KemAlgorithm, type SignatureAlgorithm } from "tinymls/crypto";

export const none = Buffer.alloc(0);
export const message = Buffer.from("message");

/** DHKEM and EdDSA, ECDSA: offered by every OpenSSL. */
export const dhkems: readonly KemAlgorithm[] = ["DHKEM-P256", "DHKEM-P384", "DHKEM-P521", "DHKEM-X25519", "DHKEM-X448"];
const classicalSignatures: readonly SignatureAlgorithm[] = [
  "Ed25519",
  "Ed448",
  "ECDSA-P256",
  "ECDSA-P384",
  "ECDSA-P521",
];

/** Offered by OpenSSL 3.5 and later. */
export const postQuantumKems: readonly KemAlgorithm[] = [
  "ML-KEM-512",
  "ML-KEM-768",
  "ML-KEM-1024",
  "MLKEM768-X25519",
  "MLKEM768-P256",
  "MLKEM1024-P384",
];
export const postQuantumSignatures: readonly SignatureAlgorithm[] = ["ML-DSA-65", "ML-DSA-87"];

const [major = 0, minor = 0] = process.versions.openssl.split(".").map(Number);
export const hasPostQuantum = major > 3 || (major === 3 && minor >= 5);

/** What the OpenSSL of this Node offers. */
export const kems = hasPostQuantum ? [...dhkems, ...postQuantumKems] : dhkems;
export const signatures = hasPostQuantum ? [...classicalSignatures, ...postQuantumSignatures] : classicalSignatures;

export const isKem = (algorithm: KemAlgorithm | SignatureAlgorithm): algorithm is KemAlgorithm => /KEM/.test(algorithm);
export const generate = (algorithm: KemAlgorithm | SignatureAlgorithm) =>
  isKem(algorithm) ? kem.generateKeyPair(algorithm) : signature.generateKeyPair(algorithm);
