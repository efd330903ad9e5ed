import { Block, baseOf, blockLevels, forgetHashes, localIndex, nodeAt, nodeIndex, rightmostLeaf } from "./block.js";
import { depthFor, isLeaf, level, nodeWidth } from "./math.js";

/** A changing copy of a tree of blocks: it copies each block once, when first changed, and shares the others. */
export class BlockDraft<N> {
  root: Block<N>;
  depth: number;
  /** Blocks with this owner are this draft's own. */
  private readonly owner: object = {};

  constructor(root: Block<N>, depth: number) {
    this.root = root;
    this.depth = depth;
  }

  get(node: number): N | null {
    return nodeAt(this.root, node);
  }

  /** Puts a node, or blanks it, and forgets the hashes on its path to the root. */
  set(node: number, value: N | null): void {
    const old = this.get(node);
    if (old === null && value === null) return;
    const change = (value === null ? 0 : 1) - (old === null ? 0 : 1);
    const base = baseOf(level(node));
    let block = (this.root = this.own(this.root));
    for (;;) {
      const local = localIndex(block.base, node);
      this.touch(block, local, change, isLeaf(node));
      if (block.base === base) {
        block.nodes[local] = value;
        return;
      }
      const child = (node >> block.base) & 63;
      const below = block.children[child];
      block = block.children[child] = below ? this.own(below) : new Block<N>(block.base - blockLevels, this.owner);
    }
  }

  /** RFC 9420 §7.7: a blank root above the tree and a blank subtree at its right. */
  extend(): void {
    this.depth++;
    if (baseOf(this.depth) === this.root.base) return;
    const above = new Block<N>(this.root.base + blockLevels, this.owner);
    above.children[0] = this.root;
    above.occupied = this.root.occupied;
    above.leaves = this.root.leaves;
    this.root = above;
  }

  /** RFC 9420 §7.7: discards right halves without a non-blank leaf. `dropped` is told every other node that goes. */
  truncate(dropped: (node: number, value: N) => void): void {
    const rightmost = rightmostLeaf(this.root);
    const depth = depthFor((rightmost ?? 0) + 1);
    if (depth >= this.depth) return;
    this.clearFrom(nodeWidth(depth), dropped);
    while (this.root.base > baseOf(depth)) {
      this.root = this.root.children[0] ?? new Block<N>(this.root.base - blockLevels, this.owner);
    }
    this.root = this.own(this.root);
    this.root.children.fill(null, 2 ** Math.max(0, depth + 1 - this.root.base));
    this.depth = depth;
  }

  /** Blanks all nodes with an index from `start`; only subtrees that hold any are entered. */
  private clearFrom(start: number, dropped: (node: number, value: N) => void): void {
    const doomed: [number, N][] = [];
    const visit = (block: Block<N>, position: number): void => {
      if (block.occupied === 0) return;
      const origin = position * 2 ** (block.base + blockLevels);
      block.nodes.forEach((value, local) => {
        const node = nodeIndex(block.base, position, local);
        if (value !== null && node >= start) doomed.push([node, value]);
      });
      block.children.forEach((child, i) => {
        const end = origin + (i + 1) * 2 ** block.base;
        if (child !== null && end > start) visit(child, position * 64 + i);
      });
    };
    visit(this.root, 0);
    for (const [node, value] of doomed) {
      this.set(node, null);
      dropped(node, value);
    }
  }

  private touch(block: Block<N>, local: number, change: number, leaf: boolean): void {
    block.occupied += change;
    if (leaf) block.leaves += change;
    block.support = undefined;
    forgetHashes(block, local);
  }

  private own(block: Block<N>): Block<N> {
    return block.owner === this.owner ? block : block.copyFor(this.owner);
  }
}
