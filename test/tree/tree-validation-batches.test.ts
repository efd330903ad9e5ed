import { beforeAll, expect, test } from "@jest/globals";
import { suiteOf } from "#dist/mls/suite/index.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import type { TreeLeaf } from "#dist/mls/tree/node.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { validateTree, type TreeExpectations, type ValidLeaf } from "#dist/mls/tree/tree-validation.js";
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

function validate(tree: RatchetTree, expected: Partial<TreeExpectations> = {}): Promise<ValidLeaf[]> {
  const groupId = Buffer.from("group");
  return validateTree(tree, { suite, groupId, requirements, treeHash: tree.treeHash(), ...expected });
}

test("each leaf comes back once, in the order of the tree", async () => {
  const valid = await validate(treeWith());
  expect(valid.map(({ leafIndex }) => leafIndex)).toEqual(leaves.map((_, index) => index));
  for (const { leafIndex, signatureKey, credential } of valid) {
    const { value } = leaves[leafIndex]!;
    expect(Buffer.from(signatureKey)).toEqual(Buffer.from(value.signatureKey));
    expect(credential).toEqual(value.credential);
  }
});

test("a signature that is not the member's is refused, wherever it is", async () => {
  for (const at of [0, 31, 32, 100, members - 1]) {
    const refusal = { code: "invalid", rule: "7.3/leaf-signature" };
    await expect(validate(treeWith(at, leafSignedBy(true)))).rejects.toMatchObject(refusal);
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

test("a tree that does not hash as it should is refused, and what is done meanwhile refuses first", async () => {
  const treeHash = Buffer.alloc(32);
  await expect(validate(treeWith(), { treeHash })).rejects.toMatchObject({ code: "invalid", rule: "7.8/tree-hash" });
  const meanwhile = (): void => {
    throw new Error("refused");
  };
  await expect(validate(treeWith(), { treeHash, meanwhile })).rejects.toThrow("refused");
});
