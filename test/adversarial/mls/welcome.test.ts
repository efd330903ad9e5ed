/** RFC 9420 §8, §12.4.3, §12.4.3.1: Welcomes and GroupInfos, to a client outside. */
import { expect, test } from "@jest/globals";
import { Client, externalSendersExtension, type ErrorCode, type RuleId } from "tinymls";
import type { GroupContext, GroupInfo, GroupSecrets, PreSharedKeyID, Welcome } from "tinymls/messages";
import type { CommitDeparture } from "../../forge/commit.js";
import { proveRefusal } from "../../forge/proof.js";
import { claim, forEachWorld } from "../../forge/refusals.js";
import { forgeWelcome, keyPackageIn, type GroupInfoDeparture, type WelcomeDeparture } from "../../forge/welcome.js";
import { add, leaves, type World } from "../../forge/world.js";

interface Departure extends WelcomeDeparture {
  readonly commit?: CommitDeparture;
}
type Case = [rule: RuleId, what: string, departure: (w: World) => Departure, code?: ErrorCode];

const context = (change: (c: GroupContext, w: World) => object) => (w: World) => ({
  commit: { context: (c: GroupContext) => ({ ...c, ...change(c, w) }) as GroupContext },
});
const inInfo =
  (change: (i: Omit<GroupInfo, "signature">, w: World) => object) =>
  (w: World): Departure => ({ groupInfo: (i) => ({ ...i, ...change(i, w) }) });
const secrets =
  (change: (s: GroupSecrets, w: World) => object) =>
  (w: World): Departure => ({ groupSecrets: (s) => ({ ...s, ...change(s, w) }) });
const inWelcome =
  (change: (m: Welcome, w: World) => object) =>
  (w: World): Departure => ({ welcome: (m) => ({ ...m, ...change(m, w) }) });
const flipped = (bytes: Uint8Array) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]);
const origin = (w: World, usage: 2 | 3): PreSharedKeyID => ({
  ...{ pskType: 2, usage, pskGroupId: Buffer.from("former"), pskEpoch: 7n },
  pskNonce: Buffer.alloc(w.suite.Nh, usage),
});
const extension = (extensionType: number) => ({ extensionType, extensionData: Buffer.alloc(0) });
const undecryptable = "undecryptable";

/** Whoever invites holds all keys, so everything follows from what is wrong, tag and signature too. */
const inEither: Case[] = [
  ["7.8/tree-hash", "another tree hash", context((c) => ({ treeHash: flipped(c.treeHash) }))],
  ["7.8/tree-hash", "an empty tree hash", context(() => ({ treeHash: Buffer.alloc(0) }))],
  ["12.4.3.1/version", "another version", context(() => ({ version: 2 }))],
  [
    "13.4/extensions-unique",
    "a group context with an extension twice",
    context((c) => ({ extensions: [...c.extensions, ...c.extensions] })),
  ],
  [
    "13.4/group-extensions-listed",
    "a group context with an extension that no one lists",
    context((c) => ({ extensions: [...c.extensions, extension(0xf0ef)] })),
  ],
  [
    "7.3/required-capabilities",
    "a group that requires what no one lists",
    context(() => ({ extensions: [{ extensionType: 3, extensionData: Buffer.from("0002f0ee00", "hex") }] })),
  ],
  [
    "13.4/extensions-unique",
    "a GroupInfo with an extension twice",
    inInfo((i) => ({ extensions: [...i.extensions, extension(0x0a0a), extension(0x0a0a)] })),
  ],
  ["12.4.3/group-info-signature", "signed by someone else", (w) => ({ infoSigner: w.puppet("dave").signatureKey })],
  ["12.4.3/group-info-signature", "signed in the name of another member", inInfo(() => ({ signer: leaves.dave }))],
  ["12.4.3/group-info-signature", "in the name of leaf 0", inInfo(() => ({ signer: 0 }))],
  ["12.4.3.1/signer", "a signer outside the tree", inInfo(() => ({ signer: leaves.outside }))],
  ["12.4.3.1/signer", "the greatest leaf index", inInfo(() => ({ signer: 0xffffffff }))],
  [
    "5.3.1/credential",
    "an external sender not trusted",
    (w) => context((c) => ({ extensions: [mallorys(w), ...c.extensions.slice(1)] }))(w),
  ],
];
function mallorys(w: World) {
  return externalSendersExtension([
    { signatureKey: w.server.publicKey, credential: { credentialType: 1, identity: Buffer.from("mallory") } },
  ]);
}

