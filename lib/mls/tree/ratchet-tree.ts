// RFC 9420 §4.1, §12.4.3.3.
import { decode, encode, optional, vector, type Codec } from "../../codec/index.js";
import { EncodedNode, NodeType } from "../objects/index.js";
import { refuse } from "../rules.js";
import { Block, baseOf, isBlankSubtree, nodeAt, plant } from "./block.js";
import { KeyIndex, keyHash, type KeyKind } from "./key-index.js";
import { depthFor, isLeaf, leafNode, nodeWidth, root } from "./math.js";
import { sameBytes, storedNode, TreeLeaf, TreeParent, type StoredNode, type TreeNode } from "./node.js";
import { NodeShelf } from "./node-shelf.js";
import { filteredDirectPath, resolution, resolutionSize, type PathNode } from "./resolution.js";
import { bothSupport, noSupport, SharedSupport, supportOf, type Support } from "./support.js";
import { treeHash, type TreeHasher } from "./tree-hash.js";

/** Where the nodes go of the tree that is being read. */
let shelf = new NodeShelf();

/** A node as the tree keeps it: what else is read of it is not held, so that a large tree leaves little behind to collect. */
const KeptNode: Codec<TreeNode> = {
  ...EncodedNode,
  read: (r, parent) => {
    const left = r.end - r.offset - 1; // without the node type
    const node = EncodedNode.read(r, parent);
    if (node.nodeType === NodeType.parent) return new TreeParent(shelf.copy(node.parentNode.bytes, left));
    return shelf.leaf(shelf.copy(node.leafNode.bytes, left), supportOf(node.leafNode.value));
  },
  write: (w, node) => {
    w.uint8(node instanceof TreeLeaf ? NodeType.leaf : NodeType.parent);
    w.octets(node.bytes);
  },
  json: (node) => node.constructor.name,
};
const KeptTree = vector(optional(KeptNode));

/**
 * One version of a ratchet tree: never changes, and shares with other versions all that they have in common. `TreeDraft`
 * makes the next version. Caches of hashes fill as they are asked for.
 */
export class RatchetTree {
  readonly suite: TreeHasher;
  /** The tree has 2^depth leaves. */
  readonly depth: number;
  /** Leaves, blank ones too. */
  readonly leafWidth: number;
  /** Nodes, blank ones too. */
  readonly nodeWidth: number;
  #blocks: Block<TreeNode> | (() => RatchetTree);
  #keys: KeyIndex | undefined;

  /** @internal */
  constructor(suite: TreeHasher, depth: number, blocks: Block<TreeNode> | (() => RatchetTree), keys?: KeyIndex) {
    this.suite = suite;
    this.depth = depth;
    this.leafWidth = 1 << depth;
    this.nodeWidth = nodeWidth(depth);
    this.#blocks = blocks;
    this.#keys = keys;
  }

  /** The tree of a new group, whose only member is at leaf 0. */
  static create(suite: TreeHasher, leaf: TreeLeaf): RatchetTree {
    return RatchetTree.of(suite, [leaf]);
  }

  /**
   * Reads the body of a ratchet_tree extension; it is copied. What the nodes say is not validated: see `validateTree`.
   * @throws TinyMlsError `malformed`; `invalid` by 12.4.3.3/trailing-blank, 12.4.3.3/node-type or where very many nodes share a key
   */
  static decode(suite: TreeHasher, bytes: Uint8Array): RatchetTree {
    shelf = new NodeShelf();
    const nodes = decode(KeptTree, bytes);
    if (nodes.length === 0 || nodes[nodes.length - 1] === null) refuse("12.4.3.3/trailing-blank");
    nodes.forEach((node, index) => {
      if (node !== null && node instanceof TreeLeaf !== isLeaf(index)) refuse("12.4.3.3/node-type", `node ${index}`);
    });
    const tree = RatchetTree.of(suite, nodes);
    tree.#keys = keysIn(tree);
    return tree;
  }

  /**
   * A tree from its nodes as storage kept them, by node index, in any order. The encodings are kept; they are trusted to be those
   * of a valid tree of 2^depth leaves.
   */
  static load(suite: TreeHasher, depth: number, stored: ReadonlyMap<number, StoredNode | null>): RatchetTree {
    const root = new Block<TreeNode>(baseOf(depth), undefined);
    const shared = new SharedSupport();
    stored.forEach((node, index) => {
      if (node !== null) plant(root, index, storedNode(node, shared));
    });
    return new RatchetTree(suite, depth, root);
  }

  /** The tree that `make` makes when a node is first asked for: whoever loads a group to send needs none. */
  static deferred(suite: TreeHasher, depth: number, make: () => RatchetTree): RatchetTree {
    return new RatchetTree(suite, depth, make);
  }

  private static of(suite: TreeHasher, nodes: readonly (TreeNode | null)[]): RatchetTree {
    const depth = depthFor((nodes.length >> 1) + 1);
    const root = new Block<TreeNode>(baseOf(depth), undefined);
    nodes.forEach((node, index) => {
      if (node !== null) plant(root, index, node);
    });
    return new RatchetTree(suite, depth, root);
  }

