/** RFC 9420 §12.1, §12.4.2: proposals and commits, as far as no private key is needed: for members and for a server alike. */
import { wireFormatAndContent, type VerifiedMessage } from "../framing/index.js";
import {
  ProposalOrRefType,
  ProposalType,
  SenderType,
  type ContentType,
  type FramedContent,
  type Sender,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import { Checks } from "./checks.js";
import type { PublicEpoch } from "./epoch.js";
import { externalSenders } from "./group-extensions.js";
import { memberOf, type Member } from "./member.js";
import type { GroupPolicy } from "./policy.js";
import type { ProposalCache } from "./proposal-cache.js";
import type { SentProposal } from "./proposals.js";
import type { PendingProposal, ProposalSender, Received } from "./received.js";
import { committerOf } from "./sender-keys.js";
import { stageCommit, type StagedCommit } from "./stage-commit.js";
import { validateProposal } from "./validate-proposal.js";

export type CommitContent = Extract<FramedContent, { readonly contentType: typeof ContentType.commit }>;
export type ProposalContent = Extract<FramedContent, { readonly contentType: typeof ContentType.proposal }>;

/** What handshake messages are received in. */
export interface HandshakeState {
  readonly epoch: PublicEpoch;
  readonly proposals: ProposalCache;
  readonly policy: GroupPolicy;
}

/** Erases the key of the message, once nothing can refuse it any more; false where that was done for another copy of it. */
export type Accept = () => boolean;

export const duplicate: Received = Object.freeze({ kind: "duplicate" });

/** Checks a proposal and keeps it for a commit. */
export async function receiveProposal(
  state: HandshakeState,
  content: ProposalContent,
  message: VerifiedMessage,
  accept: Accept,
): Promise<Received> {
  const { epoch, proposals, policy } = state;
  const { proposal, sender } = content;
  const ref = epoch.suite.proposalRef(message.encode());
  if (proposals.has(ref)) return duplicate;
  if (proposals.size >= policy.maximumProposals) refuse("12.1/too-many");
  const checks = new Checks();
  const { suite, tree } = epoch;
  const setting = { suite, context: epoch.context.value, tree, policy };
  validateProposal(setting, content, checks);
  await checks.run(suite);
  await authorize(state, content);
  if (!accept()) return duplicate;
  proposals.add({ proposal, sender, ref });
  const authenticatedData = Buffer.from(content.authenticatedData);
  return { kind: "proposal", proposal, sender: proposalSender(state, sender), ref, authenticatedData };
}

/** RFC 9420 §12.1.8: the application has a say in what comes from outside. */
async function authorize({ epoch, policy }: HandshakeState, { proposal, sender }: SentProposal): Promise<void> {
  const { authentication } = policy;
  if (sender.senderType === SenderType.external) {
    const { credential, signatureKey } = externalSenders(epoch.context.value.extensions)[sender.senderIndex]!;
    const trusted = await authentication.validateCredential(credential, signatureKey, "externalSender");
    if (!trusted) refuse("5.3.1/credential", "external sender");
  }
  if (sender.senderType !== SenderType.newMemberProposal || proposal.proposalType !== ProposalType.add) return;
  const { credential, signatureKey } = proposal.keyPackage.leafNode;
  const allowed = (await authentication.mayProposeItself?.(credential, signatureKey)) ?? true;
  if (!allowed) refuse("12.1.8/authorized");
}

/** All that wait for a commit, in the order in which they came. */
export function pendingProposals({ epoch, proposals }: Pick<HandshakeState, "epoch" | "proposals">): PendingProposal[] {
  return proposals.list().map(({ proposal, sender, ref }) => {
    return { proposal, sender: proposalSender({ epoch }, sender), ref: Buffer.from(ref) };
  });
}

function proposalSender({ epoch }: Pick<HandshakeState, "epoch">, sender: Sender): ProposalSender {
  if (sender.senderType === SenderType.member) {
    return { kind: "member", member: memberOf(sender.leafIndex, epoch.tree.leaf(sender.leafIndex)!.value) };
  }
  if (sender.senderType === SenderType.external) return { kind: "external", senderIndex: sender.senderIndex };
  return { kind: "newMember" };
}

/** The epoch that a commit begins, with its proposals; or that some of them are missing. */
export async function stageMessage(
  state: HandshakeState,
  content: CommitContent,
  message: VerifiedMessage,
): Promise<Received | { readonly staged: StagedCommit; readonly proposals: readonly SentProposal[] }> {
  const resolved = resolve(state, content);
  if ("missing" in resolved) return { kind: "needsProposals", missing: resolved.missing };
  const { proposals } = resolved;
  const staged = await stageCommit(state.epoch, state.policy, {
    commit: content.commit,
    committer: committerOf(content.sender),
    proposals,
    wireFormatAndContent: wireFormatAndContent(message),
    signature: message.signature,
    confirmationTag: message.auth.confirmationTag ?? refuse("6.1/confirmation-tag"),
  });
  return { staged, proposals };
}

function resolve(
  { proposals }: HandshakeState,
  { commit, sender }: CommitContent,
): { readonly proposals: readonly SentProposal[] } | { readonly missing: Buffer[] } {
  const missing: Buffer[] = [];
  const list: SentProposal[] = [];
  for (const item of commit.proposals) {
    if (item.type === ProposalOrRefType.proposal) {
      list.push({ proposal: item.proposal, sender });
      continue;
    }
    const cached = proposals.get(item.reference);
    if (cached === undefined) missing.push(Buffer.from(item.reference));
    else list.push(cached);
  }
  return missing.length > 0 ? { missing } : { proposals: list };
}

/** What a commit did, for the application. */
export function commitOutcome(
  { context, tree, applied, committerLeaf, path }: StagedCommit,
  { authenticatedData }: Pick<FramedContent, "authenticatedData">,
  selfRemoved: boolean,
): Extract<Received, { kind: "commit" }> {
  const now = (leafIndex: number): Member => memberOf(leafIndex, tree.leaf(leafIndex)!.value);
  const isExternal = applied.kemOutput !== undefined;
  const added = applied.added.map(({ leafIndex }) => leafIndex).concat(isExternal ? [committerLeaf] : []);
  const updated = applied.updated.map(({ leafIndex }) => leafIndex);
  if (path !== undefined && !isExternal) updated.push(committerLeaf);
  return {
    kind: "commit",
    epoch: context.value.epoch,
    committer: now(committerLeaf),
    added: added.map(now),
    removed: applied.removed.map(({ leafIndex, before }) => memberOf(leafIndex, before)),
    updated: updated.map(now),
    selfRemoved,
    reinitialized: applied.reinit !== undefined,
    authenticatedData: Buffer.from(authenticatedData),
  };
}
