import { ancestor, level } from "./math.js";
import type { Support } from "./support.js";

// The nodes of a tree live in blocks of six levels: a block is a perfect subtree of 63 nodes with room for 64 blocks
// below. A path of a group of 50,000 members meets three blocks, so a version of the tree that differs from another in
// one path shares all but three blocks with it. Blocks without any node are absent.
//
// A block is changed in place only by the draft that owns it; all else that is written into it is a cache.

export const blockLevels = 6;
/** The place of a block's highest node. */
export const blockHead = 31;

export class Block<N> {
  owner: object | undefined;
  /** The level of the lowest nodes held here, a multiple of six. */
  readonly base: number;
  /** In order; a node's place is `localIndex`. */
  readonly nodes: (N | null)[];
  /** Two under each of the 32 lowest nodes; empty when those are leaves of the tree. */
  readonly children: (Block<N> | null)[];
  /** Non-blank nodes here and below. */
  occupied = 0;
  /** Non-blank leaves here and below. */
  leaves = 0;
  /** Cached node hashes, in order, of those nodes whose bit in `hashed` is set. */
  hashes: Uint8Array | undefined;
  readonly hashed = new Int32Array(2);
  /** Cached: what the members here and below support. */
  support: Support | undefined;

  constructor(base: number, owner: object | undefined) {
    this.base = base;
    this.owner = owner;
    this.nodes = new Array<N | null>(63).fill(null);
    this.children = base === 0 ? [] : new Array<Block<N> | null>(64).fill(null);
  }

  copyFor(owner: object): Block<N> {
    const copy = new Block<N>(this.base, owner);
    for (let i = 0; i < 63; i++) copy.nodes[i] = this.nodes[i]!;
    for (let i = 0; i < this.children.length; i++) copy.children[i] = this.children[i]!;
    copy.occupied = this.occupied;
    copy.leaves = this.leaves;
    copy.hashes = this.hashes?.slice();
    copy.hashed.set(this.hashed);
    return copy;
  }
}

/** The base of the block that holds the nodes of a level. */
export function baseOf(atLevel: number): number {
  return atLevel - (atLevel % blockLevels);
}

/** The place of a node, or of its ancestor on the block's lowest level, among the nodes of the block. */
export function localIndex(base: number, node: number): number {
  return (node >> base) & (level(node) < base ? 62 : 63);
}

/** The node index of a place in a block; `position` counts the blocks of the same base from the left. */
export function nodeIndex(base: number, position: number, local: number): number {
  return (position << (base + blockLevels)) | (local << base) | ((1 << base) - 1);
}

/** The block that holds a node, undefined where that is absent. */
export function blockOf<N>(root: Block<N>, node: number): Block<N> | undefined {
  const base = baseOf(level(node));
  let block: Block<N> | null | undefined = root;
  while (block && block.base > base) block = block.children[(node >> block.base) & 63];
  return block ?? undefined;
}

/** The block that holds a node, made where it is absent, so that hashes of blank nodes have a place. */
export function blockForHash<N>(root: Block<N>, node: number): Block<N> {
  const base = baseOf(level(node));
  let block = root;
  while (block.base > base) {
    block = block.children[(node >> block.base) & 63] ??= new Block<N>(block.base - blockLevels, undefined);
  }
  return block;
}

/** Puts a node where there is none, into blocks that no version of a tree shares yet. */
export function plant<N>(root: Block<N>, node: number, value: N): void {
  const base = baseOf(level(node));
  let block = root;
  for (;;) {
    block.occupied++;
    if ((node & 1) === 0) block.leaves++;
    if (block.base === base) break;
    block = block.children[(node >> block.base) & 63] ??= new Block<N>(block.base - blockLevels, undefined);
  }
  block.nodes[localIndex(base, node)] = value;
}

export function nodeAt<N>(root: Block<N>, node: number): N | null {
  const block = blockOf(root, node);
  return block === undefined ? null : block.nodes[localIndex(block.base, node)]!;
}

/** Whether a node and all of its descendants are blank. */
export function isBlankSubtree<N>(root: Block<N>, node: number): boolean {
  const block = blockOf(root, node);
  if (block === undefined || block.occupied === 0) return true;
  const local = localIndex(block.base, node);
  const reach = (1 << level(local)) - 1;
  for (let i = local - reach; i <= local + reach; i++) {
    if (block.nodes[i] !== null) return false;
  }
  if (block.base === 0) return true;
  for (let i = local - reach; i <= local + reach + 1; i++) {
    if ((block.children[i]?.occupied ?? 0) > 0) return false;
  }
  return true;
}

