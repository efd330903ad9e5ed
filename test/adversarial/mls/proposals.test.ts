/** RFC 9420 §12.1, §12.2: proposals one by one and the lists of commits. */
import type { PreSharedKeyID, Proposal } from "tinymls/messages";
import { strangeKey } from "../../forge/path.js";
import { refusals } from "../../forge/refusals.js";
import { signAnyLeaf } from "../../forge/sign.js";
import { add, contextExtensions, leaves, remove, update, type World } from "../../forge/world.js";

const psk = (world: World, id: object = { pskType: 1, pskId: Buffer.from("any") }): Proposal => ({
  proposalType: 4,
  psk: { ...id, pskNonce: Buffer.alloc(world.suite.Nh, 9) } as unknown as PreSharedKeyID,
});
const resumption = (world: World, usage: number): object => ({
  ...{ pskType: 2, usage, pskEpoch: world.alice.epoch - 1n },
  pskGroupId: world.alice.groupId,
});
const withNonce = (world: World, length: number): Proposal => {
  const { psk: id } = psk(world) as Extract<Proposal, { proposalType: 4 }>;
  return { proposalType: 4, psk: { ...id, pskNonce: Buffer.alloc(length, 9) } };
};
const reinit = (world: World, change: object = {}): Proposal => ({
  ...{ proposalType: 5, groupId: Buffer.from("next"), version: 1, cipherSuite: world.suite.id, extensions: [] },
  ...change,
});
const nina = (world: World) => add(world.puppet("nina").own.value);
/** A valid Update of a member whose keys the test has. */
function updateOf(world: World, name: "bob" | "dave" | "grace"): Proposal {
  const { signature: _, ...leaf } = world.leaf(leaves[name]) as never as Record<string, unknown>;
  delete leaf.parentHash;
  delete leaf.lifetime;
  const place = { groupId: world.alice.groupId, leafIndex: leaves[name] };
  const signer = name === "bob" ? world.bob.epoch.signatureKey : world.puppet(name).signatureKey;
  const fields = { ...leaf, leafNodeSource: 2, encryptionKey: strangeKey(world.suite) };
  return update(signAnyLeaf(world.suite, fields, signer, place));
}
/** A proposal that alice has accepted, as a commit refers to it. */
async function accepted(world: World, name: "bob" | "dave" | "grace", proposal: Proposal) {
  const signer = name === "bob" ? world.bob.epoch.signatureKey : world.puppet(name).signatureKey;
  const departure = { sender: { senderType: 1, leafIndex: leaves[name] }, signer } as const;
  const outcome = await world.alice.receiveMessage(world.proposal(proposal, departure));
  if (outcome.kind !== "proposal") throw new Error(JSON.stringify(outcome));
  return { proposal, by: leaves[name], ref: outcome.ref };
}
const extension = (extensionType: number) => ({ extensionType, extensionData: Buffer.alloc(0) });
const twice = [extension(0xf0e0), extension(0xf0e0)];

