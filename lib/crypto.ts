/** The primitives: secrets in native memory, and the operations on them. */
export { TinyMlsError, type ErrorCode } from "./errors.js";
export { aead, type AeadCipher } from "./native/aead.js";
export type { Bytes } from "./native/addon.js";
export type { AeadAlgorithm, HashAlgorithm, KemAlgorithm, SignatureAlgorithm } from "./native/algorithms.js";
export { capabilities, type Capabilities, type SecretMemory } from "./native/capabilities.js";
export { constantTimeEqual } from "./native/compare.js";
export { hash, hashLength, hmac, hmacVerify } from "./native/hash.js";
export {
  hpke,
  type HpkeAead,
  type HpkeContext,
  type HpkeItem,
  type HpkeKdf,
  type HpkeOptions,
  type HpkeSealed,
  type HpkeSuite,
} from "./native/hpke.js";
export { hkdf, type LabelFormat } from "./native/kdf.js";
export { SecureBuffer, setStrictMemory, wipe } from "./native/memory.js";
export { argon2id, type Argon2Options } from "./native/password.js";
export { kem, type Encapsulation } from "./native/kem.js";
export { PrivateKey, type KeyAlgorithm } from "./native/keys.js";
export { randomBytes } from "./native/random.js";
export { signature, type SignedItem } from "./native/signature.js";
export { Secret, collectedHandles, liveHandles, type Sealable } from "./native/secret.js";
