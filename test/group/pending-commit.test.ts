// Publishing as a transaction: prepare, publish, confirm or discard; a lost race is made anew; nothing wedges the group.
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Client } from "tinymls";
import { signature } from "tinymls/crypto";
import { greaseValues } from "tinymls/messages";
import { heldHandles } from "../held-handles.js";
import { close, deliver, expectSameEpoch, groupOf, viewOf, type Person } from "./people.js";

let handles: number;
let people: Person[];
let more: Client[];

beforeEach(async () => {
  handles = heldHandles();
  more = [];
  people = await groupOf(4);
});

afterEach(async () => {
  await close([...people, ...more.map((client) => ({ client }))]);
  expect(heldHandles()).toBe(handles);
});

const groups = () =>
  people.map(({ group }) => group) as [Person["group"], Person["group"], Person["group"], Person["group"]];

async function outsider(identity: string): Promise<Client> {
  const client = await Client.create({ identity });
  more.push(client);
  return client;
}

test("nothing changes before confirm, and confirming twice is confirming once", async () => {
  const [a, b, c, d] = groups();
  const before = a.epochAuthenticator();
  const pending = await a.commit({ update: true });
  expect(a.pendingCommit).toBe(pending);
  expect(pending.state).toBe("pending");
  expect(a.epochAuthenticator()).toEqual(before);
  await Promise.all([pending.confirm(), pending.confirm()]);
  await pending.confirm();
  expect(a.epoch).toBe(2n);
  expect(pending.state).toBe("confirmed");
  expect(a.pendingCommit).toBeUndefined();
  expect(await a.receiveMessage(pending.commit)).toEqual({ kind: "ownEcho" });
  for (const group of [b, c, d]) expect(await group.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
  expectSameEpoch(a, b, c, d);
  const settled = expect.objectContaining({ code: "conflict" });
  await expect(pending.discard()).rejects.toEqual(settled);
  await expect(pending.rebase()).rejects.toEqual(settled);
});

test("one commit at a time: another is refused and changes nothing", async () => {
  const [a] = groups();
  const pending = await a.commit();
  const before = viewOf(a);
  const held = heldHandles();
  await expect(a.commit({ update: true })).rejects.toMatchObject({ code: "conflict", retryable: true });
  await expect(a.reinit()).rejects.toMatchObject({ code: "conflict" });
  expect(viewOf(a)).toEqual(before);
  expect(heldHandles()).toBe(held);
  expect(pending.state).toBe("pending");
});

test("of two commits asked for at once the second is refused", async () => {
  const [a] = groups();
  const [first, second] = await Promise.allSettled([a.commit(), a.commit()]);
  expect(first.status).toBe("fulfilled");
  expect(second).toMatchObject({ status: "rejected", reason: { code: "conflict" } });
});

test("own proposals that were never published are committed all the same, and all can follow", async () => {
  const [a, b, c, d] = groups();
  const carol = await outsider("carol");
  await a.proposeAdd(await carol.createKeyPackage());
  await a.proposeRemove(3);
  await a.proposeGroupContextExtensions([]);
  await a.proposeUpdate();
  const published = await b.proposeUpdate();
  for (const group of [a, c, d]) expect((await group.receiveMessage(published)).kind).toBe("proposal");
  const pending = await a.commit();
  expect(pending.skippedProposals).toEqual([]);
  await deliver(pending, b, c);
  expect(await d.receiveMessage(pending.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  expectSameEpoch(a, b, c, await carol.joinGroup(pending.welcome!));
});

test("discarding leaves the group as it was, once and for all", async () => {
  const [a, b, c, d] = groups();
  await (await a.commit()).discard(); // the first message takes the place of a node of the secret tree by ratchets
  const held = heldHandles();
  const pending = await a.commit({ remove: [3], update: true });
  expect(heldHandles()).toBeGreaterThan(held);
  await pending.discard();
  await pending.discard();
  expect(heldHandles()).toBe(held);
  expect(pending.state).toBe("discarded");
  expect(() => pending.groupInfo).toThrow(expect.objectContaining({ code: "closed" }));
  await expect(pending.confirm()).rejects.toMatchObject({ code: "conflict" });
  expect(a.epoch).toBe(1n);
  await deliver(await a.commit(), b, c, d);
  expectSameEpoch(a, b, c, d);
});

test("a commit that wins supersedes the pending one, whose keys are gone", async () => {
  const [a, b, c, d] = groups();
  const held = heldHandles();
  const lost = await a.commit({ update: true });
  await deliver(await b.commit(), a, c, d);
  expect(lost.state).toBe("superseded");
  expect(a.pendingCommit).toBeUndefined();
  await expect(lost.confirm()).rejects.toMatchObject({ code: "conflict" });
  await lost.discard();
  expect(lost.state).toBe("superseded");
  expectSameEpoch(a, b, c, d);
  expect(await a.receiveMessage(lost.commit)).toEqual({ kind: "ownEcho" });
  expect(await b.receiveMessage(lost.commit)).toEqual({ kind: "stale" });
  expect(heldHandles()).toBeGreaterThan(held); // the epoch before is kept for late messages
});

test("rebase does what is left to do, for members wherever they are now", async () => {
  const [a, b, c, d] = groups();
  const [erin, frank] = [await outsider("erin"), await outsider("frank")];
  const erinsPackage = await erin.createKeyPackage();
  const lost = await a.commit({ add: [erinsPackage, await frank.createKeyPackage()], remove: [3] });
  const won = await b.commit({ add: [erinsPackage], remove: [2] });
  await deliver(won, a, d);
  expect(await c.receiveMessage(won.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  const e = await erin.joinGroup(won.welcome!);

  const again = await lost.rebase();
  expect(again.plan.accepted).toHaveLength(1);
  await deliver(again, b, e);
  expect(await d.receiveMessage(again.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  const f = await frank.joinGroup(again.welcome!);
  expectSameEpoch(a, b, e, f);
  expect(
    a
      .members()
      .map(({ identity }) => identity.toString())
      .sort(),
  ).toEqual(["erin", "frank", "m0", "m1"]);
});

test("rebase of what is done already is refused, and the group goes on", async () => {
  const [a, b, c, d] = groups();
  const lost = await a.commit({ remove: [3] });
  const won = await b.commit({ remove: [3] });
  await deliver(won, a, c);
  await d.receiveMessage(won.commit);
  await expect(lost.rebase()).rejects.toMatchObject({ code: "conflict" });
  await deliver(await a.commit(), b, c);
  expectSameEpoch(a, b, c);
});

test("rebase while the commit is still pending makes a new one in its place", async () => {
  const [a, b, c, d] = groups();
  const first = await a.commit({ update: true });
  expect(await a.receiveMessage(await b.proposeUpdate())).toMatchObject({ kind: "proposal" });
  const second = await first.rebase();
  expect(first.state).toBe("discarded");
  expect(a.pendingCommit).toBe(second);
  await second.discard();
  await deliver(await c.commit(), a, b, d);
  expectSameEpoch(a, b, c, d);
});

test("a new signature key is kept by the commit: the application disposes its own, whatever becomes of the commit", async () => {
  const [a, b, c, d] = groups();
  const changed = async (): Promise<Awaited<ReturnType<typeof a.commit>>> => {
    using signatureKey = signature.generateKeyPair("Ed25519");
    const pending = await a.commit({ update: { signatureKey } });
    expect(a.members()[0]!.signatureKey).not.toEqual(signatureKey.publicKey);
    return pending;
  };
  const lost = await changed();
  await deliver(await b.commit({ update: true }), a, c, d);
  expect(lost.state).toBe("superseded");
  const first = await lost.rebase();
  await first.discard();
  const again = await lost.rebase();
  const before = Buffer.from(a.members()[0]!.signatureKey);
  await deliver(again, b, c, d);
  expect(b.members()[0]!.signatureKey).not.toEqual(before);
  for (const group of [b, c, d]) {
    expect(await group.receiveMessage(await a.sendMessage("signed by it"))).toMatchObject({ kind: "application" });
  }

  const disposed = signature.generateKeyPair("Ed25519");
  disposed.dispose();
  const [view, held] = [viewOf(a), heldHandles()];
  await expect(a.commit({ update: { signatureKey: disposed } })).rejects.toMatchObject({ code: "usage" });
  using wrong = signature.generateKeyPair("ECDSA-P256");
  const another = { code: "usage", message: "the new signatureKey of the leaf has to be one for Ed25519" };
  await expect(a.commit({ update: { signatureKey: wrong } })).rejects.toMatchObject(another);
  await expect(a.proposeUpdate({ signatureKey: wrong })).rejects.toMatchObject(another);
  expect(a.pendingCommit).toBeUndefined();
  expect(viewOf(a)).toEqual(view);
  expect(heldHandles()).toBe(held + 1); // the one of the application
  await (await changed()).discard();
  await changed(); // closed while it is pending
});

test("a member that is removed while its commit is pending is out, and holds nothing", async () => {
  const [a, b, c, d] = groups();
  const lost = await d.commit({ update: true });
  const removal = await a.commit({ remove: [3] });
  await deliver(removal, b, c);
  expect(await d.receiveMessage(removal.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  expect(lost.state).toBe("superseded");
  expect(d.isClosed).toBe(true);
  await expect(lost.confirm()).rejects.toMatchObject({ code: "closed" });
  await expect(lost.rebase()).rejects.toMatchObject({ code: "closed" });
  for (const call of [d.sendMessage("x"), d.commit(), d.receiveMessage(removal.commit), d.proposeUpdate()]) {
    await expect(call).rejects.toMatchObject({ code: "closed" });
  }
  expect(d.health()).toMatchObject({ status: "closed" });
  expect(await people[3]!.client.groups()).toEqual([]);
  expectSameEpoch(a, b, c);
});

test("an external commit that arrives while a commit is pending wins like any other", async () => {
  const [a, b, c, d] = groups();
  const erin = await outsider("erin");
  const pending = await a.commit({ add: [await (await outsider("frank")).createKeyPackage()] });
  const { group: e, commit } = await erin.joinExternal(await b.groupInfo());
  for (const group of [a, b, c, d]) {
    expect(await group.receiveMessage(commit)).toMatchObject({
      kind: "commit",
      added: [{ identity: Buffer.from("erin") }],
    });
  }
  expect(pending.state).toBe("superseded");
  const again = await pending.rebase();
  await deliver(again, b, c, d, e);
  expectSameEpoch(a, b, c, d, e);
});

test("a refused commit of someone else leaves the pending one alone", async () => {
  const [a, b] = groups();
  const pending = await a.commit({ update: true });
  const damaged = Buffer.from((await b.commit()).commit);
  damaged[damaged.length - 1]! ^= 1;
  const before = viewOf(a);
  const held = heldHandles();
  expect(await a.receiveMessage(damaged)).toMatchObject({ kind: "rejected" });
  expect(viewOf(a)).toEqual(before);
  expect(heldHandles()).toBe(held);
  expect(a.pendingCommit).toBe(pending);
});

test("messages of others are read while a commit is pending, and after it", async () => {
  const [a, b, c, d] = groups();
  const late = await b.sendMessage("before");
  const pending = await a.commit();
  expect(await a.receiveMessage(await b.sendMessage("while"))).toMatchObject({ kind: "application" });
  await deliver(pending, b, c, d);
  expect(await a.receiveMessage(late)).toMatchObject({ kind: "application", epoch: 1n });
});

test("closing the group or the client ends a pending commit", async () => {
  const [a, b] = groups();
  const [first, second] = [await a.commit({ update: true }), await b.commit({ update: true })];
  await a.close();
  await a.close();
  await people[1]!.client.close();
  for (const [pending, group] of [
    [first, a],
    [second, b],
  ] as const) {
    expect(pending.state).toBe("superseded");
    expect(group.isClosed).toBe(true);
    await expect(pending.confirm()).rejects.toMatchObject({ code: "closed" });
    expect(() => group.members()).toThrow(expect.objectContaining({ code: "closed" }));
    expect(() => group.exportKey("x", Buffer.alloc(0), 16)).toThrow(expect.objectContaining({ code: "closed" }));
  }
  await people[1]!.client.close();
  for (const call of [
    people[1]!.client.createKeyPackage(),
    people[1]!.client.createGroup(),
    people[1]!.client.groups(),
    people[1]!.client.joinGroup(Buffer.alloc(4)),
    people[1]!.client.joinExternal(Buffer.alloc(4)),
  ]) {
    await expect(call).rejects.toMatchObject({ code: "closed" });
  }
});

test("close waits for what was asked for before it", async () => {
  const [a, b] = groups();
  const message = await b.sendMessage("last words");
  const [received, closed] = await Promise.allSettled([a.receiveMessage(message), a.close()]);
  expect(received).toMatchObject({ status: "fulfilled", value: { kind: "application" } });
  expect(closed.status).toBe("fulfilled");
});

test("leaving: the others commit the proposal, and the one who leaves reads it", async () => {
  const [a, b, c, d] = groups();
  const leaving = await d.leave();
  for (const group of [a, b, c]) expect(await group.receiveMessage(leaving)).toMatchObject({ kind: "proposal" });
  const own = await d.commit();
  expect(own.skippedProposals).toHaveLength(1);
  await own.discard();
  const pending = await b.commit();
  await deliver(pending, a, c);
  expect(await d.receiveMessage(pending.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
  expectSameEpoch(a, b, c);
});

test("a ReInit that the members could not follow is not committed, whoever proposes it", async () => {
  const [a, b, c, d] = groups();
  const [view, held] = [viewOf(a), heldHandles()];
  const unknownSuite = { cipherSuite: 0x7777 };
  const unlisted = { extensions: [{ extensionType: 0xf0f0, extensionData: Buffer.alloc(1) }] };
  for (const reinit of [unknownSuite, unlisted]) {
    await expect(a.commit({ reinit })).rejects.toMatchObject({ code: "usage", section: "RFC 9420 §11.2" });
  }
  expect(viewOf(a)).toEqual(view);
  expect(heldHandles()).toBe(held);

  for (const reinit of [unknownSuite, unlisted]) {
    const proposal = await b.proposeReInit(reinit);
    for (const group of [a, c, d]) expect(await group.receiveMessage(proposal)).toMatchObject({ kind: "proposal" });
  }
  const pending = await a.commit();
  expect(pending.skippedProposals.map(({ reason }) => reason)).toEqual([
    "member 0 does not support cipher suite 30583",
    expect.stringContaining("13.4/group-extensions-listed"),
  ]);
  await deliver(pending, b, c, d);
  expectSameEpoch(a, b, c, d);
});

test("a GroupInfo gets no extension twice: those who are added could not join", async () => {
  const [a, b, c, d] = groups();
  const erin = await outsider("erin");
  const add = [await erin.createKeyPackage()];
  const [view, held] = [viewOf(a), heldHandles()];
  const of = (...types: number[]) => types.map((extensionType) => ({ extensionType, extensionData: Buffer.of(7) }));
  for (const extensions of [of(2), of(4), of(0xf0f0, 0xf0f0)]) {
    await expect(a.commit({ add, groupInfoExtensions: extensions })).rejects.toMatchObject({ code: "usage" });
    await expect(a.groupInfo({ extensions })).rejects.toMatchObject({ code: "usage" });
  }
  expect(viewOf(a)).toEqual(view);
  expect(heldHandles()).toBe(held);

  const everyGrease = of(...greaseValues); // of which one is added otherwise
  const pending = await a.commit({ add, groupInfoExtensions: everyGrease });
  await deliver(pending, b, c, d);
  expectSameEpoch(a, await erin.joinGroup(pending.welcome!), b, c, d);
});
