/** RFC 9420 §12.1 and §17.4: what the types of proposals have in common. */
import { ProposalType, SenderType, type Proposal, type Sender } from "../objects/index.js";

/** A proposal with who made it, as a commit lists it. */
export interface SentProposal {
  readonly proposal: Proposal;
  readonly sender: Sender;
  /** Its ProposalRef (RFC 9420 §5.2); undefined for one that the commit holds by value. */
  readonly ref?: Buffer | undefined;
}

/** A proposal type of the application (RFC 9420 §13.2). Its data is one `opaque<V>`. */
export interface CustomProposalType {
  readonly type: number;
  /** Whether a commit that covers one needs a path. Default: true, the safe choice. */
  readonly pathRequired?: boolean;
  /** Whether external senders may send it. Default: false. */
  readonly external?: boolean;
}

export type CustomProposalTypes = ReadonlyMap<number, CustomProposalType>;

/** A proposal of one type. */
export type ProposalOf<T extends ProposalType> = Extract<Proposal, { readonly proposalType: T }>;
export type SentProposalOf<T extends ProposalType> = SentProposal & { readonly proposal: ProposalOf<T> };

/** Those of one type, in their order. */
export function ofType<T extends ProposalType>(list: readonly SentProposal[], type: T): SentProposalOf<T>[] {
  return list.filter((sent): sent is SentProposalOf<T> => (sent.proposal.proposalType as number) === type);
}

const definedTypes: ReadonlySet<number> = new Set(Object.values(ProposalType));

/** Whether RFC 9420 defines the type, so that every client knows it (§7.2). */
export function isDefaultType(proposalType: number): boolean {
  return definedTypes.has(proposalType);
}

/** RFC 9420 §12.4: all but these make a commit contain a path. */
const withoutPath: ReadonlySet<number> = new Set([ProposalType.add, ProposalType.psk, ProposalType.reinit]);

/** RFC 9420 §12.4. */
export function pathRequired(list: readonly SentProposal[], customTypes: CustomProposalTypes): boolean {
  if (list.length === 0) return true;
  return list.some(({ proposal: { proposalType } }) => {
    if (isDefaultType(proposalType)) return !withoutPath.has(proposalType);
    return customTypes.get(proposalType)?.pathRequired ?? true;
  });
}

/** The leaf that a proposal changes: its sender's for an Update, the removed one for a Remove. */
export function affectedLeaf({ proposal, sender }: SentProposal): number | undefined {
  if (proposal.proposalType === ProposalType.remove) return proposal.removed;
  if (proposal.proposalType !== ProposalType.update) return undefined;
  return sender.senderType === SenderType.member ? sender.leafIndex : undefined;
}
