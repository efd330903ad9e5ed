/** RFC 9420 §6, §15.3: who may send what, how it is authenticated, and how far ahead its key may be. */
import { expect, test } from "@jest/globals";
import { decode, encode, MLSMessage, WireFormat } from "tinymls/messages";
import { frameAnything, external, member, newMemberCommit, newMemberProposal, signAnything } from "../../forge/sign.js";
import { proveRefusal } from "../../forge/proof.js";
import { claim, forEachWorld, refusals, type Refusal } from "../../forge/refusals.js";
import { add, contextExtensions, leaves, remove, update, type World } from "../../forge/world.js";
import type { FramingDeparture } from "../../forge/sign.js";

const { mlsPublicMessage, mlsPrivateMessage } = WireFormat;
const wrongTags: [string, (tag: Buffer) => Buffer][] = [
  ["empty", () => Buffer.alloc(0)],
  ["truncated", (tag) => tag.subarray(0, 1)],
  ["one octet short", (tag) => tag.subarray(0, -1)],
  ["one octet long", (tag) => Buffer.concat([tag, Buffer.of(0)])],
  ["zero", (tag) => Buffer.alloc(tag.length)],
  ["changed in the last bit", (tag) => Buffer.concat([tag.subarray(0, -1), Buffer.of(tag.at(-1)! ^ 1)])],
];
const wrongSignatures: [string, (signature: Buffer) => Buffer][] = [
  ["empty", () => Buffer.alloc(0)],
  ["truncated", (signature) => signature.subarray(0, -1)],
  ["one octet long", (signature) => Buffer.concat([signature, Buffer.of(0)])],
  ["zero", (signature) => Buffer.alloc(signature.length)],
];
/** A message of any content and sender, by bob's keys unless told otherwise. */
function message(world: World, body: object, departure: FramingDeparture): Buffer {
  const { epoch } = world.bob;
  const tag = "commit" in body ? Buffer.alloc(world.suite.Nh) : undefined;
  const wireFormat = departure.wireFormat ?? mlsPublicMessage;
  const right = { sender: member(leaves.bob), signer: epoch.signatureKey, ...departure, wireFormat };
  return frameAnything(epoch, signAnything(epoch, body as never, right), tag, departure);
}
const emptyCommit = { contentType: 3, commit: { proposals: [], path: null } };
const application = { contentType: 1, applicationData: Buffer.from("in the clear") };
const proposal = (value: object) => ({ contentType: 2, proposal: value });
const nina = (w: World) => add(w.puppet("nina").own.value);
const byServer = (w: World) => ({ sender: external(0), signer: w.server });
const byNina = (w: World) => ({ sender: newMemberProposal, signer: w.puppet("nina").signatureKey });
const asPrivate = { wireFormat: mlsPrivateMessage } as const;

const inBoth = (rule: Refusal[0], what: string, departure: (w: World) => FramingDeparture): Refusal[] => [
  [rule, `${what}, a PublicMessage`, (w) => w.proposal(remove(leaves.dave), departure(w))],
  [rule, `${what}, a PrivateMessage`, (w) => w.proposal(remove(leaves.dave), { ...asPrivate, ...departure(w) })],
];

