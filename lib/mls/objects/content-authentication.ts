/** RFC 9420 §6 and §6.1. */
import { dependent, encoded, opaque, presentWhen, struct, type Infer } from "../../codec/index.js";
import { ContentType, FramedContent, SenderType } from "./framed-content.js";
import { GroupContext } from "./group-context.js";
import { messageVersion, wireFormat } from "./enumerations.js";

const authDataFor = (type: ContentType) =>
  struct("FramedContentAuthData", {
    signature: opaque,
    confirmationTag: presentWhen(() => type === ContentType.commit, opaque),
  });
const authDataByType = {
  [ContentType.application]: authDataFor(ContentType.application),
  [ContentType.proposal]: authDataFor(ContentType.proposal),
  [ContentType.commit]: authDataFor(ContentType.commit),
} as const;

export type FramedContentAuthData = Infer<(typeof authDataByType)[ContentType]>;

/** The struct has a confirmation tag when it authenticates a commit, and then only; so it is known by the content type. */
export function framedContentAuthData(type: ContentType) {
  return authDataByType[type];
}

/** `auth` of a struct that has `content` before it. */
export const auth = dependent(Object.values(authDataByType), (message: { content: FramedContent }) =>
  framedContentAuthData(message.content.contentType),
);

export const AuthenticatedContent = struct("AuthenticatedContent", { wireFormat, content: FramedContent, auth });
export type AuthenticatedContent = Infer<typeof AuthenticatedContent>;

const signsContext = ({ content: { sender } }: { content: FramedContent }) =>
  sender.senderType === SenderType.member || sender.senderType === SenderType.newMemberCommit;

/** What `FramedContentAuthData.signature` signs. The group context is encoded once an epoch. */
export const FramedContentTBS = struct("FramedContentTBS", {
  version: messageVersion,
  wireFormat,
  content: FramedContent,
  context: presentWhen(signsContext, encoded(GroupContext)),
});
export type FramedContentTBS = Infer<typeof FramedContentTBS>;

/** RFC 9420 §6.2: what the membership tag is taken over. */
export const AuthenticatedContentTBM = struct("AuthenticatedContentTBM", {
  contentTBS: FramedContentTBS,
  auth: dependent(Object.values(authDataByType), (message: { contentTBS: FramedContentTBS }) =>
    framedContentAuthData(message.contentTBS.content.contentType),
  ),
});
export type AuthenticatedContentTBM = Infer<typeof AuthenticatedContentTBM>;
