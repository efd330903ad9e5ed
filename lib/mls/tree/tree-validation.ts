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
  checkKeysUnique(tree, occupied(tree));
  checkSupport(tree.support, expected.requirements);
  checkParentHashes(tree);
  for (const [, parent] of tree.parents()) checkEncryptionKey(expected.suite, parent.encryptionKey);
  await checkLeaves(tree, expected);
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

/** Each leaf on its own. A batch is decoded while the signatures of the one before are being checked. */
async function checkLeaves(tree: RatchetTree, { suite, groupId, requirements }: TreeExpectations): Promise<void> {
  let items: SignedItem[] = [];
  let running: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    await running;
    running = checkSignatures(suite, items);
    running.catch(() => undefined); // seen at the next await
    items = [];
  };
  for (const [leafIndex, leaf] of tree.members()) {
    const value = leaf.decode();
    checkLeaf(suite, value, requirements);
    items.push(leafSignature(leaf, value, groupId, leafIndex));
    if (items.length === batch) await start();
  }
  await start();
  await running;
}

async function checkSignatures(suite: Suite, items: readonly SignedItem[]): Promise<void> {
  const results = await suite.verifyWithLabelAll(items);
  if (!results.every((valid) => valid)) refuse("7.3/leaf-signature");
}
