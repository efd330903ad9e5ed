import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { decode, encode, UpdatePath, type LeafNode } from "tinymls/messages";
import { Secret } from "tinymls/crypto";
import { decryptUpdatePath, joinPath, mergeUpdatePath } from "#dist/mls/tree/apply-path.js";
import { leafRequirements } from "#dist/mls/tree/leaf-validation.js";
import { heldHandles } from "../held-handles.js";
import { forgePath, strangeKey, type Departure, type Forged } from "./forge.js";
import { forEachSuite } from "./suites.js";
import { TreeWorld, type Proposed } from "./world.js";

const sender = 3;
type Case = [rule: string, what: string, departure: (world: TreeWorld) => Departure];

const leafFields = (change: object): Departure => ({ leaf: (leaf) => ({ ...leaf, ...change }) });
const inPath = (path: (path: Forged) => void): Departure => ({ path });
const firstKey = (key: (world: TreeWorld) => Uint8Array) => (world: TreeWorld) => ({
  keys: ([, ...rest]: Buffer[]) => [Buffer.from(key(world)), ...rest],
});
const capabilities = (world: TreeWorld, change: object): Departure =>
  leafFields({ capabilities: { ...world.tree.leaf(sender)!.value.capabilities, ...change } });
const extensions = (...types: number[]): Departure =>
  leafFields({ extensions: types.map((extensionType) => ({ extensionType, extensionData: randomBytes(3) })) });

/** Refused by everyone who merges the path, with or without private keys. */
const publicCases: Case[] = [
  ["7.3/leaf-node-source", "the source of an update", () => ({ leaf: asUpdate })],
  [
    "12.4.2/leaf-encryption-key",
    "the old leaf key",
    (w) => leafFields({ encryptionKey: w.tree.leaf(sender)!.encryptionKey }),
  ],
  ["5.1.1/encryption-key", "a leaf key that is none", () => leafFields({ encryptionKey: Buffer.alloc(7, 1) })],
  ["5.1.1/encryption-key", "a node key that is none", firstKey(() => Buffer.alloc(7, 1))],
  ["7.6/path-length", "a node too few", () => inPath((path) => path.nodes.pop())],
  ["7.6/path-length", "no node", () => inPath((path) => (path.nodes = []))],
  ["7.6/path-length", "a node too many", () => inPath((path) => path.nodes.push({ ...path.nodes[0]! }))],
  ["7.6/ciphertext-count", "a ciphertext too few", () => inPath((path) => path.nodes[1]!.encryptedPathSecret.pop())],
  [
    "7.6/ciphertext-count",
    "a ciphertext too many",
    () => inPath(({ nodes }) => nodes[1]!.encryptedPathSecret.push(nodes[0]!.encryptedPathSecret[0]!)),
  ],
  ["12.4.2/path-keys-unique", "the key of another leaf", firstKey((w) => w.tree.leaf(0)!.encryptionKey)],
  [
    "12.4.2/path-keys-unique",
    "the key of another parent node",
    firstKey((w) => w.tree.parent(w.tree.root)!.encryptionKey),
  ],
  [
    "12.4.2/path-keys-unique",
    "one key for two nodes",
    () => ({ keys: ([first, , ...rest]) => [first!, first!, ...rest] }),
  ],
  [
    "12.4.2/path-keys-unique",
    "a leaf with the key of another leaf",
    (w) => leafFields({ encryptionKey: w.tree.leaf(1)!.encryptionKey }),
  ],
  [
    "12.4.2/path-keys-unique",
    "a leaf with the key of a node",
    () => ({ path: ({ leafNode, nodes }) => (nodes[0]!.encryptionKey = leafNode.encryptionKey) }),
  ],
  [
    "7.3/signature-key-unique",
    "the signature key of another member",
    (w) => ({ ...leafFields({ signatureKey: w.tree.leaf(1)!.signatureKey }), signer: w.members.get(1)!.signatureKey }),
  ],
  ["7.3/leaf-signature", "another signer", (w) => ({ signer: w.members.get(1)!.signatureKey })],
  ["7.3/leaf-signature", "a signature for another place", () => ({ signedIndex: 1 })],
  [
    "7.3/leaf-signature",
    "a changed leaf",
    () =>
      inPath(({ leafNode }) =>
        Object.assign(leafNode, { credential: { credentialType: 1, identity: randomBytes(4) } }),
      ),
  ],
  ["7.9.2/leaf-parent-hash", "another parent hash", (w) => leafFields({ parentHash: Buffer.alloc(w.suite.Nh) })],
  ["7.9.2/leaf-parent-hash", "an empty parent hash", () => leafFields({ parentHash: Buffer.alloc(0) })],
  [
    "7.9.2/leaf-parent-hash",
    "one bit of the parent hash",
    () => ({ leaf: (leaf) => ({ ...leaf, parentHash: flipped(leaf) }) }),
  ],
  [
    "7.9.2/leaf-parent-hash",
    "a node key that the hash does not cover",
    (w) => inPath(({ nodes }) => (nodes[1]!.encryptionKey = strangeKey(w))),
  ],
  ["7.2/credential-listed", "a credential type not listed", (w) => capabilities(w, { credentials: [2] })],
  ["7.2/default-types", "a default extension type listed", (w) => capabilities(w, { extensions: [1] })],
  ["7.2/default-types", "a default proposal type listed", (w) => capabilities(w, { proposals: [7] })],
  ["7.3/extensions-listed", "an extension not listed", () => extensions(0xf0f0)],
  ["13.4/extensions-unique", "an extension twice", () => extensions(1, 1)],
  ["11.1/version-listed", "the version not listed", (w) => capabilities(w, { versions: [0x0a0a] })],
  ["11.1/cipher-suite-listed", "the suite not listed", (w) => capabilities(w, { cipherSuites: [0x0a0a] })],
  [
    "7.3/credential-support",
    "a credential type that others do not support",
    (w) => ({
      leaf: (leaf) => ({
        ...leaf,
        credential: { credentialType: 0xf001, data: randomBytes(2) },
        capabilities: { ...w.tree.leaf(sender)!.value.capabilities, credentials: [1, 0xf001] },
      }),
    }),
  ],
  [
    "7.3/credential-support",
    "no support for a credential type in use",
    (w) => ({
      leaf: (leaf) => ({
        ...leaf,
        credential: { credentialType: 0xf001, data: randomBytes(2) },
        capabilities: { ...w.tree.leaf(sender)!.value.capabilities, credentials: [0xf001] },
      }),
    }),
  ],
];

