/** RFC 9420 §12.2: what is valid one by one need not be valid together. */
import { ProposalType } from "../objects/index.js";
import { checkKeysUnique, checkSupport, leafNode, leafRequirements } from "../tree/index.js";
import { applyProposals } from "./apply-proposals.js";
import type { SkippedProposal } from "./choose-proposals.js";
import type { PublicEpoch } from "./epoch.js";
import type { CachedProposal } from "./proposal-cache.js";
import { affectedLeaf, ofType, type SentProposal } from "./proposals.js";
import { isAboutTheInput } from "./received.js";
import { checkTypeSupported } from "./stage-proposals.js";

export interface FittingProposals {
  readonly fitting: readonly CachedProposal[];
  readonly skipped: readonly SkippedProposal[];
}

/**
 * Those of `chosen` that leave a valid group together, beside what the commit proposes by value. The first ones that came are kept;
 * finding k that do not fit among n takes k log n passes over the changed leaves, and one where all do.
 */
export function fittingProposals(
  epoch: PublicEpoch,
  chosen: readonly CachedProposal[],
  byValue: readonly SentProposal[],
): FittingProposals {
  const fitting: CachedProposal[] = [];
  const skipped: SkippedProposal[] = [];
  const add = (some: readonly CachedProposal[]): void => {
    const reason = some.length === 0 ? undefined : reasonAgainst(epoch, [...fitting, ...some, ...byValue]);
    if (reason === undefined) fitting.push(...some);
    else if (some.length === 1) skipped.push({ proposal: some[0]!, reason });
    else {
      const middle = some.length >> 1;
      add(some.slice(0, middle));
      add(some.slice(middle));
    }
  };
  add(chosen);
  return { fitting, skipped };
}

function reasonAgainst({ suite, tree, context }: PublicEpoch, list: readonly SentProposal[]): string | undefined {
  // Adds are admitted one by one later, and a Remove of a blank leaf by value is refused with its rule.
  const changes = list.filter((sent) => {
    const leaf = affectedLeaf(sent);
    return leaf !== undefined && tree.leaf(leaf) !== null;
  });
  const [newExtensions] = ofType(list, ProposalType.groupContextExtensions);
  const extensions = newExtensions?.proposal.extensions ?? context.value.extensions;
  try {
    const { tree: changed, remaining, updated } = applyProposals(tree, extensions, changes);
    for (const { proposal } of list) checkTypeSupported(remaining, proposal.proposalType);
    checkSupport(changed.support, leafRequirements({ cipherSuite: suite.id, extensions }));
    checkKeysUnique(
      changed,
      updated.map(({ leafIndex }) => leafNode(leafIndex)),
    );
    return undefined;
  } catch (error) {
    if (isAboutTheInput(error)) return error.message;
    throw error;
  }
}
