/** RFC 9420 §9: the tree of node secrets, expanded only where a leaf is used. */
import { TinyMlsError } from "../../errors.js";
import { disposeSecrets, type Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";

const left = Buffer.from("left");
const right = Buffer.from("right");

/**
 * Nodes are numbered from the root: 1, its children 2 and 3, those of n 2n and 2n+1, so that leaf i of a tree of width w is w+i.
 * A secret is held until one of its children is used, and then replaced by both: what is held never derives what was used.
 */
export class NodeSecrets {
  readonly #suite: Suite;
  readonly #width: number;
  readonly #held: Map<number, Secret>;
  /** Derived ahead by {@link lookAhead}; wiped by {@link forget}, or moved when the leaf is taken. */
  readonly #ahead = new Map<number, Secret>();

  /** Takes the handles over. */
  constructor(suite: Suite, leafCount: number, held: Map<number, Secret>) {
    this.#suite = suite;
    this.#held = held;
    this.#width = 2 ** Math.ceil(Math.log2(leafCount));
  }

  /**
   * Lends the secret of a leaf and changes nothing that {@link takeLeaf} would give. The nodes derived on the way are added to
   * `added`: {@link forget} them.
   */
  lookAhead(leafIndex: number, added: number[]): Secret {
    const leaf = this.#width + leafIndex;
    let node = leaf;
    while (node > 0 && !this.#held.has(node) && !this.#ahead.has(node)) node = parentOf(node);
    if (node === 0) throw consumed();
    let secret = this.#held.get(node) ?? this.#ahead.get(node)!;
    for (const child of below(node, leaf)) {
      secret = this.#derive(secret, child);
      this.#ahead.set(child, secret);
      added.push(child);
    }
    return secret;
  }

  /** Wipes what {@link lookAhead} derived. */
  forget(added: readonly number[]): void {
    for (const node of added) this.#takeAhead(node)?.dispose();
  }

  /** Gives the secret of a leaf away, and keeps those of its copath instead of the nodes above. */
  takeLeaf(leafIndex: number): Secret {
    const leaf = this.#width + leafIndex;
    const top = this.#heldAbove(leaf);
    if (top === 0) throw consumed();
    const siblings: [number, Secret][] = [];
    let secret = this.#held.get(top)!;
    try {
      for (const child of below(top, leaf)) {
        siblings.push([child ^ 1, this.#takeAhead(child ^ 1) ?? this.#derive(secret, child ^ 1)]);
        const next = this.#takeAhead(child) ?? this.#derive(secret, child);
        if (secret !== this.#held.get(top)) secret.dispose();
        secret = next;
      }
    } catch (error) {
      if (secret !== this.#held.get(top)) secret.dispose();
      for (const [, sibling] of siblings) sibling.dispose();
      throw error;
    }
    if (top !== leaf) this.#held.get(top)!.dispose();
    this.#held.delete(top);
    for (const [node, sibling] of siblings) this.#held.set(node, sibling);
    return secret;
  }

  /** Lent. */
  get(node: number): Secret | undefined {
    return this.#held.get(node);
  }

  /** Node and secret, lent. */
  held(): IterableIterator<[number, Secret]> {
    return this.#held.entries();
  }

  dispose(): void {
    disposeSecrets(this.#held.values());
    disposeSecrets(this.#ahead.values());
    this.#held.clear();
    this.#ahead.clear();
  }

  #derive(parent: Secret, child: number): Secret {
    return this.#suite.expandWithLabel(parent, "tree", child % 2 === 0 ? left : right, this.#suite.Nh);
  }

  #takeAhead(node: number): Secret | undefined {
    const secret = this.#ahead.get(node);
    this.#ahead.delete(node);
    return secret;
  }

  // The node itself or the lowest above it that is held; 0 for none.
  #heldAbove(node: number): number {
    while (node > 0 && !this.#held.has(node)) node = parentOf(node);
    return node;
  }
}

function consumed(): TinyMlsError {
  return new TinyMlsError("internal", "the secret of this leaf is consumed", { component: "mls" });
}

function parentOf(node: number): number {
  return node >>> 1;
}

/** The nodes under `top` on the way down to `leaf`, which is the last. */
function* below(top: number, leaf: number): Iterable<number> {
  const levels = Math.clz32(top) - Math.clz32(leaf);
  for (let up = levels - 1; up >= 0; up--) yield leaf >>> up;
}
