/** RFC 9420 §12.1, §12.4.2, §14: what becomes of a verified message. A refused one leaves everything as it was. */
import type { VerifiedMessage } from "../framing/index.js";
import { wireFormatAndContent } from "../framing/index.js";
import {
  ContentType,
  ProposalOrRefType,
  ProposalType,
  SenderType,
  type FramedContent,
  type Sender,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import { Checks } from "./checks.js";
import { externalSenders } from "./group-extensions.js";
import { memberOf, type Member } from "./member.js";
import type { MemberState } from "./member-state.js";
import type { OpenedMessage } from "./open-message.js";
import type { CachedProposal } from "./proposal-cache.js";
import type { SentProposal } from "./proposals.js";
import type { ProposalSender, Received } from "./received.js";
import { committerOf } from "./sender-keys.js";
import { stageCommit, type StagedCommit } from "./stage-commit.js";
import { stageReceivedCommit, type StagedEpoch } from "./stage-member.js";
import { validateProposal } from "./validate-proposal.js";

type CommitContent = Extract<FramedContent, { readonly contentType: typeof ContentType.commit }>;
type ProposalContent = Extract<FramedContent, { readonly contentType: typeof ContentType.proposal }>;

/** Erases the key of the message, once nothing can refuse it any more; false where that was done for another copy of it. */
type Accept = () => boolean;

const duplicate: Received = Object.freeze({ kind: "duplicate" });

/** Applies a message to the group, or throws the error that refuses it. */
export async function receiveVerified(
  state: MemberState,
  message: VerifiedMessage,
  opened: OpenedMessage,
  accept: Accept,
): Promise<Received> {
  const { content } = message;
  if (content.contentType === ContentType.application) return accept() ? applicationOf(content, opened) : duplicate;
  if (state.epoch.reinit !== undefined) refuse("11.2/reinitialized");
  if (content.contentType === ContentType.proposal) return receiveProposal(state, content, message, accept);
  return receiveCommit(state, content, message, accept);
}

function applicationOf(
  content: Extract<FramedContent, { readonly contentType: typeof ContentType.application }>,
  { tree, generation }: OpenedMessage,
): Received {
  const { leafIndex } = content.sender as Extract<Sender, { readonly senderType: typeof SenderType.member }>;
  return {
    kind: "application",
    data: Buffer.from(content.applicationData),
    sender: memberOf(leafIndex, tree.leaf(leafIndex)!.value),
    epoch: content.epoch,
    generation,
    authenticatedData: Buffer.from(content.authenticatedData),
  };
}

async function receiveProposal(
  state: MemberState,
  content: ProposalContent,
  message: VerifiedMessage,
  accept: Accept,
): Promise<Received> {
  const { epoch, proposals, environment } = state;
  const { proposal, sender } = content;
  const ref = epoch.suite.proposalRef(message.encode());
  if (proposals.has(ref)) return duplicate;
  if (proposals.isFull) refuse("12.1/too-many");
  const checks = new Checks();
  const { suite, tree } = epoch;
  const setting = { suite, context: epoch.context.value, tree, policy: environment.policy };
  validateProposal(setting, content, checks);
  await checks.run(suite);
  await authorize(state, content);
  if (!accept()) return duplicate;
  proposals.add({ proposal, sender, ref });
  const authenticatedData = Buffer.from(content.authenticatedData);
  return { kind: "proposal", proposal, sender: proposalSender(state, sender), ref, authenticatedData };
}

/** RFC 9420 §12.1.8: the application has a say in what comes from outside. */
async function authorize({ epoch, environment }: MemberState, { proposal, sender }: SentProposal): Promise<void> {
  const { authentication } = environment.policy;
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

function proposalSender({ epoch }: MemberState, sender: Sender): ProposalSender {
  if (sender.senderType === SenderType.member) {
    return { kind: "member", member: memberOf(sender.leafIndex, epoch.tree.leaf(sender.leafIndex)!.value) };
  }
  if (sender.senderType === SenderType.external) return { kind: "external", senderIndex: sender.senderIndex };
  return { kind: "newMember" };
}

async function receiveCommit(
  state: MemberState,
  content: CommitContent,
  message: VerifiedMessage,
  accept: Accept,
): Promise<Received> {
  const { epoch, environment } = state;
  const committer = committerOf(content.sender);
  // Its path is not encrypted to the committer: only the one who made it can go on from it.
  if (committer === epoch.ownLeafIndex) refuse("14/own-commit");
  const resolved = resolve(state, content);
  if ("missing" in resolved) return { kind: "needsProposals", missing: resolved.missing };
  const { proposals } = resolved;
  const staged = await stageCommit(epoch, environment.policy, {
    commit: content.commit,
    committer,
    proposals,
    wireFormatAndContent: wireFormatAndContent(message),
    signature: message.signature,
    confirmationTag: message.auth.confirmationTag ?? refuse("6.1/confirmation-tag"),
  });
  const selfRemoved = staged.applied.removed.some(({ leafIndex }) => leafIndex === epoch.ownLeafIndex);
  const next = selfRemoved ? undefined : stageNext(state, staged, proposals);
  if (!accept()) {
    next?.discard();
    return duplicate;
  }
  if (next !== undefined) state.merge(next);
  return commitOutcome(staged, content, selfRemoved);
}

function resolve(
  { proposals }: MemberState,
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

function stageNext(state: MemberState, staged: StagedCommit, proposals: readonly SentProposal[]): StagedEpoch {
  const { epoch, environment } = state;
  const own = proposals.find((sent): sent is CachedProposal => "keys" in sent && sent.keys !== undefined);
  const { psks, retention } = environment;
  return stageReceivedCommit({ current: epoch, psks, retention, ownUpdate: own?.keys }, staged);
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
