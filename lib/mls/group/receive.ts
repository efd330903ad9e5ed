/** RFC 9420 §12.1, §12.4.2, §14: what becomes of a verified message. A refused one leaves everything as it was. */
import type { VerifiedMessage } from "../framing/index.js";
import { ContentType, type FramedContent, type Sender, type SenderType } from "../objects/index.js";
import { refuse } from "../rules.js";
import { memberOf } from "./member.js";
import type { MemberState } from "./member-state.js";
import type { OpenedMessage } from "./open-message.js";
import type { CachedProposal } from "./proposal-cache.js";
import type { SentProposal } from "./proposals.js";
import {
  commitOutcome,
  duplicate,
  receiveProposal,
  stageMessage,
  type Accept,
  type CommitContent,
} from "./receive-public.js";
import type { Received } from "./received.js";
import { committerOf } from "./sender-keys.js";
import type { StagedCommit } from "./stage-commit.js";
import { stageReceivedCommit, type StagedEpoch } from "./stage-member.js";

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

async function receiveCommit(
  state: MemberState,
  content: CommitContent,
  message: VerifiedMessage,
  accept: Accept,
): Promise<Received> {
  const { epoch } = state;
  // Its path is not encrypted to the committer: only the one who made it can go on from it.
  if (committerOf(content.sender) === epoch.ownLeafIndex) {
    state.noticeFork(state.policy.now());
    refuse("14/own-commit");
  }
  const received = await stageMessage(state, content, message);
  if ("kind" in received) return received;
  const { staged, proposals } = received;
  const selfRemoved = staged.applied.removed.some(({ leafIndex }) => leafIndex === epoch.ownLeafIndex);
  const next = selfRemoved ? undefined : await stageNext(state, staged, proposals);
  if (!accept()) {
    next?.discard();
    return duplicate;
  }
  if (next !== undefined) state.merge(next);
  return commitOutcome(staged, content, selfRemoved);
}

function stageNext(state: MemberState, staged: StagedCommit, proposals: readonly SentProposal[]): Promise<StagedEpoch> {
  const { epoch, environment } = state;
  const own = proposals.find((sent): sent is CachedProposal => "keys" in sent && sent.keys !== undefined);
  const { psks, retention, policy } = environment;
  return stageReceivedCommit({ current: epoch, psks, retention, now: policy.now, ownUpdate: own?.keys }, staged);
}
