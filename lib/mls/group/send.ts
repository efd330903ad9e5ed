/** RFC 9420 §6, §12.1: proposals and application messages of a member. */
import type { PrivateKey } from "../../native/keys.js";
import { protectPrivate, signContent, type PaddingPolicy } from "../framing/index.js";
import { ContentType, LeafNodeSource, ProposalType, SenderType, WireFormat, type Proposal } from "../objects/index.js";
import { signLeaf, type LeafContent } from "../tree/index.js";
import { leafContent, type LeafChanges } from "./build-commit.js";
import { Checks } from "./checks.js";
import { protect, type HandshakeFraming } from "./create-commit.js";
import type { MemberState } from "./member-state.js";
import type { UpdateKeys } from "./proposal-cache.js";
import { validateProposal } from "./validate-proposal.js";

type Bytes = Uint8Array;

/** An application message, as a PrivateMessage. */
export function applicationMessage(
  { epoch, framing, environment }: MemberState,
  applicationData: Bytes,
  authenticatedData: Bytes,
  padding: PaddingPolicy,
): Buffer {
  const content = {
    groupId: framing.groupId,
    epoch: framing.epoch,
    sender: { senderType: SenderType.member, leafIndex: epoch.ownLeafIndex },
    authenticatedData,
    contentType: ContentType.application,
    applicationData,
  };
  const signed = signContent(framing, WireFormat.mlsPrivateMessage, content, epoch.signatureKey);
  const { senderDataSecret } = epoch.secrets;
  const { bytes } = protectPrivate(signed, { senderDataSecret, secretTree: epoch.secretTree }, padding);
  environment.counters.sent++;
  return bytes;
}

/**
 * A proposal of this member, validated, framed and kept with the others of the epoch.
 * @throws TinyMlsError `invalid` with the rule
 */
export async function proposalMessage(
  state: MemberState,
  proposal: Proposal,
  handshake: HandshakeFraming,
  authenticatedData: Bytes,
  keys?: UpdateKeys,
): Promise<Buffer> {
  const { epoch, framing, environment } = state;
  const { suite, tree, context } = epoch;
  const sender = { senderType: SenderType.member, leafIndex: epoch.ownLeafIndex } as const;
  const checks = new Checks();
  validateProposal({ suite, context: context.value, tree, policy: environment.policy }, { proposal, sender }, checks);
  await checks.run(suite);
  const { groupId, epoch: number } = framing;
  const content = { groupId, epoch: number, sender, authenticatedData, contentType: ContentType.proposal, proposal };
  const signed = signContent(framing, handshake.wireFormat, content, epoch.signatureKey);
  const { bytes, message } = protect(epoch, signed, handshake);
  state.proposals.add({ proposal, sender, ref: suite.proposalRef(message.encode()), keys });
  state.sends(bytes);
  return bytes;
}

/** The same for a fresh key of the own leaf, with changes if wanted. */
export async function updateMessage(
  state: MemberState,
  changes: LeafChanges,
  handshake: HandshakeFraming,
): Promise<Buffer> {
  const { suite, signatureKey } = state.epoch;
  const keys = { leafKey: suite.generateHpkeKeyPair(), signatureKey: changes.signatureKey?.clone() };
  try {
    const leaf = leafContent(state.epoch, changes);
    const proposal = updateProposal(state, leaf, keys.leafKey, keys.signatureKey ?? signatureKey);
    return await proposalMessage(state, proposal, handshake, new Uint8Array(0), keys);
  } catch (error) {
    keys.leafKey.dispose();
    keys.signatureKey?.dispose();
    throw error;
  }
}

/** RFC 9420 §12.1.2: the Update that gives the own leaf a fresh key. */
function updateProposal(
  { epoch, framing }: MemberState,
  leaf: LeafContent,
  leafKey: PrivateKey,
  signatureKey: PrivateKey,
): Proposal {
  const content = { ...leaf, encryptionKey: leafKey.publicKey, leafNodeSource: LeafNodeSource.update };
  const place = { groupId: framing.groupId, leafIndex: epoch.ownLeafIndex };
  return {
    proposalType: ProposalType.update,
    leafNode: signLeaf(epoch.suite, signatureKey, content, place).value,
  };
}
