// RFC 9420 §7.5, §7.6, §12.4.2, §12.4.3.1: the receivers' side of TreeKEM.
import { TinyMlsError } from "../../errors.js";
import type { Secret } from "../../native/secret.js";
import { LeafNodeSource, type UpdatePath } from "../objects/index.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import {
  checkEncryptionKey,
  checkFreshEncryptionKey,
  checkLeaf,
  checkLeafNodeSource,
  checkLeafSignature,
  checkSupport,
  type LeafRequirements,
} from "./leaf-validation.js";
import { commonAncestor, directPath, leafNode } from "./math.js";
import { sameBytes, TreeLeaf } from "./node.js";
import { chainPath } from "./parent-hash.js";
import { derivePath, pathSecretLabel, type PathKeys } from "./path-secrets.js";
import type { TreePrivateKeys } from "./private-keys.js";
import type { RatchetTree } from "./ratchet-tree.js";
import type { PathNode } from "./resolution.js";
import { TreeDraft } from "./tree-draft.js";

export interface ReceivedPath {
  readonly suite: Suite;
  /** The tree after the proposals of the commit. */
  readonly tree: RatchetTree;
  /** The committer's leaf index; its leaf is blank when it joins by this commit. */
  readonly sender: number;
  readonly updatePath: UpdatePath;
  /** Leaf indices of the members added by this commit, for whom there is no ciphertext. */
  readonly added: ReadonlySet<number>;
}

/**
 * Checks all of an update path that can be checked without a private key, and merges it into the tree.
 * @returns the tree with the path in it
 * @throws TinyMlsError `invalid` with the rule
 */
export function mergeUpdatePath(path: ReceivedPath, groupId: Uint8Array, requirements: LeafRequirements): RatchetTree {
  const { suite, tree, sender, updatePath, added } = path;
  const { leafNode: value, nodes } = updatePath;
  const leaf = TreeLeaf.of(value);
  checkLeafNodeSource(value, LeafNodeSource.commit);
  checkLeaf(suite, value, requirements);
  const replaced = tree.leaf(sender);
  if (replaced !== null) checkFreshEncryptionKey("12.4.2/leaf-encryption-key", replaced, value);
  const filtered = tree.filteredDirectPath(sender);
  checkShape(path, filtered, added);
  for (const { encryptionKey } of nodes) checkEncryptionKey(suite, encryptionKey);
  checkPathKeysNew(path);
  checkLeafSignature(suite, leaf, groupId, sender);
  const steps = filtered.map(({ node, copathChild }, i) => {
    return { node, copathChild, encryptionKey: nodes[i]!.encryptionKey };
  });
  const { parents, leafParentHash } = chainPath(tree, steps);
  if (value.leafNodeSource === LeafNodeSource.commit && !sameBytes(value.parentHash, leafParentHash)) {
    refuse("7.9.2/leaf-parent-hash");
  }
  const draft = new TreeDraft(tree);
  draft.setPath(sender, leaf, parents);
  const merged = draft.freeze();
  checkSupport(merged.support, requirements);
  return merged;
}

/** RFC 9420 §7.6: one node for each node of the filtered direct path, one ciphertext for each recipient. */
function checkShape({ tree, updatePath }: ReceivedPath, filtered: PathNode[], added: ReadonlySet<number>): void {
  const { nodes } = updatePath;
  if (nodes.length !== filtered.length) refuse("7.6/path-length", `${nodes.length} for ${filtered.length} nodes`);
  filtered.forEach(({ copathChild }, i) => {
    const recipients = tree.resolutionSize(copathChild, added);
    const ciphertexts = nodes[i]!.encryptedPathSecret.length;
    if (ciphertexts !== recipients) refuse("7.6/ciphertext-count", `${ciphertexts} for ${recipients} recipients`);
  });
}

/** RFC 9420 §12.4.2, §7.3: the public keys of a path are new to the tree and differ from each other. */
function checkPathKeysNew({ tree, sender, updatePath }: ReceivedPath): void {
  const { leafNode: leaf, nodes } = updatePath;
  const seen = new Set<string>();
  for (const { encryptionKey } of [leaf, ...nodes]) {
    if (tree.nodeWithEncryptionKey(encryptionKey) !== undefined) refuse("12.4.2/path-keys-unique");
    seen.add(Buffer.from(encryptionKey).toString("latin1"));
  }
  if (seen.size !== nodes.length + 1) refuse("12.4.2/path-keys-unique");
  for (const other of tree.nodesWith("signature", leaf.signatureKey)) {
    if (other !== leafNode(sender)) refuse("7.3/signature-key-unique");
  }
}

