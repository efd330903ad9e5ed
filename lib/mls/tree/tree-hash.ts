// RFC 9420 §7.8. Hashes are cached in the blocks of the tree and recomputed where nodes below changed.
import { encode } from "../../codec/index.js";
import { NodeType, TreeHashInput } from "../objects/index.js";
import { Block, blockForHash, blockHead, blockLevels, isHashed, localIndex, markHashed, nodeIndex } from "./block.js";
import { level } from "./math.js";
import type { TreeLeaf, TreeNode, TreeParent } from "./node.js";

/** What the hashes of a tree need of a cipher suite. */
export interface TreeHasher {
  /** Octets of a hash. */
  readonly Nh: number;
  hash(...parts: Uint8Array[]): Uint8Array;
}

/** The tree hash of a node: a view on the cache, which must not be changed. */
export function treeHash(hasher: TreeHasher, blocks: Block<TreeNode>, node: number): Uint8Array {
  const block = blockForHash(blocks, node);
  return hashIn(hasher, block, node >>> (block.base + blockLevels), localIndex(block.base, node));
}

export function hashLeaf(hasher: TreeHasher, leafIndex: number, leaf: TreeLeaf | null): Uint8Array {
  const input = { nodeType: NodeType.leaf, leafNode: { leafIndex, leafNode: leaf } };
  return hasher.hash(encode(TreeHashInput, input));
}

export function hashParent(
  hasher: TreeHasher,
  parent: TreeParent | null,
  leftHash: Uint8Array,
  rightHash: Uint8Array,
): Uint8Array {
  const input = { nodeType: NodeType.parent, parentNode: { parentNode: parent, leftHash, rightHash } };
  return hasher.hash(encode(TreeHashInput, input));
}

function hashIn(hasher: TreeHasher, block: Block<TreeNode>, position: number, local: number): Uint8Array {
  const { Nh } = hasher;
  block.hashes ??= new Uint8Array(63 * Nh);
  const place = block.hashes.subarray(local * Nh, (local + 1) * Nh);
  if (isHashed(block, local)) return place;
  const value = block.nodes[local]!;
  const node = nodeIndex(block.base, position, local);
  if ((node & 1) === 0) {
    place.set(hashLeaf(hasher, node >>> 1, value as TreeLeaf | null));
  } else if ((local & 1) === 1) {
    const step = 1 << (level(local) - 1);
    const left = hashIn(hasher, block, position, local - step);
    place.set(hashParent(hasher, value as TreeParent | null, left, hashIn(hasher, block, position, local + step)));
  } else {
    const left = hashBelow(hasher, block, position, local);
    place.set(hashParent(hasher, value as TreeParent | null, left, hashBelow(hasher, block, position, local + 1)));
  }
  markHashed(block, local);
  return place;
}

/** The hash of the head of a block below, which is made where it is absent. */
function hashBelow(hasher: TreeHasher, block: Block<TreeNode>, position: number, child: number): Uint8Array {
  const below = (block.children[child] ??= new Block<TreeNode>(block.base - blockLevels, undefined));
  return hashIn(hasher, below, position * 64 + child, blockHead);
}
