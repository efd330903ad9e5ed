/** RFC 9420 §8.2. */
import { lengthHeader } from "../../codec/index.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

/**
 * confirmed_transcript_hash of the epoch that a commit begins.
 *
 * @param wireFormatAndContent the encoded `wireFormat` and `content` of the commit's AuthenticatedContent, in parts
 */
export function confirmedTranscriptHash(
  suite: Suite,
  interimTranscriptHash: Bytes,
  wireFormatAndContent: readonly Bytes[],
  signature: Bytes,
): Buffer {
  return suite.hash(interimTranscriptHash, ...wireFormatAndContent, lengthHeader(signature.byteLength), signature);
}

/** interim_transcript_hash; the tag is that of the commit, of GroupInfo, or of a new group (§11). */
export function interimTranscriptHash(suite: Suite, confirmedTranscriptHash: Bytes, confirmationTag: Bytes): Buffer {
  return suite.hash(confirmedTranscriptHash, lengthHeader(confirmationTag.byteLength), confirmationTag);
}
