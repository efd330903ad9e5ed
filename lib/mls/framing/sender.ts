/** RFC 9420 §6.1, §12.1.8: who may send what, and whose key signs it. */
import {
  ContentType,
  ProposalType,
  SenderType,
  WireFormat,
  type FramedContent,
  type Proposal,
} from "../objects/index.js";
import { refuse } from "../rules.js";

type Bytes = Uint8Array;

/** Where the signature keys of senders are looked up; undefined where there is none. */
export interface SenderKeys {
  /** Of the leaf of a member, in the tree of the message's own epoch. */
  member(leafIndex: number): Bytes | undefined;
  /** Of an entry of the external_senders extension (§12.1.8.1). */
  externalSender?(senderIndex: number): Bytes | undefined;
  /** Whether a proposal type that RFC 9420 does not name may be sent by an external sender. Default: no. */
  mayComeFromExternalSender?(proposalType: number): boolean;
}

const fromExternalSenders: ReadonlySet<number> = new Set([
  ProposalType.add,
  ProposalType.remove,
  ProposalType.psk,
  ProposalType.reinit,
  ProposalType.groupContextExtensions,
]);
const ofRfc9420: ReadonlySet<number> = new Set(Object.values(ProposalType));

/**
 * Refuses content that its sender, or its wire format, may not carry.
 * @throws TinyMlsError rules `6/...` and `6.1/...-content`.
 */
export function checkSender(
  wireFormat: WireFormat,
  content: FramedContent,
  keys: Pick<SenderKeys, "mayComeFromExternalSender"> = {},
): void {
  if (content.contentType === ContentType.application && wireFormat === WireFormat.mlsPublicMessage) {
    refuse("6/application-private");
  }
  switch (content.sender.senderType) {
    case SenderType.member:
      return;
    case SenderType.external:
      if (content.contentType !== ContentType.proposal || !isExternal(content.proposal, keys)) {
        refuse("6.1/external-content", undefined, "malformed");
      }
      return;
    case SenderType.newMemberProposal:
      if (content.contentType !== ContentType.proposal || content.proposal.proposalType !== ProposalType.add) {
        refuse("6.1/new-member-proposal-content");
      }
      return;
    case SenderType.newMemberCommit:
      if (content.contentType !== ContentType.commit || content.commit.path === null) {
        refuse("6.1/new-member-commit-content");
      }
  }
}

function isExternal({ proposalType }: Proposal, keys: Pick<SenderKeys, "mayComeFromExternalSender">): boolean {
  if (ofRfc9420.has(proposalType)) return fromExternalSenders.has(proposalType);
  return keys.mayComeFromExternalSender?.(proposalType) ?? false;
}

/**
 * The signature key of the sender.
 * @throws TinyMlsError rule `6.1/sender-key` where the sender has none.
 */
export function senderKey(content: FramedContent, keys: SenderKeys): Bytes {
  const { sender } = content;
  return keyOf(content, keys) ?? refuse("6.1/sender-key", `sender type ${sender.senderType}`);
}

function keyOf(content: FramedContent, keys: SenderKeys): Bytes | undefined {
  const { sender } = content;
  switch (sender.senderType) {
    case SenderType.member:
      return keys.member(sender.leafIndex);
    case SenderType.external:
      return keys.externalSender?.(sender.senderIndex);
    case SenderType.newMemberProposal:
      return content.contentType === ContentType.proposal && content.proposal.proposalType === ProposalType.add
        ? content.proposal.keyPackage.leafNode.signatureKey
        : undefined;
    case SenderType.newMemberCommit:
      return content.contentType === ContentType.commit ? content.commit.path?.leafNode.signatureKey : undefined;
  }
}
