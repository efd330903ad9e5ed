// Buffers are the caller's: it may use them again, or share them with another thread, and no group notices.
import { describe, expect, test } from "@jest/globals";
import { Client, ExternalSender, externalSendersExtension, PublicGroup, type Group } from "tinymls";
import { close, expectSameEpoch, groupOf, type Person } from "./people.js";

/** The octets, given to `use` in a buffer that is overwritten at once where that is not awaited, and after it. */
async function lent<T>(octets: Uint8Array, use: (buffer: Buffer) => T | Promise<T>): Promise<T> {
  const buffer = Buffer.from(octets);
  const using = use(buffer);
  buffer.fill(0xff);
  return await using;
}

const receives = (group: Group, message: Buffer) => lent(message, (buffer) => group.receiveMessage(buffer));
const handshake = "public"; // what is encrypted is decrypted into other memory anyway

test("messages, Welcomes, GroupInfos, trees and key packages are read before the call returns, and not kept", async () => {
  const [alice, bob] = (await groupOf(2, { handshake })) as [Person, Person];
  const clients = await Promise.all(
    ["carol", "dave", "erin"].map((identity) => Client.create({ identity, handshake })),
  );
  const [carol, dave, erin] = clients as [Client, Client, Client];
  const observer = await lent(await alice.group.groupInfo(), (info) => PublicGroup.fromGroupInfo(info));
  const proposal = await lent(await carol.createKeyPackage(), (keyPackage) => alice.group.proposeAdd(keyPackage));
  const update = await alice.group.proposeUpdate();
  for (const message of [update, proposal]) {
    expect(await receives(bob.group, message)).toMatchObject({ kind: "proposal" });
    expect(await lent(message, (buffer) => observer.receiveMessage(buffer))).toMatchObject({ kind: "proposal" });
  }

  const plan = await lent(await dave.createKeyPackage(), (keyPackage) => bob.group.planAdd([keyPackage]));
  const pending = await bob.group.commit({ add: plan, ratchetTree: false });
  const { commit, welcome } = pending;
  await pending.confirm();
  expect(await receives(alice.group, commit)).toMatchObject({ kind: "commit" });
  expect(await lent(commit, (buffer) => observer.receiveMessage(buffer))).toMatchObject({ kind: "commit" });
  const groups = [alice.group, bob.group];
  for (const client of [carol, dave]) {
    const join = (ratchetTree: Buffer) => lent(welcome!, (buffer) => client.joinGroup(buffer, { ratchetTree }));
    groups.push(await lent(bob.group.ratchetTree(), join));
  }
  expectSameEpoch(...groups);

  const joined = await lent(await alice.group.groupInfo(), (info) => erin.joinExternal(info));
  for (const group of groups) expect(await receives(group, joined.commit)).toMatchObject({ kind: "commit" });
  expect(await lent(joined.commit, (buffer) => observer.receiveMessage(buffer))).toMatchObject({ kind: "commit" });
  expectSameEpoch(...groups, joined.group);
  expect(observer.treeHash).toHaveLength(32);
  expect(observer.members()).toEqual(alice.group.members());
  const last = await joined.group.commit({ update: true });
  await last.confirm();
  for (const group of groups) expect(await receives(group, last.commit)).toMatchObject({ kind: "commit" });
  expectSameEpoch(...groups, joined.group);
  await close([alice, bob, ...clients.map((client) => ({ client }))]);
});

test("a batch of messages may be overwritten while it is received", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const messages: Buffer[] = [];
  for (let i = 0; i < 300; i++) messages.push(await alice.group.sendMessage(`message ${i}`));
  const receiving = bob.group.receiveMessages(messages);
  for (const message of messages) message.fill(0);
  const outcomes = await receiving;
  expect(outcomes.map((outcome) => outcome.kind === "application" && outcome.data.toString())).toEqual(
    messages.map((_, i) => `message ${i}`),
  );
  await close([alice, bob]);
});

