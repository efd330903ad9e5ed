// RFC 9420 §7.8. Hashes are cached in the blocks of the tree and recomputed where nodes below changed, a level of a block in
// one native call.
import { encode } from "../../codec/index.js";
import { NodeType, TreeHashInput } from "../objects/index.js";
import { Block, blockForHash, blockHead, blockLevels, isHashed, localIndex, markHashed, nodeIndex } from "./block.js";
import { copyHash, TreeHashInputs } from "./hash-inputs.js";
import { level } from "./math.js";
import type { TreeLeaf, TreeNode, TreeParent } from "./node.js";

/** What the hashes of a tree need of a cipher suite. */
export interface TreeHasher {
  /** Octets of a hash. */
  readonly Nh: number;
  hash(...parts: Uint8Array[]): Uint8Array;
  /** The hash of each of many inputs, joined, one after the other in `out`. */
  hashEach(joined: Uint8Array, lengths: Uint32Array, out: Uint8Array): void;
}

/** The tree hash of a node: a view on the cache, which must not be changed. */
export function treeHash(hasher: TreeHasher, blocks: Block<TreeNode>, node: number): Uint8Array {
  const block = blockForHash(blocks, node);
  const local = localIndex(block.base, node);
  hashUnder(hasher, block, node >>> (block.base + blockLevels), local);
  return hashAt(hasher, block, local);
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

function hashAt({ Nh }: TreeHasher, block: Block<TreeNode>, local: number): Uint8Array {
  return block.hashes!.subarray(local * Nh, (local + 1) * Nh);
}

/** Hashes what is not hashed yet of a node and all below it. */
function hashUnder(hasher: TreeHasher, block: Block<TreeNode>, position: number, local: number): void {
  if (isHashed(block, local)) return;
  block.hashes ??= new Uint8Array(63 * hasher.Nh);
  const reach = (1 << level(local)) - 1;
  if (block.base > 0) {
    for (let lowest = local - reach; lowest <= local + reach; lowest += 2) {
      if (!isHashed(block, lowest)) hashChildren(hasher, block, position, lowest);
    }
  }
  for (let step = 1; step <= reach + 1; step *= 2) {
    const places: number[] = [];
    for (let place = local - reach + step - 1; place <= local + reach; place += 2 * step) {
      if (!isHashed(block, place)) places.push(place);
    }
    hashPlaces(hasher, block, position, places);
  }
}

/** The heads of the two blocks under a lowest node; they are made where they are absent. */
function hashChildren(hasher: TreeHasher, block: Block<TreeNode>, position: number, lowest: number): void {
  for (const child of [lowest, lowest + 1]) {
    const below = (block.children[child] ??= new Block<TreeNode>(block.base - blockLevels, undefined));
    hashUnder(hasher, below, position * 64 + child, blockHead);
  }
}

const inputs = new TreeHashInputs();
const results = new Uint8Array(32 * 64);

/** Places of one level, whose children are hashed. */
function hashPlaces(hasher: TreeHasher, block: Block<TreeNode>, position: number, places: readonly number[]): void {
  if (places.length === 0) return;
  const { Nh } = hasher;
  const hashes = block.hashes!;
  inputs.clear();
  for (const place of places) {
    const node = nodeIndex(block.base, position, place);
    const value = block.nodes[place]!;
    if ((node & 1) === 0) {
      inputs.addLeaf(node >>> 1, value);
    } else if ((place & 1) === 1) {
      const step = 1 << (level(place) - 1);
      inputs.addParent(value, Nh, hashes, (place - step) * Nh, hashes, (place + step) * Nh);
    } else {
      const [left, right] = [block.children[place]!.hashes!, block.children[place + 1]!.hashes!];
      inputs.addParent(value, Nh, left, blockHead * Nh, right, blockHead * Nh);
    }
  }
  hasher.hashEach(inputs.joined, inputs.lengths, results.subarray(0, places.length * Nh));
  for (let i = 0; i < places.length; i++) {
    copyHash(Nh, results, i * Nh, hashes, places[i]! * Nh);
    markHashed(block, places[i]!);
  }
}
