import { expect } from "@jest/globals";
import { decode, encode, RatchetTree as WireTree, type Node } from "tinymls/messages";
import { suiteOf } from "#dist/mls/suite/index.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import { checkParentHashes } from "#dist/mls/tree/parent-hash.js";
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

const hex = (text: string): Buffer => Buffer.from(text, "hex");

/** The tree with a node changed. */
function altered(entry: Entry, index: number, change: (node: Node) => Node): RatchetTree {
  const nodes = [...decode(WireTree, hex(entry.tree))];
  nodes[index] = change(nodes[index]!);
  return RatchetTree.decode(suiteOf(entry.cipher_suite), encode(WireTree, nodes));
}

function flipped(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.byteLength - 1]! ^= 1;
  return copy;
}

/** Parent hashes cover the leaves beside a path, their signatures too. */
function hasParentHashes(tree: RatchetTree): boolean {
  try {
    checkParentHashes(tree);
    return true;
  } catch {
    return false;
  }
}

testEntries<Entry>("mls/tree-validation.json", async (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const tree = RatchetTree.decode(suite, hex(entry.tree));
  const nodes = Array.from({ length: tree.nodeWidth }, (_, node) => node);
  expect(nodes.map((node) => tree.resolution(node))).toEqual(entry.resolutions);
  expect(nodes.map((node) => tree.treeHash(node).toString("hex"))).toEqual(entry.tree_hashes);
  expect(tree.encode().toString("hex")).toBe(entry.tree);

  const requirements = leafRequirements({ cipherSuite: entry.cipher_suite, extensions: [] });
  const treeHash = hex(entry.tree_hashes[tree.root]!);
  const expected = { suite, groupId: hex(entry.group_id), treeHash, requirements };
  await validateTree(tree, expected);
  const elsewhere = validateTree(tree, { ...expected, groupId: Buffer.from("another group") });
  await expect(elsewhere).rejects.toMatchObject({ code: "invalid", rule: "7.3/leaf-signature" });
  const otherHash = validateTree(tree, { ...expected, treeHash: flipped(treeHash) });
  await expect(otherHash).rejects.toMatchObject({ code: "invalid", rule: "7.8/tree-hash" });

  for (const [index, parent] of tree.parents()) {
    for (const field of ["encryptionKey", "parentHash"] as const) {
      const value = parent[field].byteLength > 0 ? flipped(parent[field]) : hex("00");
      const other = altered(entry, index, (node) => {
        if (!("parentNode" in node)) throw new Error("not a parent");
        return { ...node, parentNode: { ...node.parentNode, [field]: value } };
      });
      expect(() => checkParentHashes(other)).toThrow(expect.objectContaining({ rule: "7.9.2/parent-hash" }));
    }
  }
  let unchained = 0;
  for (const [leafIndex] of tree.members()) {
    const other = altered(entry, 2 * leafIndex, (node) => {
      if (!("leafNode" in node)) throw new Error("not a leaf");
      return { ...node, leafNode: { ...node.leafNode, signature: flipped(node.leafNode.signature) } };
    });
    if (!hasParentHashes(other)) continue;
    unchained++;
    const refused = validateTree(other, { ...expected, treeHash: other.treeHash() });
    await expect(refused).rejects.toMatchObject({ code: "invalid", rule: "7.3/leaf-signature" });
  }
  // That of the last committer at least, and of those who came after.
  expect(unchained).toBeGreaterThan(0);
});
