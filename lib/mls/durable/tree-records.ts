// The ratchet tree at rest: a snapshot, and a log of what each commit changed since (RFC 9420 §7.5: nodes of a path, not the tree).
import type { Suite } from "../suite/index.js";
import { changedNodes, RatchetTree, withChanges } from "../tree/index.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSet } from "./record-set.js";

type Bytes = Uint8Array;
type Nodes = Iterable<readonly [number, { readonly bytes: Bytes } | null]>;

const snapshotName = "tree";
const logName = "tree";
/** Octets that the log may have: of a small tree, and in parts of the snapshot, so that loading takes half as long again at most. */
const smallLog = 16 * 1024;
const largestLog = 1 / 2;

/** What is stored of the tree of a group. */
export class TreeRecords {
  readonly #records: RecordSet;
  /** As it is stored; undefined before the first time. */
  #tree: RatchetTree | undefined;
  #snapshotLength = 0;
  #logLength = 0;

  constructor(records: RecordSet) {
    this.#records = records;
  }

  save(changes: RecordChanges, tree: RatchetTree): void {
    if (tree === this.#tree) return;
    const delta = this.#tree === undefined ? undefined : encodeTreeChanges(this.#tree, tree);
    this.#tree = tree;
    if (delta !== undefined && this.#logLength + delta.byteLength <= this.#roomInLog) {
      this.#logLength += delta.byteLength;
      changes.append(logName, { bytes: delta });
      return;
    }
    const snapshot = encodeNodes(tree.depth, [...tree.members()].map(asNode).concat([...tree.parents()]));
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = 0;
    changes.putLarge(snapshotName, snapshot);
    changes.empty(logName);
  }

  get #roomInLog(): number {
    return Math.max(this.#snapshotLength * largestLog, smallLog);
  }

  async load(suite: Suite): Promise<RatchetTree> {
    const snapshot = await this.#records.readLarge(snapshotName);
    const nodes = new Map<number, Bytes | null>();
    let depth = decodeNodes(snapshot, nodes);
    this.#snapshotLength = snapshot.byteLength;
    this.#logLength = 0;
    for (const changed of await this.#records.readPublicLog(logName)) {
      depth = decodeNodes(changed, nodes);
      this.#logLength += changed.byteLength;
    }
    const present = [...nodes].filter((node): node is [number, Bytes] => node[1] !== null);
    return (this.#tree = RatchetTree.load(suite, depth, present));
  }
}

const asNode = ([leafIndex, leaf]: readonly [number, { readonly bytes: Bytes }]): [
  number,
  { readonly bytes: Bytes },
] => {
  return [2 * leafIndex, leaf];
};

/** What leads from one version of a tree to another. */
export function encodeTreeChanges(from: RatchetTree, to: RatchetTree): Buffer {
  return encodeNodes(to.depth, changedNodes(from, to));
}

/** The version of a tree that encoded changes lead to. */
export function applyTreeChanges(from: RatchetTree, changes: Buffer): RatchetTree {
  const nodes = new Map<number, Bytes | null>();
  const depth = decodeNodes(changes, nodes);
  return withChanges(from, depth, nodes);
}

/** Depth (1 octet), then of each node its index (4), the length of its encoding (4, 0 for a blank one) and that. */
function encodeNodes(depth: number, nodes: Nodes): Buffer {
  const all = [...nodes];
  const out = Buffer.allocUnsafe(all.reduce((sum, [, node]) => sum + 8 + (node?.bytes.byteLength ?? 0), 1));
  let at = out.writeUInt8(depth, 0);
  for (const [index, node] of all) {
    at = out.writeUInt32BE(index, at);
    at = out.writeUInt32BE(node?.bytes.byteLength ?? 0, at);
    if (node === null) continue;
    out.set(node.bytes, at);
    at += node.bytes.byteLength;
  }
  return out;
}

function decodeNodes(encoded: Buffer, nodes: Map<number, Bytes | null>): number {
  for (let at = 1; at < encoded.byteLength;) {
    const index = encoded.readUInt32BE(at);
    const length = encoded.readUInt32BE(at + 4);
    at += 8;
    nodes.set(index, length === 0 ? null : encoded.subarray(at, (at += length)));
  }
  return encoded[0]!;
}
