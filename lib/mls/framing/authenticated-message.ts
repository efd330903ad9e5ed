/** RFC 9420 §6: AuthenticatedContent, with the octets that signature, MAC and transcript cover kept as they are. */
import { putVector, vectorSize } from "../../codec/index.js";
import type { FramedContent, FramedContentAuthData, WireFormat } from "../objects/index.js";
import type { FramingContext } from "./framing-context.js";

type Bytes = Uint8Array;

/** Content with its signature, before the confirmation tag of a commit can be known. */
export interface SignedContent {
  readonly context: FramingContext;
  readonly wireFormat: WireFormat;
  readonly content: FramedContent;
  readonly signature: Bytes;
  /** `version`, `wire_format` and what stands before the application data, proposal or commit in FramedContent. */
  readonly head: Bytes;
  /** The application data, proposal or commit. */
  readonly body: Bytes;
}

declare const verified: unique symbol;

/** A message whose membership tag or AEAD was right. Whether its sender signed it is not known yet. */
export class AuthenticatedMessage implements SignedContent {
  readonly context: FramingContext;
  readonly wireFormat: WireFormat;
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
  readonly head: Bytes;
  readonly body: Bytes;
  readonly #authBytes: Bytes;

  constructor(signed: Omit<SignedContent, "signature">, auth: FramedContentAuthData, authBytes: Bytes) {
    this.context = signed.context;
    this.wireFormat = signed.wireFormat;
    this.content = signed.content;
    this.head = signed.head;
    this.body = signed.body;
    this.auth = auth;
    this.#authBytes = authBytes;
  }

  get signature(): Bytes {
    return this.auth.signature;
  }

  /** The encoded AuthenticatedContent: what a ProposalRef is made of (§5.2). */
  encode(): Buffer {
    return Buffer.concat([this.head.subarray(2), this.body, this.#authBytes]);
  }
}

/** A message that its sender signed; only the functions of signature.ts make one. */
export type VerifiedMessage = AuthenticatedMessage & { readonly [verified]: true };

/** The first fields of ConfirmedTranscriptHashInput (§8.2) in parts. */
export function wireFormatAndContent({ head, body }: SignedContent): Bytes[] {
  return [head.subarray(2), body];
}

/** FramedContentTBS (§6.1) in parts. */
export function contentTbs({
  context,
  content,
  head,
  body,
}: Pick<SignedContent, "context" | "content" | "head" | "body">): Bytes[] {
  return [head, body, context.signedContext(content.sender.senderType)];
}

/** FramedContentAuthData on the wire (§6.1). */
export function encodeAuth(signature: Bytes, confirmationTag: Bytes | undefined): Buffer {
  const tagSize = confirmationTag === undefined ? 0 : vectorSize(confirmationTag.byteLength);
  const out = Buffer.allocUnsafe(vectorSize(signature.byteLength) + tagSize);
  const end = putVector(out, 0, signature);
  if (confirmationTag !== undefined) putVector(out, end, confirmationTag);
  return out;
}

/** Octets of FramedContentAuthData on the wire. */
export function authSize({ signature, confirmationTag }: FramedContentAuthData): number {
  return (
    vectorSize(signature.byteLength) + (confirmationTag === undefined ? 0 : vectorSize(confirmationTag.byteLength))
  );
}
