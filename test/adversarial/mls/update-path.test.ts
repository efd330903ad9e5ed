/** RFC 9420 §7.4 to §7.6, §7.9.2, §12.4.2: the update paths of commits. */
import type { LeafNode } from "tinymls/messages";
import { strangeKey, type OpenPath } from "../../forge/path.js";
import { refusals, type Refusal } from "../../forge/refusals.js";
import { add, leaves, remove, type World } from "../../forge/world.js";

const nina = (w: World) => add(w.puppet("nina").own.value);
const inPath = (rule: Refusal[0], what: string, path: (path: OpenPath, world: World) => void): Refusal => [
  rule,
  what,
  (world) => world.commit([nina(world)], { path: (open) => path(open, world) }),
];
const keys = (rule: Refusal[0], what: string, change: (keys: Buffer[], world: World) => Buffer[]): Refusal => [
  rule,
  what,
  (world) => world.commit([], { pathKeys: (right) => change(right, world) }),
];
const last = <T>(list: readonly T[]): T => list[list.length - 1]!;
const flipped = (bytes: Uint8Array): Buffer => {
  const out = Buffer.from(bytes);
  out[0]! ^= 1;
  return out;
};
const parentHash = (change: (hash: Uint8Array) => Uint8Array) => (leaf: LeafNode) => ({
  ...leaf,
  parentHash: change((leaf as LeafNode & { parentHash: Uint8Array }).parentHash),
});
const rootKey = ({ bob: { epoch } }: World) => Buffer.from(epoch.tree.parent(epoch.tree.root)!.encryptionKey);
const aliceKey = (world: World) => Buffer.from(world.leaf(leaves.alice).encryptionKey);
const undecryptable = "undecryptable";

refusals([
  keys("5.1.1/encryption-key", "a node with a key that is none", ([_, ...rest]) => [Buffer.alloc(3, 4), ...rest]),
  keys("5.1.1/encryption-key", "a node with an empty key", (right) => [...right.slice(0, -1), Buffer.alloc(0)]),
  keys("12.4.2/path-keys-unique", "the key of a leaf", ([_, ...rest], w) => [aliceKey(w), ...rest]),
  keys("12.4.2/path-keys-unique", "the old key of the root", (right, w) => [...right.slice(0, -1), rootKey(w)]),
  keys("12.4.2/path-keys-unique", "one key twice", ([one, _, ...rest]) => [one!, one!, ...rest]),
  keys("7.5/derived-key", "a key of no path secret at the root", (right, { suite }) => [
    ...right.slice(0, -1),
    strangeKey(suite),
  ]),
  keys("7.5/derived-key", "a key of no path secret at the first node", ([_, ...rest], { suite }) => [
    strangeKey(suite),
    ...rest,
  ]),
  [
    "12.4.2/path-keys-unique",
    "the leaf's key in a node",
    (w) => w.commit([], { path: (p) => (p.nodes[0]!.encryptionKey = p.leafNode.encryptionKey) }),
  ],
  [
    "7.4/path-secret-length",
    "a short path secret",
    (w) => w.commit([], { pathSecret: () => Buffer.alloc(w.suite.Nh - 1, 5) }),
  ],
  [
    "7.4/path-secret-length",
    "a long path secret",
    (w) => w.commit([], { pathSecret: () => Buffer.alloc(w.suite.Nh + 1, 5) }),
  ],
  ["7.4/path-secret-length", "an empty path secret", (w) => w.commit([], { pathSecret: () => Buffer.alloc(0) })],
  ["7.5/derived-key", "another path secret", (w) => w.commit([], { pathSecret: () => Buffer.alloc(w.suite.Nh, 5) })],
  inPath("7.6/path-length", "no node", (p) => (p.nodes = [])),
  inPath("7.6/path-length", "a node too few", (p) => p.nodes.pop()),
  inPath("7.6/path-length", "a node too many", (p) => p.nodes.push({ ...p.nodes[0]! })),
  inPath("7.6/ciphertext-count", "a ciphertext too few", (p) => last(p.nodes).encryptedPathSecret.pop()),
  inPath("7.6/ciphertext-count", "no ciphertext", (p) => (p.nodes[0]!.encryptedPathSecret = [])),
  inPath("7.6/ciphertext-count", "one for the member just added", (p, { suite }) => {
    const sealed = suite.encryptWithLabel(strangeKey(suite), "UpdatePathNode", Buffer.alloc(0), Buffer.alloc(suite.Nh));
    last(p.nodes).encryptedPathSecret.push(sealed);
  }),
  [
    "7.6/path-secret-decryption",
    "a changed ciphertext",
    (w) =>
      w.commit([], {
        path: (p) =>
          p.nodes.forEach((node) =>
            node.encryptedPathSecret.forEach((one) => (one.ciphertext = flipped(one.ciphertext))),
          ),
      }),
    undecryptable,
  ],
  [
    "7.6/path-secret-decryption",
    "a KEM output that is none",
    (w) =>
      w.commit([], {
        path: (p) =>
          p.nodes.forEach((node) => node.encryptedPathSecret.forEach((one) => (one.kemOutput = Buffer.of(4)))),
      }),
    undecryptable,
  ],
  ["7.6/path-secret-decryption", "another group context", (w) => w.commit([], { pathContext: flipped }), undecryptable],
  [
    "7.6/path-secret-decryption",
    "the context of the epoch that ends",
    (w) => w.commit([], { pathContext: () => Buffer.from(w.bob.epoch.context.bytes) }),
    undecryptable,
  ],
  ["7.9.2/leaf-parent-hash", "an empty hash", (w) => w.commit([], { leaf: parentHash(() => Buffer.alloc(0)) })],
  ["7.9.2/leaf-parent-hash", "one bit", (w) => w.commit([], { leaf: parentHash(flipped) })],
  ["7.9.2/leaf-parent-hash", "a truncated hash", (w) => w.commit([], { leaf: parentHash((hash) => hash.subarray(1)) })],
  [
    "7.9.2/leaf-parent-hash",
    "a node key that it does not cover",
    (w) => w.commit([], { path: (p) => (last(p.nodes).encryptionKey = strangeKey(w.suite)) }),
  ],
  // What the epoch follows from is not what the commit says: everyone else derives other keys.
  [
    "6.1/confirmation-tag",
    "an epoch with other extensions",
    (w) => w.commit([nina(w)], { withPath: false, context: (c) => ({ ...c, extensions: [] }) }),
  ],
  [
    "6.1/confirmation-tag",
    "an epoch two ahead",
    (w) => w.commit([nina(w)], { withPath: false, context: (c) => ({ ...c, epoch: c.epoch + 1n }) }),
  ],
  [
    "6.1/confirmation-tag",
    "another tree hash",
    (w) => w.commit([nina(w)], { withPath: false, context: (c) => ({ ...c, treeHash: flipped(c.treeHash) }) }),
  ],
  [
    "7.6/path-secret-decryption",
    "a context of other extensions",
    (w) => w.commit([remove(leaves.dave)], { context: (c) => ({ ...c, extensions: [] }) }),
    undecryptable,
  ],
]);
