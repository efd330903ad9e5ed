/** RFC 9420 §4, Appendix C: which parts of a ratchet tree a drawing shows, and where. */
import { depthFor, endLeaf, firstLeaf, left, level, right, root } from "../../mls/tree/math.js";
import type { RatchetTree } from "../../mls/objects/index.js";

/** What one subtree holds. */
export interface Census {
  readonly leaves: number;
  readonly members: number;
  /** Parents that are not blank. */
  readonly parents: number;
}

/** One thing drawn: a node, or a subtree folded into one shape. `x` counts columns, `y` rows from the top. */
export interface Item {
  readonly node: number;
  readonly x: number;
  readonly y: number;
  readonly folded: Census | undefined;
  readonly children: readonly Item[];
}

export interface Layout {
  readonly root: Item;
  readonly columns: number;
  readonly rows: number;
  readonly census: Census;
}

/** Counts below any node in constant time, after one pass over the tree. */
class Counter {
  private readonly members: Uint32Array;
  private readonly parents: Uint32Array;

  constructor(nodes: RatchetTree, leaves: number) {
    const sums = (first: number) => {
      const out = new Uint32Array(leaves + 1);
      for (let index = 0; index < leaves; index++) out[index + 1] = out[index]! + (nodes[2 * index + first] ? 1 : 0);
      return out;
    };
    this.members = sums(0);
    this.parents = sums(1);
  }

  below(node: number): Census {
    const [first, end] = [firstLeaf(node), endLeaf(node)];
    return {
      leaves: end - first,
      members: this.members[end]! - this.members[first]!,
      // Parents stand between the leaves: those of this subtree are the ones before its last leaf.
      parents: this.parents[end - 1]! - this.parents[first]!,
    };
  }
}

/** Folds subtrees, the lowest first, until at most `maxColumns` columns are left. Subtrees without a member are folded always. */
export function layOut(nodes: RatchetTree, maxColumns: number): Layout {
  const depth = depthFor(Math.ceil(nodes.length / 2));
  const counter = new Counter(nodes, 2 ** depth);
  const foldAt = (node: number, fold: number) =>
    level(node) > 0 && (level(node) <= fold || counter.below(node).members === 0);
  const columnsOf = (node: number, fold: number): number =>
    level(node) === 0 || foldAt(node, fold) ? 1 : columnsOf(left(node), fold) + columnsOf(right(node), fold);

  let fold = 0;
  while (fold < depth && columnsOf(root(depth), fold) > maxColumns) fold++;

  let columns = 0;
  const build = (node: number): Item => {
    const y = depth - level(node);
    if (foldAt(node, fold)) return { node, x: columns++, y, folded: counter.below(node), children: [] };
    if (level(node) === 0) return { node, x: columns++, y, folded: undefined, children: [] };
    const children = [build(left(node)), build(right(node))];
    return { node, x: (children[0]!.x + children[1]!.x) / 2, y, folded: undefined, children };
  };
  const top = build(root(depth));
  return { root: top, columns, rows: depth - fold + 1, census: counter.below(root(depth)) };
}
