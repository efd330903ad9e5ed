// RFC 9420 §7.7, §12.1.1 to §12.1.3, §7.5: the changes that a commit makes to the tree.
import { TinyMlsError } from "../../errors.js";
import { leftmostBlankLeaf } from "./block.js";
import { BlockDraft } from "./block-draft.js";
import type { KeyIndex } from "./key-index.js";
import { directPath, leafNode, maxDepth } from "./math.js";
import { type TreeParent, type TreeLeaf, type TreeNode } from "./node.js";
import { enterKeys, RatchetTree, removeKeys } from "./ratchet-tree.js";

/** The next version of a tree in the making. The tree that it starts from does not change. */
export class TreeDraft {
  readonly #suite: RatchetTree["suite"];
  readonly #blocks: BlockDraft<TreeNode>;
  readonly #keys: KeyIndex;
  /** Unmerged leaves of parents that got new ones, written at the end so that many adds stay linear. */
  readonly #unmerged = new Map<number, number[]>();
  #done = false;

  constructor(tree: RatchetTree) {
    this.#suite = tree.suite;
    this.#blocks = new BlockDraft(tree.blocks, tree.depth);
    this.#keys = tree.keys.fork();
  }

  leaf(leafIndex: number): TreeLeaf | null {
    return leafIndex < 2 ** this.#blocks.depth ? (this.#blocks.get(leafNode(leafIndex)) as TreeLeaf | null) : null;
  }

  /**
   * RFC 9420 §12.1.1: puts a leaf at the leftmost blank place, extending the tree where there is none, and lists it as
   * unmerged above.
   * @returns its leaf index
   */
  add(leaf: TreeLeaf): number {
    const leafIndex = this.allocateLeaf();
    for (const node of directPath(leafNode(leafIndex), this.#blocks.depth)) this.#addUnmerged(node, leafIndex);
    this.#put(leafNode(leafIndex), leaf);
    return leafIndex;
  }

  /**
   * The leftmost blank leaf, after extending the tree where there is none: where a member that joins by an external
   * commit puts itself (RFC 9420 §12.4.3.2).
   */
  allocateLeaf(): number {
    this.#checkOpen();
    const blank = leftmostBlankLeaf(this.#blocks.root, this.#blocks.depth);
    if (blank !== undefined) return blank;
    if (this.#blocks.depth === maxDepth) {
      throw new TinyMlsError("exhausted", "the ratchet tree cannot grow any more", { component: "mls" });
    }
    this.#blocks.extend();
    return 2 ** (this.#blocks.depth - 1);
  }

  /** RFC 9420 §12.1.2: replaces a leaf and blanks its direct path. The leaf must not be blank. */
  update(leafIndex: number, leaf: TreeLeaf): void {
    this.#checkPresent(leafIndex);
    this.#blankDirectPath(leafIndex);
    this.#put(leafNode(leafIndex), leaf);
  }

  /** RFC 9420 §12.1.3: blanks a leaf and its direct path, then truncates the tree. The leaf must not be blank. */
  remove(leafIndex: number): void {
    this.#checkPresent(leafIndex);
    this.#blankDirectPath(leafIndex);
    this.#put(leafNode(leafIndex), null);
    this.#blocks.truncate((node, value) => {
      removeKeys(this.#keys, node, value);
      this.#unmerged.delete(node);
    });
  }

  /** RFC 9420 §7.5: blanks the direct path of a leaf, then sets the leaf and the nodes of its filtered direct path. */
  setPath(leafIndex: number, leaf: TreeLeaf, parents: Iterable<readonly [number, TreeParent]>): void {
    this.#checkOpen();
    this.#blankDirectPath(leafIndex);
    this.#put(leafNode(leafIndex), leaf);
    for (const [node, parent] of parents) this.#put(node, parent);
  }

  /** Ends the draft. */
  freeze(): RatchetTree {
    this.#checkOpen();
    for (const [node, leaves] of this.#unmerged) {
      const parent = this.#blocks.get(node) as TreeParent;
      this.#blocks.set(node, parent.withUnmergedLeaves(leaves));
    }
    this.#done = true;
    return new RatchetTree(this.#suite, this.#blocks.depth, this.#blocks.root, this.#keys);
  }

  #addUnmerged(node: number, leafIndex: number): void {
    let leaves = this.#unmerged.get(node);
    if (leaves === undefined) {
      const parent = this.#blocks.get(node) as TreeParent | null;
      if (parent === null) return;
      leaves = [...parent.unmergedLeaves];
      this.#unmerged.set(node, leaves);
    }
    let at = leaves.length;
    while (at > 0 && leaves[at - 1]! > leafIndex) at--;
    leaves.splice(at, 0, leafIndex);
  }

  #blankDirectPath(leafIndex: number): void {
    for (const node of directPath(leafNode(leafIndex), this.#blocks.depth)) this.#put(node, null);
  }

  #put(node: number, value: TreeNode | null): void {
    const old = this.#blocks.get(node);
    if (old !== null) removeKeys(this.#keys, node, old);
    if (value !== null) enterKeys(this.#keys, node, value);
    this.#unmerged.delete(node);
    this.#blocks.set(node, value);
  }

  #checkPresent(leafIndex: number): void {
    this.#checkOpen();
    if (this.leaf(leafIndex) !== null) return;
    throw new TinyMlsError("usage", `leaf ${leafIndex} is blank or outside the tree`, { component: "mls" });
  }

  #checkOpen(): void {
    if (this.#done) throw new TinyMlsError("usage", "the draft of the tree is frozen", { component: "mls" });
  }
}