/**
 * Decrypts the path secret meant for a member and derives the keys above it.
 * @param keys those of the tree after the proposals, which may have changed the member's own leaf
 * @param context the encoding of the provisional group context, with the hash of the merged tree
 * @throws TinyMlsError `undecryptable`; `invalid` by 7.4/path-secret-length, 7.5/derived-key
 */
export async function decryptUpdatePath(
  path: ReceivedPath,
  keys: TreePrivateKeys,
  context: Uint8Array,
): Promise<PathKeys> {
  const { suite, updatePath } = path;
  const { above, first } = stepsFor(path, keys);
  const secret = pathSecretAt(path, keys, context, first, above[0]!);
  const nodes = above.map(({ node }, i) => ({ node, encryptionKey: updatePath.nodes[first + i]!.encryptionKey }));
  return derivePath(suite, secret, nodes, { keepSecrets: false });
}

/** The path secret of the lowest node that a member shares with the sender. See `decryptUpdatePath`. */
export function decryptPathSecret(path: ReceivedPath, keys: TreePrivateKeys, context: Uint8Array): Secret {
  const { above, first } = stepsFor(path, keys);
  return pathSecretAt(path, keys, context, first, above[0]!);
}

function pathSecretAt(
  { suite, tree, updatePath, added }: ReceivedPath,
  keys: TreePrivateKeys,
  context: Uint8Array,
  first: number,
  step: PathNode,
): Secret {
  const recipients = tree.resolution(step.copathChild, added);
  const index = recipients.findIndex((node) => keys.get(node)?.publicKey.equals(tree.node(node)!.encryptionKey));
  if (index === -1) throw notForMember();
  const { kemOutput, ciphertext } = updatePath.nodes[first]!.encryptedPathSecret.at(index)!;
  const key = keys.get(recipients[index]!)!;
  try {
    return checkedPathSecret(suite, suite.decryptWithLabel(key, pathSecretLabel, context, kemOutput, ciphertext));
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "undecryptable") throw error;
    return refuse("7.6/path-secret-decryption", undefined, "undecryptable");
  }
}

/**
 * The nodes of the path from the one whose copath child is above the member, the lowest that both have in their direct paths; and which of
 * all it is.
 */
function stepsFor({ tree, sender }: ReceivedPath, keys: TreePrivateKeys): { above: PathNode[]; first: number } {
  const common = commonAncestor(leafNode(sender), leafNode(keys.leafIndex));
  const filtered = tree.filteredDirectPath(sender);
  const first = filtered.findIndex(({ node }) => node === common);
  if (first === -1) throw notForMember();
  return { above: filtered.slice(first), first };
}

// The sender itself, a member that this commit adds, or one that is not in the tree.
function notForMember(): TinyMlsError {
  return new TinyMlsError("usage", "the update path is not for this member", { component: "mls" });
}

/**
 * RFC 9420 §12.4.3.1: the keys that a new member derives from the path secret in its welcome, which is that of its lowest
 * common ancestor with the signer. The handle of `pathSecret` passes to the result, or is disposed of when this fails.
 * @throws TinyMlsError `invalid` by 7.4/path-secret-length, 7.5/derived-key
 */
export async function joinPath(
  suite: Suite,
  tree: RatchetTree,
  own: number,
  signer: number,
  pathSecret: Secret,
): Promise<PathKeys> {
  const common = commonAncestor(leafNode(own), leafNode(signer));
  const nodes = [common, ...directPath(common, tree.depth)].flatMap((node) => {
    const parent = tree.parent(node);
    return parent === null ? [] : [{ node, encryptionKey: parent.encryptionKey }];
  });
  const secret = checkedPathSecret(suite, pathSecret);
  if (nodes[0]?.node !== common) {
    secret.dispose();
    refuse("7.5/derived-key", "the common ancestor with the signer is blank");
  }
  return derivePath(suite, secret, nodes, { keepSecrets: false });
}

function checkedPathSecret(suite: Suite, secret: Secret): Secret {
  if (secret.byteLength === suite.Nh) return secret;
  secret.dispose();
  return refuse("7.4/path-secret-length");
}