refusals([
  ["8.4/psk-nonce-length", "a short nonce", (w) => w.proposal(withNonce(w, w.suite.Nh - 1))],
  ["8.4/psk-nonce-length", "no nonce, committed", (w) => w.commit([withNonce(w, 0)])],
  ["8.4/psk-nonce-length", "a long nonce, committed", (w) => w.commit([withNonce(w, w.suite.Nh + 1)])],
  ["12.1.3/removed-leaf", "a blank leaf", (w) => w.proposal(remove(leaves.blank))],
  ["12.1.3/removed-leaf", "a leaf outside the tree", (w) => w.proposal(remove(leaves.outside))],
  ["12.1.3/removed-leaf", "the last leaf index there is", (w) => w.proposal(remove(0xffffffff))],
  ["12.1.3/removed-leaf", "a blank leaf, committed", (w) => w.commit([remove(leaves.blank)])],
  ["12.1.3/removed-leaf", "a leaf outside the tree, committed", (w) => w.commit([remove(0x7fffffff)])],
  ["12.1.4/psk-usage", "the PSK of a reinitialization", (w) => w.proposal(psk(w, resumption(w, 2)))],
  ["12.1.4/psk-usage", "the PSK of a branch", (w) => w.proposal(psk(w, resumption(w, 3)))],
  ["12.1.4/psk-usage", "the PSK of a reinitialization, committed", (w) => w.commit([psk(w, resumption(w, 2))])],
  ["12.1.4/psk-usage", "the PSK of a branch, committed", (w) => w.commit([psk(w, resumption(w, 3))])],
  ["12.1.5/version", "version 0", (w) => w.proposal(reinit(w, { version: 0 }))],
  ["12.1.5/version", "version 0, committed", (w) => w.commit([reinit(w, { version: 0 })])],
  ["13.4/extensions-unique", "a GroupContextExtensions with a type twice", (w) => w.proposal(contextExtensions(twice))],
  ["13.4/extensions-unique", "a ReInit with a type twice", (w) => w.proposal(reinit(w, { extensions: twice }))],
  [
    "13.4/group-extensions-listed",
    "a GroupContextExtensions that no member supports",
    (w) => w.commit([contextExtensions([...w.extensions, extension(0xf0ee)])]),
  ],
  [
    "7.3/required-capabilities",
    "a GroupContextExtensions that requires what no member supports",
    (w) => w.commit([contextExtensions([{ extensionType: 3, extensionData: Buffer.from("0002f0ee00", "hex") }])]),
  ],
  ["12.2/no-external-init", "proposed", (w) => w.proposal({ proposalType: 6, kemOutput: Buffer.alloc(32) })],
  ["12.2/no-external-init", "committed", (w) => w.commit([{ proposalType: 6, kemOutput: Buffer.alloc(32) }])],
  ["12.2/committer-update", "by value", (w) => w.commit([{ proposal: updateOf(w, "bob"), by: leaves.bob }])],
  ["12.2/committer-update", "by reference", async (w) => w.commit([await accepted(w, "bob", updateOf(w, "bob"))])],
  ["12.2/committer-remove", "by value", (w) => w.commit([remove(leaves.bob)])],
  ["12.2/committer-remove", "by reference", async (w) => w.commit([await accepted(w, "dave", remove(leaves.bob))])],
  ["12.2/one-change-per-leaf", "a member removed twice", (w) => w.commit([remove(leaves.carol), remove(leaves.carol)])],
  ["12.2/one-change-per-leaf", "the receiver removed twice", (w) => w.commit([remove(0), remove(0)])],
  [
    "12.2/one-change-per-leaf",
    "an Update and a Remove",
    async (w) => w.commit([await accepted(w, "dave", updateOf(w, "dave")), remove(leaves.dave)]),
  ],
  [
    "12.2/one-change-per-leaf",
    "two Updates",
    async (w) =>
      w.commit([await accepted(w, "grace", updateOf(w, "grace")), await accepted(w, "grace", updateOf(w, "grace"))]),
  ],
  [
    "12.2/one-change-per-leaf",
    "one Update, referred to twice",
    async (w) => {
      const once = await accepted(w, "grace", updateOf(w, "grace"));
      return w.commit([once, once]);
    },
  ],
  ["12.2/add-once", "one key package twice", (w) => w.commit([nina(w), nina(w)])],
  [
    "12.2/add-once",
    "two key packages of one client",
    (w) => w.commit([nina(w), add(w.puppet("nina").keyPackage((k) => ({ ...k, initKey: strangeKey(w.suite) })))]),
  ],
  [
    "12.2/add-once",
    "two clients that the application takes for one",
    (w) => {
      const twin = (name: string) =>
        w.puppet(name).keyPackage(undefined, (leaf) => ({
          ...leaf,
          credential: { credentialType: 1, identity: Buffer.from("twin") },
        }));
      return w.commit([add(twin("nina")), add(twin("olaf"))]);
    },
  ],
  ["12.2/add-new", "a member", (w) => w.commit([add(w.puppet("dave").own.value)])],
  [
    "12.2/add-new",
    "a member, while another is removed",
    (w) => w.commit([remove(leaves.grace), add(w.puppet("dave").own.value)]),
  ],
  ["12.2/psk-once", "a PSK twice", (w) => w.commit([psk(w), psk(w)])],
  ["12.2/psk-once", "a resumption PSK twice", (w) => w.commit([psk(w, resumption(w, 1)), psk(w, resumption(w, 1))])],
  [
    "12.2/one-group-context-extensions",
    "two of them",
    (w) => w.commit([contextExtensions(w.extensions), contextExtensions(w.extensions)]),
  ],
  ["12.2/reinit-alone", "beside an Add", (w) => w.commit([reinit(w), nina(w)])],
  ["12.2/reinit-alone", "twice", (w) => w.commit([reinit(w), reinit(w)])],
  [
    "12.2/type-supported",
    "a type unknown to all",
    (w) => w.commit([{ proposalType: 0xf0aa as never, data: Buffer.of(1) }]),
  ],
  ["12.2/type-supported", "a GREASE type", (w) => w.commit([{ proposalType: 0x0a0a as never, data: Buffer.of(1) }])],
  ["12.4/path-required", "no proposals", (w) => w.commit([], { withPath: false })],
  ["12.4/path-required", "a Remove", (w) => w.commit([remove(leaves.dave)], { withPath: false })],
  [
    "12.4/path-required",
    "an Update among others",
    async (w) => w.commit([nina(w), await accepted(w, "dave", updateOf(w, "dave"))], { withPath: false }),
  ],
  [
    "12.4/path-required",
    "GroupContextExtensions",
    (w) => w.commit([contextExtensions(w.extensions)], { withPath: false }),
  ],
  [
    "12.4/path-required",
    "a type of the application",
    (w) => w.commit([{ proposalType: 0xf001 as never, data: Buffer.of(1) }], { withPath: false }),
  ],
]);
