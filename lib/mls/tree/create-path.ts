// RFC 9420 §7.5, §7.6, §12.4.1: the committer's side of TreeKEM.
import type { PrivateKey } from "../../native/keys.js";
import { Secret } from "../../native/secret.js";
import { LeafNodeSource, type LeafNode, type UpdatePath } from "../objects/index.js";
import type { EncryptItem, Suite } from "../suite/index.js";
import { refuse } from "../rules.js";
import { checkLeaf, checkSupport, type LeafRequirements } from "./leaf-validation.js";
import { leafNode } from "./math.js";
import type { TreeLeaf } from "./node.js";
import { chainPath } from "./parent-hash.js";
import { derivePath, pathSecretLabel, type PathKeys } from "./path-secrets.js";
import type { RatchetTree } from "./ratchet-tree.js";
import { signLeaf } from "./sign-leaf.js";
import { TreeDraft } from "./tree-draft.js";

/** The fields of a leaf that its member chooses. */
export type LeafContent = Pick<LeafNode, "signatureKey" | "credential" | "capabilities" | "extensions">;

export interface NewPath {
  readonly suite: Suite;
  /** The tree after the proposals of the commit. */
  readonly tree: RatchetTree;
  /** The committer's leaf index; its leaf may be blank when it joins by this commit. */
  readonly sender: number;
  readonly leaf: LeafContent;
  /** The private key of `leaf.signatureKey`; borrowed. */
  readonly signatureKey: PrivateKey;
  readonly groupId: Uint8Array;
  /** What the group wants of the new leaf. */
  readonly requirements: LeafRequirements;
  /** Leaf indices of the members added by this commit, which get no ciphertext. */
  readonly added: ReadonlySet<number>;
  /** The encoding of the provisional group context, given the new tree hash. */
  readonly groupContext: (treeHash: Buffer) => Uint8Array;
}

export interface CreatedPath {
  /** The tree with the path in it. */
  readonly tree: RatchetTree;
  readonly updatePath: UpdatePath;
  /** The private keys of the leaf and of its path, the commit secret and the path secrets: the caller's to dispose. */
  readonly secrets: PathKeys;
}

/**
 * Updates the direct path of the committer. The new leaf is held to what its receivers will hold it to (§7.3). The key pairs of the path
 * are derived in one parallel batch and its ciphertexts made in another, off the event loop unless they are few.
 * @throws TinyMlsError `invalid` with the rule
 */
export async function createUpdatePath(path: NewPath): Promise<CreatedPath> {
  const { suite, tree, sender, added } = path;
  const filtered = tree.filteredDirectPath(sender);
  const leafKey = suite.generateHpkeKeyPair();
  const leafPair = [leafNode(sender), leafKey] as const;
  const secrets = await derivePath(suite, Secret.random(suite.Nh), filtered, { keepSecrets: true, leaf: leafPair });
  try {
    const nodes = filtered.map(({ node, copathChild }) => {
      return { node, copathChild, encryptionKey: secrets.publicKey(node) };
    });
    const { parents, leafParentHash } = chainPath(tree, nodes);
    const leaf = signedLeaf(path, leafKey.publicKey, leafParentHash);
    checkLeaf(suite, leaf.value, path.requirements);
    for (const other of tree.nodesWith("signature", leaf.signatureKey)) {
      if (other !== leafNode(sender)) refuse("7.3/signature-key-unique");
    }
    const draft = new TreeDraft(tree);
    draft.setPath(sender, leaf, parents);
    const merged = draft.freeze();
    checkSupport(merged.support, path.requirements);
    const recipients = nodes.map(({ copathChild }) => merged.resolution(copathChild, added));
    const context = path.groupContext(merged.treeHash());
    const items: EncryptItem[] = [];
    for (const [i, { node }] of nodes.entries()) {
      const plaintext = secrets.pathSecret(node)!;
      for (const recipient of recipients[i]!) {
        const publicKey = merged.node(recipient)!.encryptionKey;
        items.push({ publicKey, label: pathSecretLabel, context, plaintext });
      }
    }
    const sealed = await suite.encryptWithLabelAll(items);
    let at = 0;
    const pathNodes = nodes.map(({ encryptionKey }, i) => {
      return { encryptionKey, encryptedPathSecret: sealed.slice(at, (at += recipients[i]!.length)) };
    });
    return { tree: merged, updatePath: { leafNode: leaf.value, nodes: pathNodes }, secrets };
  } catch (error) {
    secrets.dispose();
    throw error;
  }
}

function signedLeaf(
  { suite, leaf, signatureKey, groupId, sender }: NewPath,
  encryptionKey: Uint8Array,
  parentHash: Uint8Array,
): TreeLeaf {
  const { signatureKey: publicKey, credential, capabilities, extensions } = leaf;
  const unsigned = {
    encryptionKey,
    signatureKey: publicKey,
    credential,
    capabilities,
    leafNodeSource: LeafNodeSource.commit,
    parentHash,
    extensions,
  };
  return signLeaf(suite, signatureKey, unsigned, { groupId, leafIndex: sender });
}
