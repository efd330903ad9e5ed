import { expect, test } from "@jest/globals";
import { CipherSuite, Client, PublicGroup, type Group } from "tinymls";

async function world(...names: string[]): Promise<Client[]> {
  return Promise.all(names.map((identity) => Client.create({ identity, handshake: "public" })));
}

function expectSameView(server: PublicGroup, group: Group): void {
  expect(server.epoch).toBe(group.epoch);
  expect(server.ratchetTree().equals(group.ratchetTree())).toBe(true);
  expect(server.members()).toEqual(group.members());
}

test("a server follows a group from its GroupInfo on, without any secret", async () => {
  const [alice, bob, carol] = (await world("alice", "bob", "carol")) as [Client, Client, Client];
  const a = await alice.createGroup();
  const server = await PublicGroup.fromGroupInfo(await a.groupInfo());
  expectSameView(server, a);

  const founding = await a.commit({ add: [await bob.createKeyPackage()] });
  expect(await server.receiveMessage(founding.commit)).toMatchObject({ kind: "commit", epoch: 1n });
  await founding.confirm();
  const b = await bob.joinGroup(founding.welcome!, { ratchetTree: server.ratchetTree() });
  expectSameView(server, a);

  const update = await b.proposeUpdate();
  expect(await server.receiveMessage(update)).toMatchObject({ kind: "proposal" });
  expect(await server.receiveMessage(update)).toEqual({ kind: "duplicate" });
  await a.receiveMessage(update);
  const commit = await a.commit();
  expect(await server.receiveMessage(commit.commit)).toMatchObject({ kind: "commit", epoch: 2n });
  await commit.confirm();
  await b.receiveMessage(commit.commit);

  const info = await a.groupInfo({ ratchetTree: false });
  const joined = await carol.joinExternal(info, { ratchetTree: server.ratchetTree() });
  expect(await server.receiveMessage(joined.commit)).toMatchObject({ kind: "commit", epoch: 3n });
  for (const group of [a, b]) await group.receiveMessage(joined.commit);
  expectSameView(server, joined.group);
  expect(server.cipherSuite).toBe(CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519);
});

test("what a server cannot check or must not let pass leaves it as it was", async () => {
  const [alice, bob] = (await world("alice", "bob")) as [Client, Client];
  const a = await alice.createGroup();
  const server = await PublicGroup.fromGroupInfo(await a.groupInfo());
  const founding = await a.commit({ add: [await bob.createKeyPackage()] });
  const forged = Buffer.from(founding.commit);
  forged[forged.length - 100]! ^= 1;
  expect(await server.receiveMessage(forged)).toMatchObject({ kind: "rejected" });
  expect(await server.receiveMessage(founding.commit.subarray(0, -1))).toMatchObject({ code: "malformed" });
  expect(await server.receiveMessage(founding.welcome!)).toMatchObject({ rule: "6/group-message" });
  const other = await alice.createGroup();
  expect(await server.receiveMessage((await other.commit()).commit)).toMatchObject({ rule: "6/group-id" });
  expect(server.epoch).toBe(0n);
  expect(await server.receiveMessage(founding.commit)).toMatchObject({ kind: "commit" });
  expect(await server.receiveMessage(founding.commit)).toEqual({ kind: "stale" });
  await founding.confirm();
  const application = await a.sendMessage("for members");
  expect(await server.receiveMessage(application)).toMatchObject({ kind: "rejected", code: "undecryptable" });
  await expect(server.receiveMessage("text" as never)).rejects.toMatchObject({ code: "usage" });
});

test("a GroupInfo that does not hold is refused", async () => {
  const [alice] = (await world("alice")) as [Client];
  const a = await alice.createGroup();
  const info = await a.groupInfo();
  const forged = Buffer.from(info);
  forged[forged.length - 1]! ^= 1;
  await expect(PublicGroup.fromGroupInfo(forged)).rejects.toMatchObject({ rule: "12.4.3/group-info-signature" });
  const bare = await a.groupInfo({ ratchetTree: false });
  await expect(PublicGroup.fromGroupInfo(bare)).rejects.toMatchObject({ code: "missing" });
  await expect(PublicGroup.fromGroupInfo(await alice.createKeyPackage())).rejects.toMatchObject({ code: "usage" });
});

test("an answer about a credential that is neither yes nor no is a no, promised or not", async () => {
  const [alice] = (await world("alice")) as [Client];
  const info = await (await alice.createGroup()).groupInfo();
  for (const answer of [undefined, null, Promise.resolve(undefined)]) {
    const authentication = { validateCredential: () => answer as never, isValidSuccessor: () => true };
    const refused = PublicGroup.fromGroupInfo(info, { authentication });
    await expect(refused).rejects.toMatchObject({ code: "invalid", rule: "5.3.1/credential" });
  }
});