const inWelcomeOnly: Case[] = [
  ["12.4.3.1/cipher-suite", "a Welcome of another suite", inWelcome((m) => ({ cipherSuite: (m.cipherSuite % 7) + 1 }))],
  ["12.4.3.1/cipher-suite", "a Welcome of no suite", inWelcome(() => ({ cipherSuite: 0x0a0a }))],
  ["12.4.3.1/cipher-suite", "a group of another suite", context((c) => ({ cipherSuite: (c.cipherSuite % 7) + 1 }))],
  [
    "12.4.3.1/key-package-ref",
    "two entries for one key package",
    inWelcome((m) => ({ secrets: [m.secrets[0], m.secrets[0]] })),
  ],
  [
    "12.4.3.1/key-package-ref",
    "an entry for no key package of the client",
    inWelcome((m) => ({ secrets: m.secrets.map((one) => ({ ...one, newMember: flipped(one.newMember) })) })),
    "missing",
  ],
  ["12.4.3.1/key-package-ref", "no entry", inWelcome(() => ({ secrets: [] })), "missing"],
  [
    "12.4.3.1/joiner-secret-length",
    "a short joiner secret",
    secrets((s) => ({ joinerSecret: s.joinerSecret.subarray(1) })),
  ],
  ["12.4.3.1/joiner-secret-length", "an empty joiner secret", secrets(() => ({ joinerSecret: Buffer.alloc(0) }))],
  [
    "12.4.3.1/decryption",
    "another joiner secret",
    secrets((s) => ({ joinerSecret: flipped(s.joinerSecret) })),
    undecryptable,
  ],
  [
    "12.4.3.1/decryption",
    "a changed GroupInfo",
    inWelcome((m) => ({ encryptedGroupInfo: flipped(m.encryptedGroupInfo) })),
    undecryptable,
  ],
  ["12.4.3.1/decryption", "an empty GroupInfo", () => ({ sealed: () => Buffer.alloc(0) }), undecryptable],
  [
    "12.4.3.1/decryption",
    "changed group secrets",
    inWelcome((m) => ({
      secrets: m.secrets.map((one) => ({
        ...one,
        encryptedGroupSecrets: {
          ...one.encryptedGroupSecrets,
          ciphertext: flipped(one.encryptedGroupSecrets.ciphertext),
        },
      })),
    })),
    undecryptable,
  ],
  ["12.4.3.1/one-origin", "two groups that it follows", secrets((_, w) => ({ psks: [origin(w, 2), origin(w, 3)] }))],
  [
    "8.4/psk-nonce-length",
    "a PSK with a short nonce",
    (w) =>
      secrets(() => ({ psks: [{ pskType: 1, pskId: Buffer.from("known"), pskNonce: Buffer.alloc(w.suite.Nh - 1) }] }))(
        w,
      ),
  ],
  [
    "12.4.2/psk-available",
    "a PSK that the client does not have",
    (w) => secrets(() => ({ psks: [{ pskType: 1, pskId: Buffer.from("?"), pskNonce: Buffer.alloc(w.suite.Nh) }] }))(w),
    "missing",
  ],
  ["12.4.3.1/ratchet-tree", "no ratchet tree", () => ({ ratchetTree: null }), "missing"],
  [
    "12.4.3.1/own-leaf",
    "a tree without the client",
    (w) => ({ ...withTree(w), ratchetTree: w.bob.epoch.tree.encode() }),
  ],
  ["6.1/confirmation-tag", "another tag", inInfo((i) => ({ confirmationTag: flipped(i.confirmationTag) }))],
  ["6.1/confirmation-tag", "an empty tag", inInfo(() => ({ confirmationTag: Buffer.alloc(0) }))],
  ["6.1/confirmation-tag", "a truncated tag", inInfo((i) => ({ confirmationTag: i.confirmationTag.subarray(0, 1) }))],
  [
    "6.1/confirmation-tag",
    "another transcript",
    inInfo((i) => ({ groupContext: { ...i.groupContext, confirmedTranscriptHash: Buffer.alloc(0) } })),
  ],
  [
    "7.4/path-secret-length",
    "a short path secret",
    secrets((_, w) => ({ pathSecret: { pathSecret: Buffer.alloc(w.suite.Nh - 1) } })),
  ],
  [
    "7.5/derived-key",
    "another path secret",
    secrets((_, w) => ({ pathSecret: { pathSecret: Buffer.alloc(w.suite.Nh, 3) } })),
  ],
  [
    "7.5/derived-key",
    "a path secret of a commit without path",
    (w) => ({
      commit: { withPath: false },
      ...secrets(() => ({ pathSecret: { pathSecret: Buffer.alloc(w.suite.Nh, 3) } }))(w),
    }),
  ],
];
const withTree = (w: World): Departure => ({
  commit: { context: (c) => ({ ...c, treeHash: w.bob.epoch.tree.treeHash() }) },
});

