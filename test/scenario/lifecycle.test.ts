import { expect, test } from "@jest/globals";
import { CipherSuite, Client, type Group, type PendingCommit } from "tinymls";
import { heldHandles } from "../held-handles.js";

const suites = Object.entries(CipherSuite);
const other = (suite: CipherSuite): CipherSuite => (suite === 2 ? 1 : 2);

function expectSameEpoch(...groups: Group[]): void {
  const [first, ...rest] = groups.map((group) => group.epochAuthenticator().toString("hex"));
  for (const authenticator of rest) expect(authenticator).toBe(first);
}

async function deliver(pending: PendingCommit, ...others: Group[]): Promise<void> {
  await pending.confirm();
  for (const group of others) expect(await group.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
}

async function fourClients(cipherSuite: CipherSuite): Promise<Client[]> {
  return Promise.all(["alice", "bob", "carol", "dave"].map((identity) => Client.create({ identity, cipherSuite })));
}

test.each(suites)("%s: a group from its first to its last day", async (_, suite) => {
  const handles = heldHandles();
  const clients = await fourClients(suite);
  const [alice, bob, carol, dave] = clients as [Client, Client, Client, Client];

  const a = await alice.createGroup();
  const founding = await a.commit({ add: [await bob.createKeyPackage(), await carol.createKeyPackage()] });
  await founding.confirm();
  const b = await bob.joinGroup(founding.welcome!);
  const c = await carol.joinGroup(founding.welcome!);
  expectSameEpoch(a, b, c);

  const message = await b.sendMessage("hello", { authenticatedData: Buffer.from("id 7") });
  const received = await a.receiveMessage(message);
  expect(received).toMatchObject({ kind: "application", data: Buffer.from("hello"), generation: 0, epoch: 1n });
  expect(received).toMatchObject({ sender: { identity: Buffer.from("bob") }, authenticatedData: Buffer.from("id 7") });
  expect(await a.receiveMessage(message)).toEqual({ kind: "duplicate" });
  expect(await b.receiveMessage(message)).toEqual({ kind: "ownEcho" });

  const update = await c.proposeUpdate();
  for (const group of [a, b]) expect(await group.receiveMessage(update)).toMatchObject({ kind: "proposal" });
  await expect(b.sendMessage("too early")).rejects.toMatchObject({ code: "conflict" });
  await deliver(await b.commit(), a, c);
  expectSameEpoch(a, b, c);

  // Two commit at once, one wins, the other is made anew.
  const lost = await a.commit({ add: [await dave.createKeyPackage()] });
  await deliver(await b.commit(), a, c);
  expect(lost.state).toBe("superseded");
  const again = await lost.rebase();
  await deliver(again, b, c);
  const d = await dave.joinGroup(again.welcome!);
  expectSameEpoch(a, b, c, d);

  const removal = await d.commit({ remove: [c.ownLeafIndex] });
  await deliver(removal, a, b);
  expect(await c.receiveMessage(removal.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  await expect(c.sendMessage("still here")).rejects.toMatchObject({ code: "closed" });

  const { group: back, commit } = await carol.joinExternal(await a.groupInfo());
  for (const group of [a, b, d]) expect(await group.receiveMessage(commit)).toMatchObject({ kind: "commit" });
  expectSameEpoch(a, b, d, back);

  for (const client of clients) await client.addPsk("shared", Buffer.alloc(32, 7));
  await deliver(await back.commit({ psks: [{ external: "shared" }, { epoch: back.epoch }] }), a, b, d);
  expectSameEpoch(a, b, d, back);

  const branch = await a.branch([await bob.createKeyPackage()]);
  expectSameEpoch(branch.group, await bob.joinGroup(branch.welcome!));

  const cipherSuite = other(suite);
  await deliver(await a.reinit({ cipherSuite }), b, d, back);
  await expect(b.sendMessage("over")).rejects.toMatchObject({ code: "closed" });
  const packages = await Promise.all([alice, carol, dave].map((client) => client.createKeyPackage({ cipherSuite })));
  const begun = await b.reinitialize(packages);
  const joined = await Promise.all([alice, carol, dave].map((client) => client.joinGroup(begun.welcome!)));
  expectSameEpoch(begun.group, ...joined);
  expect(begun.group.cipherSuite).toBe(cipherSuite);

  await Promise.all(clients.map((client) => client.close()));
  expect(heldHandles()).toBe(handles);
});
