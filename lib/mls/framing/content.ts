/** RFC 9420 §6: FramedContent on the wire, in the two parts that are used apart from each other. */
import { encode, putVector, vectorSize } from "../../codec/index.js";
import {
  Commit,
  ContentType,
  Proposal,
  ProtocolVersion,
  Sender,
  SenderType,
  type FramedContent,
  type WireFormat,
} from "../objects/index.js";
import type { FramingContext } from "./framing-context.js";

type Bytes = Uint8Array;

/** `version`, `wire_format` and FramedContent up to `content_type`. */
export function contentHead(
  { address }: FramingContext,
  wireFormat: WireFormat,
  { sender, authenticatedData, contentType }: Pick<FramedContent, "sender" | "authenticatedData" | "contentType">,
): Buffer {
  const senderSize = sender.senderType === SenderType.member || sender.senderType === SenderType.external ? 5 : 1;
  const senderAt = 4 + address.byteLength;
  const size = senderAt + senderSize + vectorSize(authenticatedData.byteLength) + 1;
  const out = Buffer.allocUnsafe(size);
  out.writeUInt16BE(ProtocolVersion.mls10, 0);
  out.writeUInt16BE(wireFormat, 2);
  out.set(address, 4);
  if (sender.senderType === SenderType.member) {
    out[senderAt] = sender.senderType;
    out.writeUInt32BE(sender.leafIndex, senderAt + 1);
  } else {
    out.set(encode(Sender, sender), senderAt);
  }
  putVector(out, senderAt + senderSize, authenticatedData);
  out[size - 1] = contentType;
  return out;
}

/** FramedContent after `content_type`. */
export function contentBody(content: FramedContent): Buffer {
  switch (content.contentType) {
    case ContentType.application:
      return vectorOf(content.applicationData);
    case ContentType.proposal:
      return encode(Proposal, content.proposal);
    case ContentType.commit:
      return encode(Commit, content.commit);
  }
}

function vectorOf(octets: Bytes): Buffer {
  const out = Buffer.allocUnsafe(vectorSize(octets.byteLength));
  putVector(out, 0, octets);
  return out;
}

/** What FramedContent holds beside its header. */
export type ContentBody =
  | { readonly contentType: typeof ContentType.application; readonly applicationData: Bytes }
  | { readonly contentType: typeof ContentType.proposal; readonly proposal: Proposal }
  | { readonly contentType: typeof ContentType.commit; readonly commit: Commit };

/** FramedContent of one epoch. */
export function framedContent(
  { groupId, epoch }: FramingContext,
  sender: Sender,
  authenticatedData: Bytes,
  body: ContentBody,
): FramedContent {
  return { groupId, epoch, sender, authenticatedData, ...body };
}
