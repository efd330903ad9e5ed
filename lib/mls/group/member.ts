import type { Capabilities, Credential, Extension, LeafNode } from "../objects/index.js";
import type { RatchetTree } from "../tree/index.js";
import { identityOf } from "./authentication.js";

/** One member of a group, as its leaf shows it. */
export interface Member {
  readonly leafIndex: number;
  readonly credential: Credential;
  /** What the credential presents: see `identityOf`. */
  readonly identity: Buffer;
  /** As RFC 9420 §5.1.1 encodes it. */
  readonly signatureKey: Buffer;
  readonly encryptionKey: Buffer;
  readonly capabilities: Capabilities;
  readonly extensions: readonly Extension[];
}

export function memberOf(leafIndex: number, leaf: LeafNode): Member {
  return {
    leafIndex,
    credential: leaf.credential,
    identity: identityOf(leaf.credential),
    signatureKey: Buffer.from(leaf.signatureKey),
    encryptionKey: Buffer.from(leaf.encryptionKey),
    capabilities: leaf.capabilities,
    extensions: leaf.extensions,
  };
}

/** All members, from left to right. */
export function membersOf(tree: RatchetTree): Member[] {
  return Array.from(tree.members(), ([leafIndex, leaf]) => memberOf(leafIndex, leaf.decode()));
}
