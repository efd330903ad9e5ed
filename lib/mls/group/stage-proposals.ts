/** RFC 9420 §12.2, §12.3: from a list of proposals to the epoch that it makes, before any path. */
import { refuse } from "../rules.js";
import { checkKeysUnique, checkSupport, leafNode, leafRequirements, type RatchetTree } from "../tree/index.js";
import { applyProposals, type AppliedProposals } from "./apply-proposals.js";
import { Checks } from "./checks.js";
import { checkAddedClients, checkExternalList, checkMemberList } from "./proposal-list.js";
import { isDefaultType, ofType, type SentProposal } from "./proposals.js";
import { ProposalType } from "../objects/index.js";
import { validateProposal, type ProposalSetting } from "./validate-proposal.js";

/** The leaf index of the committing member, or that the commit is an external one. */
export type Committer = number | "external";

/**
 * Validates the list of a commit, each proposal and all together, and applies it.
 * @throws TinyMlsError `invalid` with the rule
 */
export async function stageProposals(
  epoch: ProposalSetting,
  list: readonly SentProposal[],
  committer: Committer,
): Promise<AppliedProposals> {
  if (committer === "external") checkExternalList(list);
  else checkMemberList(list, committer);
  if (list.length === 0) return applyProposals(epoch.tree, epoch.context.extensions, list);
  const [newExtensions] = ofType(list, ProposalType.groupContextExtensions);
  const extensions = newExtensions?.proposal.extensions ?? epoch.context.extensions;
  const setting = { ...epoch, context: { ...epoch.context, extensions } };

  const checks = new Checks();
  for (const sent of list) validateProposal(setting, sent, checks);
  checks.decision(() => checkAddedClients(list, epoch.tree, epoch.policy.authentication));
  await checks.run(epoch.suite);

  const applied = applyProposals(epoch.tree, extensions, list);
  for (const { proposal } of list) checkTypeSupported(applied.remaining, proposal.proposalType);
  checkSupport(applied.tree.support, leafRequirements(setting.context));
  const changed = [...applied.added, ...applied.updated].map(({ leafIndex }) => leafNode(leafIndex));
  checkKeysUnique(applied.tree, changed);
  return applied;
}

/** RFC 9420 §12.2: a type that is not a default one has to be supported by the members that process the commit. */
export function checkTypeSupported({ support }: RatchetTree, proposalType: number): void {
  if (isDefaultType(proposalType) || support.proposals.includes(proposalType)) return;
  refuse("12.2/type-supported", `type ${proposalType}`);
}
