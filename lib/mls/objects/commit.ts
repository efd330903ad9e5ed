/** RFC 9420 §12.4. */
import { enumeration, opaque, optional, select, struct, uint8, vector, type Infer } from "../../codec/index.js";
import { Proposal } from "./proposals.js";
import { UpdatePath } from "./update-path.js";

export const ProposalOrRefType = { proposal: 1, reference: 2 } as const;
export type ProposalOrRefType = (typeof ProposalOrRefType)[keyof typeof ProposalOrRefType];

const proposalOrRefType = enumeration("ProposalOrRefType", uint8, ProposalOrRefType);

export const ProposalOrRef = struct(
  "ProposalOrRef",
  select("type", proposalOrRefType, { proposal: { proposal: Proposal }, reference: { reference: opaque } }),
);
export type ProposalOrRef = Infer<typeof ProposalOrRef>;

export const Commit = struct("Commit", { proposals: vector(ProposalOrRef), path: optional(UpdatePath) });
export type Commit = Infer<typeof Commit>;
