// RFC 9420 §7.2, §7.3, §11.1, §13.4: what a leaf must satisfy on its own. Credentials are validated by the layer that knows
// the authentication service.
import { decode, encode, opaque, struct, uint32, vectorSize } from "../../codec/index.js";
import {
  ExtensionType,
  LeafNodeSource,
  ProposalType,
  ProtocolVersion,
  RequiredCapabilities,
  type GroupContext,
  type LeafNode,
} from "../objects/index.js";
import { refuse, type RuleId } from "../rules.js";
import type { SignedItem, Suite } from "../suite/index.js";
import { sameBytes, type TreeLeaf } from "./node.js";
import type { Support } from "./support.js";

/** How the lifetime of leaves from key packages is judged. All times are in seconds since 1970-01-01T00:00:00Z. */
export interface LifetimePolicy {
  /** The current time; undefined where lifetimes do not matter, as for members of old standing. */
  readonly now?: bigint | undefined;
  /** RFC 9420 §7.2: the greatest total lifetime that the application accepts. */
  readonly maximum?: bigint | undefined;
}

/** What a group wants of every leaf. */
export interface LeafRequirements {
  readonly cipherSuite: number;
  /** Types of the extensions in the group context that are not default ones. */
  readonly groupExtensions: readonly number[];
  /** RFC 9420 §11.1, without default types. */
  readonly required: RequiredCapabilities;
  readonly lifetime: LifetimePolicy;
}

const defaultExtensions: ReadonlySet<number> = new Set(Object.values(ExtensionType));
const defaultProposals: ReadonlySet<number> = new Set(Object.values(ProposalType));

/**
 * What a group context wants of every leaf.
 * @throws TinyMlsError `malformed` where the required_capabilities extension is
 */
export function leafRequirements(
  context: Pick<GroupContext, "cipherSuite" | "extensions">,
  lifetime: LifetimePolicy = {},
): LeafRequirements {
  const types = context.extensions.map(({ extensionType }) => extensionType);
  const extension = context.extensions.find(
    ({ extensionType }) => extensionType === ExtensionType.requiredCapabilities,
  );
  const required = extension && decode(RequiredCapabilities, extension.extensionData);
  return {
    cipherSuite: context.cipherSuite,
    groupExtensions: types.filter((type) => !defaultExtensions.has(type)),
    required: {
      extensionTypes: required?.extensionTypes.filter((type) => !defaultExtensions.has(type)) ?? [],
      proposalTypes: required?.proposalTypes.filter((type) => !defaultProposals.has(type)) ?? [],
      credentialTypes: required?.credentialTypes ?? [],
    },
    lifetime,
  };
}

/** Refuses a leaf that contradicts itself or does not suit the group, whatever else the tree holds. */
export function checkLeaf(suite: Suite, leaf: LeafNode, requirements: LeafRequirements): void {
  checkEncryptionKey(suite, leaf.encryptionKey);
  checkListed(leaf);
  checkRequired(leaf, requirements);
  checkLifetime(leaf, requirements.lifetime);
}

/** RFC 9420 §7.3: the source of a leaf is the one of its place. */
export function checkLeafNodeSource(leaf: LeafNode, source: LeafNodeSource): void {
  if (leaf.leafNodeSource !== source) refuse("7.3/leaf-node-source");
}

/** RFC 9420 §5.1.1. */
export function checkEncryptionKey(suite: Suite, key: Uint8Array): void {
  if (!suite.isHpkePublicKey(key)) refuse("5.1.1/encryption-key");
}

/** RFC 9420 §7.3, §12.4.2: a leaf that replaces another has a fresh encryption key. */
export function checkFreshEncryptionKey(
  rule: "7.3/update-encryption-key" | "12.4.2/leaf-encryption-key",
  replaced: { readonly encryptionKey: Uint8Array },
  leaf: LeafNode,
): void {
  if (sameBytes(replaced.encryptionKey, leaf.encryptionKey)) refuse(rule);
}

