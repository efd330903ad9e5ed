import { expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { decode, encode, RatchetTree as RatchetTreeCodec, type LeafNode } from "tinymls/messages";
import type { PrivateKey } from "tinymls/crypto";
import {
  checkFreshEncryptionKey,
  checkLeaf,
  checkLeafNodeSource,
  checkLeafSignature,
  leafRequirements,
  type LifetimePolicy,
} from "#dist/mls/tree/leaf-validation.js";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { chainPath } from "#dist/mls/tree/parent-hash.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { validateTree, type TreeExpectations } from "#dist/mls/tree/tree-validation.js";
import { heldHandles } from "../held-handles.js";
import { strangeKey } from "./forge.js";
import { forEachSuite } from "./suites.js";
import { TreeWorld } from "./world.js";

const groupId = Buffer.from("group");
const refusal = (rule: string) => ({ code: "invalid", rule });

forEachSuite((suite) => {
  const requirements = leafRequirements({ cipherSuite: suite.id, extensions: [] });

  const validate = async (tree: RatchetTree, expected: Partial<TreeExpectations> = {}): Promise<void> => {
    const copy = RatchetTree.decode(suite, tree.encode());
    await validateTree(copy, { suite, groupId, requirements, treeHash: tree.treeHash(), ...expected });
  };

  /** A leaf from a key package, changed before its owner signs it; the keys are dropped. */
  const leafWith = (change: (leaf: LeafNode) => object = (leaf) => leaf, signer?: PrivateKey): TreeLeaf => {
    const world = new TreeWorld(suite);
    const [leaf, leafKey, signatureKey] = world.keyPackageLeaf();
    const changed = world.sign(change(leaf.value) as LeafNode, signer ?? signatureKey, 0);
    leafKey.dispose();
    signatureKey.dispose();
    world.dispose();
    return changed;
  };

  /** A group that one member made by adding the others. */
  const flat = (...leaves: TreeLeaf[]): RatchetTree => {
    const draft = new TreeDraft(RatchetTree.create(suite, leaves[0]!));
    for (const leaf of leaves.slice(1)) draft.add(leaf);
    return draft.freeze();
  };
  const among = (leaf: TreeLeaf): RatchetTree => flat(leafWith(), leafWith(), leaf, leafWith());

  const refuses = async (rule: string, tree: RatchetTree, expected: Partial<TreeExpectations> = {}): Promise<void> => {
    const before = heldHandles();
    await expect(validate(tree, expected)).rejects.toMatchObject(refusal(rule));
    expect(heldHandles()).toBe(before);
  };

  test("a tree that commits made is accepted", async () => {
    const world = await TreeWorld.of(suite, 5, [1, 4]);
    await world.commit(2, { removed: [3], updated: [0], adds: 2 });
    await validate(world.tree);
    await validate(among(leafWith()));
    world.dispose();
  });

  test("7.8/tree-hash: another hash in the group context", async () => {
    await refuses("7.8/tree-hash", among(leafWith()), { treeHash: randomBytes(suite.Nh) });
    await refuses("7.8/tree-hash", among(leafWith()), { treeHash: Buffer.alloc(0) });
  });

  test("7.3/encryption-key-unique and 7.3/signature-key-unique: keys shared by two leaves", async () => {
    const first = leafWith();
    const sameKey = leafWith((leaf) => ({ ...leaf, encryptionKey: first.encryptionKey }));
    await refuses("7.3/encryption-key-unique", flat(first, leafWith(), sameKey));
    const world = new TreeWorld(suite);
    const { signatureKey } = world.members.get(0)!;
    const twin = leafWith((leaf) => ({ ...leaf, signatureKey: signatureKey.publicKey }), signatureKey);
    await refuses("7.3/signature-key-unique", flat(leafWith(), world.tree.leaf(0)!, twin));
    world.dispose();
  });

  test("one key in very many nodes is refused before it costs time", () => {
    const leaf = leafWith();
    const draft = new TreeDraft(RatchetTree.create(suite, leaf));
    const addAll = () => {
      for (let i = 0; i < 100; i++) draft.add(leaf);
    };
    expect(addAll).toThrow(expect.objectContaining(refusal("7.3/encryption-key-unique")));
  });

  test("12.4.3.1/encryption-key-unique: the key of a parent node in another node", async () => {
    const world = await TreeWorld.of(suite, 4, [1, 2]);
    const nodes = (change: (list: { parentNode: { encryptionKey: Uint8Array } }[]) => void) => {
      const list = structuredClone(decode(RatchetTreeCodec, world.tree.encode())) as never;
      change(list);
      return RatchetTree.decode(suite, encode(RatchetTreeCodec, list));
    };
    const root = world.tree.parent(3)!.encryptionKey;
    await refuses(
      "12.4.3.1/encryption-key-unique",
      nodes((list) => (list[1]!.parentNode.encryptionKey = root)),
    );
    const leafKey = world.tree.leaf(0)!.encryptionKey;
    await refuses(
      "12.4.3.1/encryption-key-unique",
      nodes((list) => (list[3]!.parentNode.encryptionKey = leafKey)),
    );
    await refuses(
      "7.9.2/parent-hash",
      nodes((list) => (list[3]!.parentNode.encryptionKey = strangeKey(world))),
    );
    world.dispose();
  });

  test("5.1.1/encryption-key: keys that are no keys, in a leaf or in a parent node that is rightly chained", async () => {
    const bad = suite.algorithms.kem.startsWith("DHKEM-P") ? Buffer.alloc(strangeLength(), 4) : Buffer.alloc(31, 9);
    await refuses("5.1.1/encryption-key", among(leafWith((leaf) => ({ ...leaf, encryptionKey: bad }))));
    await refuses("5.1.1/encryption-key", among(leafWith((leaf) => ({ ...leaf, encryptionKey: Buffer.alloc(0) }))));
    if (["DHKEM-X25519", "DHKEM-X448"].includes(suite.algorithms.kem)) {
      const zero = Buffer.alloc(strangeLength());
      await refuses("5.1.1/encryption-key", among(leafWith((leaf) => ({ ...leaf, encryptionKey: zero }))));
    }
    const world = await TreeWorld.of(suite, 2);
    const path = world.tree.filteredDirectPath(0).map((step) => ({ ...step, encryptionKey: bad }));
    const { parents, leafParentHash } = chainPath(world.tree, path);
    const { signatureKey } = world.members.get(0)!;
    const content = { ...world.content(signatureKey), encryptionKey: strangeKey(world) };
    const draft = new TreeDraft(world.tree);
    const leaf = { ...content, leafNodeSource: 3, parentHash: leafParentHash } as const;
    draft.setPath(0, world.sign(leaf, signatureKey, 0), parents);
    await refuses("5.1.1/encryption-key", draft.freeze());
    world.dispose();
  });

  const strangeLength = (): number => {
    const world = new TreeWorld(suite);
    const { byteLength } = strangeKey(world);
    world.dispose();
    return byteLength;
  };

  test("7.3/leaf-signature: leaves signed by others, for another group or place, or changed later", async () => {
    const world = new TreeWorld(suite);
    const { signatureKey } = world.members.get(0)!;
    await refuses("7.3/leaf-signature", among(leafWith((leaf) => leaf, signatureKey)));
    const changed = { ...leafWith().value, extensions: [{ extensionType: 1, extensionData: Buffer.of(1) }] };
    await refuses("7.3/leaf-signature", among(TreeLeaf.of(changed)));
    await refuses("7.3/leaf-signature", among(TreeLeaf.of({ ...leafWith().value, signature: Buffer.alloc(0) })));
    const update = { ...world.content(signatureKey), encryptionKey: strangeKey(world), leafNodeSource: 2 } as const;
    await validate(among(world.sign(update, signatureKey, 2)));
    await refuses("7.3/leaf-signature", among(world.sign(update, signatureKey, 1)));
    await refuses("7.3/leaf-signature", among(world.sign(update, signatureKey, 2)), { groupId: Buffer.from("other") });
    const leaf = world.sign(update, signatureKey, 2);
    checkLeafSignature(suite, leaf, groupId, 2);
    expect(() => checkLeafSignature(suite, leaf, groupId, 3)).toThrow(
      expect.objectContaining(refusal("7.3/leaf-signature")),
    );
    world.dispose();
  });

  test("7.3/lifetime and 7.2/lifetime-total: leaves outside their lifetime or with too long a one", async () => {
    const leaf = leafWith((fields) => ({ ...fields, lifetime: { notBefore: 1000n, notAfter: 2000n } }));
    const at = (lifetime: LifetimePolicy) => ({ requirements: { ...requirements, lifetime } });
    for (const now of [1000n, 1500n, 2000n]) await validate(flat(leaf), at({ now, maximum: 1000n }));
    for (const now of [0n, 999n, 2001n]) await refuses("7.3/lifetime", flat(leaf), at({ now }));
    await refuses("7.2/lifetime-total", flat(leaf), at({ now: 1500n, maximum: 999n }));
    await validate(flat(leaf), at({}));
    const reversed = leafWith((fields) => ({ ...fields, lifetime: { notBefore: 2000n, notAfter: 1000n } }));
    for (const now of [1000n, 1500n, 2000n]) await refuses("7.3/lifetime", flat(reversed), at({ now, maximum: 1000n }));
  });

  const listing = (change: object) => (leaf: LeafNode) => ({
    ...leaf,
    capabilities: { ...leaf.capabilities, ...change },
  });
  const extension = (...types: number[]) => ({
    extensions: types.map((extensionType) => ({ extensionType, extensionData: Buffer.alloc(1) })),
  });

  test.each<[string, (leaf: LeafNode) => object]>([
    ["7.2/credential-listed", listing({ credentials: [2] })],
    ["7.2/default-types", listing({ extensions: [5] })],
    ["7.2/default-types", listing({ proposals: [1] })],
    ["7.3/extensions-listed", (leaf) => ({ ...leaf, ...extension(0xf001) })],
    ["13.4/extensions-unique", (leaf) => ({ ...leaf, ...extension(1, 1) })],
    ["11.1/version-listed", listing({ versions: [] })],
    ["11.1/cipher-suite-listed", listing({ cipherSuites: [] })],
  ])("%s", async (rule, change) => {
    const leaf = leafWith(change);
    const before = heldHandles();
    expect(() => checkLeaf(suite, leaf.value, requirements)).toThrow(expect.objectContaining(refusal(rule)));
    await expect(validate(flat(leaf))).rejects.toMatchObject({ code: "invalid" });
    expect(heldHandles()).toBe(before);
  });

  test("7.3/credential-support: a credential of a type that another member does not support", async () => {
    const both = listing({ credentials: [1, 2] });
    const x509 = leafWith((leaf) => ({ ...both(leaf), credential: { credentialType: 2, certificates: [] } }));
    await validate(flat(leafWith(both), leafWith(both), x509));
    await refuses("7.3/credential-support", flat(leafWith(both), leafWith(), x509));
  });

  test("7.3/required-capabilities and 13.4/group-extensions-listed: one member does not support what the group needs", async () => {
    const able = listing({ extensions: [0xf001], proposals: [0xf002], credentials: [1, 0xf003] });
    const group = (extensions: object[]) => ({
      requirements: leafRequirements({ cipherSuite: suite.id, extensions: extensions as never }),
    });
    const required = group([{ extensionType: 3, extensionData: Buffer.from("02f00102f00202f003", "hex") }]);
    const present = group([{ extensionType: 0xf001, extensionData: Buffer.alloc(0) }]);
    await validate(flat(leafWith(able), leafWith(able)), required);
    await validate(flat(leafWith(able), leafWith(able)), present);
    await refuses("7.3/required-capabilities", flat(leafWith(able), leafWith()), required);
    await refuses("13.4/group-extensions-listed", flat(leafWith(able), leafWith()), present);
    const leaf = leafWith().value;
    const refused = (rule: string) => expect.objectContaining(refusal(rule));
    expect(() => checkLeaf(suite, leaf, required.requirements)).toThrow(refused("7.3/required-capabilities"));
    expect(() => checkLeaf(suite, leaf, present.requirements)).toThrow(refused("13.4/group-extensions-listed"));
  });

  test("unknown values in capabilities and extensions that are listed are ignored", async () => {
    const grease = {
      extensions: [0x0a0a, 0xf001],
      proposals: [0x1a1a],
      credentials: [0x2a2a, 1],
      cipherSuites: [0x3a3a, suite.id],
    };
    await validate(among(leafWith((leaf) => ({ ...listing(grease)(leaf), ...extension(0x0a0a, 0xf001) }))));
  });

  test("7.3/leaf-node-source and 7.3/update-encryption-key", () => {
    const [old, leaf] = [leafWith(), leafWith()];
    checkLeafNodeSource(leaf.value, 1);
    checkFreshEncryptionKey("7.3/update-encryption-key", old, leaf.value);
    const refused = (rule: string) => expect.objectContaining(refusal(rule));
    expect(() => checkLeafNodeSource(leaf.value, 2)).toThrow(refused("7.3/leaf-node-source"));
    const same = leafWith((fields) => ({ ...fields, encryptionKey: old.encryptionKey }));
    expect(() => checkFreshEncryptionKey("7.3/update-encryption-key", old, same.value)).toThrow(
      refused("7.3/update-encryption-key"),
    );
  });
});