/**
 * Visits the highest non-blank nodes at or under `node` from left to right, until `visit` answers false.
 * Answers whether it visited all.
 */
export function visitHighest<N>(root: Block<N>, node: number, visit: (index: number, value: N) => boolean): boolean {
  const block = blockOf(root, node);
  if (block === undefined) return true;
  return visitIn(block, node >>> (block.base + blockLevels), localIndex(block.base, node), visit);
}

function visitIn<N>(
  block: Block<N>,
  position: number,
  local: number,
  visit: (index: number, value: N) => boolean,
): boolean {
  const value = block.nodes[local]!;
  if (value !== null) return visit(nodeIndex(block.base, position, local), value);
  if (block.occupied === 0) return true;
  if ((local & 1) === 1) {
    const step = 1 << (level(local) - 1);
    return visitIn(block, position, local - step, visit) && visitIn(block, position, local + step, visit);
  }
  if (block.base === 0) return true;
  for (const child of [local, local + 1]) {
    const below = block.children[child]!;
    if (below !== null && !visitIn(below, position * 64 + child, blockHead, visit)) return false;
  }
  return true;
}

/**
 * The sum of what `count` answers for the highest non-blank nodes at or under `node`, which is 1 for each leaf. Blocks that hold only
 * leaves are not gone over.
 */
export function sumHighest<N>(root: Block<N>, node: number, count: (value: N) => number): number {
  const block = blockOf(root, node);
  return block === undefined ? 0 : sumIn(block, localIndex(block.base, node), count);
}

function sumIn<N>(block: Block<N>, local: number, count: (value: N) => number): number {
  if (local === blockHead && block.occupied === block.leaves) return block.leaves;
  const value = block.nodes[local]!;
  if (value !== null) return count(value);
  if ((local & 1) === 1) {
    const step = 1 << (level(local) - 1);
    return sumIn(block, local - step, count) + sumIn(block, local + step, count);
  }
  if (block.base === 0) return 0;
  let sum = 0;
  for (const child of [local, local + 1]) {
    const below = block.children[child]!;
    if (below !== null) sum += sumIn(below, blockHead, count);
  }
  return sum;
}

/** The leftmost blank leaf of a tree of 2^depth leaves, undefined when all are taken. */
export function leftmostBlankLeaf<N>(root: Block<N>, depth: number): number | undefined {
  const width = 2 ** depth;
  if (root.leaves === width) return undefined;
  let block = root;
  let position = 0;
  while (block.base > 0) {
    const capacity = 1 << (block.base - 1);
    let child = 0;
    while (block.children[child]?.leaves === capacity) child++;
    position = position * 64 + child;
    const below = block.children[child];
    if (!below) return position * capacity;
    block = below;
  }
  let local = 0;
  while (block.nodes[local] !== null) local += 2;
  return position * 32 + local / 2;
}

/** The rightmost non-blank leaf, undefined when there is none. */
export function rightmostLeaf<N>(root: Block<N>): number | undefined {
  if (root.leaves === 0) return undefined;
  let block = root;
  let position = 0;
  while (block.base > 0) {
    let child = 63;
    while ((block.children[child]?.leaves ?? 0) === 0) child--;
    position = position * 64 + child;
    block = block.children[child]!;
  }
  let local = 62;
  while (block.nodes[local] === null) local -= 2;
  return position * 32 + local / 2;
}

/** For each place of a block, itself and the places above it as a set of bits. */
const pathBits = Array.from({ length: 63 }, (_, local) => {
  const bits = new Int32Array(2);
  for (let at = level(local); at < blockLevels; at++) mark(bits, ancestor(local, at));
  return bits;
});

function mark(bits: Int32Array, local: number): void {
  bits[local >> 5]! |= 1 << (local & 31);
}

export function isHashed(block: Block<unknown>, local: number): boolean {
  return (block.hashed[local >> 5]! & (1 << (local & 31))) !== 0;
}

export function markHashed(block: Block<unknown>, local: number): void {
  mark(block.hashed, local);
}

/** Forgets the hashes of a place and of those above it. */
export function forgetHashes(block: Block<unknown>, local: number): void {
  const bits = pathBits[local]!;
  block.hashed[0]! &= ~bits[0]!;
  block.hashed[1]! &= ~bits[1]!;
}
