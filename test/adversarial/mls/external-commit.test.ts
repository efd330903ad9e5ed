/** RFC 9420 §8.3, §12.2, §12.4.3.2: external commits. */
import { expect, test } from "@jest/globals";
import type { LeafNode, Proposal } from "tinymls/messages";
import { forEachWorld, refusals, type Refusal } from "../../forge/refusals.js";
import { Puppet } from "../../forge/puppet.js";
import { newMemberProposal } from "../../forge/sign.js";
import { add, basic, contextExtensions, leaves, remove, update, type World } from "../../forge/world.js";

const joiner = (w: World) => w.puppet("judy");
/** Who takes the place of a former self. */
function returning(w: World, name: "dave" | "grace"): Puppet {
  const puppet = new Puppet(w.suite, name);
  return w.pile.add(puppet);
}
const psk = (w: World): Proposal => ({
  proposalType: 4,
  psk: { pskType: 1, pskId: Buffer.from("p"), pskNonce: Buffer.alloc(w.suite.Nh, 1) },
});
const reinit = (w: World): Proposal => ({
  ...{ proposalType: 5, groupId: Buffer.from("n"), version: 1, cipherSuite: w.suite.id, extensions: [] },
});
const beside = (what: string, more: (w: World) => Proposal): Refusal => [
  "12.2/external-types",
  what,
  (w) => w.externalCommit(joiner(w), [more(w)]),
];
const leaf = (rule: Refusal[0], what: string, change: (leaf: LeafNode, w: World) => object): Refusal => [
  rule,
  `a joiner with ${what}`,
  (w) => w.externalCommit(joiner(w), [], { leaf: (right) => change(right, w) }),
];

refusals([
  beside("an Add", (w) => add(w.puppet("nina").own.value)),
  beside("an Update", (w) => update(w.leaf(leaves.dave))),
  beside("a ReInit", reinit),
  beside("GroupContextExtensions", (w) => contextExtensions(w.extensions)),
  beside("a type of the application", () => ({ proposalType: 0xf001 as never, data: Buffer.alloc(0) })),
  ["12.2/external-init-once", "none", (w) => w.externalCommit(joiner(w), [], { init: () => [] })],
  ["12.2/external-init-once", "none but a Remove", (w) => w.externalCommit(joiner(w), [remove(3)], { init: () => [] })],
  ["12.2/external-init-once", "two", (w) => w.externalCommit(joiner(w), [], { init: (init) => [init, init] })],
  ["12.2/external-remove-once", "two", (w) => w.externalCommit(returning(w, "dave"), [remove(3), remove(5)])],
  ["12.2/psk-once", "a PSK twice", (w) => w.externalCommit(joiner(w), [psk(w), psk(w)])],
  ["12.1.3/removed-leaf", "a blank leaf removed", (w) => w.externalCommit(joiner(w), [remove(leaves.blank)])],
  [
    "12.4.3.2/by-value",
    "a Remove by reference",
    async (w) => {
      const outcome = await w.alice.receiveMessage(w.proposal(remove(leaves.dave)));
      const { ref } = outcome as { ref: Buffer };
      return w.externalCommit(returning(w, "dave"), [{ proposal: remove(leaves.dave), ref }]);
    },
  ],
  ["5.3.1/successor", "the removal of someone else", (w) => w.externalCommit(joiner(w), [remove(leaves.dave)])],
  ["5.3.1/successor", "the removal of the receiver", (w) => w.externalCommit(joiner(w), [remove(leaves.alice)])],
  [
    "12.4.2/leaf-encryption-key",
    "the encryption key of the removed self",
    (w) =>
      w.externalCommit(returning(w, "grace"), [remove(leaves.grace)], {
        leaf: (right) => ({ ...right, encryptionKey: w.leaf(leaves.grace).encryptionKey }),
      }),
  ],
  [
    "12.4.3.2/authorized",
    "a client that the application does not want",
    (w) => w.externalCommit(w.puppet("uninvited")),
  ],
  ["8.3/kem-output", "an empty KEM output", (w) => kem(w, () => Buffer.alloc(0)), "undecryptable"],
  ["8.3/kem-output", "a truncated KEM output", (w) => kem(w, (output) => output.subarray(1)), "undecryptable"],
  ["6.1/confirmation-tag", "the KEM output of another secret", (w) => kem(w, () => otherOutput(w))],
  leaf("5.3.1/credential", "a credential not trusted", (l) => ({ ...l, credential: basic("mallory") })),
  [
    "7.3/signature-key-unique",
    "a joiner with the signature key of a member, by which all is signed",
    (w) => {
      const signer = w.puppet("dave").signatureKey;
      const leaf = (right: LeafNode) => ({ ...right, signatureKey: signer.publicKey });
      return w.externalCommit(joiner(w), [], { leaf, leafSigner: signer, signer });
    },
  ],
  leaf("7.3/required-capabilities", "no support for what the group requires", (l) => ({
    ...l,
    capabilities: { ...l.capabilities, extensions: [0xf0e0] },
  })),
  leaf("13.4/group-extensions-listed", "no support for an extension of the group", (l) => ({
    ...l,
    capabilities: { ...l.capabilities, extensions: [0xf0e1] },
  })),
  leaf("7.3/credential-support", "a credential type that others do not support", (l) => ({
    ...l,
    credential: { credentialType: 0xf0c0, data: Buffer.alloc(1) },
    capabilities: { ...l.capabilities, credentials: [1, 2, 0xf0c0] },
  })),
  leaf("7.3/leaf-node-source", "the leaf of a key package", (l) => {
    const { parentHash: _, ...rest } = l as LeafNode & { parentHash: object };
    return { ...rest, leafNodeSource: 1, lifetime: { notBefore: 0n, notAfter: 2n ** 39n } };
  }),
  [
    "12.1.8/authorized",
    "an Add of itself by a client that the application does not want",
    (w) => {
      const { own, signatureKey } = w.puppet("uninvited");
      return w.proposal(add(own.value), { sender: newMemberProposal, signer: signatureKey });
    },
  ],
]);

function kem(w: World, change: (output: Uint8Array) => Uint8Array) {
  const init = (right: Proposal): Proposal[] => {
    const { kemOutput } = right as Extract<Proposal, { proposalType: 6 }>;
    return [{ proposalType: 6, kemOutput: change(kemOutput) }];
  };
  return w.externalCommit(joiner(w), [], { init });
}

function otherOutput({ suite, bob }: World): Buffer {
  const { kemOutput, initSecret } = suite.externalInitSender(bob.epoch.secrets.externalKeyPair.publicKey);
  initSecret.dispose();
  return kemOutput;
}

forEachWorld((worldOf) => {
  test("a member that lost its state takes the place of its former self", async () => {
    const world = worldOf();
    const commit = world.externalCommit(returning(world, "dave"), [remove(leaves.dave)]);
    expect(await world.alice.receiveMessage(commit.bytes)).toMatchObject({
      kind: "commit",
      removed: [{ leafIndex: leaves.dave }],
      added: [{ leafIndex: leaves.dave }],
    });
    expect(world.alice.epochAuthenticator()).toEqual(commit.secrets.epochAuthenticator());
  });
});