test("memory that threads share is read like any other", async () => {
  const shared = (octets: Uint8Array): Uint8Array => {
    const copy = new Uint8Array(new SharedArrayBuffer(octets.length));
    copy.set(octets);
    return copy;
  };
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const carol = await Client.create({ identity: "carol" });
  const message = await alice.group.sendMessage(shared(Buffer.from("text")), {
    authenticatedData: shared(Buffer.from("aad")),
  });
  const outcome = await bob.group.receiveMessage(shared(message));
  expect(outcome).toMatchObject({ kind: "application", data: Buffer.from("text") });
  const pending = await alice.group.commit({ add: [shared(await carol.createKeyPackage())] });
  await pending.confirm();
  expect(await bob.group.receiveMessages([shared(pending.commit)])).toMatchObject([{ kind: "commit" }]);
  const joined = await carol.joinGroup(shared(pending.welcome!));
  expectSameEpoch(alice.group, bob.group, joined);
  const again = await carol.joinExternal(shared(await alice.group.groupInfo()), { resync: true });
  expect(await alice.group.receiveMessage(shared(again.commit))).toMatchObject({ kind: "commit" });
  await close([alice, bob, { client: carol }]);
});

test("an array whose memory was given away has no octets", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const message = new Uint8Array(await alice.group.sendMessage("x"));
  structuredClone(message, { transfer: [message.buffer] });
  expect(await bob.group.receiveMessage(message)).toMatchObject({ kind: "rejected", code: "malformed" });
  await expect(bob.client.joinGroup(message)).rejects.toMatchObject({ code: "malformed" });
  await close([alice, bob]);
});

describe("what an application passes is copied", () => {
  const extensionType = 0xf100;
  const supported = { extensions: [extensionType] };

  test("identities, credentials, extensions and group ids", async () => {
    const [identity, data, groupId, leafData] = ["alice", "of the group", "the id", "of the leaf"].map((text) =>
      Buffer.from(text),
    );
    const extensions = [{ extensionType, extensionData: data! }];
    const leafExtensions = [{ extensionType, extensionData: leafData! }];
    const client = await Client.create({ identity: identity!, supported, leafExtensions });
    const group = await client.createGroup({ groupId: groupId!, extensions });
    for (const buffer of [identity!, data!, groupId!, leafData!]) buffer.fill(0);
    expect(group.groupId.toString()).toBe("the id");
    expect(Buffer.from(group.extensions[0]!.extensionData).toString()).toBe("of the group");
    expect(group.members()[0]!.identity.toString()).toBe("alice");
    const other = await Client.create({ identity: "bob", supported });
    const { group: joined } = await other.joinExternal(await group.groupInfo());
    expect(joined.members()[0]!.identity.toString()).toBe("alice");
    await close([{ client }, { client: other }]);
  });

  test("what is proposed and committed, also for a rebase", async () => {
    const custom = 0xf101;
    const [alice, bob] = (await groupOf(2, { handshake, supported, customProposals: [{ type: custom }] })) as [
      Person,
      Person,
    ];
    const [data, wanted] = [Buffer.from("custom"), Buffer.from("wanted")];
    const proposal = await lent(data, (buffer) => alice.group.proposeCustom(custom, buffer));
    expect(await bob.group.receiveMessage(proposal)).toMatchObject({ kind: "proposal" });
    const extensions = [{ extensionType, extensionData: wanted }];
    const pending = await bob.group.commit({ extensions });
    wanted.fill(0);
    const first = await alice.group.commit({ update: true, proposals: false });
    await first.confirm();
    expect(await bob.group.receiveMessage(first.commit)).toMatchObject({ kind: "commit" });
    const rebased = await pending.rebase();
    await rebased.confirm();
    expect(await alice.group.receiveMessage(rebased.commit)).toMatchObject({ kind: "commit" });
    for (const { group } of [alice, bob]) {
      expect(Buffer.from(group.extensions[0]!.extensionData).toString()).toBe("wanted");
    }
    expectSameEpoch(alice.group, bob.group);
    await close([alice, bob]);
  });

  test("the entry of an external sender", async () => {
    const identity = Buffer.from("server");
    using sender = new ExternalSender({ identity: "server", credential: { credentialType: 1, identity } });
    const client = await Client.create({ identity: "alice" });
    const group = await client.createGroup({ extensions: [externalSendersExtension([sender.entry])] });
    identity.fill(0);
    expect(sender.entry.credential).toMatchObject({ identity: Buffer.from("server") });
    const proposal = sender.proposeRemove(await group.groupInfo(), 0);
    expect(await group.receiveMessage(proposal)).toMatchObject({ kind: "proposal" });
    await client.close();
  });
});
