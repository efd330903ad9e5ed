import { encode, GroupContext, LeafNodeTBS, type LeafNode, type UpdatePath } from "tinymls/messages";
import type { PrivateKey } from "tinymls/crypto";
import type { Suite } from "#dist/mls/suite/index.js";
import { decryptUpdatePath, joinPath, mergeUpdatePath, type ReceivedPath } from "#dist/mls/tree/apply-path.js";
import { createUpdatePath, type CreatedPath } from "#dist/mls/tree/create-path.js";
import { leafRequirements, type LeafRequirements } from "#dist/mls/tree/leaf-validation.js";
import { commonAncestor, leafNode } from "#dist/mls/tree/math.js";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { TreePrivateKeys } from "#dist/mls/tree/private-keys.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";

export interface WorldMember {
  readonly signatureKey: PrivateKey;
  keys: TreePrivateKeys;
}

export interface Change {
  readonly adds?: number;
  readonly removed?: readonly number[];
  readonly updated?: readonly number[];
}

/** What members know after the proposals of a commit, before its path. */
export interface Proposed {
  readonly tree: RatchetTree;
  readonly added: ReadonlySet<number>;
  /** Private keys of new leaves: of members added and of members updated. */
  readonly leafKeys: Map<number, PrivateKey>;
  readonly signatureKeys: Map<number, PrivateKey>;
}

type LeafFields = Partial<Omit<LeafNode, "signature">>;

/** A group seen from all of its members at once: the tree, and every member's keys. No messages, no key schedule. */
export class TreeWorld {
  readonly suite: Suite;
  readonly groupId = Buffer.from("group");
  readonly requirements: LeafRequirements;
  readonly members = new Map<number, WorldMember>();
  tree: RatchetTree;
  epoch = 0n;

  constructor(suite: Suite) {
    this.suite = suite;
    this.requirements = leafRequirements({ cipherSuite: suite.id, extensions: [] });
    const [leaf, leafKey, signatureKey] = this.keyPackageLeaf();
    this.tree = RatchetTree.create(suite, leaf);
    this.members.set(0, { signatureKey, keys: new TreePrivateKeys(0, new Map([[0, leafKey]])) });
  }

  /** A group of so many members; the first has added the others, then those in `committers` have committed. */
  static async of(suite: Suite, members: number, committers: readonly number[] = []): Promise<TreeWorld> {
    const world = new TreeWorld(suite);
    await world.commit(0, { adds: members - 1 });
    for (const committer of committers) await world.commit(committer);
    return world;
  }

  keyPackageLeaf(fields: LeafFields = {}): [TreeLeaf, PrivateKey, PrivateKey] {
    const leafKey = this.suite.generateHpkeKeyPair();
    const signatureKey = this.suite.generateSignatureKeyPair();
    const leaf = { ...this.content(signatureKey), ...keyPackageFields, encryptionKey: leafKey.publicKey, ...fields };
    return [this.sign(leaf, signatureKey, 0), leafKey, signatureKey];
  }

  content(signatureKey: PrivateKey): Pick<LeafNode, "signatureKey" | "credential" | "capabilities" | "extensions"> {
    return {
      signatureKey: signatureKey.publicKey,
      credential: { credentialType: 1, identity: signatureKey.publicKey.subarray(0, 8) },
      capabilities: { versions: [1], cipherSuites: [this.suite.id], extensions: [], proposals: [], credentials: [1] },
      extensions: [],
    };
  }

  /** Signs whatever it is given. */
  sign(leaf: Omit<LeafNode, "signature">, signatureKey: PrivateKey, leafIndex: number): TreeLeaf {
    const { signature: _, ...fields } = leaf as LeafNode;
    const place = leaf.leafNodeSource === 1 ? {} : { groupId: this.groupId, leafIndex };
    const content = encode(LeafNodeTBS, { ...fields, ...place });
    return TreeLeaf.of({
      ...fields,
      signature: this.suite.signWithLabel(signatureKey, "LeafNodeTBS", content),
    });
  }

