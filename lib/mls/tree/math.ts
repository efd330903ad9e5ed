// RFC 9420 Appendix C: relations between the nodes of a perfect binary tree held as an in-order array.
// A node index is below 2^30 (at most 2^29 leaves), so that all of it is exact in 32-bit integer arithmetic.

/** A tree of 2^depth leaves is at most this deep. */
export const maxDepth = 29;

/** The level of a node: 0 for a leaf, one more than its children for a parent. */
export function level(node: number): number {
  return 31 - Math.clz32(~node & (node + 1));
}

export function isLeaf(node: number): boolean {
  return (node & 1) === 0;
}

/** The node index of a leaf index. */
export function leafNode(leafIndex: number): number {
  return leafIndex * 2;
}

/** The leaf index of a leaf's node index. */
export function leafIndex(node: number): number {
  return node >>> 1;
}

/** The depth of the smallest perfect tree that holds so many leaves. */
export function depthFor(leaves: number): number {
  return leaves <= 1 ? 0 : 32 - Math.clz32(leaves - 1);
}

/** The number of nodes of a tree with 2^depth leaves. */
export function nodeWidth(depth: number): number {
  return (2 << depth) - 1;
}

/** The root of a tree with 2^depth leaves. */
export function root(depth: number): number {
  return (1 << depth) - 1;
}

/** The left child of a parent node. */
export function left(node: number): number {
  return node ^ (1 << (level(node) - 1));
}

/** The right child of a parent node. */
export function right(node: number): number {
  return node ^ (3 << (level(node) - 1));
}

/** The parent of a node that is not the root. */
export function parent(node: number): number {
  return ancestor(node, level(node) + 1);
}

/** The other child of the parent of a node that is not the root. */
export function sibling(node: number): number {
  return node ^ (2 << level(node));
}

/** The node at a level, not below the node's own, whose subtree contains the node. */
export function ancestor(node: number, atLevel: number): number {
  return (((node >> (atLevel + 1)) << (atLevel + 1)) | ((1 << atLevel) - 1)) >>> 0;
}

/** The parents of a node from the nearest to the root. */
export function directPath(node: number, depth: number): number[] {
  const path: number[] = [];
  for (let at = level(node) + 1; at <= depth; at++) path.push(ancestor(node, at));
  return path;
}

/** The siblings of a node and of its direct path but for the root, in the order of the direct path. */
export function copath(node: number, depth: number): number[] {
  const path: number[] = [];
  for (let at = level(node); at < depth; at++) path.push(sibling(ancestor(node, at)));
  return path;
}

/** The lowest node whose subtree contains both nodes (possibly one of them). */
export function commonAncestor(a: number, b: number): number {
  let at = Math.max(level(a), level(b));
  while (ancestor(a, at) !== ancestor(b, at)) at++;
  return ancestor(a, at);
}

/** Whether `node` is `head` or one of its descendants. */
export function inSubtree(node: number, head: number): boolean {
  return Math.abs(node - head) < 1 << level(head);
}

/** The first leaf index under a node. */
export function firstLeaf(node: number): number {
  return (node - ((1 << level(node)) - 1)) >>> 1;
}

/** One past the last leaf index under a node. */
export function endLeaf(node: number): number {
  return firstLeaf(node) + (1 << level(node));
}
