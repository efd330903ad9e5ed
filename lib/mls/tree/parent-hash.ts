// RFC 9420 §7.9.
import { encode } from "../../codec/index.js";
import { ParentHashInput } from "../objects/index.js";
import { refuse } from "../rules.js";
import { visitHighest } from "./block.js";
import { endLeaf, firstLeaf, isLeaf, leafIndex, left, right } from "./math.js";
import { parentHashOf, sameBytes, TreeLeaf, TreeParent } from "./node.js";
import type { RatchetTree } from "./ratchet-tree.js";
import { hashLeaf, hashParent, treeHash, type TreeHasher } from "./tree-hash.js";

/** The parent hash of a node, with the tree hash of its copath child as it was when the node was set. */
export function parentHash(
  hasher: TreeHasher,
  parent: { readonly encryptionKey: Uint8Array; readonly parentHash: Uint8Array },
  originalSiblingTreeHash: Uint8Array,
): Uint8Array {
  const { encryptionKey, parentHash } = parent;
  return hasher.hash(encode(ParentHashInput, { encryptionKey, parentHash, originalSiblingTreeHash }));
}

/**
 * RFC 9420 §7.9.2: refuses a tree in which a non-blank parent node is not chained to exactly one descendant by its parent
 * hash. Unmerged leaves must have been checked before (`checkUnmergedLeaves`).
 *
 * All nodes together take O(n log n): below a parent, only nodes up to the next non-blank ones are visited, and hashes of
 * subtrees without the unmerged leaves of a node above are kept for the next node above.
 */
export function checkParentHashes(tree: RatchetTree): void {
  const originals = new OriginalTreeHashes(tree);
  for (const [node, parent] of tree.parents()) {
    const links = childrenOf(node).filter(([child, sibling]) => isLinked(tree, originals, parent, child, sibling));
    if (links.length !== 1) refuse("7.9.2/parent-hash", `node ${node} has ${links.length} links`);
  }
}

function childrenOf(node: number): [child: number, sibling: number][] {
  return [
    [left(node), right(node)],
    [right(node), left(node)],
  ];
}

/** Whether a descendant on the side of `child` was set in the same update path as `parent`. */
function isLinked(
  tree: RatchetTree,
  originals: OriginalTreeHashes,
  parent: TreeParent,
  child: number,
  sibling: number,
): boolean {
  const unmerged = parent.unmergedLeaves;
  const hash = linkOf(tree, child, leavesUnder(unmerged, child));
  if (hash === undefined || hash.byteLength === 0) return false;
  const original = originals.get(sibling, leavesUnder(unmerged, sibling));
  return sameBytes(hash, parentHash(tree.suite, parent, original));
}

/**
 * The parent hash in the one node of the resolution of `child` that is not among the unmerged leaves; undefined where there
 * is no such node or more than one.
 */
function linkOf(tree: RatchetTree, child: number, unmerged: readonly number[]): Uint8Array | undefined {
  const expected = new Set(unmerged);
  let link: TreeLeaf | TreeParent | undefined;
  let seen = 0;
  const whole = visitHighest(tree.blocks, child, (index, node) => {
    if (node instanceof TreeLeaf && expected.has(leafIndex(index))) {
      seen++;
      return true;
    }
    if (link !== undefined) return false;
    link = node;
    if (node instanceof TreeLeaf) return true;
    const below = node.unmergedLeaves;
    seen += below.length;
    return below.every((leaf) => expected.has(leaf));
  });
  return whole && link !== undefined && seen === expected.size ? parentHashOf(link) : undefined;
}

