// The ratchet tree at rest: a snapshot, and a log of what each commit changed since (RFC 9420 §7.5: nodes of a path, not the tree).
import type { Suite } from "../suite/index.js";
import { changedNodes, leafNode, RatchetTree, withChanges, type StoredNode } from "../tree/index.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSnapshot } from "./record-snapshot.js";
import { decodeNodes, encodeNodes, type StoredNodes } from "./tree-encoding.js";

const snapshotName = "tree";
const logName = "tree";
/** Octets that the log may have: of a small tree, and in parts of the snapshot, so that loading takes half as long again at most. */
const smallLog = 16 * 1024;
const largestLog = 1 / 2;

/** What is stored of the tree of a group. */
export class TreeRecords {
  /** As it is stored; undefined before the first time. */
  #tree: RatchetTree | undefined;
  #snapshotLength = 0;
  #logLength = 0;

  save(changes: RecordChanges, tree: RatchetTree): void {
    if (tree === this.#tree) return;
    const delta = this.#tree === undefined ? undefined : encodeTreeChanges(this.#tree, tree);
    this.#tree = tree;
    if (delta !== undefined && this.#logLength + delta.byteLength <= this.#roomInLog) {
      this.#logLength += delta.byteLength;
      changes.append(logName, { bytes: delta });
      return;
    }
    const snapshot = encodeNodes(tree.depth, nodesOf(tree));
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = 0;
    changes.putLarge(snapshotName, snapshot);
    changes.empty(logName);
  }

  get #roomInLog(): number {
    return Math.max(this.#snapshotLength * largestLog, smallLog);
  }

  load(records: RecordSnapshot, suite: Suite): RatchetTree {
    const snapshot = records.readLarge(snapshotName);
    const nodes: StoredNodes = new Map();
    let depth = decodeNodes(snapshot, nodes);
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = 0;
    for (const changed of records.readPublicLog(logName)) {
      depth = decodeNodes(changed, nodes);
      this.#logLength += changed.byteLength;
    }
    return (this.#tree = RatchetTree.load(suite, depth, nodes));
  }
}

function* nodesOf(tree: RatchetTree): Generator<readonly [number, StoredNode]> {
  for (const [leafIndex, leaf] of tree.members()) yield [leafNode(leafIndex), leaf];
  yield* tree.parents();
}

/** What leads from one version of a tree to another. */
export function encodeTreeChanges(from: RatchetTree, to: RatchetTree): Buffer {
  return encodeNodes(to.depth, changedNodes(from, to));
}

/** The version of a tree that encoded changes lead to. */
export function applyTreeChanges(from: RatchetTree, changes: Buffer): RatchetTree {
  const nodes: StoredNodes = new Map();
  const depth = decodeNodes(changes, nodes);
  return withChanges(from, depth, nodes);
}