  propose({ adds = 0, removed = [], updated = [] }: Change): Proposed {
    const draft = new TreeDraft(this.tree);
    const leafKeys = new Map<number, PrivateKey>();
    const signatureKeys = new Map<number, PrivateKey>();
    for (const index of updated) {
      const { signatureKey } = this.members.get(index)!;
      const leafKey = this.suite.generateHpkeKeyPair();
      const leaf = { ...this.content(signatureKey), leafNodeSource: 2, encryptionKey: leafKey.publicKey } as const;
      draft.update(index, this.sign(leaf, signatureKey, index));
      leafKeys.set(index, leafKey);
    }
    for (const index of removed) draft.remove(index);
    const added = new Set<number>();
    for (let i = 0; i < adds; i++) {
      const [leaf, leafKey, signatureKey] = this.keyPackageLeaf();
      const index = draft.add(leaf);
      added.add(index);
      leafKeys.set(index, leafKey);
      signatureKeys.set(index, signatureKey);
    }
    return { tree: draft.freeze(), added, leafKeys, signatureKeys };
  }

  readonly context = (treeHash: Uint8Array): Buffer =>
    encode(GroupContext, {
      version: 1,
      cipherSuite: this.suite.id,
      groupId: this.groupId,
      epoch: this.epoch + 1n,
      treeHash,
      confirmedTranscriptHash: Buffer.alloc(this.suite.Nh),
      extensions: [],
    });

  create(sender: number, { tree, added }: Pick<Proposed, "tree" | "added">): Promise<CreatedPath> {
    const { signatureKey } = this.members.get(sender)!;
    const { suite, groupId, context } = this;
    const leaf = this.content(signatureKey);
    const { requirements } = this;
    const group = { suite, groupId, requirements, groupContext: context };
    return createUpdatePath({ ...group, tree, sender, leaf, signatureKey, added });
  }

  received(sender: number, { tree, added }: Pick<Proposed, "tree" | "added">, updatePath: UpdatePath): ReceivedPath {
    return { suite: this.suite, tree, sender, added, updatePath };
  }

  /** A commit, processed by all; answers whether all agree on the commit secret. Members removed lose their keys. */
  async commit(sender: number, change: Change = {}): Promise<boolean> {
    const proposed = this.propose(change);
    const made = await this.create(sender, proposed);
    const path = this.received(sender, proposed, made.updatePath);
    const tree = mergeUpdatePath(path, this.groupId, this.requirements);
    let agreed = tree.encode().equals(made.tree.encode());
    for (const index of change.removed ?? []) this.drop(index);
    for (const [index, member] of this.members) {
      const leafKey = proposed.leafKeys.get(index);
      const stage = member.keys.stage(proposed.tree, new Map(leafKey && [[leafNode(index), leafKey]]));
      const context = this.context(tree.treeHash());
      const secrets = index === sender ? undefined : await decryptUpdatePath(path, stage.next, context);
      agreed &&= secrets?.commitSecret.equals(made.secrets.commitSecret) ?? true;
      member.keys = stage.advance(tree, secrets?.takeKeys() ?? made.secrets.takeKeys()).merge();
      secrets?.dispose();
    }
    for (const index of proposed.added) agreed &&= await this.welcome(index, sender, tree, proposed, made);
    made.secrets.dispose();
    this.tree = tree;
    this.epoch++;
    return agreed;
  }

  private async welcome(
    index: number,
    sender: number,
    tree: RatchetTree,
    proposed: Proposed,
    made: CreatedPath,
  ): Promise<boolean> {
    const signatureKey = proposed.signatureKeys.get(index)!;
    const pathSecret = made.secrets.pathSecret(commonAncestor(leafNode(index), leafNode(sender)))!.clone();
    const secrets = await joinPath(this.suite, tree, index, sender, pathSecret);
    const agreed = secrets.commitSecret.equals(made.secrets.commitSecret);
    const keys = new Map([...secrets.takeKeys(), [leafNode(index), proposed.leafKeys.get(index)!] as const]);
    secrets.dispose();
    this.members.set(index, { signatureKey, keys: new TreePrivateKeys(index, keys) });
    return agreed;
  }

  drop(index: number): void {
    this.members.get(index)!.keys.dispose();
    this.members.get(index)!.signatureKey.dispose();
    this.members.delete(index);
  }

  dispose(): void {
    for (const index of [...this.members.keys()]) this.drop(index);
  }
}

const keyPackageFields = { leafNodeSource: 1, lifetime: { notBefore: 0n, notAfter: 2n ** 40n } } as const;
