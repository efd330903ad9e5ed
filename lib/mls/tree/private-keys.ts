// RFC 9420 §4.2: the private keys of the tree that one member knows.
import type { PrivateKey } from "../../native/keys.js";
import { directPath, leafNode } from "./math.js";
import { sameBytes } from "./node.js";
import type { RatchetTree } from "./ratchet-tree.js";

/** By node index. Nodes whose leaf or parent is set from a key not known to the member are not in it. */
export type NodeKeys = ReadonlyMap<number, PrivateKey>;

/** The same at rest. Owns the handles of their octets. */
export interface StoredNodeKeys {
  /** Gives the octets up, so at most once. */
  restore(): NodeKeys;
  dispose(): void;
}

/** The private keys of a member's leaf and of nodes above it. Owns their handles. */
export class TreePrivateKeys {
  readonly leafIndex: number;
  /** Restored when one is first asked for: messages need none of them. */
  #keys: NodeKeys | StoredNodeKeys;

  /** Takes over the handles. */
  constructor(leafIndex: number, keys: NodeKeys | StoredNodeKeys) {
    this.leafIndex = leafIndex;
    this.#keys = "restore" in keys ? keys : new Map(keys);
  }

  get(node: number): PrivateKey | undefined {
    return this.#restored.get(node);
  }

  /** In no order. */
  keys(): Iterable<PrivateKey> {
    return this.#restored.values();
  }

  /** From the leaf to the root. */
  entries(): [number, PrivateKey][] {
    return [...this.#restored].sort(([a], [b]) => a - b);
  }

  /**
   * The keys that go with another version of the tree: fresh ones (their handles pass to the stage), and of these those that the
   * tree still shows. Nothing is disposed before `merge` or `discard`.
   */
  stage(tree: RatchetTree, fresh: NodeKeys): StagedPrivateKeys {
    const keys = new Map<number, PrivateKey>();
    const take = (node: number): void => {
      const shown = tree.node(node)?.encryptionKey;
      if (shown === undefined) return;
      for (const key of [fresh.get(node), this.#restored.get(node)]) {
        if (key !== undefined && sameBytes(key.publicKey, shown)) return void keys.set(node, key);
      }
    };
    const leaf = leafNode(this.leafIndex);
    take(leaf);
    for (const node of directPath(leaf, tree.depth)) take(node);
    return new StagedPrivateKeys(this, new TreePrivateKeys(this.leafIndex, keys), [...fresh.values()]);
  }

  dispose(): void {
    if ("restore" in this.#keys) this.#keys.dispose();
    else for (const key of this.#keys.values()) key.dispose();
  }

  get #restored(): NodeKeys {
    if ("restore" in this.#keys) this.#keys = this.#keys.restore();
    return this.#keys;
  }
}

/** The private keys of an epoch to come, beside those of the current one. */
export class StagedPrivateKeys {
  readonly #current: TreePrivateKeys;
  readonly #next: TreePrivateKeys;
  readonly #fresh: readonly PrivateKey[];

  /** @internal */
  constructor(current: TreePrivateKeys, next: TreePrivateKeys, fresh: readonly PrivateKey[]) {
    this.#current = current;
    this.#next = next;
    this.#fresh = fresh;
  }

  /** The keys of the epoch to come, which stay this stage's own until `merge`. */
  get next(): TreePrivateKeys {
    return this.#next;
  }

  /**
   * The same stage one version of the tree further: a commit first changes leaves by its proposals, then a path. This stage is
   * not used any more.
   */
  advance(tree: RatchetTree, fresh: NodeKeys): StagedPrivateKeys {
    const { next } = this.#next.stage(tree, fresh);
    return new StagedPrivateKeys(this.#current, next, [...this.#fresh, ...fresh.values()]);
  }

  /** Makes the next keys the current ones and erases those that they replace. */
  merge(): TreePrivateKeys {
    const kept = new Set(this.#next.keys());
    for (const key of this.#current.keys()) if (!kept.has(key)) key.dispose();
    for (const key of this.#fresh) if (!kept.has(key)) key.dispose();
    return this.#next;
  }

  /** Erases the fresh keys; the current ones stay as they are. */
  discard(): void {
    for (const key of this.#fresh) key.dispose();
  }
}
