import { describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { RatchetTree as RatchetTreeCodec, decode, encode } from "tinymls/messages";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { chainPath, checkParentHashes, checkUnmergedLeaves } from "#dist/mls/tree/parent-hash.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { countingHasher, sha256, treeLeaf, unsignedLeaf } from "./fixtures.js";

/** A commit of `sender` after `change`: fresh keys and right parent hashes, all but the signature. */
function commit(tree: RatchetTree, sender: number, change: (draft: TreeDraft) => void = () => undefined): RatchetTree {
  const proposals = new TreeDraft(tree);
  change(proposals);
  const changed = proposals.freeze();
  const path = changed.filteredDirectPath(sender).map((step) => ({ ...step, encryptionKey: randomBytes(32) }));
  const { parents, leafParentHash } = chainPath(changed, path);
  const draft = new TreeDraft(changed);
  const leaf = unsignedLeaf({ leafNodeSource: 3, parentHash: leafParentHash, lifetime: undefined } as never);
  draft.setPath(sender, TreeLeaf.of(leaf), parents);
  return draft.freeze();
}

function check(tree: RatchetTree): void {
  checkUnmergedLeaves(tree);
  checkParentHashes(tree);
}

/** The same tree with its nodes changed on the wire. */
function forged(tree: RatchetTree, change: (nodes: ReturnType<typeof nodesOf>) => void): RatchetTree {
  const nodes = nodesOf(tree);
  change(nodes);
  return RatchetTree.decode(sha256, encode(RatchetTreeCodec, nodes as never));
}

function nodesOf(tree: RatchetTree): { parentNode: ParentFields; leafNode: object }[] {
  return structuredClone(decode(RatchetTreeCodec, tree.encode())) as never;
}
interface ParentFields {
  encryptionKey: Uint8Array;
  parentHash: Uint8Array;
  unmergedLeaves: number[];
}

function groupOf(members: number): RatchetTree {
  const draft = new TreeDraft(RatchetTree.create(sha256, treeLeaf()));
  for (let i = 1; i < members; i++) draft.add(treeLeaf());
  return draft.freeze();
}

/** A group in which every member has committed. */
function populated(members: number): RatchetTree {
  let tree = groupOf(members);
  for (let sender = 0; sender < members; sender++) tree = commit(tree, sender);
  return tree;
}

const refusedBy = (rule: string): unknown => expect.objectContaining({ code: "invalid", rule });

describe("trees that commits made are valid", () => {
  test("whatever the order of adds, updates, removes and commits", () => {
    const steps = fc.array(
      fc.record({ adds: fc.nat(3), removed: fc.option(fc.nat(100)), updated: fc.option(fc.nat(100)), by: fc.nat(100) }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let tree = groupOf(4);
        for (const { adds, removed, updated, by } of list) {
          const members = [...tree.members()].map(([index]) => index);
          const sender = members[by % members.length]!;
          const others = members.filter((index) => index !== sender);
          const pick = (n: number | null) => (n === null || others.length < 2 ? undefined : others[n % others.length]);
          const out = pick(removed);
          const fresh = pick(updated);
          tree = commit(tree, sender, (draft) => {
            if (fresh !== undefined && fresh !== out) draft.update(fresh, treeLeaf());
            if (out !== undefined) draft.remove(out);
            for (let i = 0; i < adds; i++) draft.add(treeLeaf());
          });
          check(tree);
          check(RatchetTree.decode(sha256, tree.encode()));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("also when the root of the tree is what was below a root before", () => {
    let tree = populated(8);
    for (const gone of [7, 6, 5, 4]) {
      const draft = new TreeDraft(tree);
      draft.remove(gone);
      tree = draft.freeze();
    }
    expect(tree.leafWidth).toBe(4);
    expect(tree.parent(tree.root)!.parentHash).toHaveLength(32);
    check(tree);
  });

  test("the hashes of a whole tree are linear in its size, with many unmerged leaves too", () => {
    const perMember = [64, 512].map((members) => {
      let hashed = 0;
      const counting = countingHasher(() => hashed++);
      const holes = new TreeDraft(groupOf(members));
      for (let i = 1; i < members - 1; i += 2) holes.remove(i);
      let tree = holes.freeze();
      for (const [sender] of tree.members()) tree = commit(tree, sender);
      const draft = new TreeDraft(tree);
      for (let i = 1; i < members - 1; i += 2) draft.add(treeLeaf());
      const grown = draft.freeze();
      expect(grown.parent(grown.root)!.unmergedLeaves).toHaveLength(members / 2 - 1);
      check(RatchetTree.decode(counting, grown.encode()));
      return hashed / members;
    });
    expect(perMember[1]! / perMember[0]!).toBeLessThan(1.5);
  });
});

describe("7.9.2/parent-hash", () => {
  const tree = commit(commit(populated(8), 2), 5, (draft) => draft.add(treeLeaf()));

  test("any change of a parent node's key or hash breaks its chain", () => {
    check(tree);
    for (const [node, parent] of tree.parents()) {
      const otherKey = forged(tree, (nodes) => (nodes[node]!.parentNode.encryptionKey = randomBytes(32)));
      expect(() => checkParentHashes(otherKey)).toThrow(refusedBy("7.9.2/parent-hash"));
      if (parent.parentHash.byteLength === 0) continue;
      const otherHash = forged(tree, (nodes) => (nodes[node]!.parentNode.parentHash = randomBytes(32)));
      expect(() => checkParentHashes(otherHash)).toThrow(refusedBy("7.9.2/parent-hash"));
    }
  });

  test("a parent node that no one below vouches for, with an empty hash below", () => {
    const flat = groupOf(4);
    const alone = forged(flat, (nodes) => {
      nodes[1] = {
        nodeType: 2,
        parentNode: { encryptionKey: randomBytes(32), parentHash: new Uint8Array(0), unmergedLeaves: [] },
      } as never;
    });
    expect(() => checkParentHashes(alone)).toThrow(refusedBy("7.9.2/parent-hash"));
    const emptyHash = forged(alone, (nodes) => {
      const { lifetime: _, ...leaf } = nodes[0]!.leafNode as Record<string, unknown>;
      nodes[0]!.leafNode = { ...leaf, leafNodeSource: 3, parentHash: new Uint8Array(0) };
    });
    expect(() => checkParentHashes(emptyHash)).toThrow(refusedBy("7.9.2/parent-hash"));
  });

  test("a leaf that was not set by the path, put where the path went", () => {
    const draft = new TreeDraft(populated(4));
    const leaf = treeLeaf();
    draft.setPath(
      3,
      leaf,
      [...populated(4).parents()].filter(([node]) => node === 3 || node === 5),
    );
    expect(() => checkParentHashes(draft.freeze())).toThrow(refusedBy("7.9.2/parent-hash"));
  });

  test("a sibling subtree that changed after the parent node was set", () => {
    const changed = forged(tree, (nodes) => {
      const leaf = unsignedLeaf();
      nodes[0] = { nodeType: 1, leafNode: leaf } as never;
    });
    expect(() => checkParentHashes(changed)).toThrow(refusedBy("7.9.2/parent-hash"));
  });
});

describe("unmerged leaves", () => {
  // Leaves 4 and 6 are unmerged at nodes 7 (root) and 11, and each at the node just above it.
  const tree = commit(populated(8), 0, (draft) => {
    draft.remove(4);
    draft.remove(6);
  });
  const before = commit(commit(tree, 5), 7);
  const draft = new TreeDraft(before);
  draft.add(treeLeaf());
  draft.add(treeLeaf());
  const grown = draft.freeze();

  test("are accepted as adds leave them", () => {
    expect(grown.parent(7)!.unmergedLeaves).toEqual([4, 6]);
    expect(grown.parent(11)!.unmergedLeaves).toEqual([4, 6]);
    check(grown);
  });

  test.each<[string, number, number[]]>([
    ["7.1/unmerged-leaves-sorted", 7, [6, 4]],
    ["7.1/unmerged-leaves-sorted", 7, [4, 4, 6]],
    ["12.4.3.1/unmerged-leaf-descendant", 11, [3, 4, 6]],
    ["12.4.3.1/unmerged-leaf-descendant", 7, [4, 6, 8]],
    ["12.4.3.1/unmerged-leaf-descendant", 7, [4, 6, 0xffffffff]],
    ["12.4.3.1/unmerged-leaf-listed", 11, [4]],
    ["12.4.3.1/unmerged-leaf-listed", 11, []],
    ["7.9.2/parent-hash", 7, [4]],
  ])("%s: node %i with %j", (rule, node, unmergedLeaves) => {
    const wrong = forged(grown, (nodes) => (nodes[node]!.parentNode.unmergedLeaves = unmergedLeaves));
    expect(() => check(wrong)).toThrow(refusedBy(rule));
  });

  test("7.9.2/parent-hash: no list names them", () => {
    const silent = forged(grown, (nodes) => {
      for (const [node] of grown.parents()) nodes[node]!.parentNode.unmergedLeaves = [];
    });
    expect(() => check(silent)).toThrow(refusedBy("7.9.2/parent-hash"));
  });

  test("12.4.3.1/unmerged-leaf-present", () => {
    const wrong = forged(grown, (nodes) => (nodes[8] = null as never));
    expect(() => check(wrong)).toThrow(refusedBy("12.4.3.1/unmerged-leaf-present"));
  });
});

describe("the ratchet tree on the wire", () => {
  const tree = populated(4);

  test("12.4.3.3/node-type: a leaf in an odd place, a parent in an even one", () => {
    const nodes = nodesOf(tree);
    expect(() => forged(tree, (list) => (list[1] = nodes[0]!))).toThrow(refusedBy("12.4.3.3/node-type"));
    expect(() => forged(tree, (list) => (list[2] = nodes[1]!))).toThrow(refusedBy("12.4.3.3/node-type"));
  });

  test("12.4.3.3/trailing-blank: a blank node at the end, or no node at all", () => {
    expect(() => forged(tree, (list) => list.push(null as never))).toThrow(refusedBy("12.4.3.3/trailing-blank"));
    expect(() => forged(tree, (list) => (list.length = 0))).toThrow(refusedBy("12.4.3.3/trailing-blank"));
  });
});