refusals([
  ...inBoth("6/group-id", "of another group", () => ({ groupId: Buffer.from("another") })),
  ["6/group-id", "an empty group id", (w) => w.proposal(remove(3), { groupId: Buffer.alloc(0) })],
  ["6/group-message", "a key package", (w) => w.puppet("nina").message],
  ["6/group-message", "a GroupInfo", (w) => w.groupInfo()],
  ["6/group-message", "a Welcome", (w) => w.welcome(w.commit([nina(w)]))],
  ["6/application-private", "application data in the clear", (w) => message(w, application, {})],
  ["6.1/external-content", "an Update", (w) => w.proposal(update(w.leaf(leaves.bob)), byServer(w)), "malformed"],
  [
    "6.1/external-content",
    "an ExternalInit",
    (w) => w.proposal({ proposalType: 6, kemOutput: Buffer.alloc(0) }, byServer(w)),
    "malformed",
  ],
  [
    "6.1/external-content",
    "a type of the application",
    (w) => w.proposal({ proposalType: 0xf001 as never, data: Buffer.alloc(0) }, byServer(w)),
    "malformed",
  ],
  ["6.1/external-content", "a commit", (w) => message(w, emptyCommit, byServer(w)), "malformed"],
  ["6.1/new-member-proposal-content", "a Remove", (w) => w.proposal(remove(leaves.dave), byNina(w))],
  ["6.1/new-member-proposal-content", "an Update", (w) => w.proposal(update(w.leaf(leaves.bob)), byNina(w))],
  ["6.1/new-member-proposal-content", "a commit", (w) => message(w, emptyCommit, byNina(w))],
  ["6.1/new-member-commit-content", "a proposal", (w) => message(w, proposal(remove(3)), { sender: newMemberCommit })],
  [
    "6.1/new-member-commit-content",
    "a commit without path",
    (w) => w.externalCommit(w.puppet("nina"), [], { withPath: false }),
  ],
  ["6.1/sender-key", "a blank leaf", (w) => w.proposal(remove(3), { sender: member(leaves.blank) })],
  ["6.1/sender-key", "a leaf outside the tree", (w) => w.proposal(remove(3), { sender: member(0xffffffff) })],
  [
    "6.1/sender-key",
    "an external sender that is not listed",
    (w) => w.proposal(remove(3), { ...byServer(w), sender: external(1) }),
  ],
  ...wrongSignatures.flatMap(([what, signature]) =>
    inBoth("6.1/signature", `a signature ${what}`, () => ({ signature })),
  ),
  ...inBoth("6.1/signature", "by another member", (w) => ({ signer: w.puppet("dave").signatureKey })),
  ...inBoth("6.1/signature", "in the name of another member", () => ({
    sender: member(leaves.dave),
    keyOf: leaves.dave,
  })),
  ["6.1/signature", "in the name of leaf 2", (w) => w.proposal(remove(3), { sender: member(leaves.carol) })],
  ["6.1/signature", "of an external sender, by bob", (w) => w.proposal(remove(3), { sender: external(0) })],
  ["6.1/signature", "of a new member, by bob", (w) => w.proposal(nina(w), { sender: newMemberProposal })],
  [
    "6.1/signature",
    "of a joiner, by bob",
    (w) => w.externalCommit(w.puppet("nina"), [], { signer: w.bob.epoch.signatureKey }),
  ],
  [
    "6.1/signature",
    "of application data, by another",
    (w) => w.application("x", { signer: w.puppet("dave").signatureKey }),
  ],
  [
    "6.1/signature",
    "of application data in the name of another",
    (w) => w.application("x", { sender: member(3), keyOf: leaves.dave }),
  ],
  ["6.1/signature", "a commit by another", (w) => w.commit([], { signer: w.puppet("dave").signatureKey })],
  ...wrongTags.map(([what, membershipTag]): Refusal => [
    "6.2/membership-tag",
    `${what}`,
    (w) => w.proposal(remove(3), { membershipTag }),
  ]),
  ...wrongTags.map(([what, membershipTag]): Refusal => [
    "6.2/membership-tag",
    `${what}, of a commit`,
    (w) => w.commit([], { membershipTag }),
  ]),
  ...wrongTags.map(([what, confirmationTag]): Refusal => [
    "6.1/confirmation-tag",
    what,
    (w) => w.commit([], { confirmationTag }),
  ]),
  ...wrongTags.map(([what, confirmationTag]): Refusal => [
    "6.1/confirmation-tag",
    `${what}, private`,
    (w) => w.commit([], { ...asPrivate, confirmationTag }),
  ]),
  ...wrongTags.map(([what, confirmationTag]): Refusal => [
    "6.1/confirmation-tag",
    `${what}, of an external commit`,
    (w) => w.externalCommit(w.puppet("nina"), [], { confirmationTag }),
  ]),
  [
    "6.3/decryption",
    "a key of another generation",
    (w) => w.application("x", { claimed: { generation: 600 } }),
    "undecryptable",
  ],
  [
    "6.3/decryption",
    "a key of another sender",
    (w) => w.application("x", { keyOf: leaves.dave, claimed: { leafIndex: 2 } }),
    "undecryptable",
  ],
  [
    "6.3/decryption",
    "sender data of no one",
    (w) => changed(w.application("x"), "encryptedSenderData"),
    "undecryptable",
  ],
  ["6.3/decryption", "a changed ciphertext", (w) => changed(w.application("x"), "ciphertext"), "undecryptable"],
  [
    "6.3/decryption",
    "changed authenticated data",
    (w) => changed(w.application("x", { authenticatedData: Buffer.of(1) }), "authenticatedData"),
    "undecryptable",
  ],
  ["6.3.1/padding-zero", "an octet", (w) => w.application("x", { padding: Buffer.of(1) }), "malformed"],
  [
    "6.3.1/padding-zero",
    "the last octet of many",
    (w) => w.application("x", { padding: Buffer.concat([Buffer.alloc(40), Buffer.of(1)]) }),
    "malformed",
  ],
  [
    "6.3.1/padding-zero",
    "of a proposal",
    (w) => w.proposal(remove(3), { ...asPrivate, padding: Buffer.of(0, 0, 1, 0) }),
    "malformed",
  ],
  ["6.3.2/sender-leaf", "a blank leaf", (w) => w.application("x", { claimed: { leafIndex: leaves.blank } })],
  ["6.3.2/sender-leaf", "a leaf outside the tree", (w) => w.application("x", { claimed: { leafIndex: 8 } })],
  ["6.3.2/sender-leaf", "the greatest leaf index", (w) => w.application("x", { claimed: { leafIndex: 0xffffffff } })],
  [
    "13.4/group-extensions-listed",
    "an external sender's GroupContextExtensions, committed",
    async (w) => {
      const extension = { extensionType: 0xf0ef, extensionData: Buffer.alloc(0) };
      const wrong = contextExtensions([...w.extensions, extension]);
      const outcome = await w.alice.receiveMessage(w.proposal(wrong, byServer(w)));
      return w.commit([{ proposal: wrong, ref: (outcome as { ref: Buffer }).ref }]);
    },
  ],
  ["15.3/forward-distance", "one too far", (w) => w.application("x", { claimed: { generation: 10_600 } })],
  ["15.3/forward-distance", "the last generation", (w) => w.application("x", { claimed: { generation: 0xffffffff } })],
]);

