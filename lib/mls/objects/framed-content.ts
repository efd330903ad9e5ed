/** RFC 9420 §6. */
import { enumeration, opaque, select, struct, uint32, uint64, uint8, type Infer } from "../../codec/index.js";
import { Commit } from "./commit.js";
import { Proposal } from "./proposals.js";

export const ContentType = { application: 1, proposal: 2, commit: 3 } as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];
export const contentType = enumeration("ContentType", uint8, ContentType);

export const SenderType = { member: 1, external: 2, newMemberProposal: 3, newMemberCommit: 4 } as const;
export type SenderType = (typeof SenderType)[keyof typeof SenderType];
const senderType = enumeration("SenderType", uint8, SenderType);

export const Sender = struct(
  "Sender",
  select("senderType", senderType, {
    member: { leafIndex: uint32 },
    external: { senderIndex: uint32 },
    newMemberProposal: {},
    newMemberCommit: {},
  }),
);
export type Sender = Infer<typeof Sender>;

export const FramedContent = struct(
  "FramedContent",
  { groupId: opaque, epoch: uint64, sender: Sender, authenticatedData: opaque },
  select("contentType", contentType, {
    application: { applicationData: opaque },
    proposal: { proposal: Proposal },
    commit: { commit: Commit },
  }),
);
export type FramedContent = Infer<typeof FramedContent>;
