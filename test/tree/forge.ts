import { encode, LeafNodeTBS, type LeafNode, type UpdatePath } from "tinymls/messages";
import { Secret, type PrivateKey } from "tinymls/crypto";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { chainPath } from "#dist/mls/tree/parent-hash.js";
import type { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { deriveNodeKey } from "./node-key.js";
import type { TreeWorld } from "./world.js";

/** Where a forger departs from RFC 9420 §7.5. What is not named is done right, and all is signed and encrypted as is. */
export interface Departure {
  /** The public keys of the path, from the leaf to the root. */
  readonly keys?: (keys: Buffer[]) => Buffer[];
  /** The plaintext for all recipients of the n-th node. */
  readonly pathSecret?: (secret: Secret, step: number) => Secret | Buffer;
  /** The fields of the leaf before it is signed. */
  readonly leaf?: (leaf: LeafNode) => object;
  /** The path after it is signed and encrypted. */
  readonly path?: (path: Forged) => void;
  /** Signs the leaf instead of its own key. */
  readonly signer?: PrivateKey;
  /** The leaf index that the signature names. */
  readonly signedIndex?: number;
}

export interface Forged {
  leafNode: LeafNode;
  nodes: { encryptionKey: Uint8Array; encryptedPathSecret: { kemOutput: Uint8Array; ciphertext: Uint8Array }[] }[];
}

/** An update path of a member who holds all keys and departs from the protocol where told. */
export async function forgePath(
  world: TreeWorld,
  sender: number,
  proposed: { tree: RatchetTree; added: ReadonlySet<number> },
  departure: Departure,
): Promise<UpdatePath> {
  const { suite } = world;
  const { tree, added } = proposed;
  const filtered = tree.filteredDirectPath(sender);
  const secrets = pathSecrets(world, filtered.length);
  const rightKeys = secrets.map((secret) => publicKeyOf(world, secret));
  const keys = departure.keys?.(rightKeys) ?? rightKeys;
  const steps = filtered.map((step, i) => ({ ...step, encryptionKey: keys[i]! }));
  const { parents, leafParentHash } = chainPath(tree, steps);
  const leaf = forgeLeaf(world, sender, leafParentHash, departure);
  const draft = new TreeDraft(tree);
  draft.setPath(sender, TreeLeaf.of(leaf), parents);
  const context = world.context(draft.freeze().treeHash());
  const nodes = steps.map(({ copathChild, encryptionKey }, i) => {
    const plaintext = departure.pathSecret?.(secrets[i]!, i) ?? secrets[i]!;
    const recipients = tree.resolution(copathChild, added).map((node) => tree.node(node)!.encryptionKey);
    const seal = (key: Uint8Array) => suite.encryptWithLabel(key, "UpdatePathNode", context, plaintext);
    return { encryptionKey, encryptedPathSecret: recipients.map(seal) };
  });
  for (const secret of secrets) secret.dispose();
  const path: Forged = { leafNode: leaf, nodes };
  departure.path?.(path);
  return path;
}

function pathSecrets({ suite }: TreeWorld, count: number): Secret[] {
  const secrets: Secret[] = [];
  for (let i = 0; i < count; i++) {
    secrets.push(i === 0 ? Secret.random(suite.Nh) : suite.deriveSecret(secrets[i - 1]!, "path"));
  }
  return secrets;
}

function publicKeyOf({ suite }: TreeWorld, secret: Secret): Buffer {
  const key = deriveNodeKey(suite, secret);
  key.dispose();
  return key.publicKey;
}

/** The public key of a fresh pair that no one keeps. */
export function strangeKey({ suite }: TreeWorld): Buffer {
  const key = suite.generateHpkeKeyPair();
  key.dispose();
  return key.publicKey;
}

function forgeLeaf(world: TreeWorld, sender: number, parentHash: Uint8Array, departure: Departure): LeafNode {
  const { suite, groupId } = world;
  const { signatureKey } = world.members.get(sender)!;
  const right = { ...world.content(signatureKey), encryptionKey: strangeKey(world), leafNodeSource: 3, parentHash };
  const fields = (departure.leaf?.(right as unknown as LeafNode) ?? right) as LeafNode;
  const place = fields.leafNodeSource === 1 ? {} : { groupId, leafIndex: departure.signedIndex ?? sender };
  const { signature: _, ...unsigned } = fields;
  const content = encode(LeafNodeTBS, { ...unsigned, ...place });
  const signature = suite.signWithLabel(departure.signer ?? signatureKey, "LeafNodeTBS", content);
  return { ...unsigned, signature };
}
