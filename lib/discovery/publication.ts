/**
 * What a member publishes: a GroupInfo (RFC 9420 §12.4.3) with its ratchet tree and, in an extension of its own, its lifetime. The
 * member's signature covers them all. Other implementations skip the extension (§13.4) and can join by the GroupInfo.
 */
import { types } from "node:util";
import { decode, encode } from "../codec/index.js";
import { findExtension } from "../mls/group/group-extensions.js";
import { treeOf } from "../mls/group/group-info.js";
import { memberOf, type Member } from "../mls/group/member.js";
import { validateGroupInfo } from "../mls/group/validate-group-info.js";
import { Lifetime, MLSMessage, WireFormat, type Extension, type GroupInfo } from "../mls/objects/index.js";
import { refuse } from "../mls/rules.js";
import { isCipherSuite, suiteOf, type CipherSuite } from "../mls/suite/index.js";
import { hash } from "../native/hash.js";
import { refuseBy } from "./refusal.js";

type Bytes = Uint8Array;

/** The type of the GroupInfo extension whose body is the `Lifetime` (RFC 9420 §7.2) of a publication. For private use (§17.3). */
export const publicationExtensionType = 0xf0d1;

/** Who claims to publish which group. */
export interface Publisher extends Member {
  readonly groupId: Buffer;
  readonly epoch: bigint;
  readonly cipherSuite: CipherSuite;
}

/** A publication, read and not yet verified. */
export interface Publication {
  /** An MLSMessage. */
  readonly bytes: Buffer;
  /** SHA-256 of the octets, as hexadecimal digits. */
  readonly digest: string;
  /** Group and publisher, by their hashes: `<64 digits>/<64 digits>`. A slot holds one publication. */
  readonly slot: string;
  readonly publisher: Publisher;
  readonly groupInfo: GroupInfo;
  /** Members of the group. */
  readonly members: number;
  /** Seconds since 1970. */
  readonly lifetime: Lifetime;
}

/** The extension that makes a GroupInfo a publication, valid from now on. */
export function publicationExtension(now: number, lifetimeMs: number): Extension {
  const notBefore = BigInt(Math.max(0, Math.floor(now / 1000)));
  const lifetime = { notBefore, notAfter: notBefore + BigInt(Math.floor(lifetimeMs / 1000)) };
  return { extensionType: publicationExtensionType, extensionData: encode(Lifetime, lifetime) };
}

/** The part of a slot's name that stands for the group. */
export function groupKeyOf(groupId: Bytes): string {
  return hex(hash("SHA-256", groupId));
}

export function groupKeyOfSlot(slot: string): string {
  return slot.slice(0, slot.indexOf("/"));
}

/**
 * Reads a publication. What comes of it depends on the octets alone.
 *
 * @param maximumLifetimeMs of a publication
 * @throws TinyMlsError `malformed`; `invalid` with the rule; `missing` without a ratchet tree
 */
export function readPublication(
  input: Bytes,
  limits: { readonly publicationLength: number },
  maximumLifetimeMs: number,
): Publication {
  if (!types.isUint8Array(input)) refuseBy("discovery/group-info", "it is no Uint8Array", "malformed");
  if (input.byteLength > limits.publicationLength) refuseBy("discovery/length", `${input.byteLength} octets`);
  const bytes = Buffer.from(input);
  const message = decode(MLSMessage, bytes);
  if (message.wireFormat !== WireFormat.mlsGroupInfo) refuseBy("discovery/group-info", "another message");
  const { groupInfo } = message;
  const { groupId, epoch, cipherSuite } = groupInfo.groupContext;
  if (!isCipherSuite(cipherSuite)) refuse("12.4.3.1/cipher-suite", `suite ${cipherSuite}`);
  const lifetime = lifetimeOf(groupInfo, maximumLifetimeMs);
  const tree = treeOf(suiteOf(cipherSuite), groupInfo, undefined);
  const signer = tree.leaf(groupInfo.signer);
  if (signer === null) refuse("12.4.3.1/signer", `leaf ${groupInfo.signer} is blank`);
  const member = memberOf(groupInfo.signer, signer.decode());
  const identity = hash("SHA-256", typeOctets(member.credential.credentialType), member.identity);
  return {
    bytes,
    digest: hex(hash("SHA-256", bytes)),
    slot: `${groupKeyOf(groupId)}/${hex(identity)}`,
    publisher: { ...member, groupId: Buffer.from(groupId), epoch, cipherSuite },
    groupInfo,
    members: [...tree.members()].length,
    lifetime,
  };
}

function lifetimeOf({ extensions }: GroupInfo, maximumLifetimeMs: number): Lifetime {
  const body = findExtension(extensions, publicationExtensionType);
  if (body === undefined) refuseBy("discovery/lifetime", "it says nothing");
  const lifetime = decode(Lifetime, body);
  const { notBefore, notAfter } = lifetime;
  if (notAfter <= notBefore) refuseBy("discovery/lifetime", "it ends before it begins");
  if ((notAfter - notBefore) * 1000n > BigInt(Math.ceil(maximumLifetimeMs))) {
    refuseBy("discovery/lifetime", `${notAfter - notBefore} s`);
  }
  return lifetime;
}

/** Credentials are not looked at: the directory trusts publishers, who joins asks its own authentication service about the members. */
const anyCredential = { validateCredential: () => true, isValidSuccessor: () => true };
const structureAlone = {
  authentication: anyCredential,
  customProposals: new Map(),
  maximumLifetime: 2n ** 64n,
  maximumProposals: 1,
  now: Date.now,
};

/**
 * RFC 9420 §12.4.3.1: signature, tree hash, and all that can be seen of the tree. Depends on the publication alone, on no clock.
 * @throws TinyMlsError `malformed`; `invalid` with the rule
 */
export async function verifyPublication({ groupInfo, publisher }: Publication): Promise<void> {
  await validateGroupInfo(suiteOf(publisher.cipherSuite), groupInfo, undefined, structureAlone);
}

/**
 * The order in which one publication takes the place of another: the higher epoch, then the later end, then the greater hash. Total,
 * so that all replicas choose alike.
 * @returns less than 0 when `one` gives way to `other`, 0 only when they are the same octets
 */
export function compare(one: Publication, other: Publication): number {
  if (one.publisher.epoch !== other.publisher.epoch) return one.publisher.epoch < other.publisher.epoch ? -1 : 1;
  if (one.lifetime.notAfter !== other.lifetime.notAfter) {
    return one.lifetime.notAfter < other.lifetime.notAfter ? -1 : 1;
  }
  if (one.digest === other.digest) return 0;
  return one.digest < other.digest ? -1 : 1;
}

function typeOctets(type: number): Bytes {
  return Buffer.from([type >> 8, type & 0xff]);
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}
