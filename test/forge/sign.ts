/** Signing and framing without any check: what a member, or anyone who holds a key, could send. */
import { lengthHeader } from "#dist/codec/index.js";
import { encode, type KeyPackage, KeyPackageTBS, LeafNodeTBS, type LeafNode, type Sender } from "tinymls/messages";
import type { PrivateKey } from "tinymls/crypto";
import { encodeAuth, type SignedContent } from "#dist/mls/framing/authenticated-message.js";
import { contentBody, contentHead, framedContent, type ContentBody } from "#dist/mls/framing/content.js";
import { FramingContext } from "#dist/mls/framing/index.js";
import { sealSenderData } from "#dist/mls/framing/sender-data.js";
import type { MemberEpoch } from "#dist/mls/group/epoch.js";
import {
  ContentType,
  MLSMessage,
  PrivateContentAAD,
  SenderDataAAD,
  SenderType,
  WireFormat,
} from "#dist/mls/objects/index.js";
import type { Suite } from "#dist/mls/suite/index.js";
import { withKey } from "../schedule/message-key.js";

export const member = (leafIndex: number): Sender => ({ senderType: SenderType.member, leafIndex });
export const external = (senderIndex: number): Sender => ({ senderType: SenderType.external, senderIndex });
export const newMemberProposal: Sender = { senderType: SenderType.newMemberProposal };
export const newMemberCommit: Sender = { senderType: SenderType.newMemberCommit };

/** Where a message departs from RFC 9420 §6. */
export interface FramingDeparture {
  readonly wireFormat?: WireFormat;
  readonly sender?: Sender;
  readonly signer?: PrivateKey;
  readonly groupId?: Uint8Array;
  readonly epoch?: bigint;
  readonly authenticatedData?: Uint8Array;
  /** The encoded application data, proposal or commit, before it is signed. */
  readonly body?: (encoded: Buffer) => Buffer;
  readonly signature?: (signature: Buffer) => Uint8Array;
  readonly confirmationTag?: (tag: Buffer) => Uint8Array;
  readonly membershipTag?: (tag: Buffer) => Uint8Array;
  /** Of a PrivateMessage: whom the sender data name, which key encrypts, and how the plaintext ends. */
  readonly claimed?: { readonly leafIndex?: number; readonly generation?: number };
  readonly keyOf?: number;
  readonly padding?: Uint8Array;
}

/** The signed content; `body` may be anything. */
export function signAnything(
  epoch: MemberEpoch,
  body: ContentBody,
  departure: FramingDeparture & {
    readonly sender: Sender;
    readonly signer: PrivateKey;
    readonly wireFormat: WireFormat;
  },
): SignedContent {
  const { suite, context } = epoch;
  const { wireFormat, sender, signer, authenticatedData = Buffer.alloc(0), signature = (one) => one } = departure;
  const { body: changed = (encoded) => encoded } = departure;
  const groupId = departure.groupId ?? context.value.groupId;
  const framing = new FramingContext(suite, groupId, departure.epoch ?? context.value.epoch, context.bytes);
  const content = framedContent(framing, sender, authenticatedData, body);
  const parts = { head: contentHead(framing, wireFormat, content), body: changed(contentBody(content)) };
  const tbs = [parts.head, parts.body, framing.signedContext(sender.senderType)];
  const signed = signature(suite.signWithLabel(signer, "FramedContentTBS", tbs));
  return { context: framing, wireFormat, content, ...parts, signature: signed };
}

/** An MLSMessage, with membership tag or encryption right for what it is, unless told otherwise. */
export function frameAnything(
  epoch: MemberEpoch,
  signed: SignedContent,
  confirmationTag: Uint8Array | undefined,
  departure: FramingDeparture,
): Buffer {
  const auth = encodeAuth(signed.signature, confirmationTag);
  if (signed.wireFormat === WireFormat.mlsPrivateMessage) return encrypted(epoch, signed, auth, departure);
  const { head, body, context, content } = signed;
  const parts = [head, body, auth];
  if (content.sender.senderType === SenderType.member) {
    const right = epoch.suite.mac(
      epoch.secrets.membershipKey,
      ...[head, body, context.signedContext(content.sender.senderType), auth],
    );
    const tag = departure.membershipTag?.(right) ?? right;
    parts.push(lengthHeader(tag.byteLength), tag);
  }
  return Buffer.concat(parts);
}

function encrypted(epoch: MemberEpoch, signed: SignedContent, auth: Buffer, departure: FramingDeparture): Buffer {
  const { suite, secretTree, secrets, ownLeafIndex } = epoch;
  const { content, context, body } = signed;
  const { contentType, authenticatedData } = content;
  const { keyOf = ownLeafIndex, padding = Buffer.alloc(0), claimed = {} } = departure;
  const { leafIndex = keyOf, generation = nextGeneration() } = claimed;
  const ratchet = contentType === ContentType.application ? "application" : "handshake";
  const key = secretTree.peek(keyOf, ratchet, generation % 512);
  if (typeof key === "string") throw new Error(key);
  const header = { groupId: context.groupId, epoch: context.epoch, contentType };
  const reuseGuard = Buffer.from("0a0b0c0d", "hex");
  const aad = encode(PrivateContentAAD, { ...header, authenticatedData });
  const plaintext = Buffer.concat([body, auth, padding]);
  const ciphertext = withKey(suite, key, (...held) => suite.seal(...held, aad, plaintext, reuseGuard));
  key.discard();
  const encryptedSenderData = sealSenderData(
    suite,
    secrets.senderDataSecret,
    ciphertext,
    encode(SenderDataAAD, header),
    { leafIndex, generation, reuseGuard },
  );
  const privateMessage = { ...header, authenticatedData, encryptedSenderData, ciphertext };
  return encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsPrivateMessage, privateMessage });
}

let generations = 100;

/** Of forged messages, apart from those that the library gives out. */
function nextGeneration(): number {
  return (generations = generations === 500 ? 100 : generations + 1);
}

export interface LeafPlace {
  readonly groupId: Uint8Array;
  readonly leafIndex: number;
}

/** A leaf, whatever its fields are, signed for its place. */
export function signAnyLeaf(suite: Suite, fields: object, signer: PrivateKey, place: LeafPlace): LeafNode {
  const { signature: _, ...unsigned } = fields as LeafNode;
  const placed = unsigned.leafNodeSource === 1 ? {} : place;
  const content = encode(LeafNodeTBS, { ...unsigned, ...placed } as never);
  return { ...unsigned, signature: suite.signWithLabel(signer, "LeafNodeTBS", content) } as LeafNode;
}

/** A key package, whatever its fields are. */
export function signAnyKeyPackage(suite: Suite, fields: object, signer: PrivateKey): KeyPackage {
  const { signature: _, ...unsigned } = fields as KeyPackage;
  const signature = suite.signWithLabel(signer, "KeyPackageTBS", encode(KeyPackageTBS, unsigned));
  return { ...unsigned, signature };
}