/** The part of a sorted list of leaf indices that lies under a node. */
function leavesUnder(leaves: readonly number[], node: number): readonly number[] {
  if (leaves.length === 0) return leaves;
  const from = lowerBound(leaves, firstLeaf(node));
  const to = lowerBound(leaves, endLeaf(node));
  return from === 0 && to === leaves.length ? leaves : leaves.slice(from, to);
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** RFC 9420 §7.9: tree hashes of subtrees from which some leaves are taken. */
class OriginalTreeHashes {
  readonly #tree: RatchetTree;
  /** For each node the last leaves asked for; nodes above most often ask for the same. */
  readonly #last = new Map<number, { removed: readonly number[]; hash: Uint8Array }>();

  constructor(tree: RatchetTree) {
    this.#tree = tree;
  }

  /** `removed` are leaf indices under `node`, sorted. */
  get(node: number, removed: readonly number[]): Uint8Array {
    const { suite, blocks } = this.#tree;
    if (removed.length === 0) return treeHash(suite, blocks, node);
    if (isLeaf(node)) return hashLeaf(suite, leafIndex(node), null);
    const last = this.#last.get(node);
    if (last !== undefined && sameLeaves(last.removed, removed)) return last.hash;
    const children = [left(node), right(node)].map((child) => this.get(child, leavesUnder(removed, child)));
    const hash = hashParent(suite, without(this.#tree.parent(node), removed), children[0]!, children[1]!);
    this.#last.set(node, { removed, hash });
    return hash;
  }
}

function sameLeaves(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((leaf, i) => leaf === b[i]);
}

function without(parent: TreeParent | null, removed: readonly number[]): TreeParent | null {
  if (parent === null) return null;
  const gone = new Set(removed);
  const unmerged = parent.unmergedLeaves;
  const kept = unmerged.filter((leaf) => !gone.has(leaf));
  return kept.length === unmerged.length ? parent : parent.withUnmergedLeaves(kept);
}

/**
 * The parent nodes of an update path with their parent hashes, computed from the root to the leaf, and the parent hash of the
 * leaf (zero-length where there are no nodes). `path` goes from the leaf to the root and is the filtered direct path of the
 * leaf in `tree`, whose copath already is as after the commit.
 */
export function chainPath(
  tree: RatchetTree,
  path: readonly { readonly node: number; readonly copathChild: number; readonly encryptionKey: Uint8Array }[],
): { parents: [number, TreeParent][]; leafParentHash: Uint8Array } {
  const parents: [number, TreeParent][] = [];
  let above: Uint8Array = new Uint8Array(0);
  for (let i = path.length - 1; i >= 0; i--) {
    const { node, copathChild, encryptionKey } = path[i]!;
    const parent = { encryptionKey, parentHash: above, unmergedLeaves: [] };
    parents.push([node, TreeParent.of(parent)]);
    above = parentHash(tree.suite, parent, treeHash(tree.suite, tree.blocks, copathChild));
  }
  return { parents: parents.reverse(), leafParentHash: above };
}

/**
 * RFC 9420 §7.1, §12.4.3.1: refuses parent nodes whose unmerged leaves are out of order, blank, elsewhere, or not listed by a
 * parent node in between. Linear in the size of the tree: each list is looked at from the parent node next above only.
 */
export function checkUnmergedLeaves(tree: RatchetTree): void {
  for (const [node, parent] of tree.parents()) {
    const unmerged = parent.unmergedLeaves;
    for (let i = 0; i < unmerged.length; i++) {
      const leaf = unmerged[i]!;
      if (i > 0 && unmerged[i - 1]! >= leaf) refuse("7.1/unmerged-leaves-sorted", `node ${node}`);
      if (leaf < firstLeaf(node) || leaf >= endLeaf(node)) refuse("12.4.3.1/unmerged-leaf-descendant", `node ${node}`);
      if (tree.leaf(leaf) === null) refuse("12.4.3.1/unmerged-leaf-present", `node ${node}`);
    }
    if (unmerged.length > 0) checkListedBelow(tree, node, unmerged);
  }
}

/** The nearest non-blank parent nodes below must list those of the leaves that are theirs; they vouch for the nodes below them. */
function checkListedBelow(tree: RatchetTree, node: number, unmerged: readonly number[]): void {
  for (const child of [left(node), right(node)]) {
    visitHighest(tree.blocks, child, (index, below) => {
      if (below instanceof TreeLeaf) return true;
      const listed = new Set(below.unmergedLeaves);
      for (const leaf of leavesUnder(unmerged, index)) {
        if (!listed.has(leaf)) refuse("12.4.3.1/unmerged-leaf-listed", `node ${index}`);
      }
      return true;
    });
  }
}
