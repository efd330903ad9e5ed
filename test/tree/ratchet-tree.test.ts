import { describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { leafNode } from "#dist/mls/tree/math.js";
import { TreeLeaf, TreeParent, type StoredNode } from "#dist/mls/tree/node.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { changedNodes, withChanges } from "#dist/mls/tree/tree-changes.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { countingHasher, sha256, treeLeaf, unsignedLeaf } from "./fixtures.js";
import { encodeParent, ModelTree, type ModelParent } from "./model.js";

type Operation = { kind: "add" | "update" | "remove" | "path"; at: number };

const operations = fc.array(
  fc.record({
    kind: fc.constantFrom<Operation["kind"]>("add", "add", "add", "update", "remove", "path", "path"),
    at: fc.nat(10_000),
  }),
  { minLength: 1, maxLength: 120 },
);

function freshParent(): ModelParent {
  return { key: randomBytes(32), parentHash: randomBytes(32), unmerged: [] };
}

/** Applies an operation to both; a removal of the last member is left out. */
function apply(draft: TreeDraft, model: ModelTree, { kind, at }: Operation): void {
  const members = model.members;
  const member = members[at % members.length]!;
  const leaf = treeLeaf();
  const bytes = Buffer.from(leaf.bytes);
  if (kind === "add") {
    expect(draft.add(leaf)).toBe(model.add(bytes));
  } else if (kind === "update") {
    draft.update(member, leaf);
    model.update(member, bytes);
  } else if (kind === "remove") {
    if (members.length === 1) return;
    draft.remove(member);
    model.remove(member);
  } else {
    const made: ModelParent[] = [];
    model.setPath(member, bytes, (step) => (made[step] = freshParent()));
    const path = model.path(member).filter(({ parent }) => parent !== null);
    const order = model.inOrder();
    draft.setPath(
      member,
      leaf,
      path.map((node, i) => [order.indexOf(node), new TreeParent(encodeParent(made[i]!))] as const),
    );
  }
}

function expectSame(tree: RatchetTree, model: ModelTree): void {
  const order = model.inOrder();
  expect(tree.nodeWidth).toBe(order.length);
  expect([...tree.members()].map(([index]) => index)).toEqual(model.members);
  expect(tree.memberCount).toBe(model.members.length);
  order.forEach((node, index) => {
    const resolution = model.resolution(node);
    expect(tree.resolution(index)).toEqual(resolution);
    for (const excluded of [[], [0], [1, 3]]) {
      const left = resolution.filter((at) => at % 2 === 1 || !excluded.includes(at / 2));
      expect(tree.resolutionSize(index, new Set(excluded))).toBe(left.length);
    }
    expect(tree.isBlankSubtree(index)).toBe(model.resolution(node).length === 0);
    expect(tree.treeHash(index).equals(model.hash(node))).toBe(true);
  });
  expect(tree.encode().equals(model.encode())).toBe(true);
}

function start(): [RatchetTree, ModelTree] {
  const leaf = treeLeaf();
  const model = new ModelTree();
  model.add(Buffer.from(leaf.bytes));
  return [RatchetTree.create(sha256, leaf), model];
}

describe("against a model", () => {
  test("any operations give the same nodes, resolutions, hashes and encoding, one version for each", () => {
    fc.assert(
      fc.property(operations, (list) => {
        let [tree, model] = start();
        const versions: [RatchetTree, ModelTree][] = [[tree, model]];
        for (const operation of list) {
          const draft = new TreeDraft(tree);
          model = ModelTree.clone(model);
          apply(draft, model, operation);
          tree = draft.freeze();
          // Some versions are hashed at once, others only when later versions share their blocks.
          if (operation.at % 2 === 0) tree.treeHash();
          versions.push([tree, model]);
        }
        expectSame(tree, model);
        for (const [version, expected] of versions) {
          expect(version.treeHash().equals(expected.hash())).toBe(true);
          expect(version.encode().equals(expected.encode())).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("many operations in one draft give the same as one by one", () => {
    fc.assert(
      fc.property(operations, operations, (before, list) => {
        const [base, model] = start();
        const first = new TreeDraft(base);
        for (const operation of before) apply(first, model, operation);
        const tree = first.freeze();
        const encoded = tree.encode();
        const draft = new TreeDraft(tree);
        for (const operation of list) apply(draft, model, operation);
        expectSame(draft.freeze(), model);
        expect(tree.encode().equals(encoded)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test("the changes from one version to the next lead storage from one to the other", () => {
    fc.assert(
      fc.property(operations, operations, (before, list) => {
        let [tree, model] = start();
        const stored = new Map<number, StoredNode>([[0, tree.leaf(0)!]]);
        for (const some of [before, list.slice(0, 1), list]) {
          const draft = new TreeDraft(tree);
          model = ModelTree.clone(model);
          for (const operation of some) apply(draft, model, operation);
          const next = draft.freeze();
          const changes = changedNodes(tree, next);
          expectSame(withChanges(tree, next.depth, changes), model);
          for (const [index, node] of changes) {
            expect(next.node(index)).toBe(node);
            expect(tree.node(index)).not.toBe(node);
            if (node === null) stored.delete(index);
            else stored.set(index, node);
          }
          tree = next;
          const loaded = RatchetTree.load(sha256, tree.depth, new Map([...stored].reverse()));
          expectSame(loaded, model);
        }
        expect(changedNodes(tree, tree)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("filtered direct paths leave out nodes beside an empty resolution", () => {
    fc.assert(
      fc.property(operations, (list) => {
        const [base, model] = start();
        const draft = new TreeDraft(base);
        for (const operation of list) apply(draft, model, operation);
        const tree = draft.freeze();
        const order = model.inOrder();
        for (const member of model.members) {
          const place = model.leaves[member]!;
          const expected = model.path(member).flatMap((node) => {
            const copath = under(node.left, place) ? node.right : node.left;
            if (model.resolution(copath).length === 0) return [];
            return [{ node: order.indexOf(node), copathChild: order.indexOf(copath) }];
          });
          expect(tree.filteredDirectPath(member)).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("keys are found in exactly the nodes that hold them", () => {
    fc.assert(
      fc.property(operations, (list) => {
        const [base, model] = start();
        const draft = new TreeDraft(base);
        for (const operation of list) apply(draft, model, operation);
        const tree = draft.freeze();
        for (const [index, leaf] of tree.members()) {
          expect([...tree.nodesWith("encryption", leaf.encryptionKey)]).toEqual([leafNode(index)]);
          expect(tree.memberWithSignatureKey(leaf.signatureKey)).toBe(index);
          expect(tree.nodeWithEncryptionKey(leaf.signatureKey)).toBeUndefined();
        }
        for (const [index, parent] of tree.parents())
          expect(tree.nodeWithEncryptionKey(parent.encryptionKey)).toBe(index);
        for (const [, leaf] of base.members()) {
          const kept = [...tree.members()].some(([, other]) => other.bytes === leaf.bytes);
          expect(tree.nodeWithEncryptionKey(leaf.encryptionKey) !== undefined).toBe(kept);
        }
      }),
      { numRuns: 25 },
    );
  });
});

function under(node: ModelTree["root"], place: object): boolean {
  return "left" in node ? under(node.left, place) || under(node.right, place) : node === place;
}

describe("large trees", () => {
  const { tree, leaves } = flatTree(5000);

  test("members stand in the order of their addition", () => {
    expect(tree.memberCount).toBe(5000);
    expect(tree.leafWidth).toBe(8192);
    for (const index of [0, 1, 31, 32, 63, 64, 2047, 2048, 4999]) expect(tree.leaf(index)).toBe(leaves[index]);
    expect(tree.leaf(5000)).toBeNull();
  });

  test("an encoded tree reads back to the same tree", () => {
    const copy = RatchetTree.decode(sha256, tree.encode());
    expect(copy.encode().equals(tree.encode())).toBe(true);
    expect(copy.treeHash().equals(tree.treeHash())).toBe(true);
    expect(copy.memberWithSignatureKey(leaves[4711]!.signatureKey)).toBe(4711);
  });

  test("removing the right half halves the tree, at once or one by one", () => {
    const draft = new TreeDraft(tree);
    for (let index = 4999; index > 70; index--) draft.remove(index);
    for (let index = 69; index >= 0; index -= 3) draft.remove(index);
    const cut = draft.freeze();
    expect(cut.leafWidth).toBe(128);
    expect(cut.treeHash().equals(RatchetTree.decode(sha256, cut.encode()).treeHash())).toBe(true);
    const refill = new TreeDraft(cut);
    expect(refill.add(treeLeaf())).toBe(0);
    expect(refill.add(treeLeaf())).toBe(3);
    expect(tree.memberCount).toBe(5000);
  });

  test("a change in one leaf hashes one path and leaves the other version alone", () => {
    tree.treeHash();
    let hashed = 0;
    const counting = countingHasher(() => hashed++);
    const counted = RatchetTree.decode(counting, tree.encode());
    counted.treeHash();
    expect(hashed).toBe(counted.nodeWidth);
    hashed = 0;
    const draft = new TreeDraft(counted);
    draft.update(1234, treeLeaf());
    const next = draft.freeze();
    next.treeHash();
    expect(hashed).toBe(counted.depth + 1);
    expect(changedNodes(counted, next)).toEqual([[2468, next.leaf(1234)]]);
    hashed = 0;
    expect(counted.treeHash().equals(tree.treeHash())).toBe(true);
    expect(hashed).toBe(0);
  });

  function flatTree(members: number): { tree: RatchetTree; leaves: TreeLeaf[] } {
    const leaves = Array.from({ length: members }, () => treeLeaf());
    const draft = new TreeDraft(RatchetTree.create(sha256, leaves[0]!));
    for (const leaf of leaves.slice(1)) draft.add(leaf);
    return { tree: draft.freeze(), leaves };
  }
});

describe("edges", () => {
  test("a tree of one leaf", () => {
    const leaf = treeLeaf();
    const tree = RatchetTree.create(sha256, leaf);
    expect(tree.nodeWidth).toBe(1);
    expect(tree.filteredDirectPath(0)).toEqual([]);
    expect(tree.resolution(0)).toEqual([0]);
    expect(RatchetTree.decode(sha256, tree.encode()).treeHash()).toEqual(tree.treeHash());
  });

  test("indices outside the tree are blank", () => {
    const tree = RatchetTree.create(sha256, treeLeaf());
    for (const index of [1, 2, 2 ** 30, 2 ** 31, 2 ** 32 - 1, 2 ** 40, -1, 0.5, NaN]) {
      expect(tree.node(index)).toBeNull();
      expect(tree.leaf(index)).toBeNull();
    }
  });

  test("a place for an external joiner is the leftmost blank leaf, or a new one", () => {
    const draft = new TreeDraft(RatchetTree.create(sha256, treeLeaf()));
    expect(draft.allocateLeaf()).toBe(1);
    expect(draft.add(treeLeaf())).toBe(1);
    expect(draft.allocateLeaf()).toBe(2);
    const tree = draft.freeze();
    expect(tree.leafWidth).toBe(4);
    expect(tree.memberCount).toBe(2);
  });

  test("a blank leaf is not updated or removed, and a frozen draft does not change", () => {
    const tree = RatchetTree.create(sha256, treeLeaf());
    const before = tree.encode();
    const draft = new TreeDraft(tree);
    for (const index of [1, 7, 2 ** 32 - 1]) {
      expect(() => draft.update(index, treeLeaf())).toThrow(expect.objectContaining({ code: "usage" }));
      expect(() => draft.remove(index)).toThrow(expect.objectContaining({ code: "usage" }));
    }
    expect(draft.freeze().encode()).toEqual(before);
    expect(() => draft.add(treeLeaf())).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("a decoded leaf says what was encoded, and keeps no part of the input alive", () => {
    const leaf = unsignedLeaf({ leafNodeSource: 3, parentHash: randomBytes(32), lifetime: undefined } as never);
    const kept = RatchetTree.decode(sha256, RatchetTree.create(sha256, TreeLeaf.of(leaf)).encode()).leaf(0)!;
    expect(Buffer.from(kept.encryptionKey)).toEqual(leaf.encryptionKey);
    expect(Buffer.from(kept.signatureKey)).toEqual(leaf.signatureKey);
    expect(kept.value.leafNodeSource).toBe(3);
    expect(kept.bytes.buffer.byteLength).toBe(kept.bytes.byteLength);
  });
});
