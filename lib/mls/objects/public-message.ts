/** RFC 9420 §6.2. */
import { opaque, presentWhen, struct, type Infer } from "../../codec/index.js";
import { auth } from "./content-authentication.js";
import { FramedContent, SenderType } from "./framed-content.js";

const fromMember = ({ content }: { content: FramedContent }) => content.sender.senderType === SenderType.member;

export const PublicMessage = struct("PublicMessage", {
  content: FramedContent,
  auth,
  membershipTag: presentWhen(fromMember, opaque),
});
export type PublicMessage = Infer<typeof PublicMessage>;
