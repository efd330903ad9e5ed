import { expect, test } from "@jest/globals";
import { CipherSuite, Client, ExternalSender, externalSendersExtension, type Group } from "tinymls";
import { decode, MLSMessage, ProposalType, WireFormat } from "tinymls/messages";
import { heldHandles } from "../held-handles.js";

const suites = Object.entries(CipherSuite);

async function pair(
  cipherSuite: CipherSuite,
  handshake?: "public" | "private",
): Promise<[Client, Client, Group, Group]> {
  const [alice, bob] = await Promise.all([
    Client.create({ identity: "alice", cipherSuite }),
    Client.create({ identity: "bob", cipherSuite }),
  ]);
  const a = await alice.createGroup({ handshake });
  const founding = await a.commit({ add: [await bob.createKeyPackage()] });
  await founding.confirm();
  return [alice, bob, a, await bob.joinGroup(founding.welcome!, { handshake })];
}

const wireFormat = (message: Buffer): number => decode(MLSMessage, message).wireFormat;
const refused = (code: string): object => expect.objectContaining({ code }) as object;

test.each(suites)("%s: an external sender proposes, a member commits", async (_, cipherSuite) => {
  const handles = heldHandles();
  const [alice, bob, a, b] = await pair(cipherSuite);
  const server = new ExternalSender({ identity: "server", cipherSuite });
  const carol = await Client.create({ identity: "carol", cipherSuite });
  const keyPackage = await carol.createKeyPackage();
  const unlisted = await a.groupInfo();
  expect(() => server.proposeAdd(unlisted, keyPackage)).toThrow(refused("usage"));

  const listing = await a.commit({ extensions: [externalSendersExtension([server.entry])] });
  await listing.confirm();
  expect(await b.receiveMessage(listing.commit)).toMatchObject({ kind: "commit" });
  const info = await a.groupInfo();
  for (const client of [alice, bob, carol]) await client.addPsk("shared", Buffer.alloc(32, 1));
  for (const proposal of [server.proposeAdd(info, keyPackage), server.proposePsk(info, { external: "shared" })]) {
    const outcome = { kind: "proposal", sender: { kind: "external", senderIndex: 0 } };
    for (const group of [a, b]) expect(await group.receiveMessage(proposal)).toMatchObject(outcome);
  }
  const adding = await b.commit();
  await adding.confirm();
  expect(await a.receiveMessage(adding.commit)).toMatchObject({ kind: "commit", added: [{ leafIndex: 2 }] });
  const c = await carol.joinGroup(adding.welcome!);
  expect(c.epochAuthenticator()).toEqual(a.epochAuthenticator());

  const stale = server.proposeRemove(info, 1);
  expect(await c.receiveMessage(stale)).toEqual({ kind: "stale" });
  const removal = server.proposeRemove(await c.groupInfo(), 1);
  for (const group of [a, b, c]) expect(await group.receiveMessage(removal)).toMatchObject({ kind: "proposal" });
  const removing = await a.commit();
  await removing.confirm();
  expect(await c.receiveMessage(removing.commit)).toMatchObject({ kind: "commit", removed: [{ leafIndex: 1 }] });
  expect(await b.receiveMessage(removing.commit)).toMatchObject({ kind: "commit", selfRemoved: true });

  const foreign = new ExternalSender({ identity: "server", cipherSuite: cipherSuite === 1 ? 2 : 1 });
  const current = await a.groupInfo();
  expect(() => foreign.proposeRemove(current, 2)).toThrow(refused("usage"));
  foreign.dispose();
  server.dispose();
  await Promise.all([alice, bob, carol].map((client) => client.close()));
  expect(heldHandles()).toBe(handles);
});

