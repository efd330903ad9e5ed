// RFC 9420 §4.1.1 resolutions, §4.1.2 filtered direct paths.
import { isBlankSubtree, sumHighest, visitHighest, type Block } from "./block.js";
import { directPath, leafNode, sibling } from "./math.js";
import { TreeParent, type TreeNode } from "./node.js";

/** The node indices of the resolution of a node, without the leaves in `excluded`. */
export function resolution(blocks: Block<TreeNode>, node: number, excluded?: ReadonlySet<number>): number[] {
  const nodes: number[] = [];
  visitHighest(blocks, node, (index, value) => {
    if ((index & 1) === 1 || !excluded?.has(index >>> 1)) nodes.push(index);
    if (value instanceof TreeParent) {
      for (const leaf of value.unmergedLeaves) if (!excluded?.has(leaf)) nodes.push(leafNode(leaf));
    }
    return true;
  });
  return nodes;
}

/** How many nodes are in the resolution of a node. */
export function resolutionSize(blocks: Block<TreeNode>, node: number, excluded: ReadonlySet<number>): number {
  if (excluded.size > 0) return resolution(blocks, node, excluded).length;
  return sumHighest(blocks, node, (value) => (value instanceof TreeParent ? 1 + value.unmergedLeaves.length : 1));
}

/** A node of a filtered direct path. */
export interface PathNode {
  readonly node: number;
  /** Its child on the copath. */
  readonly copathChild: number;
}

/** The direct path of a leaf, from the leaf to the root, without nodes whose copath child has an empty resolution. */
export function filteredDirectPath(blocks: Block<TreeNode>, depth: number, leaf: number): PathNode[] {
  const path: PathNode[] = [];
  let below = leafNode(leaf);
  for (const node of directPath(below, depth)) {
    const copathChild = sibling(below);
    if (!isBlankSubtree(blocks, copathChild)) path.push({ node, copathChild });
    below = node;
  }
  return path;
}
