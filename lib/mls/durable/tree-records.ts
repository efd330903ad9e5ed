// The ratchet tree at rest: of a small one all in the record of its epoch, of others a snapshot, and a log of what each commit changed since
// (RFC 9420 §7.5: nodes of a path, not the tree).
import type { Suite } from "../suite/index.js";
import { changedNodes, leafNode, RatchetTree, withChanges, type StoredNode } from "../tree/index.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSnapshot } from "./record-snapshot.js";
import { decodeNodes, depthOf, encodeNodes, type StoredNodes } from "./tree-encoding.js";

const snapshotName = "tree";
export const treeLog = "tree";
/** Nodes and octets that a tree has at most of which the record of the epoch takes all. */
const fewNodes = 32;
const fewOctets = 4 * 1024;
/** Octets that the log may have: of a small tree, and in parts of the snapshot, so that loading takes half as long again at most. */
const smallLog = 16 * 1024;
const largestLog = 1 / 2;

/** What is stored of the tree of a group. */
export class TreeRecords {
  /** As it is stored in records of its own; undefined where it is not. */
  #tree: RatchetTree | undefined;
  #snapshotLength = 0;
  #logLength = 0;

  /** Answers what the record of the epoch has to hold of the tree: all of a small one. */
  save(changes: RecordChanges, tree: RatchetTree): Buffer | undefined {
    if (tree === this.#tree) return undefined;
    const small = encodeSmall(tree);
    if (small === undefined) {
      this.#saveApart(changes, tree);
    } else if (this.#tree !== undefined) {
      this.#tree = undefined;
      changes.delete(snapshotName);
      changes.empty(treeLog);
    }
    return small;
  }

  /** @param small what the record of the epoch holds of it, if anything */
  load(records: RecordSnapshot, suite: Suite, small: Uint8Array | undefined): RatchetTree {
    if (small !== undefined) {
      this.#tree = undefined;
      return deferredTree(suite, [small]);
    }
    const snapshot = records.readLarge(snapshotName);
    const log = records.readPublicLog(treeLog);
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = log.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return (this.#tree = deferredTree(suite, [snapshot, ...log]));
  }

  #saveApart(changes: RecordChanges, tree: RatchetTree): void {
    const delta = this.#tree === undefined ? undefined : encodeTreeChanges(this.#tree, tree);
    this.#tree = tree;
    if (delta !== undefined && this.#logLength + delta.byteLength <= this.#roomInLog) {
      this.#logLength += delta.byteLength;
      changes.append(treeLog, { bytes: delta });
      return;
    }
    const snapshot = encodeNodes(tree.depth, nodesOf(tree));
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = 0;
    changes.putLarge(snapshotName, snapshot);
    changes.empty(treeLog);
  }

  get #roomInLog(): number {
    return Math.max(this.#snapshotLength * largestLog, smallLog);
  }
}

/** All of a tree that is small, undefined of another. */
function encodeSmall(tree: RatchetTree): Buffer | undefined {
  if (tree.nodeCount > fewNodes) return undefined;
  const encoded = encodeNodes(tree.depth, nodesOf(tree));
  return encoded.byteLength > fewOctets ? undefined : encoded;
}

function* nodesOf(tree: RatchetTree): Generator<readonly [number, StoredNode]> {
  for (const [leafIndex, leaf] of tree.members()) yield [leafNode(leafIndex), leaf];
  yield* tree.parents();
}

/** The tree of what was encoded one after the other. */
function deferredTree(suite: Suite, encoded: readonly Uint8Array[]): RatchetTree {
  const depth = depthOf(encoded[encoded.length - 1]!);
  return RatchetTree.deferred(suite, depth, () => {
    const nodes: StoredNodes = new Map();
    for (const each of encoded) decodeNodes(each, nodes);
    return RatchetTree.load(suite, depth, nodes);
  });
}

/** What leads from one version of a tree to another. */
export function encodeTreeChanges(from: RatchetTree, to: RatchetTree): Buffer {
  return encodeNodes(to.depth, changedNodes(from, to));
}

/** The version of a tree that encoded changes lead to. */
export function applyTreeChanges(from: RatchetTree, changes: Uint8Array): RatchetTree {
  const depth = depthOf(changes);
  return RatchetTree.deferred(from.suite, depth, () => {
    const nodes: StoredNodes = new Map();
    decodeNodes(changes, nodes);
    return withChanges(from, depth, nodes);
  });
}
