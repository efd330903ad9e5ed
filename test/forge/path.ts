import type { LeafNode, UpdatePath } from "tinymls/messages";
import { Secret, type PrivateKey } from "tinymls/crypto";
import type { Suite } from "#dist/mls/suite/index.js";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { chainPath } from "#dist/mls/tree/parent-hash.js";
import type { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import type { Pile } from "./pile.js";
import { signAnyLeaf, type LeafPlace } from "./sign.js";
import { deriveNodeKey } from "../tree/node-key.js";

/** Where an update path departs from RFC 9420 §7.5. What is not named is done right. */
export interface PathDeparture {
  /** The fields of the leaf before it is signed. */
  readonly leaf?: (leaf: LeafNode) => object;
  readonly leafSigner?: PrivateKey;
  readonly leafPlace?: Partial<LeafPlace>;
  /** The public keys of the path, from the leaf to the root. */
  readonly pathKeys?: (keys: Buffer[]) => Buffer[];
  /** The plaintext for all recipients of the n-th node. */
  readonly pathSecret?: (secret: Secret, step: number) => Secret | Buffer;
  /** The group context that path secrets are encrypted under. */
  readonly pathContext?: (context: Buffer) => Buffer;
  /** The path after it is signed and encrypted. */
  readonly path?: (path: OpenPath) => void;
}

export interface OpenPath {
  leafNode: LeafNode;
  nodes: { encryptionKey: Uint8Array; encryptedPathSecret: { kemOutput: Uint8Array; ciphertext: Uint8Array }[] }[];
}

export interface PathBase {
  readonly suite: Suite;
  /** After the proposals. */
  readonly tree: RatchetTree;
  readonly sender: number;
  readonly added: ReadonlySet<number>;
  readonly groupId: Uint8Array;
  /** All but the keys that the path brings. */
  readonly leaf: object;
  readonly signer: PrivateKey;
  readonly context: (treeHash: Buffer) => Buffer;
}

export interface ForgedPath {
  readonly tree: RatchetTree;
  readonly updatePath: UpdatePath;
  readonly commitSecret: Secret;
  /** By node index. */
  readonly secrets: ReadonlyMap<number, Secret>;
}

export function forgePath(pile: Pile, base: PathBase, departure: PathDeparture): ForgedPath {
  const { suite, tree, sender, added, groupId } = base;
  const filtered = tree.filteredDirectPath(sender);
  const secrets: Secret[] = [pile.add(Secret.random(suite.Nh))];
  for (const _ of filtered) secrets.push(pile.add(suite.deriveSecret(secrets.at(-1)!, "path")));
  const rightKeys = filtered.map((_, i) => publicKeyOf(suite, secrets[i]!));
  const keys = departure.pathKeys?.(rightKeys) ?? rightKeys;
  const steps = filtered.map((step, i) => ({ ...step, encryptionKey: keys[i]! }));
  const { parents, leafParentHash } = chainPath(tree, steps);
  const right = { ...base.leaf, encryptionKey: strangeKey(suite), leafNodeSource: 3, parentHash: leafParentHash };
  const fields = departure.leaf?.(right as unknown as LeafNode) ?? right;
  const place = { groupId, leafIndex: sender, ...departure.leafPlace };
  const leafNode = signAnyLeaf(suite, fields, departure.leafSigner ?? base.signer, place);
  const draft = new TreeDraft(tree);
  draft.setPath(sender, TreeLeaf.of(leafNode), parents);
  const merged = draft.freeze();
  const context = departure.pathContext?.(base.context(merged.treeHash())) ?? base.context(merged.treeHash());
  const nodes = steps.map(({ copathChild, encryptionKey }, i) => {
    const plaintext = departure.pathSecret?.(secrets[i]!, i) ?? secrets[i]!;
    const recipients = tree.resolution(copathChild, added).map((node) => tree.node(node)!.encryptionKey);
    const seal = (key: Uint8Array) => suite.encryptWithLabel(key, "UpdatePathNode", context, plaintext);
    return { encryptionKey, encryptedPathSecret: recipients.map(seal) };
  });
  const updatePath: OpenPath = { leafNode, nodes };
  departure.path?.(updatePath);
  const byNode = new Map(steps.map(({ node }, i) => [node, secrets[i]!]));
  return { tree: merged, updatePath, commitSecret: secrets.at(-1)!, secrets: byNode };
}

function publicKeyOf(suite: Suite, secret: Secret): Buffer {
  const key = deriveNodeKey(suite, secret);
  key.dispose();
  return key.publicKey;
}

/** The public key of a fresh pair that no one keeps. */
export function strangeKey(suite: Suite): Buffer {
  const key = suite.generateHpkeKeyPair();
  key.dispose();
  return key.publicKey;
}
