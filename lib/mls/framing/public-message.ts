/** RFC 9420 §6.2. */
import { lengthHeader, vectorSize } from "../../codec/index.js";
import type { Secret } from "../../native/secret.js";
import { SenderType, WireFormat, type PublicMessage } from "../objects/index.js";
import { refuse } from "../rules.js";
import {
  AuthenticatedMessage,
  authSize,
  contentTbs,
  encodeAuth,
  type VerifiedMessage,
} from "./authenticated-message.js";
import type { FramingContext } from "./framing-context.js";
import { checkSender, type SenderKeys } from "./sender.js";
import { authenticate } from "./signature.js";
import type { SignedContent } from "./authenticated-message.js";

type Bytes = Uint8Array;

/** A message that is ready to be sent, and the same as its sender keeps it. */
export interface Protected {
  /** The encoded MLSMessage. */
  readonly bytes: Buffer;
  readonly message: VerifiedMessage;
}

/**
 * Frames signed content as PublicMessage.
 *
 * @param membershipKey for messages of members, who have it; others have none
 */
export function protectPublic(
  signed: SignedContent,
  membershipKey: Secret | undefined,
  confirmationTag?: Bytes,
): Protected {
  const auth = encodeAuth(signed.signature, confirmationTag);
  const message = authenticate(signed, confirmationTag, auth);
  const parts = [signed.head, signed.body, auth];
  if (signed.content.sender.senderType === SenderType.member) {
    const tag = signed.context.suite.mac(membershipKey!, ...contentTbs(signed), auth);
    parts.push(lengthHeader(tag.byteLength), tag);
  }
  return { bytes: Buffer.concat(parts), message };
}

/** What {@link openPublic} checks membership tags with: `observer` for a party that is no member and so cannot. */
export type Membership = { readonly membershipKey: Secret } | "observer";

/**
 * Checks who may send what and, for messages of members, the membership tag. The signature is still to be verified.
 *
 * @param bytes the encoded MLSMessage that `message` was decoded from
 * @throws TinyMlsError rules of §6, `6.2/membership-tag`; `usage` for a message of another group or epoch.
 */
export function openPublic(
  context: FramingContext,
  message: PublicMessage,
  bytes: Bytes,
  membership: Membership,
  keys?: Pick<SenderKeys, "mayComeFromExternalSender">,
): AuthenticatedMessage {
  const { content, auth, membershipTag } = message;
  context.requireHere(content);
  checkSender(WireFormat.mlsPublicMessage, content, keys);
  const tagSize = membershipTag === undefined ? 0 : vectorSize(membershipTag.byteLength);
  const end = bytes.byteLength - tagSize;
  const contentEnd = end - authSize(auth);
  const unsigned = {
    context,
    wireFormat: WireFormat.mlsPublicMessage,
    content,
    head: bytes.subarray(0, contentEnd),
    body: bytes.subarray(contentEnd, contentEnd),
  };
  const authBytes = bytes.subarray(contentEnd, end);
  if (content.sender.senderType === SenderType.member) {
    const parts = [...contentTbs(unsigned), authBytes];
    if (!isTag(context, membershipTag, membership, parts)) refuse("6.2/membership-tag");
  }
  return new AuthenticatedMessage(unsigned, auth, authBytes);
}

function isTag({ suite }: FramingContext, tag: Bytes | undefined, membership: Membership, parts: Bytes[]): boolean {
  if (tag === undefined) return false;
  if (membership === "observer") return tag.byteLength === suite.Nh;
  return suite.verifyMac(membership.membershipKey, tag, ...parts);
}
