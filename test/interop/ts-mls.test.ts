import { expect, test } from "@jest/globals";
import { CipherSuite, Client, type Group, type HandshakePolicy } from "tinymls";
import { keyPackageOf, supported, TsMlsPeer } from "./ts-mls-peer.js";

const suites = supported.map((name) => [name, CipherSuite[name]] as const);
const authenticatedData = Buffer.from("authenticated");

/** Both see the same epoch and talk in it. */
async function expectTalk(group: Group, peer: TsMlsPeer): Promise<void> {
  expect(peer.epoch).toBe(group.epoch);
  expect(peer.epochAuthenticator).toEqual(group.epochAuthenticator());
  const context = Buffer.from("context");
  expect(await peer.exportSecret("label", context, 40)).toEqual(group.exportSecret("label", context, 40));
  expect(await peer.receive(await group.sendMessage("from here", { authenticatedData }))).toBe("from here");
  expect(await group.receiveMessage(await peer.send("from there", authenticatedData))).toMatchObject({
    kind: "application",
    data: Buffer.from("from there"),
    authenticatedData,
    sender: { leafIndex: peer.leafIndex, identity: Buffer.from(peer.name) },
  });
}

async function expectCommit(group: Group, commit: Buffer): Promise<void> {
  expect(await group.receiveMessage(commit)).toMatchObject({ kind: "commit", selfRemoved: false });
}

/** Commits of this side, taken in by all others. */
async function commitHere(group: Group, peers: TsMlsPeer[], options: Parameters<Group["commit"]>[0] = {}) {
  const pending = await group.commit(options);
  await pending.confirm();
  for (const peer of peers) expect(await peer.receive(pending.commit)).toBeUndefined();
  return pending;
}

test.each(suites)("%s: a group begun here, joined there", async (name, cipherSuite) => {
  const bob = await TsMlsPeer.create("bob", name);
  const carol = await TsMlsPeer.create("carol", name);
  const dave = await TsMlsPeer.create("dave", name);
  const alice = await Client.create({ identity: "alice", cipherSuite });
  const group = await alice.createGroup();
  const founding = await commitHere(group, [], { add: [await bob.createKeyPackage(), await carol.createKeyPackage()] });
  await bob.join(founding.welcome!);
  await carol.join(founding.welcome!);
  await expectTalk(group, bob);
  expect(await carol.receive(await bob.send("aside", authenticatedData))).toBe("aside");

  // Updates both ways: ours as a proposal that they commit, theirs by the path of a commit.
  const update = await group.proposeUpdate();
  await bob.receive(update);
  await carol.receive(update);
  const byReference = await bob.commit([]);
  await expectCommit(group, byReference.commit);
  await carol.receive(byReference.commit);
  await expectTalk(group, bob);
  await commitHere(group, [bob, carol], { update: true });
  await expectTalk(group, carol);

  await alice.addPsk("shared", Buffer.alloc(32, 5));
  for (const peer of [bob, carol]) peer.addPsk("shared", Buffer.alloc(32, 5));
  await commitHere(group, [bob, carol], { psks: [{ external: "shared" }] });
  await expectTalk(group, bob);

  const commit = await dave.joinExternal(await group.groupInfo());
  await expectCommit(group, commit);
  for (const peer of [bob, carol]) await peer.receive(commit);
  await expectTalk(group, dave);

  await commitHere(group, [bob, dave], { remove: [carol.leafIndex] });
  await expectTalk(group, dave);
  await expectTalk(group, bob);
  await alice.close();
});

