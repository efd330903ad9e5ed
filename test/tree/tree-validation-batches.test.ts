import { beforeAll, expect, test } from "@jest/globals";
import type { LeafNode } from "tinymls/messages";
import { suiteOf } from "#dist/mls/suite/index.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import type { TreeLeaf } from "#dist/mls/tree/node.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { validateTree, type TreeExpectations } from "#dist/mls/tree/tree-validation.js";
import { TreeWorld } from "./world.js";

// So many that signatures are checked in several batches, the last of which has what would be too few for one more.
const members = 32 + 64 + 128 + 1;
const suite = suiteOf(1);
const requirements = leafRequirements({ cipherSuite: suite.id, extensions: [] });
let leaves: TreeLeaf[];

function leafSignedBy(strange: boolean): TreeLeaf {
  const world = new TreeWorld(suite);
  const [leaf, leafKey, signatureKey] = world.keyPackageLeaf();
  const stranger = suite.generateSignatureKeyPair();
  const signed = strange ? world.sign(leaf.value, stranger, 0) : leaf;
  stranger.dispose();
  leafKey.dispose();
  signatureKey.dispose();
  world.dispose();
  return signed;
}

beforeAll(() => {
  leaves = Array.from({ length: members }, () => leafSignedBy(false));
});

function treeWith(at?: number, leaf?: TreeLeaf): RatchetTree {
  const all = leaves.map((own, index) => (index === at ? leaf! : own));
  const draft = new TreeDraft(RatchetTree.create(suite, all[0]!));
  for (const each of all.slice(1)) draft.add(each);
  return draft.freeze();
}

function validate(tree: RatchetTree, expected: Partial<TreeExpectations> = {}): Promise<void> {
  const groupId = Buffer.from("group");
  return validateTree(tree, { suite, groupId, requirements, treeHash: tree.treeHash(), ...expected });
}

/** Asked about one credential after the other, some of them with a promise. */
function asking(refused?: number) {
  const asked: number[] = [];
  let waiting = 0;
  const checkCredential = (leaf: LeafNode, leafIndex: number): Promise<void> | undefined => {
    expect(waiting).toBe(0);
    expect(Buffer.from(leaf.signatureKey)).toEqual(Buffer.from(leaves[leafIndex]!.signatureKey));
    asked.push(leafIndex);
    if (leafIndex === refused) throw new Error("refused");
    if (leafIndex % 3 === 0) return undefined;
    waiting++;
    return new Promise((resolve) => setImmediate(() => resolve(void waiting--)));
  };
  return { asked, checkCredential };
}

test("each credential is asked about once, in the order of the tree, one after the other", async () => {
  const { asked, checkCredential } = asking();
  await validate(treeWith(), { checkCredential });
  expect(asked).toEqual(leaves.map((_, index) => index));
});

test("a refused credential ends it, wherever it is", async () => {
  for (const refused of [0, 31, 32, 100, members - 1]) {
    const { asked, checkCredential } = asking(refused);
    await expect(validate(treeWith(), { checkCredential })).rejects.toThrow("refused");
    expect(asked).toHaveLength(refused + 1);
  }
});

test("a signature that is not the member's is refused, wherever it is, and nobody is asked about it", async () => {
  for (const at of [0, 31, 32, 100, members - 1]) {
    const strange = leafSignedBy(true);
    const { asked, checkCredential } = asking();
    const refusal = { code: "invalid", rule: "7.3/leaf-signature" };
    await expect(validate(treeWith(at, strange), { checkCredential })).rejects.toMatchObject(refusal);
    expect(asked).not.toContain(at);
  }
});

test("the signature of the leaf that one has made oneself is taken as checked, and no other", async () => {
  const strange = leafSignedBy(true);
  await validate(treeWith(40, strange), { ownLeaf: Buffer.from(strange.bytes) });
  const ownLeaf = Buffer.from(strange.bytes);
  ownLeaf[ownLeaf.length - 1]! ^= 1;
  const refusal = { code: "invalid", rule: "7.3/leaf-signature" };
  await expect(validate(treeWith(40, strange), { ownLeaf })).rejects.toMatchObject(refusal);
});

test("a tree that does not hash as it should is refused before anyone is asked", async () => {
  const { asked, checkCredential } = asking();
  const refused = validate(treeWith(), { checkCredential, treeHash: Buffer.alloc(32) });
  await expect(refused).rejects.toMatchObject({ code: "invalid", rule: "7.8/tree-hash" });
  expect(asked).toEqual([]);
});