test.each(suites)("%s: a commit covers the proposals whose refs are given, and no others", async (_, cipherSuite) => {
  const [alice, bob, a, b] = await pair(cipherSuite);
  for (const client of [alice, bob]) for (const id of ["one", "two"]) await client.addPsk(id, Buffer.alloc(32, 9));
  expect(a.pendingProposals()).toEqual([]);
  const proposals = [await b.proposePsk({ external: "one" }), await b.proposePsk({ external: "two" })];
  for (const proposal of proposals) await a.receiveMessage(proposal);
  const waiting = a.pendingProposals();
  expect(waiting.map(({ proposal }) => proposal.proposalType)).toEqual([ProposalType.psk, ProposalType.psk]);
  expect(waiting.map(({ ref }) => ref)).toEqual(b.pendingProposals().map(({ ref }) => ref));
  expect(waiting[0]!.sender).toMatchObject({ kind: "member", member: { leafIndex: b.ownLeafIndex } });

  await expect(a.commit({ proposals: [Buffer.alloc(32)] })).rejects.toMatchObject({ code: "missing" });
  expect(a.pendingProposals()).toHaveLength(2);
  // A PSK alone needs no path (RFC 9420 §12.4): the one that covers more would be longer.
  const [none, one, both] = await Promise.all([[], [waiting[0]!.ref], waiting.map(({ ref }) => ref)].map(lengthOf));
  expect(one!).toBeLessThan(none!);
  expect(both!).toBeGreaterThan(one!);
  await Promise.all([alice.close(), bob.close()]);

  async function lengthOf(refs: Buffer[]): Promise<number> {
    const [first, second, c, d] = await pair(cipherSuite, "public");
    for (const client of [first, second]) for (const id of ["one", "two"]) await client.addPsk(id, Buffer.alloc(32, 9));
    for (const id of ["one", "two"]) await c.receiveMessage(await d.proposePsk({ external: id }));
    const ours = c.pendingProposals().slice(0, refs.length);
    const pending = await c.commit({ proposals: ours.map(({ ref }) => ref) });
    expect(await d.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
    await pending.confirm();
    expect(c.epochAuthenticator()).toEqual(d.epochAuthenticator());
    await Promise.all([first.close(), second.close()]);
    return pending.commit.byteLength;
  }
});

test("handshake messages are sent as the group's own options say, whatever the client's do", async () => {
  for (const handshake of ["public", "private"] as const) {
    const wanted = handshake === "public" ? WireFormat.mlsPublicMessage : WireFormat.mlsPrivateMessage;
    const [alice, bob, a, b] = await pair(1, handshake);
    for (const group of [a, b]) {
      expect(wireFormat(await group.proposeUpdate())).toBe(wanted);
      const pending = await group.commit({ proposals: false, update: true });
      expect(wireFormat(pending.commit)).toBe(wanted);
      await pending.discard();
    }
    const carol = await Client.create({ identity: "carol" });
    const { group } = await carol.joinExternal(await a.groupInfo(), { handshake });
    expect(wireFormat(await group.proposeUpdate())).toBe(wanted);
    await expect(carol.createGroup({ handshake: "secret" as never })).rejects.toMatchObject({ code: "config" });
    await Promise.all([alice, bob, carol].map((client) => client.close()));
  }
});

test.each(suites)("%s: a reinitialized group may keep its id", async (_, cipherSuite) => {
  const handles = heldHandles();
  const [alice, bob, a, b] = await pair(cipherSuite);
  const { groupId } = a;
  const ending = await a.commit({ reinit: { groupId } });
  await ending.confirm();
  expect(await b.receiveMessage(ending.commit)).toMatchObject({ kind: "commit", reinitialized: true });
  const begun = await b.reinitialize([await alice.createKeyPackage()]);
  const joined = await alice.joinGroup(begun.welcome!);
  expect(joined.epochAuthenticator()).toEqual(begun.group.epochAuthenticator());
  expect([joined.groupId, begun.group.groupId]).toEqual([groupId, groupId]);
  for (const former of [a, b]) expect(former.isClosed).toBe(true);
  expect(await alice.loadGroup(groupId)).toBe(joined);
  await expect(alice.createGroup({ groupId })).rejects.toMatchObject({ code: "conflict" });

  // The same id by a Welcome that is no ReInit of it is refused as before.
  const mallory = await Client.create({ identity: "mallory", cipherSuite });
  const copy = await mallory.createGroup({ groupId });
  const invitation = await copy.commit({ add: [await alice.createKeyPackage()] });
  const refusal = { rule: "12.4.3.1/group-id-unique" };
  await expect(alice.joinGroup(invitation.welcome!)).rejects.toMatchObject(refusal);
  expect(joined.isClosed).toBe(false);
  await Promise.all([alice, bob, mallory].map((client) => client.close()));
  expect(heldHandles()).toBe(handles);
});
