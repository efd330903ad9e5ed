/** RFC 9420 §8 the key schedule, §9 the secret tree. */
export { EpochSecrets, epochSecretNames, type EpochSecretName } from "./epoch-secrets.js";
export { mlsExporter } from "./exporter.js";
export { type MessageKey, type RatchetType, type Sealing } from "./hash-ratchet.js";
export { joinerSecret, type JoinerInputs } from "./key-schedule.js";
export { type PeekedKey } from "./peeked-key.js";
export { checkPskNonce, pskNonce, pskSecret, type InjectedPsk } from "./pre-shared-key.js";
export { defaultRetention, retentionFrom, type RetentionPolicy } from "./retention.js";
export { SecretTree, type KeyUnavailable, type SecretTreeOptions } from "./secret-tree.js";
export { disposeEntry, type SecretTreeEntry } from "./secret-tree-entry.js";
export { skippedBlock, type SkippedBlock } from "./touched-keys.js";
export { confirmedTranscriptHash, interimTranscriptHash } from "./transcript-hash.js";
export { openGroupInfo, sealGroupInfo } from "./welcome-secret.js";
