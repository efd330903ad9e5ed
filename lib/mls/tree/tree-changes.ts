// What differs between two versions of a tree, for storage: a commit writes the nodes of a path, not the tree.
import { blockLevels, nodeIndex, type Block } from "./block.js";
import { BlockDraft } from "./block-draft.js";
import { storedNode, type StoredNode, type TreeNode } from "./node.js";
import { RatchetTree } from "./ratchet-tree.js";
import { SharedSupport } from "./support.js";

type MaybeBlock = Block<TreeNode> | null;

/**
 * Node indices and new nodes (null where blank now) of all that differs from `before` to `after`. Costs time for the blocks that
 * the two do not share, not for the whole tree.
 */
export function changedNodes(before: RatchetTree, after: RatchetTree): [number, TreeNode | null][] {
  const changes: [number, TreeNode | null][] = [];
  const base = Math.max(before.blocks.base, after.blocks.base);
  compare(before.blocks, after.blocks, base, 0, changes);
  return changes;
}

function compare(
  a: MaybeBlock,
  b: MaybeBlock,
  base: number,
  position: number,
  changes: [number, TreeNode | null][],
): void {
  if (a === b) return;
  const [before, after] = [nodesAt(a, base), nodesAt(b, base)];
  for (let local = 0; local < 63; local++) {
    const node = after?.[local] ?? null;
    if (node !== (before?.[local] ?? null)) changes.push([nodeIndex(base, position, local), node]);
  }
  if (base === 0) return;
  for (let child = 0; child < 64; child++) {
    compare(childAt(a, base, child), childAt(b, base, child), base - blockLevels, position * 64 + child, changes);
  }
}

// The smaller of two trees stands at the left under blocks that it does not have.
function nodesAt(block: MaybeBlock, base: number): readonly (TreeNode | null)[] | undefined {
  return block?.base === base ? block.nodes : undefined;
}

function childAt(block: MaybeBlock, base: number, child: number): MaybeBlock {
  if (block?.base === base) return block.children[child]!;
  return child === 0 ? block : null;
}

/**
 * The version of a tree that differs from `tree` in these nodes, as storage kept them (null for blank). The encodings are kept; they are
 * trusted to be what `changedNodes` told.
 */
export function withChanges(
  tree: RatchetTree,
  depth: number,
  changes: Iterable<readonly [number, StoredNode | null]>,
): RatchetTree {
  const blocks = new BlockDraft(tree.blocks, tree.depth);
  const shared = new SharedSupport();
  while (blocks.depth < depth) blocks.extend();
  for (const [index, stored] of changes) {
    blocks.set(index, stored === null ? null : storedNode(stored, shared));
  }
  // Nothing is right of the tree any more: a valid tree ends at its last member (RFC 9420 §7.7).
  blocks.truncate(() => undefined);
  return new RatchetTree(tree.suite, blocks.depth, blocks.root);
}
