/** RFC 9420 §5.3.1, §7.2, §7.3, §11.1, §13.4: leaves that are wrong in themselves, in every place where a member meets them. */
import type { LeafNode, Proposal } from "tinymls/messages";
import { strangeKey } from "../../forge/path.js";
import { refusals, type Refusal } from "../../forge/refusals.js";
import { signAnyLeaf, type LeafPlace } from "../../forge/sign.js";
import { add, basic, leaves, update, type World } from "../../forge/world.js";

type Change = (leaf: LeafNode, world: World) => object;
type Wrong = [rule: Refusal[0], what: string, change: Change];

const capabilities =
  (change: (now: LeafNode["capabilities"], world: World) => Partial<LeafNode["capabilities"]>): Change =>
  (leaf, world) => ({ ...leaf, capabilities: { ...leaf.capabilities, ...change(leaf.capabilities, world) } });
const without = (list: readonly number[], value: number) => list.filter((one) => one !== value);
const extensions =
  (...types: number[]): Change =>
  (leaf) => ({ ...leaf, extensions: types.map((extensionType) => ({ extensionType, extensionData: Buffer.of(7) })) });

const wrongAnywhere: Wrong[] = [
  ["5.1.1/encryption-key", "an encryption key that is none", (l) => ({ ...l, encryptionKey: Buffer.alloc(9, 4) })],
  ["5.1.1/encryption-key", "an empty encryption key", (l) => ({ ...l, encryptionKey: Buffer.alloc(0) })],
  ["5.3.1/credential", "a credential not trusted", (l) => ({ ...l, credential: basic("mallory") })],
  [
    "7.2/credential-listed",
    "its credential type not listed",
    capabilities((c) => ({ credentials: without(c.credentials, 1) })),
  ],
  ["7.2/default-types", "a default extension type listed", capabilities((c) => ({ extensions: [...c.extensions, 5] }))],
  ["7.2/default-types", "a default proposal type listed", capabilities((c) => ({ proposals: [1, ...c.proposals] }))],
  ["7.3/extensions-listed", "an extension not listed", extensions(0xf0ee)],
  [
    "7.3/required-capabilities",
    "a required extension not listed",
    capabilities((c) => ({ extensions: without(c.extensions, 0xf0e1) })),
  ],
  [
    "11.1/cipher-suite-listed",
    "the cipher suite not listed",
    capabilities((c, { suite }) => ({ cipherSuites: without(c.cipherSuites, suite.id) })),
  ],
  ["11.1/version-listed", "the version not listed", capabilities(() => ({ versions: [0x0a0a, 2] }))],
  ["13.4/extensions-unique", "an extension twice", extensions(0xf0e0, 0xf0e0)],
  ["13.4/extensions-unique", "a default extension twice", extensions(1, 1)],
  [
    "13.4/group-extensions-listed",
    "an extension of the group not listed",
    capabilities((c) => ({ extensions: without(c.extensions, 0xf0e0) })),
  ],
];

const wrongToStay: Wrong[] = [
  ["5.3.1/successor", "a credential that does not follow the old one", (l) => ({ ...l, credential: basic("robert") })],
];

const place = ({ bob }: World, leafIndex: number = leaves.bob): LeafPlace => {
  return { groupId: bob.epoch.context.value.groupId, leafIndex };
};
/** An Update of bob's leaf. */
const updated = (world: World, change: Change, signer = world.bob.epoch.signatureKey, at = place(world)): Proposal => {
  const { signature: _, ...now } = world.leaf(leaves.bob) as LeafNode & { parentHash?: Uint8Array };
  delete now.parentHash;
  const fields = { ...now, leafNodeSource: 2, encryptionKey: strangeKey(world.suite) };
  return update(signAnyLeaf(world.suite, change(fields as unknown as LeafNode, world), signer, at));
};
const inUpdate = ([rule, what, change]: Wrong): Refusal => [
  rule,
  `an Update with ${what}`,
  (world) => world.proposal(updated(world, change)),
];
const inPath = ([rule, what, change]: Wrong): Refusal => [
  rule,
  `a path with ${what}`,
  (world) => world.commit([], { leaf: (leaf) => change(leaf, world) }),
];
const nina = (world: World, change: Change) =>
  add(world.puppet("nina").keyPackage(undefined, (leaf) => change(leaf, world)));
const inAdd = ([rule, what, change]: Wrong): Refusal => [
  rule,
  `an Add with ${what}`,
  (world) => world.proposal(nina(world, change)),
];
const inCommittedAdd = ([rule, what, change]: Wrong): Refusal => [
  rule,
  `a committed Add with ${what}`,
  (world) => world.commit([nina(world, change)]),
];

const now = () => BigInt(Math.floor(Date.now() / 1000));
const lifetime =
  (notBefore: () => bigint, notAfter: () => bigint): Change =>
  (leaf) => ({ ...leaf, lifetime: { notBefore: notBefore(), notAfter: notAfter() } });
const wrongLifetimes: Wrong[] = [
  [
    "7.3/lifetime",
    "a lifetime that is over",
    lifetime(
      () => now() - 7200n,
      () => now() - 60n,
    ),
  ],
  [
    "7.3/lifetime",
    "a lifetime to come",
    lifetime(
      () => now() + 600n,
      () => now() + 7200n,
    ),
  ],
  [
    "7.3/lifetime",
    "a lifetime that ends before it starts",
    lifetime(
      () => now() + 60n,
      () => now() - 60n,
    ),
  ],
  [
    "7.2/lifetime-total",
    "a lifetime without end",
    lifetime(
      () => 0n,
      () => 2n ** 64n - 1n,
    ),
  ],
];

