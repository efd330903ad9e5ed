/** RFC 9420 §6.3. */
import { decode, putHeader, putVector, vectorSize } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import type { Secret } from "../../native/secret.js";
import {
  ContentType,
  privateMessageContent,
  ProtocolVersion,
  SenderType,
  WireFormat,
  type FramedContentAuthData,
  type PrivateMessage,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import type { PeekedKey, RatchetType, SecretTree } from "../schedule/index.js";
import { AuthenticatedMessage, authSize, encodeAuth, type SignedContent } from "./authenticated-message.js";
import { contentHead, framedContent, type ContentBody } from "./content.js";
import type { FramingContext } from "./framing-context.js";
import { paddingFor, type PaddingPolicy } from "./padding.js";
import type { Protected } from "./public-message.js";
import type { SenderKeys } from "./sender.js";
import {
  freshReuseGuard,
  isUndecryptable,
  openSenderData,
  sealSenderData,
  senderDataLength,
  tagLength,
  type ClaimedSender,
} from "./sender-data.js";
import { authenticate } from "./signature.js";

type Bytes = Uint8Array;

/** The secrets of an epoch that open and seal its PrivateMessages. Lent. */
export interface MessageSecrets {
  readonly senderDataSecret: Secret;
  readonly secretTree: SecretTree;
}

const encryptedSenderDataLength = senderDataLength + tagLength;

/**
 * Frames signed content as PrivateMessage, under the next key of the member's own ratchet.
 * @throws TinyMlsError `exhausted` where no generation is left or reserved; `usage` for senders who are not members.
 */
export function protectPrivate(
  signed: SignedContent,
  { senderDataSecret, secretTree }: MessageSecrets,
  padding: PaddingPolicy,
  confirmationTag?: Bytes,
): Protected & { readonly generation: number } {
  const { context, content } = signed;
  const { sender } = content;
  if (sender.senderType !== SenderType.member || sender.leafIndex !== secretTree.ownLeafIndex) {
    throw new TinyMlsError("usage", "a member sends PrivateMessages, as itself", { component: "mls" });
  }
  const auth = encodeAuth(signed.signature, confirmationTag);
  const length = signed.body.byteLength + auth.byteLength;
  const frame = new PrivateFrame(context, content, length + paddingFor(padding, length));
  frame.plaintext.set(signed.body, 0);
  frame.plaintext.set(auth, signed.body.byteLength);
  frame.plaintext.fill(0, length);
  const reuseGuard = freshReuseGuard();
  const { contentAad: aad, plaintext, ciphertext } = frame;
  const generation = secretTree.seal(ratchetOf(content.contentType), { aad, plaintext, out: ciphertext, reuseGuard });
  const claimed = { leafIndex: sender.leafIndex, generation, reuseGuard };
  const senderData = sealSenderData(context.suite, senderDataSecret, ciphertext, frame.senderDataAad, claimed);
  return { bytes: frame.complete(senderData), message: authenticate(signed, confirmationTag, auth), generation };
}

/** What becomes of a PrivateMessage that is not refused. */
export type OpenedPrivate =
  | {
      readonly kind: "opened";
      /** Its signature is still to be verified. */
      readonly message: AuthenticatedMessage;
      readonly generation: number;
      /** Commit it once the message is known to be genuine, discard it otherwise. */
      readonly key: PeekedKey;
    }
  /** Sent by this member, whose keys for it are erased. */
  | { readonly kind: "own"; readonly generation: number }
  /** Opened before. */
  | { readonly kind: "duplicate"; readonly leafIndex: number; readonly generation: number }
  /** Its keys were erased unused (§9.2). */
  | { readonly kind: "stale" };

/**
 * Decrypts a PrivateMessage. The secret tree does not change, whatever the message is, before its key is committed.
 *
 * @param bytes the encoded MLSMessage that `message` was decoded from
 * @param members to know blank leaves by: those of the message's own epoch
 * @throws TinyMlsError rules of §6.3, `15.3/forward-distance`; `usage` for a message of another group or epoch.
 */
export function openPrivate(
  context: FramingContext,
  message: PrivateMessage,
  bytes: Bytes,
  { senderDataSecret, secretTree }: MessageSecrets,
  members: Pick<SenderKeys, "member">,
): OpenedPrivate {
  context.requireHere(message);
  const { suite } = context;
  const { contentType, ciphertext, encryptedSenderData } = message;
  const aadEnd = 4 + context.address.byteLength + 1;
  const senderDataAad = bytes.subarray(4, aadEnd);
  const claimed =
    openSenderData(suite, senderDataSecret, ciphertext, senderDataAad, encryptedSenderData) ?? refuseDecryption();
  const { leafIndex, generation } = claimed;
  if (leafIndex >= secretTree.leafCount || members.member(leafIndex) === undefined) refuse("6.3.2/sender-leaf");
  if (leafIndex === secretTree.ownLeafIndex) return { kind: "own", generation };

  const key = secretTree.peek(leafIndex, ratchetOf(contentType), generation);
  if (key === "duplicate") return { kind: "duplicate", leafIndex, generation };
  if (key === "dropped") return { kind: "stale" };
  if (key === "tooFarAhead") refuse("15.3/forward-distance");
  try {
    const contentAad = bytes.subarray(4, aadEnd + vectorSize(message.authenticatedData.byteLength));
    const plaintext = openContent(key, contentAad, claimed, ciphertext);
    return { kind: "opened", message: contentOf(context, message, leafIndex, plaintext), generation, key };
  } catch (error) {
    key.discard();
    throw error;
  }
}

function openContent(key: PeekedKey, aad: Bytes, { reuseGuard }: ClaimedSender, ciphertext: Bytes): Buffer {
  try {
    return key.open({ aad, ciphertext, reuseGuard });
  } catch (error) {
    if (isUndecryptable(error)) refuseDecryption();
    throw error;
  }
}

/** PrivateMessageContent back to the message that its sender signed. */
function contentOf(
  context: FramingContext,
  { contentType, authenticatedData }: PrivateMessage,
  leafIndex: number,
  plaintext: Buffer,
): AuthenticatedMessage {
  type Content = { readonly auth: FramedContentAuthData; readonly padding: number };
  const { auth, padding, ...body } = decode<Content>(privateMessageContent(contentType), plaintext);
  const sender = { senderType: SenderType.member, leafIndex };
  const content = framedContent(context, sender, authenticatedData, { contentType, ...body } as ContentBody);
  const end = plaintext.byteLength - padding;
  const bodyEnd = end - authSize(auth);
  const unsigned = {
    context,
    wireFormat: WireFormat.mlsPrivateMessage,
    content,
    head: contentHead(context, WireFormat.mlsPrivateMessage, content),
    body: plaintext.subarray(0, bodyEnd),
  };
  return new AuthenticatedMessage(unsigned, auth, plaintext.subarray(bodyEnd, end));
}

/** An MLSMessage with a PrivateMessage, laid out before it is encrypted, since its head is associated data. */
class PrivateFrame {
  /** SenderDataAAD (§6.3.2). */
  readonly senderDataAad: Bytes;
  /** PrivateContentAAD (§6.3.1). */
  readonly contentAad: Bytes;
  /** Where PrivateMessageContent goes, to be encrypted in place. */
  readonly plaintext: Bytes;
  readonly ciphertext: Bytes;
  readonly #bytes: Buffer;

  constructor(
    { address }: FramingContext,
    { contentType, authenticatedData }: { readonly contentType: ContentType; readonly authenticatedData: Bytes },
    plaintextLength: number,
  ) {
    const ciphertextLength = plaintextLength + tagLength;
    const senderDataAadEnd = 4 + address.byteLength + 1;
    const headEnd = senderDataAadEnd + vectorSize(authenticatedData.byteLength);
    const ciphertextAt = headEnd + vectorSize(encryptedSenderDataLength);
    const bytes = Buffer.allocUnsafe(ciphertextAt + vectorSize(ciphertextLength));
    bytes.writeUInt16BE(ProtocolVersion.mls10, 0);
    bytes.writeUInt16BE(WireFormat.mlsPrivateMessage, 2);
    bytes.set(address, 4);
    bytes[senderDataAadEnd - 1] = contentType;
    putVector(bytes, senderDataAadEnd, authenticatedData);
    const start = putHeader(bytes, ciphertextAt, ciphertextLength);
    this.senderDataAad = bytes.subarray(4, senderDataAadEnd);
    this.contentAad = bytes.subarray(4, headEnd);
    this.plaintext = bytes.subarray(start, start + plaintextLength);
    this.ciphertext = bytes.subarray(start);
    this.#bytes = bytes;
  }

  complete(senderData: Bytes): Buffer {
    putVector(this.#bytes, 4 + this.contentAad.byteLength, senderData);
    return this.#bytes;
  }
}

function ratchetOf(contentType: ContentType): RatchetType {
  return contentType === ContentType.application ? "application" : "handshake";
}

function refuseDecryption(): never {
  refuse("6.3/decryption", undefined, "undecryptable");
}
