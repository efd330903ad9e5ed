/** RFC 9420 §6.3. */
import { fixed, opaque, struct, uint32, uint64, zeroPadding, type Infer } from "../../codec/index.js";
import { Commit } from "./commit.js";
import { framedContentAuthData } from "./content-authentication.js";
import { ContentType, contentType } from "./framed-content.js";
import { Proposal } from "./proposals.js";

const header = { groupId: opaque, epoch: uint64, contentType };

export const PrivateMessage = struct("PrivateMessage", header, {
  authenticatedData: opaque,
  encryptedSenderData: opaque,
  ciphertext: opaque,
});
export type PrivateMessage = Infer<typeof PrivateMessage>;

/** RFC 9420 §6.3.1. */
export const PrivateContentAAD = struct("PrivateContentAAD", header, { authenticatedData: opaque });
export type PrivateContentAAD = Infer<typeof PrivateContentAAD>;

/** `padding` is the number of zero octets up to the end. */
const tail = <T extends ContentType>(type: T) => ({ auth: framedContentAuthData(type), padding: zeroPadding });

const contentByType = {
  [ContentType.application]: struct(
    "PrivateMessageContent",
    { applicationData: opaque },
    tail(ContentType.application),
  ),
  [ContentType.proposal]: struct("PrivateMessageContent", { proposal: Proposal }, tail(ContentType.proposal)),
  [ContentType.commit]: struct("PrivateMessageContent", { commit: Commit }, tail(ContentType.commit)),
} as const;

export type PrivateMessageContent<T extends ContentType = ContentType> = Infer<(typeof contentByType)[T]>;

/** RFC 9420 §6.3.1: the plaintext, whose form `PrivateMessage.contentType` decides. */
export function privateMessageContent<T extends ContentType>(type: T): (typeof contentByType)[T] {
  return contentByType[type];
}

/** RFC 9420 §6.3.2. */
export const SenderData = struct("SenderData", { leafIndex: uint32, generation: uint32, reuseGuard: fixed(4) });
export type SenderData = Infer<typeof SenderData>;

/** RFC 9420 §6.3.2. */
export const SenderDataAAD = struct("SenderDataAAD", header);
export type SenderDataAAD = Infer<typeof SenderDataAAD>;
