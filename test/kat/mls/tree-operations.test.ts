import { expect } from "@jest/globals";
import { Add, ProposalType, Remove, Update, decode } from "tinymls/messages";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { hasherOf } from "../../tree/fixtures.js";
import { testEntries } from "../vectors.js";

interface Entry {
  cipher_suite: number;
  tree_before: string;
  proposal: string;
  proposal_sender: number;
  tree_hash_before: string;
  tree_after: string;
  tree_hash_after: string;
}

function applyProposal(draft: TreeDraft, proposal: Buffer, sender: number): void {
  const body = proposal.subarray(2);
  switch (proposal.readUInt16BE(0)) {
    case ProposalType.add:
      draft.add(TreeLeaf.of(decode(Add, body).keyPackage.leafNode));
      return;
    case ProposalType.update:
      draft.update(sender, TreeLeaf.of(decode(Update, body).leafNode));
      return;
    case ProposalType.remove:
      draft.remove(decode(Remove, body).removed);
      return;
    default:
      throw new Error("a proposal of another type");
  }
}

testEntries<Entry>("mls/tree-operations.json", (entry) => {
  const before = RatchetTree.decode(hasherOf(entry.cipher_suite), Buffer.from(entry.tree_before, "hex"));
  expect(before.treeHash().toString("hex")).toBe(entry.tree_hash_before);
  const draft = new TreeDraft(before);
  applyProposal(draft, Buffer.from(entry.proposal, "hex"), entry.proposal_sender);
  const after = draft.freeze();
  expect(after.encode().toString("hex")).toBe(entry.tree_after);
  expect(after.treeHash().toString("hex")).toBe(entry.tree_hash_after);
  expect(before.encode().toString("hex")).toBe(entry.tree_before);
});
