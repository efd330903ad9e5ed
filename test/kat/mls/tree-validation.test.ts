import { expect } from "@jest/globals";
import { suiteOf } from "#dist/mls/suite/index.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { validateTree } from "#dist/mls/tree/tree-validation.js";
import { testEntries } from "../vectors.js";

interface Entry {
  cipher_suite: number;
  tree: string;
  group_id: string;
  resolutions: number[][];
  tree_hashes: string[];
}

testEntries<Entry>("mls/tree-validation.json", async (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const tree = RatchetTree.decode(suite, Buffer.from(entry.tree, "hex"));
  const nodes = Array.from({ length: tree.nodeWidth }, (_, node) => node);
  expect(nodes.map((node) => tree.resolution(node))).toEqual(entry.resolutions);
  expect(nodes.map((node) => tree.treeHash(node).toString("hex"))).toEqual(entry.tree_hashes);
  expect(tree.encode().toString("hex")).toBe(entry.tree);

  const requirements = leafRequirements({ cipherSuite: entry.cipher_suite, extensions: [] });
  const treeHash = Buffer.from(entry.tree_hashes[tree.root]!, "hex");
  const expected = { suite, groupId: Buffer.from(entry.group_id, "hex"), treeHash, requirements };
  await validateTree(tree, expected);
  const elsewhere = validateTree(tree, { ...expected, groupId: Buffer.from("another group") });
  await expect(elsewhere).rejects.toMatchObject({ code: "invalid", rule: "7.3/leaf-signature" });
});
