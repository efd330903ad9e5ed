/** The primitives: secrets in native memory, and the operations on them. */
export { TinyMlsError, type ErrorCode } from "./errors.js";
export { aead, type AeadCipher } from "./native/aead.js";
export type { Bytes } from "./native/addon.js";
export type { AeadAlgorithm, HashAlgorithm, KemAlgorithm, SignatureAlgorithm } from "./native/algorithms.js";
export { capabilities, type Capabilities, type SecretMemory } from "./native/capabilities.js";
export { constantTimeEqual } from "./native/compare.js";
export { hash, hashLength, hmac, hmacVerify } from "./native/hash.js";
export { hkdf, type LabelFormat } from "./native/kdf.js";
export { SecureBuffer, setStrictMemory, wipe } from "./native/memory.js";
export { argon2id, type Argon2Options } from "./native/password.js";
export { randomBytes } from "./native/random.js";
export { Secret, liveHandles, type Sealable } from "./native/secret.js";