/** Refused by those to whom the ciphertexts are addressed. */
const privateCases: Case[] = [
  [
    "7.5/derived-key",
    "a key that is not derived",
    (w) => ({ keys: ([first, , ...rest]) => [first!, strangeKey(w), ...rest] }),
  ],
  ["7.5/derived-key", "another path secret", (w) => ({ pathSecret: () => randomBytes(w.suite.Nh) })],
  ["7.4/path-secret-length", "a short path secret", (w) => ({ pathSecret: () => randomBytes(w.suite.Nh - 1) })],
  ["7.4/path-secret-length", "an empty path secret", () => ({ pathSecret: () => Buffer.alloc(0) })],
];

function asUpdate(leaf: LeafNode): object {
  const { parentHash: _, ...fields } = leaf as LeafNode & { parentHash: Uint8Array };
  return { ...fields, leafNodeSource: 2 };
}

function flipped(leaf: LeafNode): Buffer {
  const hash = Buffer.from((leaf as { parentHash: Uint8Array }).parentHash);
  hash[0]! ^= 1;
  return hash;
}

forEachSuite((suite) => {
  let world: TreeWorld;
  let proposed: Proposed;

  beforeAll(async () => {
    world = await TreeWorld.of(suite, 6, [0, 4, 2, 3]);
    proposed = world.propose({ adds: 1 });
  });
  afterAll(() => {
    for (const key of [...proposed.leafKeys.values(), ...proposed.signatureKeys.values()]) key.dispose();
    world.dispose();
  });

  const received = async (departure: Departure) => {
    const updatePath = await forgePath(world, sender, proposed, departure);
    return world.received(sender, proposed, decode(UpdatePath, encode(UpdatePath, updatePath)));
  };
  const merge = (path: Awaited<ReturnType<typeof received>>) =>
    mergeUpdatePath(path, world.groupId, world.requirements);
  const fingerprint = () => [
    heldHandles(),
    world.tree.encode().toString("hex"),
    proposed.tree.encode().toString("hex"),
  ];

  test("a path that departs nowhere is accepted by all", async () => {
    const path = await received({});
    const context = world.context(merge(path).treeHash());
    for (const [index, { keys }] of world.members)
      if (index !== sender) (await decryptUpdatePath(path, keys, context)).dispose();
  });

  test.each(publicCases)("%s: %s", async (rule, _what, departure) => {
    const path = await received(departure(world));
    const before = fingerprint();
    expect(() => merge(path)).toThrow(expect.objectContaining({ code: "invalid", rule }));
    expect(fingerprint()).toEqual(before);
  });

  test.each(privateCases)("%s: %s", async (rule, _what, departure) => {
    const path = await received(departure(world));
    const context = world.context(merge(path).treeHash());
    const before = fingerprint();
    const { keys } = world.members.get(2)!;
    await expect(decryptUpdatePath(path, keys, context)).rejects.toMatchObject({ code: "invalid", rule });
    expect(fingerprint()).toEqual(before);
  });

  test("7.6/path-secret-decryption: a ciphertext that does not open, or was made for another context", async () => {
    const path = await received({
      path: ({ nodes }) => nodes.forEach((node) => node.encryptedPathSecret.forEach(spoil)),
    });
    const context = world.context(merge(path).treeHash());
    const before = fingerprint();
    const { keys } = world.members.get(2)!;
    const refused = { code: "undecryptable", rule: "7.6/path-secret-decryption" };
    await expect(decryptUpdatePath(path, keys, context)).rejects.toMatchObject(refused);
    const right = await received({});
    await expect(decryptUpdatePath(right, keys, world.context(randomBytes(32)))).rejects.toMatchObject(refused);
    expect(fingerprint()).toEqual(before);
  });

  test("neither the sender nor a member just added has a ciphertext", async () => {
    const path = await received({});
    const context = world.context(merge(path).treeHash());
    const before = fingerprint();
    const { keys } = world.members.get(sender)!;
    await expect(decryptUpdatePath(path, keys, context)).rejects.toMatchObject({ code: "usage" });
    expect(fingerprint()).toEqual(before);
  });

  test("7.3/required-capabilities and 13.4/group-extensions-listed: what the group wants of a leaf", async () => {
    const path = await received({});
    const required = (body: string) => ({ extensionType: 3, extensionData: Buffer.from(body, "hex") });
    const groups: [string, object[]][] = [
      ["7.3/required-capabilities", [required("02f0010000")]],
      ["7.3/required-capabilities", [required("0002f00100")]],
      ["7.3/required-capabilities", [required("00000200ff")]],
      ["13.4/group-extensions-listed", [{ extensionType: 0xf001, extensionData: Buffer.alloc(0) }]],
    ];
    for (const [rule, list] of groups) {
      const requirements = leafRequirements({ cipherSuite: suite.id, extensions: list as never });
      expect(() => mergeUpdatePath(path, world.groupId, requirements)).toThrow(
        expect.objectContaining({ code: "invalid", rule }),
      );
    }
    const listed = [{ extensionType: 5, extensionData: Buffer.of(0) }, required("020005020001020001")];
    // Default types need no listing, credential types do.
    const fine = leafRequirements({ cipherSuite: suite.id, extensions: listed });
    expect(mergeUpdatePath(path, world.groupId, fine).memberCount).toBe(7);
  });

  test("a welcomed member refuses a path secret of wrong length or of another path", async () => {
    const { tree } = world;
    const before = fingerprint();
    const join = (bytes: Buffer) => joinPath(suite, tree, 1, sender, Secret.from(bytes));
    const refused = (rule: string) => ({ code: "invalid", rule });
    await expect(join(randomBytes(suite.Nh + 1))).rejects.toMatchObject(refused("7.4/path-secret-length"));
    await expect(join(randomBytes(suite.Nh))).rejects.toMatchObject(refused("7.5/derived-key"));
    const blanked = world.propose({ removed: [0] }).tree;
    const blank = joinPath(suite, blanked, 1, 2, Secret.random(suite.Nh));
    await expect(blank).rejects.toMatchObject(refused("7.5/derived-key"));
    expect(fingerprint()).toEqual(before);
  });
});

function spoil(sealed: { ciphertext: Uint8Array }): void {
  sealed.ciphertext[sealed.ciphertext.byteLength - 1]! ^= 1;
}
