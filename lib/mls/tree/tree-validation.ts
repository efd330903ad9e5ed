// RFC 9420 §7.3, §12.4.3.1: the validity of a tree as a whole, in time n log n.
import type { LeafNode } from "../objects/index.js";
import { refuse } from "../rules.js";
import type { SignedItem, Suite } from "../suite/index.js";
import {
  checkEncryptionKey,
  checkLeaf,
  checkSupport,
  leafSignature,
  type LeafRequirements,
} from "./leaf-validation.js";
import { isLeaf } from "./math.js";
import { sameBytes, TreeLeaf } from "./node.js";
import { checkParentHashes, checkUnmergedLeaves } from "./parent-hash.js";
import type { RatchetTree } from "./ratchet-tree.js";

/**
 * Leaves decoded and signatures checked at once: few at first, so that the cores have work soon, never so many that memory and the
 * event loop feel it.
 */
const smallestBatch = 32;
const largestBatch = 256;
/** Batches under way at once, so that the cores do not wait for this thread. */
const ahead = 2;

export interface TreeExpectations {
  readonly suite: Suite;
  readonly groupId: Uint8Array;
  /** The tree hash of the group context. */
  readonly treeHash: Uint8Array;
  readonly requirements: LeafRequirements;
  /** A leaf that one has made and signed oneself, encoded: its signature is not checked again. */
  readonly ownLeaf?: Uint8Array | undefined;
  /** Done while other threads check the first signatures. What it throws ends the validation. */
  readonly meanwhile?: () => void;
}

/** What is left to ask the application about. */
export interface ValidLeaf {
  readonly leafIndex: number;
  readonly credential: LeafNode["credential"];
  readonly signatureKey: Uint8Array;
}

/**
 * Validates the tree of a group that one is about to join: everything that RFC 9420 §12.4.3.1 asks for but the credentials.
 * Signatures are checked in parallel off the event loop, while this thread does the rest.
 * @returns the leaves, from left to right
 * @throws TinyMlsError `invalid` with the rule
 */
export async function validateTree(tree: RatchetTree, expected: TreeExpectations): Promise<ValidLeaf[]> {
  const others = [
    () => {
      expected.meanwhile?.();
      if (!sameBytes(tree.treeHash(), expected.treeHash)) refuse("7.8/tree-hash");
      checkUnmergedLeaves(tree);
      if (!tree.keys.allDiffer) checkKeysUnique(tree, occupied(tree));
      checkSupport(tree.support, expected.requirements);
    },
    () => {
      checkParentHashes(tree);
      for (const [, parent] of tree.parents()) checkEncryptionKey(expected.suite, parent.encryptionKey);
    },
  ];
  const leaves: ValidLeaf[] = [];
  const running: Promise<void>[] = [];
  for (const members of batches(tree)) {
    const checked = checkLeaves(members, expected, leaves);
    checked.catch(() => undefined); // seen when it is awaited, unless something else refuses first
    others.shift()?.();
    if (running.push(checked) === ahead) await running.shift();
  }
  for (const other of others) other();
  for (const checked of running) await checked;
  return leaves;
}

function* occupied(tree: RatchetTree): Generator<number> {
  for (let index = 0; index < tree.nodeWidth; index++) if (tree.node(index) !== null) yield index;
}

/**
 * RFC 9420 §7.3, §12.4.3.1: refuses nodes that share a key with any other node of the tree. After a commit it is enough to
 * look at the nodes that it set.
 */
export function checkKeysUnique(tree: RatchetTree, nodes: Iterable<number>): void {
  for (const index of nodes) {
    const node = tree.node(index);
    if (node === null) continue;
    for (const other of tree.nodesWith("encryption", node.encryptionKey)) {
      if (other === index) continue;
      const rule = isLeaf(index) && isLeaf(other) ? "7.3/encryption-key-unique" : "12.4.3.1/encryption-key-unique";
      refuse(rule, `nodes ${index} and ${other}`);
    }
    if (!(node instanceof TreeLeaf)) continue;
    for (const other of tree.nodesWith("signature", node.signatureKey)) {
      if (other !== index) refuse("7.3/signature-key-unique", `nodes ${index} and ${other}`);
    }
  }
}

function* batches(tree: RatchetTree): Generator<[number, TreeLeaf][]> {
  let left = tree.memberCount;
  let size = smallestBatch;
  let batch: [number, TreeLeaf][] = [];
  for (const member of tree.members()) {
    batch.push(member);
    // What is left over would be too few to share among the cores.
    if (batch.length < size || left - batch.length < smallestBatch) continue;
    yield batch;
    left -= batch.length;
    batch = [];
    size = Math.min(2 * size, largestBatch);
  }
  if (batch.length > 0) yield batch;
}

/** Each leaf on its own; `leaves` is added to at once, and true when all of this has resolved. */
async function checkLeaves(
  members: readonly [number, TreeLeaf][],
  { suite, groupId, requirements, ownLeaf }: TreeExpectations,
  leaves: ValidLeaf[],
): Promise<void> {
  const items: SignedItem[] = [];
  for (const [leafIndex, leaf] of members) {
    const value = leaf.decode();
    checkLeaf(suite, value, requirements);
    const isOwn = ownLeaf !== undefined && sameBytes(leaf.bytes, ownLeaf);
    if (!isOwn) items.push(leafSignature(leaf, value, groupId, leafIndex));
    leaves.push({ leafIndex, credential: value.credential, signatureKey: value.signatureKey });
  }
  const results = await suite.verifyWithLabelAll(items);
  if (!results.every((valid) => valid)) refuse("7.3/leaf-signature");
}
