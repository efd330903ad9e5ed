/** RFC 9420 §12.3: applying a list of proposals to the ratchet tree and the group context. */
import {
  ProposalType,
  type Extension,
  type KeyPackage,
  type LeafNode,
  type PreSharedKeyID,
  type ReInit,
} from "../objects/index.js";
import { TreeDraft, TreeLeaf, type RatchetTree } from "../tree/index.js";
import { affectedLeaf, ofType, type SentProposal } from "./proposals.js";

export interface AddedMember {
  readonly leafIndex: number;
  readonly keyPackage: KeyPackage;
}

/** A leaf that a proposal replaced or blanked. */
export interface ChangedMember {
  readonly leafIndex: number;
  readonly before: LeafNode;
}

/** What a valid list of proposals makes of an epoch, before any path. */
export interface AppliedProposals {
  readonly tree: RatchetTree;
  /** The tree before the Adds: the members that process the commit. */
  readonly remaining: RatchetTree;
  readonly extensions: readonly Extension[];
  /** In the order of the Adds. */
  readonly added: readonly AddedMember[];
  readonly updated: readonly ChangedMember[];
  readonly removed: readonly ChangedMember[];
  /** In the order of the PreSharedKey proposals. */
  readonly psks: readonly PreSharedKeyID[];
  readonly kemOutput: Uint8Array | undefined;
  readonly reinit: ReInit | undefined;
}

/** The list was checked: every leaf that it changes is there, once. */
export function applyProposals(
  tree: RatchetTree,
  extensions: readonly Extension[],
  list: readonly SentProposal[],
): AppliedProposals {
  const [newExtensions] = ofType(list, ProposalType.groupContextExtensions);
  const updates = ofType(list, ProposalType.update);
  const adds = ofType(list, ProposalType.add);
  const changed = (leafIndex: number): ChangedMember => ({ leafIndex, before: tree.leaf(leafIndex)!.value });
  const updated = updates.map((sent) => changed(affectedLeaf(sent)!));
  // Each Remove truncates the tree; from the right, so that leaves still to be removed stay inside.
  const removed = ofType(list, ProposalType.remove)
    .map(({ proposal }) => changed(proposal.removed))
    .sort((a, b) => b.leafIndex - a.leafIndex);
  const remaining = changedTree(tree, updated.length + removed.length, (draft) => {
    for (const sent of updates) draft.update(affectedLeaf(sent)!, TreeLeaf.of(sent.proposal.leafNode));
    for (const { leafIndex } of removed) draft.remove(leafIndex);
  });
  const added: AddedMember[] = [];
  const grown = changedTree(remaining, adds.length, (draft) => {
    for (const { proposal } of adds) {
      const { keyPackage } = proposal;
      added.push({ leafIndex: draft.add(TreeLeaf.of(keyPackage.leafNode)), keyPackage });
    }
  });

  return {
    tree: grown,
    remaining,
    extensions: newExtensions?.proposal.extensions ?? extensions,
    added,
    updated,
    removed,
    psks: ofType(list, ProposalType.psk).map(({ proposal }) => proposal.psk),
    kemOutput: ofType(list, ProposalType.externalInit)[0]?.proposal.kemOutput,
    reinit: ofType(list, ProposalType.reinit)[0]?.proposal,
  };
}

/** The same tree where there are no changes. */
function changedTree(tree: RatchetTree, changes: number, change: (draft: TreeDraft) => void): RatchetTree {
  if (changes === 0) return tree;
  const draft = new TreeDraft(tree);
  change(draft);
  return draft.freeze();
}
