/** RFC 9420 §12.1: whether one proposal is valid in an epoch, whatever else a commit covers. */
import {
  LeafNodeSource,
  PSKType,
  ProposalType,
  ProtocolVersion,
  ResumptionPSKUsage,
  SenderType,
  type GroupContext,
  type LeafNode,
  type PreSharedKeyID,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import { checkPskNonce } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import {
  checkFreshEncryptionKey,
  checkLeaf,
  checkLeafNodeSource,
  leafRequirements,
  leafSignature,
  TreeLeaf,
  type RatchetTree,
} from "../tree/index.js";
import type { Checks } from "./checks.js";
import { checkGroupExtensions } from "./group-extensions.js";
import { checkKeyPackage } from "./key-package.js";
import { checkCredential, checkExternalSenders, checkSuccessor, lifetimePolicy, type GroupPolicy } from "./policy.js";
import type { SentProposal } from "./proposals.js";

/** What proposals are judged by. The extensions are those that the commit leaves (RFC 9420 §12.3). */
export interface ProposalSetting {
  readonly suite: Suite;
  readonly context: GroupContext;
  readonly tree: RatchetTree;
  readonly policy: GroupPolicy;
  /** The usage of resumption PSKs that this commit may have beside `application`: when it begins a group of §11.2 or §11.3. */
  readonly pskUsage?: ResumptionPSKUsage | undefined;
}

/**
 * Checks one proposal; signatures and what the application decides are left to `checks`.
 * @throws TinyMlsError `invalid` with the rule
 */
export function validateProposal(setting: ProposalSetting, { proposal, sender }: SentProposal, checks: Checks): void {
  const { suite, context, tree, policy } = setting;
  switch (proposal.proposalType) {
    case ProposalType.add:
      checkKeyPackage(suite, proposal.keyPackage, context, lifetimePolicy(policy), checks);
      return checks.decision(() => checkCredential(policy, proposal.keyPackage.leafNode, "newMember"));
    case ProposalType.update:
      if (sender.senderType !== SenderType.member) refuse("6.1/external-content");
      return validateUpdate(setting, proposal.leafNode, sender.leafIndex, checks);
    case ProposalType.remove:
      if (tree.leaf(proposal.removed) === null) refuse("12.1.3/removed-leaf", `leaf ${proposal.removed}`);
      return;
    case ProposalType.psk:
      return checkPsk(setting, proposal.psk);
    case ProposalType.reinit:
      if (proposal.version < context.version || proposal.version < ProtocolVersion.mls10) refuse("12.1.5/version");
      return checkGroupExtensions(proposal.extensions);
    case ProposalType.externalInit:
      if (sender.senderType !== SenderType.newMemberCommit) refuse("12.2/no-external-init");
      return;
    case ProposalType.groupContextExtensions:
      checkGroupExtensions(proposal.extensions);
      return checks.decision(() => checkExternalSenders(policy, proposal.extensions));
    default: // whether the members support the type is judged for the list: those that it removes need not
  }
}

/** RFC 9420 §12.1.2. */
function validateUpdate(setting: ProposalSetting, leafNode: LeafNode, leafIndex: number, checks: Checks): void {
  const { suite, context, tree, policy } = setting;
  const replaced = tree.leaf(leafIndex);
  if (replaced === null) refuse("6.1/sender-key");
  checkLeafNodeSource(leafNode, LeafNodeSource.update);
  checkLeaf(suite, leafNode, leafRequirements(context, lifetimePolicy(policy)));
  checkFreshEncryptionKey("7.3/update-encryption-key", replaced, leafNode);
  const holder = tree.memberWithSignatureKey(leafNode.signatureKey);
  if (holder !== undefined && holder !== leafIndex) refuse("7.3/signature-key-unique", `leaf ${holder}`);
  if (tree.nodeWithEncryptionKey(leafNode.encryptionKey) !== undefined) refuse("7.3/encryption-key-unique");
  checks.signature(leafSignature(TreeLeaf.of(leafNode), leafNode, context.groupId, leafIndex), "7.3/leaf-signature");
  checks.decision(() => checkCredential(policy, leafNode, "newMember"));
  checks.decision(() => checkSuccessor(policy, replaced.value.credential, leafNode.credential));
}

/** RFC 9420 §12.1.4. */
function checkPsk({ suite, pskUsage }: ProposalSetting, psk: PreSharedKeyID): void {
  checkPskNonce(suite, psk);
  if (psk.pskType !== PSKType.resumption) return;
  if (psk.usage !== ResumptionPSKUsage.application && psk.usage !== pskUsage) refuse("12.1.4/psk-usage");
}
