// RFC 9420 §7.3, §12.4.3.1: the validity of a tree as a whole, in time n log n.
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

/** Leaves decoded and signatures checked at once: enough for all cores, little enough for the memory and the event loop. */
const batch = 256;
/** Batches of signatures under way at once, so that the cores do not wait for this thread. */
const ahead = 2;

export interface TreeExpectations {
  readonly suite: Suite;
  readonly groupId: Uint8Array;
  /** The tree hash of the group context. */
  readonly treeHash: Uint8Array;
  readonly requirements: LeafRequirements;
}

/**
 * Validates the tree of a group that one is about to join: everything that RFC 9420 §12.4.3.1 asks for but the credentials.
 * Signatures are checked in parallel off the event loop.
 * @throws TinyMlsError `invalid` with the rule
 */
export async function validateTree(tree: RatchetTree, expected: TreeExpectations): Promise<void> {
  if (!sameBytes(tree.treeHash(), expected.treeHash)) refuse("7.8/tree-hash");
  checkUnmergedLeaves(tree);
  if (!tree.keys.allDiffer) checkKeysUnique(tree, occupied(tree));
  checkSupport(tree.support, expected.requirements);
  await checkLeaves(tree, expected, () => {
    checkParentHashes(tree);
    for (const [, parent] of tree.parents()) checkEncryptionKey(expected.suite, parent.encryptionKey);
  });
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

/** Each leaf on its own. This thread decodes leaves, and does `meanwhile` once, while other threads check signatures. */
async function checkLeaves(tree: RatchetTree, expected: TreeExpectations, meanwhile: () => void): Promise<void> {
  const running: Promise<void>[] = [];
  const batches = signatureBatches(tree, expected);
  for (const items of batches) {
    const checked = checkSignatures(expected.suite, items);
    checked.catch(() => undefined); // seen when it is awaited, unless something else refuses first
    if (running.push(checked) === ahead) {
      meanwhile();
      meanwhile = () => undefined;
      await running.shift();
    }
  }
  meanwhile();
  await Promise.all(running);
}

function* signatureBatches(tree: RatchetTree, expected: TreeExpectations): Generator<SignedItem[]> {
  const { suite, groupId, requirements } = expected;
  let items: SignedItem[] = [];
  for (const [leafIndex, leaf] of tree.members()) {
    const value = leaf.decode();
    checkLeaf(suite, value, requirements);
    items.push(leafSignature(leaf, value, groupId, leafIndex));
    if (items.length < batch) continue;
    yield items;
    items = [];
  }
  yield items;
}

async function checkSignatures(suite: Suite, items: readonly SignedItem[]): Promise<void> {
  const results = await suite.verifyWithLabelAll(items);
  if (!results.every((valid) => valid)) refuse("7.3/leaf-signature");
}
