/** RFC 9420 §12.4.3.1. */
import { opaque, optional, secretOpaque, struct, vector, type Infer } from "../../codec/index.js";
import { PreSharedKeyID } from "./pre-shared-key.js";
import { cipherSuite } from "./enumerations.js";
import { HPKECiphertext } from "./update-path.js";

/**
 * Decode this and `GroupSecrets` only from scratch memory that is wiped afterwards, and turn their secrets into handles there:
 * the octets read are views on it.
 */
export const PathSecret = struct("PathSecret", { pathSecret: secretOpaque });
export type PathSecret = Infer<typeof PathSecret>;

export const GroupSecrets = struct("GroupSecrets", {
  joinerSecret: secretOpaque,
  pathSecret: optional(PathSecret),
  psks: vector(PreSharedKeyID),
});
export type GroupSecrets = Infer<typeof GroupSecrets>;

/** `newMember` is a KeyPackageRef (§5.2). */
export const EncryptedGroupSecrets = struct("EncryptedGroupSecrets", {
  newMember: opaque,
  encryptedGroupSecrets: HPKECiphertext,
});
export type EncryptedGroupSecrets = Infer<typeof EncryptedGroupSecrets>;

export const Welcome = struct("Welcome", {
  cipherSuite,
  secrets: vector(EncryptedGroupSecrets),
  encryptedGroupInfo: opaque,
});
export type Welcome = Infer<typeof Welcome>;