const other = (world: World) => world.puppet("dave");
const keyOf =
  (leafIndex: number): Change =>
  (l, world) => ({ ...l, encryptionKey: world.leaf(leafIndex).encryptionKey });
const asUpdate = (l: LeafNode): object => {
  const { lifetime: _, parentHash: __, ...leaf } = l as LeafNode & { lifetime?: object; parentHash?: object };
  return { ...leaf, leafNodeSource: 2 };
};
const asCommit = (l: LeafNode): object => ({ ...asUpdate(l), leafNodeSource: 3, parentHash: Buffer.alloc(0) });
const asKeyPackage = (l: LeafNode): object => ({
  ...asUpdate(l),
  leafNodeSource: 1,
  lifetime: { notBefore: 0n, notAfter: now() + 60n },
});
const as =
  (source: (leaf: LeafNode) => object): Change =>
  (leaf) =>
    source(leaf);
const daves = { signatureKey: (l: LeafNode, w: World) => ({ ...l, signatureKey: w.leaf(leaves.dave).signatureKey }) };
const rightLeaf: Change = (leaf) => leaf;
const withoutBit = (bytes: Uint8Array): Buffer => {
  const out = Buffer.from(bytes);
  out[out.length - 1]! ^= 1;
  return out;
};

const wrongInPlace: Refusal[] = [
  inUpdate(["7.3/leaf-node-source", "the source of a key package", as(asKeyPackage)]),
  inUpdate(["7.3/leaf-node-source", "the source of a commit", as(asCommit)]),
  inPath(["7.3/leaf-node-source", "the source of an Update", as(asUpdate)]),
  inPath(["7.3/leaf-node-source", "the source of a key package", as(asKeyPackage)]),
  inAdd(["7.3/leaf-node-source", "the source of an Update", as(asUpdate)]),
  inAdd(["7.3/leaf-node-source", "the source of a commit", as(asCommit)]),
  inUpdate(["7.3/update-encryption-key", "the encryption key that it replaces", keyOf(leaves.bob)]),
  inUpdate(["7.3/encryption-key-unique", "the encryption key of another member", keyOf(leaves.alice)]),
  inPath(["12.4.2/leaf-encryption-key", "the encryption key that it replaces", keyOf(leaves.bob)]),
  inPath(["12.4.2/path-keys-unique", "the encryption key of another member", keyOf(leaves.alice)]),
  inCommittedAdd(["7.3/encryption-key-unique", "the encryption key of another member", keyOf(leaves.alice)]),
  [
    "7.3/signature-key-unique",
    "an Update with the signature key of another member, by whom it is signed",
    (world) => world.proposal(updated(world, daves.signatureKey, other(world).signatureKey)),
  ],
  [
    "7.3/signature-key-unique",
    "a path with the signature key of another member, by whom it is signed",
    (world) => world.commit([], { leaf: (l) => daves.signatureKey(l, world), leafSigner: other(world).signatureKey }),
  ],
  [
    "7.3/leaf-signature",
    "an Update signed by someone else",
    (world) => world.proposal(updated(world, rightLeaf, other(world).signatureKey)),
  ],
  [
    "7.3/leaf-signature",
    "an Update signed for another place",
    (world) => world.proposal(updated(world, rightLeaf, undefined, place(world, leaves.dave))),
  ],
  [
    "7.3/leaf-signature",
    "an Update signed for another group",
    (world) => world.proposal(updated(world, rightLeaf, undefined, { ...place(world), groupId: Buffer.from("other") })),
  ],
  [
    "7.3/leaf-signature",
    "a path with a leaf signed by someone else",
    (world) => world.commit([], { leafSigner: other(world).signatureKey }),
  ],
  [
    "7.3/leaf-signature",
    "a path with a leaf signed for another place",
    (world) => world.commit([], { leafPlace: { leafIndex: leaves.alice } }),
  ],
  [
    "7.3/leaf-signature",
    "a path with a leaf signed for another group",
    (world) => world.commit([], { leafPlace: { groupId: Buffer.from("other") } }),
  ],
  [
    "7.3/leaf-signature",
    "a path with one bit of the leaf's signature changed",
    (world) =>
      world.commit([], {
        path: ({ leafNode }) => Object.assign(leafNode, { signature: withoutBit(leafNode.signature) }),
      }),
  ],
  [
    "7.3/leaf-signature",
    "a path with an empty signature",
    (world) => world.commit([], { path: ({ leafNode }) => Object.assign(leafNode, { signature: Buffer.alloc(0) }) }),
  ],
  [
    "7.3/leaf-signature",
    "an Add whose leaf someone else signed",
    (world) => {
      const { signatureKey } = world.puppet("nina");
      return world.proposal(add(world.puppet("nina").keyPackage(undefined, undefined, signatureKey, world.server)));
    },
  ],
];

const strange: Change = (l) => ({
  ...l,
  credential: { credentialType: 0xf0c0, data: Buffer.from("strange") },
  capabilities: { ...l.capabilities, credentials: [...l.capabilities.credentials, 0xf0c0] },
});
const alone: Change = (l, w) => {
  const { capabilities } = strange(l, w) as LeafNode;
  return { ...(strange(l, w) as LeafNode), capabilities: { ...capabilities, credentials: [0xf0c0] } };
};
refusals([
  ...[...wrongAnywhere, ...wrongToStay].flatMap((wrong) => [inUpdate(wrong), inPath(wrong)]),
  ...[...wrongAnywhere, ...wrongLifetimes].flatMap((wrong) => [inAdd(wrong), inCommittedAdd(wrong)]),
  ...wrongInPlace,
  inCommittedAdd(["7.3/credential-support", "a credential type that others do not support", strange]),
  inCommittedAdd(["7.3/required-capabilities", "no support for the credential type that is required", alone]),
]);