  /** @internal */
  get blocks(): Block<TreeNode> {
    if (typeof this.#blocks === "function") this.#blocks = this.#blocks().blocks;
    return this.#blocks;
  }

  /** @internal Made when first asked for: a group that is loaded for its messages alone needs none. */
  get keys(): KeyIndex {
    return (this.#keys ??= keysIn(this));
  }

  /** The body of a ratchet_tree extension. */
  encode(): Buffer {
    const nodes: (TreeNode | null)[] = [];
    let last = 0;
    for (let index = 0; index < this.nodeWidth; index++) {
      const node = this.node(index);
      nodes.push(node);
      if (node !== null) last = index;
    }
    nodes.length = last + 1;
    return encode(KeptTree, nodes);
  }

  get root(): number {
    return root(this.depth);
  }

  /** Non-blank leaves. */
  get memberCount(): number {
    return this.blocks.leaves;
  }

  /** Non-blank nodes. */
  get nodeCount(): number {
    return this.blocks.occupied;
  }

  /** A node by its node index, null where it is blank or outside the tree. */
  node(index: number): TreeNode | null {
    return Number.isInteger(index) && index >= 0 && index < this.nodeWidth ? nodeAt(this.blocks, index) : null;
  }

  /** A leaf by its leaf index, null where it is blank or outside the tree. */
  leaf(leafIndex: number): TreeLeaf | null {
    return this.node(leafNode(leafIndex)) as TreeLeaf | null;
  }

  /** A parent node by its node index, null where it is blank, a leaf, or outside the tree. */
  parent(index: number): TreeParent | null {
    return isLeaf(index) ? null : (this.node(index) as TreeParent | null);
  }

  /** Leaf indices and leaves of all members, from left to right. */
  *members(): Generator<[number, TreeLeaf]> {
    for (let index = 0; index < this.leafWidth; index++) {
      const leaf = nodeAt(this.blocks, leafNode(index));
      if (leaf !== null) yield [index, leaf as TreeLeaf];
    }
  }

  /** Node indices and nodes of all non-blank parent nodes, from left to right. */
  *parents(): Generator<[number, TreeParent]> {
    for (let index = 1; index < this.nodeWidth; index += 2) {
      const parent = nodeAt(this.blocks, index);
      if (parent !== null) yield [index, parent as TreeParent];
    }
  }

  /** RFC 9420 §4.1.1: node indices; leaves in `excluded` (leaf indices) are left out. */
  resolution(node: number, excluded?: ReadonlySet<number>): number[] {
    return resolution(this.blocks, node, excluded);
  }

  /** How many nodes `resolution` answers. */
  resolutionSize(node: number, excluded: ReadonlySet<number>): number {
    return resolutionSize(this.blocks, node, excluded);
  }

  /** RFC 9420 §4.1.2, from the leaf to the root. */
  filteredDirectPath(leafIndex: number): PathNode[] {
    return filteredDirectPath(this.blocks, this.depth, leafIndex);
  }

  /** Whether a node and all below it are blank. */
  isBlankSubtree(node: number): boolean {
    return isBlankSubtree(this.blocks, node);
  }

  /** RFC 9420 §7.8, of the whole tree or of a node. */
  treeHash(node = this.root): Buffer {
    return Buffer.from(treeHash(this.suite, this.blocks, node));
  }

  /** What all members support. */
  get support(): Support {
    return supportIn(this.blocks);
  }

  /** The leaf index of a member with this signature key. */
  memberWithSignatureKey(key: Uint8Array): number | undefined {
    const [node] = this.nodesWith("signature", key);
    return node === undefined ? undefined : node >>> 1;
  }

  /** The index of a node with this encryption key. */
  nodeWithEncryptionKey(key: Uint8Array): number | undefined {
    return this.nodesWith("encryption", key)[0];
  }

  /** All nodes that hold a key; only leaves have signature keys. */
  nodesWith(kind: KeyKind, key: Uint8Array): number[] {
    return this.keys.candidates(keyHash(kind, key)).filter((index) => {
      const node = nodeAt(this.blocks, index)!;
      if (kind === "encryption") return sameBytes(node.encryptionKey, key);
      return node instanceof TreeLeaf && sameBytes(node.signatureKey, key);
    });
  }
}

function keysIn(tree: RatchetTree): KeyIndex {
  const keys = KeyIndex.empty(tree.blocks.occupied + tree.blocks.leaves);
  for (const [leafIndex, leaf] of tree.members()) enterKeys(keys, leafNode(leafIndex), leaf);
  for (const [index, parent] of tree.parents()) enterKeys(keys, index, parent);
  return keys;
}

/** A key in so many nodes is refused at once: finding places for more would take quadratic time. */
const mostAlike = 16;

/**
 * Enters the keys of a node into an index.
 * @throws TinyMlsError `invalid` where very many nodes have a key of it
 */
export function enterKeys(keys: KeyIndex, index: number, node: TreeNode): void {
  if (keys.insert(node.encryptionKeyHash, index) > mostAlike) refuse("7.3/encryption-key-unique");
  if (!(node instanceof TreeLeaf)) return;
  if (keys.insert(node.signatureKeyHash, index) > mostAlike) refuse("7.3/signature-key-unique");
}

/** Undoes `enterKeys`. */
export function removeKeys(keys: KeyIndex, index: number, node: TreeNode): void {
  keys.remove(node.encryptionKeyHash, index);
  if (node instanceof TreeLeaf) keys.remove(node.signatureKeyHash, index);
}

/** The support of the members in a block and below it. */
function supportIn(block: Block<TreeNode>): Support {
  if (block.support !== undefined) return block.support;
  const parts: Support[] = [];
  if (block.base === 0) {
    for (const node of block.nodes) if (node instanceof TreeLeaf) parts.push(node.support);
  }
  for (const child of block.children) if (child !== null && child.leaves > 0) parts.push(supportIn(child));
  const support = parts.length === 0 ? noSupport : parts.reduce((a, b) => bothSupport(a, b));
  block.support = support;
  return support;
}