async function invitation(world: World, client: Client, departure: Departure): Promise<Buffer> {
  await client.addPsk("known", Buffer.alloc(32, 7));
  const commit = world.commit([add(keyPackageIn(await client.createKeyPackage()))], departure.commit);
  return forgeWelcome(commit, world.suite, world.bob.epoch.signatureKey, departure);
}

forEachWorld((worldOf) => {
  test.each([...inEither, ...inWelcomeOnly])("%s: a Welcome with %s", async (rule, _, departure, code = "invalid") => {
    const world = worldOf();
    const erin = await world.client("erin");
    const welcome = await invitation(world, erin, departure(world));
    await proveRefusal({ ...claim(world, rule), code }, () => erin.joinGroup(welcome));
    expect(await erin.groups()).toEqual([]);
  });

  test.each(inEither)("%s: a GroupInfo with %s", async (rule, _, departure, code = "invalid") => {
    const world = worldOf();
    const erin = await world.client("erin");
    const { commit, ...rest } = departure(world);
    const infoDeparture: GroupInfoDeparture = {
      groupInfo: (i) => {
        const groupContext = commit?.context?.(i.groupContext) ?? i.groupContext;
        return { ...i, groupContext, ...(rest.groupInfo && { ...rest.groupInfo(i) }) } as typeof i;
      },
      ...(rest.infoSigner && { infoSigner: rest.infoSigner }),
    };
    const groupInfo = world.groupInfo(infoDeparture);
    await proveRefusal({ ...claim(world, rule), code }, () => erin.joinExternal(groupInfo));
    expect(await erin.groups()).toEqual([]);
  });

  test("12.4.3.2/external-pub: a GroupInfo without the external key", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const groupInfo = world.groupInfo({ groupInfo: (i) => ({ ...i, extensions: i.extensions.slice(0, 1) }) });
    await proveRefusal(claim(world, "12.4.3.2/external-pub"), () => erin.joinExternal(groupInfo));
  });

  test("12.4.3.1/cipher-suite: a GroupInfo of a suite that is none", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const other = world.groupInfo({
      groupInfo: (i) => ({ ...i, groupContext: { ...i.groupContext, cipherSuite: 0x0a0a } }),
    });
    await proveRefusal(claim(world, "12.4.3.1/cipher-suite"), () => erin.joinExternal(other));
  });

  test("13.4/group-extensions-listed: a joiner that does not support an extension of the group", async () => {
    const world = worldOf();
    const simple = await Client.create({ identity: "simple", cipherSuite: world.suite.id });
    await proveRefusal(claim(world, "13.4/group-extensions-listed"), () => simple.joinExternal(world.groupInfo()));
    await simple.close();
  });

  test("12.4.3.1/group-id-unique: a Welcome to a group with the id of one that the client is in", async () => {
    const world = worldOf();
    const carol = await world.client("carol");
    const welcome = await invitation(world, carol, {
      commit: { context: (c) => ({ ...c, groupId: world.alice.groupId }) },
    });
    await proveRefusal(claim(world, "12.4.3.1/group-id-unique", world.carol), () => carol.joinGroup(welcome));
  });

  test("8.1/last-epoch: nothing follows the last epoch that can be counted", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const invited = { commit: { context: (c: GroupContext) => ({ ...c, epoch: 2n ** 64n - 1n }) } };
    const group = await erin.joinGroup(await invitation(world, erin, invited));
    expect(group.epoch).toBe(2n ** 64n - 1n);
    await proveRefusal({ ...claim(world, "8.1/last-epoch", group), code: "exhausted" }, () => group.commit());
    await group.close();
  });

  test("after all that a valid Welcome is taken, and a key package is used once", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const valid = await invitation(world, erin, {});
    const group = await erin.joinGroup(valid);
    expect(group.members()).toHaveLength(6);
    await group.close();
    const usedUp = { ...claim(world, "12.4.3.1/key-package-ref"), code: "missing" } as const;
    await proveRefusal(usedUp, () => erin.joinGroup(valid));
  });
});