function changed(bytes: Buffer, field: "ciphertext" | "encryptedSenderData" | "authenticatedData"): Buffer {
  const decoded = decode(MLSMessage, bytes) as unknown as { privateMessage: Record<string, Uint8Array> };
  const value = Buffer.from(decoded.privateMessage[field]!);
  value[value.length - 1]! ^= 1;
  const privateMessage = { ...decoded.privateMessage, [field]: value };
  return encode(MLSMessage, { version: 1, wireFormat: mlsPrivateMessage, privateMessage } as never);
}

forEachWorld((worldOf) => {
  test("leaf 0 is a member: what it sends is received, and what is sent in its name is refused", async () => {
    const world = worldOf();
    const { carol, alice } = world;
    expect(await carol.receiveMessage(await alice.sendMessage("from leaf 0"))).toMatchObject({
      kind: "application",
      sender: { leafIndex: 0 },
    });
    const forged = [
      world.application("x", { sender: member(leaves.alice), keyOf: leaves.alice }),
      world.proposal(remove(leaves.dave), { sender: member(leaves.alice) }),
    ];
    for (const bytes of forged) {
      await proveRefusal(claim(world, "6.1/signature", carol), () => carol.receiveMessage(bytes));
    }
  });

  test("14/own-commit: a commit in alice's name, by a copy of her keys", async () => {
    const world = worldOf();
    const forged = world.commit([], { sender: member(leaves.alice), signer: world.aliceKey });
    await proveRefusal(claim(world, "14/own-commit"), () => world.alice.receiveMessage(forged.bytes));
  });
});
