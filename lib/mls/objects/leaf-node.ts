/** RFC 9420 §7.2. */
import {
  enumeration,
  opaque,
  presentWhen,
  remembered,
  select,
  struct,
  uint32,
  uint64,
  uint8,
  vector,
  type Infer,
} from "../../codec/index.js";
import { Credential } from "./credential.js";
import { extensions } from "./extension.js";
import { cipherSuite, credentialType, extensionType, proposalType, protocolVersion } from "./enumerations.js";

export const LeafNodeSource = { keyPackage: 1, update: 2, commit: 3 } as const;
export type LeafNodeSource = (typeof LeafNodeSource)[keyof typeof LeafNodeSource];

const leafNodeSource = enumeration("LeafNodeSource", uint8, LeafNodeSource);

/** Unknown values stay in the lists: §13.5 wants them ignored. */
export const Capabilities = struct("Capabilities", {
  versions: vector(protocolVersion),
  cipherSuites: vector(cipherSuite),
  extensions: vector(extensionType),
  proposals: vector(proposalType),
  credentials: vector(credentialType),
});
export type Capabilities = Infer<typeof Capabilities>;

/** Seconds since 1970-01-01T00:00:00Z. */
export const Lifetime = struct("Lifetime", { notBefore: uint64, notAfter: uint64 });
export type Lifetime = Infer<typeof Lifetime>;

const identityFields = {
  encryptionKey: opaque,
  signatureKey: opaque,
  credential: Credential,
  capabilities: Capabilities,
};
const source = select("leafNodeSource", leafNodeSource, {
  keyPackage: { lifetime: Lifetime },
  update: {},
  commit: { parentHash: opaque },
});

/** For passes over a whole tree, whose leaves are read again and again and written as they are kept. */
export const TreeLeafNode = struct("LeafNode", identityFields, source, { extensions, signature: opaque });
export const LeafNode = remembered(TreeLeafNode);
export type LeafNode = Infer<typeof LeafNode>;

/** A leaf made for a group is signed together with its place in it. */
const placed = (leaf: { leafNodeSource: LeafNodeSource }) => leaf.leafNodeSource !== LeafNodeSource.keyPackage;

/** What `LeafNode.signature` signs. A leaf node plus `groupId` and `leafIndex`, its signature left aside, is such a value. */
export const LeafNodeTBS = struct("LeafNodeTBS", identityFields, source, {
  extensions,
  groupId: presentWhen(placed, opaque),
  leafIndex: presentWhen(placed, uint32),
});
export type LeafNodeTBS = Infer<typeof LeafNodeTBS>;