test.each(suites)("%s: a group begun there, joined here", async (name, cipherSuite) => {
  const bob = await TsMlsPeer.create("bob", name);
  const clients = ["alice", "carol", "dave"].map((identity) => Client.create({ identity, cipherSuite }));
  const [alice, carol, dave] = (await Promise.all(clients)) as [Client, Client, Client];
  await bob.createGroup(Buffer.from("theirs"));
  const adds = await Promise.all([alice, carol].map((client) => client.createKeyPackage()));
  const founding = await bob.commit(
    adds.map((bytes) => ({ proposalType: "add", add: { keyPackage: keyPackageOf(bytes) } })),
  );
  const a = await alice.joinGroup(founding.welcome!);
  const c = await carol.joinGroup(founding.welcome!);
  await expectTalk(a, bob);
  await expectTalk(c, bob);

  for (const asPublicMessage of [true, false]) {
    const proposal = { proposalType: "remove", remove: { removed: c.ownLeafIndex } } as const;
    const message = await bob.propose(proposal, asPublicMessage);
    expect(await a.receiveMessage(message)).toMatchObject({ kind: "proposal" });
    expect(await c.receiveMessage(message)).toMatchObject({ kind: "proposal" });
    const path = await commitHere(a, [bob], { proposals: false, update: true });
    await expectCommit(c, path.commit);
  }
  await expectTalk(c, bob);

  const theirUpdate = await bob.proposeUpdate();
  for (const group of [a, c]) expect(await group.receiveMessage(theirUpdate)).toMatchObject({ kind: "proposal" });
  bob.useUpdate();
  const covering = await commitHere(a, [bob]);
  expect(await c.receiveMessage(covering.commit)).toMatchObject({ kind: "commit", updated: [{ leafIndex: 0 }, {}] });
  await expectTalk(a, bob);

  const removal = await bob.commit([{ proposalType: "remove", remove: { removed: c.ownLeafIndex } }], {
    wireAsPublicMessage: true,
  });
  await expectCommit(a, removal.commit);
  expect(await c.receiveMessage(removal.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  await expectTalk(a, bob);

  const { group: d, commit } = await dave.joinExternal(await bob.groupInfo());
  expect(await bob.receive(commit)).toBeUndefined();
  await expectCommit(a, commit);
  await expectTalk(d, bob);

  for (const client of [alice, dave]) await client.addPsk("shared", Buffer.alloc(32, 6));
  bob.addPsk("shared", Buffer.alloc(32, 6));
  const psk = {
    psktype: "external",
    pskId: Buffer.from("shared"),
    pskNonce: Buffer.alloc(nonceLength(name), 3),
  } as const;
  const injection = await bob.commit([{ proposalType: "psk", psk: { preSharedKeyId: psk } }]);
  await expectCommit(a, injection.commit);
  await expectCommit(d, injection.commit);
  await expectTalk(a, bob);
  await expectTalk(d, bob);
  await Promise.all([alice, carol, dave].map((client) => client.close()));
});

/** KDF.Nh. */
function nonceLength(name: string): number {
  return name.includes("SHA512") ? 64 : name.includes("SHA384") ? 48 : 32;
}

test.each(suites)(
  "%s: reinitialized into another suite, asked for and begun on either side",
  async (name, cipherSuite) => {
    const [nextName, next] = suites[(suites.findIndex(([other]) => other === name) + 1) % suites.length]!;
    for (const handshake of ["public", "private"] as HandshakePolicy[]) {
      const bob = await TsMlsPeer.create("bob", name);
      const alice = await Client.create({ identity: "alice", cipherSuite });
      const group = await alice.createGroup({ handshake });
      const founding = await commitHere(group, [], { add: [await bob.createKeyPackage()] });
      await bob.join(founding.welcome!);
      const groupId = Buffer.from("next");
      if (handshake === "public") {
        await commitHere(group, [bob], { reinit: { groupId, cipherSuite: next, extensions: [] } });
        const begun = await group.reinitialize([await bob.createKeyPackage(nextName)]);
        await bob.joinReinitialized(begun.welcome!, undefined);
        await expectTalk(begun.group, bob);
      } else {
        await expectCommit(group, (await bob.commitReInit(groupId, nextName)).commit);
        const keyPackage = await alice.createKeyPackage({ cipherSuite: next });
        const { welcome } = await bob.reinitialize([keyPackage], groupId, nextName);
        const tree = (await treeOf(bob)).ratchetTree;
        await expectTalk(await alice.joinGroup(welcome!, { ratchetTree: tree }), bob);
      }
      await alice.close();
    }
  },
);

/** That stack puts no tree into this Welcome: it is taken from its GroupInfo. */
async function treeOf(peer: TsMlsPeer): Promise<{ ratchetTree: Buffer }> {
  const { decode, ExtensionType, MLSMessage } = await import("tinymls/messages");
  const decoded = decode(MLSMessage, await peer.groupInfo());
  if (!("groupInfo" in decoded)) throw new Error("not a GroupInfo");
  const { extensions } = decoded.groupInfo;
  const tree = extensions.find(({ extensionType }) => extensionType === ExtensionType.ratchetTree)!;
  return { ratchetTree: Buffer.from(tree.extensionData) };
}