function checkListed({ capabilities, credential, extensions }: LeafNode): void {
  if (capabilities.extensions.some((type) => defaultExtensions.has(type))) refuse("7.2/default-types", "extension");
  if (capabilities.proposals.some((type) => defaultProposals.has(type))) refuse("7.2/default-types", "proposal");
  if (!capabilities.credentials.includes(credential.credentialType)) refuse("7.2/credential-listed");
  const types = extensions.map(({ extensionType }) => extensionType);
  if (new Set(types).size !== types.length) refuse("13.4/extensions-unique");
  checkIncluded(
    "7.3/extensions-listed",
    types.filter((type) => !defaultExtensions.has(type)),
    capabilities.extensions,
  );
}

function checkRequired({ capabilities }: LeafNode, { cipherSuite, groupExtensions, required }: LeafRequirements): void {
  if (!capabilities.versions.includes(ProtocolVersion.mls10)) refuse("11.1/version-listed");
  if (!capabilities.cipherSuites.includes(cipherSuite)) refuse("11.1/cipher-suite-listed");
  checkIncluded("13.4/group-extensions-listed", groupExtensions, capabilities.extensions);
  checkIncluded("7.3/required-capabilities", required.extensionTypes, capabilities.extensions);
  checkIncluded("7.3/required-capabilities", required.proposalTypes, capabilities.proposals);
  checkIncluded("7.3/required-capabilities", required.credentialTypes, capabilities.credentials);
}

/** RFC 9420 §7.3: whether the members of a tree, or of a tree to be, support what is in use and what the group requires. */
export function checkSupport(support: Support, { groupExtensions, required }: LeafRequirements): void {
  checkIncluded("7.3/credential-support", support.credentialsInUse, support.credentials);
  checkIncluded("13.4/group-extensions-listed", groupExtensions, support.extensions);
  checkIncluded("7.3/required-capabilities", required.extensionTypes, support.extensions);
  checkIncluded("7.3/required-capabilities", required.proposalTypes, support.proposals);
  checkIncluded("7.3/required-capabilities", required.credentialTypes, support.credentials);
}

function checkIncluded(rule: RuleId, wanted: readonly number[], types: readonly number[]): void {
  for (const type of wanted) if (!types.includes(type)) refuse(rule, `type ${type}`);
}

function checkLifetime(leaf: LeafNode, { now, maximum }: LifetimePolicy): void {
  if (leaf.leafNodeSource !== LeafNodeSource.keyPackage) return;
  const { notBefore, notAfter } = leaf.lifetime;
  if (maximum !== undefined && notAfter - notBefore > maximum) refuse("7.2/lifetime-total");
  if (now !== undefined && (now < notBefore || now > notAfter)) refuse("7.3/lifetime");
}

export const leafSignatureLabel = "LeafNodeTBS";
const Placement = struct("LeafNodeTBS", { groupId: opaque, leafIndex: uint32 });

/** Where a leaf that is no key package's stands; its signature covers that. */
export interface LeafPlace {
  readonly groupId: Uint8Array;
  readonly leafIndex: number;
}

/** RFC 9420 §7.2: LeafNodeTBS in parts. `fields` is the encoded leaf up to its signature. */
export function leafNodeTbs(fields: Uint8Array, place: LeafPlace | undefined): Uint8Array[] {
  return place === undefined ? [fields] : [fields, encode(Placement, place)];
}

/** RFC 9420 §7.2: what the signature of a leaf signs, to be checked with others at once. */
export function leafSignature(leaf: TreeLeaf, value: LeafNode, groupId: Uint8Array, leafIndex: number): SignedItem {
  const tail = vectorSize(value.signature.byteLength);
  const fields = leaf.bytes.subarray(0, leaf.bytes.byteLength - tail);
  const place = value.leafNodeSource === LeafNodeSource.keyPackage ? undefined : { groupId, leafIndex };
  const content = leafNodeTbs(fields, place);
  return { publicKey: value.signatureKey, label: leafSignatureLabel, content, signature: value.signature };
}

/** RFC 9420 §7.3: refuses a leaf whose signature does not verify. `groupId` and `leafIndex` say where it is or will be. */
export function checkLeafSignature(suite: Suite, leaf: TreeLeaf, groupId: Uint8Array, leafIndex: number): void {
  const { publicKey, label, content, signature } = leafSignature(leaf, leaf.value, groupId, leafIndex);
  if (!suite.verifyWithLabel(publicKey, label, content, signature)) refuse("7.3/leaf-signature", `leaf ${leafIndex}`);
}
