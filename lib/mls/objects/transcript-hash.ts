/** RFC 9420 §8.2. */
import { opaque, struct, type Infer } from "../../codec/index.js";
import { FramedContent } from "./framed-content.js";
import { wireFormat } from "./enumerations.js";

/** `content` is a commit. */
export const ConfirmedTranscriptHashInput = struct("ConfirmedTranscriptHashInput", {
  wireFormat,
  content: FramedContent,
  signature: opaque,
});
export type ConfirmedTranscriptHashInput = Infer<typeof ConfirmedTranscriptHashInput>;

export const InterimTranscriptHashInput = struct("InterimTranscriptHashInput", { confirmationTag: opaque });
export type InterimTranscriptHashInput = Infer<typeof InterimTranscriptHashInput>;
