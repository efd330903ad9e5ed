/** RFC 9420 §7.1, §7.3, §7.9.2, §12.4.3.1, §12.4.3.3: the ratchet trees of GroupInfos, to a client outside. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, type RuleId } from "tinymls";
import { decode, encode, RatchetTree as RatchetTreeCodec, type LeafNode } from "tinymls/messages";
import { encodeOnce } from "#dist/codec/index.js";
import { GroupContext } from "#dist/mls/objects/index.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { strangeKey } from "../../forge/path.js";
import { proveRefusal } from "../../forge/proof.js";
import { forgeGroupInfo } from "../../forge/welcome.js";
import { forEachSuite } from "../../tree/suites.js";
import { TreeWorld } from "../../tree/world.js";

type Nodes = ({ nodeType: number; parentNode: Parent; leafNode: LeafNode } | null)[];
interface Parent {
  encryptionKey: Uint8Array;
  parentHash: Uint8Array;
  unmergedLeaves: number[];
}
type Case = [rule: RuleId, what: string, change: (nodes: Nodes, world: TreeWorld) => void];

const unmerged = (rule: RuleId, node: number, list: number[]): Case => [
  rule,
  `${JSON.stringify(list)} unmerged at node ${node}`,
  (nodes) => (nodes[node]!.parentNode.unmergedLeaves = list),
];
/** A leaf with other fields, signed anew by its member. */
const leaf = (rule: RuleId, what: string, change: (leaf: LeafNode, world: TreeWorld) => object): Case => [
  rule,
  what,
  (nodes, world) => {
    const { signatureKey } = world.members.get(1)!;
    const fields = { ...nodes[2]!.leafNode, ...change(nodes[2]!.leafNode, world) } as LeafNode;
    nodes[2]!.leafNode = world.sign(fields, signatureKey, 1).value;
  },
];

// Leaves 4 and 6 are unmerged at nodes 7 (the root) and 11.
const cases: Case[] = [
  unmerged("7.1/unmerged-leaves-sorted", 7, [6, 4]),
  unmerged("7.1/unmerged-leaves-sorted", 7, [4, 4, 6]),
  unmerged("12.4.3.1/unmerged-leaf-descendant", 11, [3, 4, 6]),
  unmerged("12.4.3.1/unmerged-leaf-descendant", 7, [4, 6, 0xffffffff]),
  unmerged("12.4.3.1/unmerged-leaf-listed", 11, []),
  unmerged("12.4.3.1/unmerged-leaf-listed", 11, [4]),
  unmerged("7.9.2/parent-hash", 7, [4]),
  ["12.4.3.1/unmerged-leaf-present", "an unmerged leaf that is blank", (nodes) => (nodes[8] = null)],
  [
    "7.9.2/parent-hash",
    "another key in a parent",
    (nodes, w) => (nodes[7]!.parentNode.encryptionKey = strangeKey(w.suite)),
  ],
  ["7.9.2/parent-hash", "an empty hash below", (nodes) => (nodes[11]!.parentNode.parentHash = new Uint8Array(0))],
  ["7.9.2/parent-hash", "another hash at the root", (nodes) => (nodes[7]!.parentNode.parentHash = new Uint8Array(32))],
  ["7.9.2/parent-hash", "a blank between", (nodes) => (nodes[3] = null)],
  [
    "12.4.3.1/encryption-key-unique",
    "one key in two parents",
    (nodes) => (nodes[3]!.parentNode.encryptionKey = nodes[7]!.parentNode.encryptionKey),
  ],
  [
    "12.4.3.1/encryption-key-unique",
    "the key of a leaf in a parent",
    (nodes) => (nodes[3]!.parentNode.encryptionKey = nodes[0]!.leafNode.encryptionKey),
  ],
  ["7.3/encryption-key-unique", "one leaf in two places", (nodes) => (nodes[6] = nodes[2]!)],
  leaf("7.3/signature-key-unique", "the signature key of another", (_, w) => ({
    signatureKey: w.tree.leaf(0)!.signatureKey,
  })),
  leaf("7.3/leaf-signature", "a signature by another key", () => ({ signatureKey: Buffer.alloc(5, 3) })),
  leaf("5.1.1/encryption-key", "a key that is none", () => ({ encryptionKey: Buffer.alloc(3, 4) })),
  leaf("7.3/credential-support", "no support for a credential type in use", (l) => ({
    capabilities: { ...l.capabilities, credentials: [2] },
  })),
  leaf("11.1/cipher-suite-listed", "no support for the suite", (l) => ({
    capabilities: { ...l.capabilities, cipherSuites: [99] },
  })),
  ["12.4.3.3/node-type", "a leaf at an odd place", (nodes) => (nodes[1] = nodes[0]!)],
  ["12.4.3.3/node-type", "a parent at an even place", (nodes) => (nodes[2] = nodes[1]!)],
  ["12.4.3.3/trailing-blank", "a blank at the end", (nodes) => nodes.push(null)],
  ["12.4.3.3/trailing-blank", "no node", (nodes) => (nodes.length = 0)],
];

forEachSuite((suite) => {
  let world: TreeWorld;
  let erin: Client;
  let tree: RatchetTree;

  beforeAll(async () => {
    erin = await Client.create({ identity: "erin", cipherSuite: suite.id });
    world = await TreeWorld.of(suite, 8, [1, 2, 3, 4, 5, 6, 7]);
    await world.commit(0, { removed: [4, 6] });
    for (const sender of [5, 7, 0, 1]) await world.commit(sender);
    const draft = new TreeDraft(world.tree);
    for (let i = 0; i < 2; i++) {
      const [added, leafKey, signatureKey] = world.keyPackageLeaf();
      draft.add(added);
      leafKey.dispose();
      signatureKey.dispose();
    }
    tree = draft.freeze();
  }, 60_000);
  afterAll(async () => {
    world.dispose();
    await erin.close();
  });

  /** The group context names the hash of the wrong tree: nothing else is wrong. */
  const groupInfo = (change: Case[2]): Buffer => {
    const nodes = structuredClone(decode(RatchetTreeCodec, tree.encode())) as unknown as Nodes;
    change(nodes, world);
    const ratchetTree = encode(RatchetTreeCodec, nodes as never);
    const context = encodeOnce(GroupContext, {
      ...{ version: 1, cipherSuite: suite.id, groupId: world.groupId, epoch: 9n, extensions: [] },
      treeHash: hashOf(ratchetTree),
      confirmedTranscriptHash: Buffer.alloc(suite.Nh),
    });
    const base = { context, tree, confirmationTag: Buffer.alloc(suite.Nh), externalPub: strangeKey(suite) };
    const by = { leafIndex: 0, signer: world.members.get(0)!.signatureKey };
    return forgeGroupInfo(suite, base, by, { ratchetTree });
  };
  const hashOf = (bytes: Uint8Array): Buffer => {
    try {
      return RatchetTree.decode(suite, bytes).treeHash();
    } catch {
      return Buffer.alloc(suite.Nh); // no tree, no hash
    }
  };

  test.each(cases)("%s: %s", async (rule, _, change) => {
    const bytes = groupInfo(change);
    await proveRefusal({ suite, rule }, () => erin.joinExternal(bytes));
    expect(await erin.groups()).toEqual([]);
  });

  test("the tree that was not changed is accepted", async () => {
    expect(tree.parent(7)!.unmergedLeaves).toEqual([4, 6]);
    const { group } = await erin.joinExternal(groupInfo(() => undefined));
    expect(group.members()).toHaveLength(9);
    await group.close();
  });
});
