import type { AeadAlgorithm, HashAlgorithm, KemAlgorithm, SignatureAlgorithm } from "../../native/algorithms.js";

/** RFC 9420 §17.1: the cipher suites, by their registered names. */
export const CipherSuite = {
  MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: 0x0001,
  MLS_128_DHKEMP256_AES128GCM_SHA256_P256: 0x0002,
  MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519: 0x0003,
  MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448: 0x0004,
  MLS_256_DHKEMP521_AES256GCM_SHA512_P521: 0x0005,
  MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448: 0x0006,
  MLS_256_DHKEMP384_AES256GCM_SHA384_P384: 0x0007,
} as const;
export type CipherSuite = (typeof CipherSuite)[keyof typeof CipherSuite];
export type CipherSuiteName = keyof typeof CipherSuite;

/** What RFC 9420 §5.1 says a cipher suite is made of; the hash is that of the KDF, of HMAC and of the transcript. */
export interface SuiteParameters {
  readonly id: CipherSuite;
  readonly name: CipherSuiteName;
  readonly kem: KemAlgorithm;
  readonly hash: HashAlgorithm;
  readonly aead: AeadAlgorithm;
  readonly signature: SignatureAlgorithm;
}

type Algorithms = readonly [KemAlgorithm, HashAlgorithm, AeadAlgorithm, SignatureAlgorithm];

const algorithms: Readonly<Record<CipherSuiteName, Algorithms>> = {
  MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: ["DHKEM-X25519", "SHA-256", "AES-128-GCM", "Ed25519"],
  MLS_128_DHKEMP256_AES128GCM_SHA256_P256: ["DHKEM-P256", "SHA-256", "AES-128-GCM", "ECDSA-P256"],
  MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519: ["DHKEM-X25519", "SHA-256", "CHACHA20-POLY1305", "Ed25519"],
  MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448: ["DHKEM-X448", "SHA-512", "AES-256-GCM", "Ed448"],
  MLS_256_DHKEMP521_AES256GCM_SHA512_P521: ["DHKEM-P521", "SHA-512", "AES-256-GCM", "ECDSA-P521"],
  MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448: ["DHKEM-X448", "SHA-512", "CHACHA20-POLY1305", "Ed448"],
  MLS_256_DHKEMP384_AES256GCM_SHA384_P384: ["DHKEM-P384", "SHA-384", "AES-256-GCM", "ECDSA-P384"],
};

function parametersOf(name: CipherSuiteName): SuiteParameters {
  const [kem, hash, aead, signature] = algorithms[name];
  return Object.freeze({ id: CipherSuite[name], name, kem, hash, aead, signature });
}

/** All suites of RFC 9420, by number, in the order of the registry. */
export const cipherSuites: ReadonlyMap<number, SuiteParameters> = new Map(
  (Object.keys(algorithms) as CipherSuiteName[]).map((name) => [CipherSuite[name], parametersOf(name)]),
);

/** Whether `value`, as it comes from the wire, is a cipher suite of RFC 9420. */
export function isCipherSuite(value: number): value is CipherSuite {
  return cipherSuites.has(value);
}
