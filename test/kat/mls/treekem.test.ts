import { expect } from "@jest/globals";
import { GroupContext, UpdatePath, decode, encode } from "tinymls/messages";
import { Secret } from "tinymls/crypto";
import { suiteOf, type Suite } from "#dist/mls/suite/index.js";
import { decryptPathSecret, decryptUpdatePath, mergeUpdatePath, type ReceivedPath } from "#dist/mls/tree/apply-path.js";
import { createUpdatePath } from "#dist/mls/tree/create-path.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import { leafNode } from "#dist/mls/tree/math.js";
import { TreePrivateKeys } from "#dist/mls/tree/private-keys.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";
import { deriveNodeKey } from "../../tree/node-key.js";

interface LeafPrivate {
  index: number;
  encryption_priv: string;
  signature_priv: string;
  path_secrets: { node: number; path_secret: string }[];
}
interface Entry {
  cipher_suite: number;
  group_id: string;
  epoch: number;
  confirmed_transcript_hash: string;
  ratchet_tree: string;
  leaves_private: LeafPrivate[];
  update_paths: {
    sender: number;
    update_path: string;
    path_secrets: (string | null)[];
    commit_secret: string;
    tree_hash_after: string;
  }[];
}

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const added: ReadonlySet<number> = new Set();

function withSecret<T>(hex: string, use: (secret: Secret) => T): T {
  const secret = Secret.from(bytes(hex));
  try {
    return use(secret);
  } finally {
    secret.dispose();
  }
}

function privateKeysOf(suite: Suite, tree: RatchetTree, leaf: LeafPrivate): TreePrivateKeys {
  const leafKey = withSecret(leaf.encryption_priv, (raw) => suite.hpkeKey(raw));
  const keys = new Map([[leafNode(leaf.index), leafKey]]);
  for (const { node, path_secret } of leaf.path_secrets) {
    keys.set(
      node,
      withSecret(path_secret, (secret) => deriveNodeKey(suite, secret)),
    );
  }
  for (const [node, key] of keys) expect(key.publicKey.equals(tree.node(node)!.encryptionKey)).toBe(true);
  return new TreePrivateKeys(leaf.index, keys);
}

testEntries<Entry>("mls/treekem.json", async (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const groupId = bytes(entry.group_id);
  const tree = RatchetTree.decode(suite, bytes(entry.ratchet_tree));
  // The leaves of all entries list suites 1 to 6, those of suite 7 too.
  const requirements = leafRequirements({ cipherSuite: 1, extensions: [] });
  const context = (treeHash: Uint8Array): Buffer =>
    encode(GroupContext, {
      version: 1,
      cipherSuite: entry.cipher_suite,
      groupId,
      epoch: BigInt(entry.epoch),
      treeHash,
      confirmedTranscriptHash: bytes(entry.confirmed_transcript_hash),
      extensions: [],
    });
  const members = entry.leaves_private.map((leaf) => privateKeysOf(suite, tree, leaf));
  expect(members.map(({ leafIndex }) => leafIndex)).toEqual([...tree.members()].map(([leafIndex]) => leafIndex));
  const before = heldHandles();

  for (const { sender, update_path, path_secrets, commit_secret, tree_hash_after } of entry.update_paths) {
    const path: ReceivedPath = { suite, tree, sender, added, updatePath: decode(UpdatePath, bytes(update_path)) };
    const merged = mergeUpdatePath(path, groupId, requirements);
    expect(merged.treeHash().toString("hex")).toBe(tree_hash_after);
    const [first, ...above] = path.updatePath.nodes;
    const otherKey = suite.generateHpkeKeyPair();
    const nodes = [{ ...first!, encryptionKey: otherKey.publicKey }, ...above];
    otherKey.dispose();
    const otherPath = { ...path, updatePath: { ...path.updatePath, nodes } };
    expect(() => mergeUpdatePath(otherPath, groupId, requirements)).toThrow(
      expect.objectContaining({ rule: "7.9.2/leaf-parent-hash" }),
    );
    for (const keys of members) {
      if (keys.leafIndex === sender) continue;
      const pathSecret = decryptPathSecret(path, keys, context(merged.treeHash()));
      expect(pathSecret.equals(bytes(path_secrets[keys.leafIndex]!))).toBe(true);
      pathSecret.dispose();
      const secrets = await decryptUpdatePath(path, keys, context(merged.treeHash()));
      expect(secrets.commitSecret.equals(bytes(commit_secret))).toBe(true);
      secrets.dispose();
    }

    const { signature_priv } = entry.leaves_private.find(({ index }) => index === sender)!;
    const signatureKey = withSecret(signature_priv, (raw) => suite.signatureKey(raw));
    const leaf = tree.leaf(sender)!.value;
    const made = await createUpdatePath({
      requirements,
      suite,
      tree,
      sender,
      leaf,
      signatureKey,
      groupId,
      added,
      groupContext: context,
    });
    const received = { ...path, updatePath: decode(UpdatePath, encode(UpdatePath, made.updatePath)) };
    const mergedNew = mergeUpdatePath(received, groupId, requirements);
    expect(mergedNew.encode().equals(made.tree.encode())).toBe(true);
    for (const keys of members) {
      if (keys.leafIndex === sender) continue;
      const secrets = await decryptUpdatePath(received, keys, context(mergedNew.treeHash()));
      expect(secrets.commitSecret.equals(made.secrets.commitSecret)).toBe(true);
      secrets.dispose();
    }
    made.secrets.dispose();
    signatureKey.dispose();
  }
  // What others left to the garbage collector may go meanwhile.
  expect(heldHandles()).toBe(before);
  for (const keys of members) keys.dispose();
});
