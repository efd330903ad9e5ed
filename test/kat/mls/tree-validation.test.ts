import { expect } from "@jest/globals";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { hasherOf } from "../../tree/fixtures.js";
import { testEntries } from "../vectors.js";

interface Entry {
  cipher_suite: number;
  tree: string;
  group_id: string;
  resolutions: number[][];
  tree_hashes: string[];
}

testEntries<Entry>("mls/tree-validation.json", (entry) => {
  const tree = RatchetTree.decode(hasherOf(entry.cipher_suite), Buffer.from(entry.tree, "hex"));
  const nodes = Array.from({ length: tree.nodeWidth }, (_, node) => node);
  expect(nodes.map((node) => tree.resolution(node))).toEqual(entry.resolutions);
  expect(nodes.map((node) => tree.treeHash(node).toString("hex"))).toEqual(entry.tree_hashes);
  expect(tree.encode().toString("hex")).toBe(entry.tree);
});
