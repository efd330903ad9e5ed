import { afterEach, describe, expect, test } from "@jest/globals";
import { cpSync } from "node:fs";
import { Client, type ClientOptions, type Group, type Received, type Storage } from "tinymls";
import { signature } from "tinymls/crypto";
import { expectSameEpoch, summary } from "../group/people.js";
import { memoryPlace, sqlitePlace, storageKey, type Place } from "./stores.js";

const places = { memory: memoryPlace, sqlite: sqlitePlace };
const opened: { storage: Storage; client: Client }[] = [];
const used: Place[] = [];

afterEach(async () => {
  for (const { client } of opened.splice(0)) await client.close();
  for (const place of used.splice(0)) place.remove();
});

function placeOf(kind: keyof typeof places): Place {
  const place = places[kind]();
  used.push(place);
  return place;
}

async function start(place: Place, options: Partial<ClientOptions> = {}): Promise<Client> {
  const storage = await place.open();
  const client = await Client.create({ identity: "alice", storage, storageKey, ...options });
  opened.push({ storage, client });
  return client;
}

/** In memory. */
async function other(identity: string): Promise<Client> {
  const client = await Client.create({ identity });
  opened.push({ storage: undefined as never, client });
  return client;
}

async function invite(by: Group, client: Client, ...others: Group[]): Promise<Group> {
  const pending = await by.commit({ add: [await client.createKeyPackage()] });
  await pending.confirm();
  for (const group of others) expect((await group.receiveMessage(pending.commit)).kind).toBe("commit");
  return client.joinGroup(pending.welcome!);
}

async function receive(group: Group, ...messages: Buffer[]): Promise<string[]> {
  const outcomes: Received[] = [];
  for (const message of messages) outcomes.push(await group.receiveMessage(message));
  return outcomes.map(summary);
}

async function restart(client: Client, place: Place, group: Group): Promise<{ client: Client; group: Group }> {
  await client.close();
  const again = await start(place);
  return { client: again, group: (await again.loadGroup(group.groupId))! };
}

describe.each(["memory", "sqlite"] as const)("a client on %s, closed and opened again", (kind) => {
  test("has its signature key and its groups, which go on where they were", async () => {
    const place = placeOf(kind);
    const alice = await start(place);
    const bob = await other("bob");
    const group = await alice.createGroup();
    const bobs = await invite(group, bob);
    expect(await receive(bobs, await group.sendMessage("one"))).toEqual(["application one"]);
    expect(await receive(group, await bobs.sendMessage("two"))).toEqual(["application two"]);
    const before = { key: alice.signaturePublicKey(), tree: group.ratchetTree(), members: group.members().length };

    const again = await restart(alice, place, group);
    expect(await again.client.groups()).toEqual([group.groupId]);
    expect(again.client.signaturePublicKey()).toEqual(before.key);
    expect(again.group.ratchetTree()).toEqual(before.tree);
    expectSameEpoch(again.group, bobs);
    expect(await receive(bobs, await again.group.sendMessage("three"))).toEqual(["application three"]);
    expect(await receive(again.group, await bobs.sendMessage("four"))).toEqual(["application four"]);
    const pending = await again.group.commit({ update: true });
    await pending.confirm();
    expect(await receive(bobs, pending.commit)).toEqual(["commit"]);
    expectSameEpoch(again.group, bobs);
  });

  test("opens late messages of this epoch and of past ones once, and knows what it opened before", async () => {
    const place = placeOf(kind);
    const alice = await start(place);
    const bob = await other("bob");
    const group = await alice.createGroup();
    const bobs = await invite(group, bob);
    const old = [await bobs.sendMessage("old 0"), await bobs.sendMessage("old 1"), await bobs.sendMessage("old 2")];
    expect(await receive(group, old[1]!)).toEqual(["application old 1"]);
    const pending = await bobs.commit({ update: true });
    await pending.confirm();
    expect(await receive(group, pending.commit)).toEqual(["commit"]);
    const now = [await bobs.sendMessage("new 0"), await bobs.sendMessage("new 1"), await bobs.sendMessage("new 2")];
    expect(await receive(group, now[2]!)).toEqual(["application new 2"]);

    let again = await restart(alice, place, group);
    expect(await receive(again.group, old[1]!, now[2]!, old[0]!, now[0]!)).toEqual([
      "duplicate",
      "duplicate",
      "application old 0",
      "application new 0",
    ]);
    again = await restart(again.client, place, group);
    expect(await receive(again.group, old[0]!, now[0]!, old[2]!, now[1]!)).toEqual([
      "duplicate",
      "duplicate",
      "application old 2",
      "application new 1",
    ]);
  });

  test("has the proposals of the epoch, with the keys of its own update", async () => {
    const place = placeOf(kind);
    const alice = await start(place);
    const bob = await other("bob");
    const carol = await other("carol");
    const group = await alice.createGroup();
    const bobs = await invite(group, bob);
    const update = await group.proposeUpdate();
    const add = await bobs.proposeAdd(await carol.createKeyPackage());
    expect(await receive(group, add)).toEqual(["proposal"]);
    expect(await receive(bobs, update)).toEqual(["proposal"]);

    const again = await restart(alice, place, group);
    expect(again.group.pendingProposals()).toHaveLength(2);
    expect(await receive(again.group, update, add)).toEqual(["ownEcho", "duplicate"]);
    const pending = await bobs.commit();
    await pending.confirm();
    expect(await receive(again.group, pending.commit)).toEqual(["commit"]);
    expect(again.group.members()).toHaveLength(3);
    expectSameEpoch(again.group, bobs);
    const last = await restart(again.client, place, group);
    expect(last.group.pendingProposals()).toEqual([]);
    const commit = await last.group.commit({ update: true });
    await commit.confirm();
    expect(await receive(bobs, commit.commit)).toEqual(["commit"]);
    expectSameEpoch(last.group, bobs);
  });

  test("has its pending commit: it is confirmed, given up, made anew or superseded as before", async () => {
    const place = placeOf(kind);
    const alice = await start(place);
    const bob = await other("bob");
    const carol = await other("carol");
    const group = await alice.createGroup();
    const bobs = await invite(group, bob);
    const made = await group.commit({ add: [await carol.createKeyPackage()], update: true });

    let again = await restart(alice, place, group);
    const pending = again.group.pendingCommit!;
    expect(pending.commit).toEqual(made.commit);
    expect(pending.welcome).toEqual(made.welcome);
    expect(pending.plan.accepted.map(({ index, bytes }) => ({ index, bytes }))).toEqual(
      made.plan.accepted.map(({ index, bytes }) => ({ index, bytes })),
    );
    const rival = await bobs.commit({ update: true });
    await rival.confirm();
    expect(await receive(again.group, rival.commit)).toEqual(["commit"]);
    expect(pending.state).toBe("superseded");
    again = await restart(again.client, place, group);
    expect(again.group.pendingCommit).toBeUndefined();

    const lost = await again.group.commit({
      add: [await carol.createKeyPackage()],
      update: { signatureKey: signature.generateKeyPair("Ed25519") },
    });
    const former = Buffer.from(again.group.members()[0]!.signatureKey);
    again = await restart(again.client, place, group);
    const second = await bobs.commit({ update: true });
    await second.confirm();
    const kept = again.group.pendingCommit!;
    expect(kept.commit).toEqual(lost.commit);
    expect(await receive(again.group, second.commit)).toEqual(["commit"]);
    const rebased = await kept.rebase();
    again = await restart(again.client, place, group);
    expect(again.group.pendingCommit!.commit).toEqual(rebased.commit);
    await again.group.pendingCommit!.confirm();
    expect(await receive(bobs, rebased.commit)).toEqual(["commit"]);
    const carols = await carol.joinGroup(rebased.welcome!);
    again = await restart(again.client, place, group);
    expect(again.group.pendingCommit).toBeUndefined();
    expect(await receive(again.group, rebased.commit)).toEqual(["ownEcho"]);
    expectSameEpoch(again.group, bobs, carols);
    expect(bobs.members()[0]!.signatureKey).not.toEqual(former);

    await again.group.commit({ remove: [2] });
    again = await restart(again.client, place, group);
    await again.group.pendingCommit!.discard();
    again = await restart(again.client, place, group);
    expect(again.group.pendingCommit).toBeUndefined();
    expect(await receive(bobs, await again.group.sendMessage("still here"))).toEqual(["application still here"]);
  });

  test("has its key packages, each of which is used once, and its PSKs", async () => {
    const place = placeOf(kind);
    let alice = await start(place);
    const bob = await other("bob");
    const keyPackage = await alice.createKeyPackage();
    await alice.addPsk("shared", Buffer.alloc(32, 1));
    await bob.addPsk("shared", Buffer.alloc(32, 1));
    await alice.close();
    const group = await bob.createGroup();
    const pending = await group.commit({ add: [keyPackage], psks: [{ external: "shared" }] });
    await pending.confirm();
    alice = await start(place);
    const joined = await alice.joinGroup(pending.welcome!);
    expectSameEpoch(joined, group);
    await alice.close();
    alice = await start(place);
    await expect(alice.joinGroup(pending.welcome!)).rejects.toMatchObject({ code: "missing" });
    expectSameEpoch((await alice.loadGroup(group.groupId))!, group);
    expect(await alice.removePsk("shared")).toBe(true);
    await alice.close();
    alice = await start(place);
    expect(await alice.removePsk("shared")).toBe(false);
  });

  test("is out of a group that removed it, or that it forgot", async () => {
    const place = placeOf(kind);
    let alice = await start(place);
    const bob = await other("bob");
    const bobs = await bob.createGroup();
    const group = await invite(bobs, alice);
    const removal = await bobs.commit({ remove: [1] });
    await removal.confirm();
    expect(await receive(group, removal.commit)).toEqual(["commit"]);
    const own = await alice.createGroup();
    expect(await alice.groups()).toEqual([own.groupId]);
    await own.close({ forget: true });
    await alice.close();
    const storage = await place.open();
    const { records } = await storage.list("client/", { limit: 1000 });
    expect(records.filter(({ key }) => key.includes("/group/"))).toEqual([]);
    alice = await start(place);
    expect(await alice.groups()).toEqual([]);
    expect(await alice.loadGroup(group.groupId)).toBeUndefined();
    const again = await invite(bobs, alice);
    expectSameEpoch(again, bobs);
  });

  test("goes on in a group that removed it and that it joined anew, as in one that it never left", async () => {
    const place = placeOf(kind);
    const alice = await start(place);
    const bob = await other("bob");
    const bobs = await bob.createGroup();
    let group = await invite(bobs, alice);
    // Each log of the group has had entries when it is removed.
    expect(await receive(bobs, await group.proposeUpdate())).toEqual(["proposal"]);
    const update = await bobs.commit({ update: true });
    await update.confirm();
    const removal = await bobs.commit({ remove: [group.ownLeafIndex] });
    await removal.confirm();
    expect(await receive(group, update.commit, removal.commit)).toEqual(["commit", "commit"]);

    const joined = await alice.joinExternal(await bobs.groupInfo());
    expect(await receive(bobs, joined.commit)).toEqual(["commit"]);
    expect(await receive(bobs, await joined.group.proposeUpdate())).toEqual(["proposal"]);
    const covering = await bobs.commit();
    await covering.confirm();
    expect(await receive(joined.group, covering.commit)).toEqual(["commit"]);
    ({ group } = await restart(alice, place, joined.group));
    expectSameEpoch(group, bobs);
    expect(await receive(group, await bobs.sendMessage("two"))).toEqual(["application two"]);
    expect(await receive(bobs, await group.sendMessage("three"))).toEqual(["application three"]);
  });
});

test("a state put back to an older copy is told by a commit of its own, and joins anew", async () => {
  const begun = Date.now();
  const place = sqlitePlace();
  used.push(place);
  const alice = await start(place);
  const bob = await other("bob");
  const group = await alice.createGroup();
  const bobs = await invite(group, bob);
  await alice.close();
  const copy = sqlitePlace();
  used.push(copy);
  cpSync(place.folder, copy.folder, { recursive: true });

  const later = await start(place);
  const pending = await (await later.loadGroup(group.groupId))!.commit({ update: true });
  await pending.confirm();
  expect(await receive(bobs, pending.commit)).toEqual(["commit"]);
  await later.close();

  const older = await start(copy);
  const forked = (await older.loadGroup(group.groupId))!;
  expect(forked.epochAuthenticator()).not.toEqual(bobs.epochAuthenticator());
  expect(forked.health().forkNoticedAt).toBeUndefined();
  expect(await receive(forked, pending.commit)).toEqual(["rejected 14/own-commit"]);
  expect(forked.health().forkNoticedAt).toBeGreaterThanOrEqual(begun);
  const joined = await older.joinExternal(await bobs.groupInfo(), { resync: true });
  expect(joined.group.health().forkNoticedAt).toBeUndefined();
  expect(await receive(bobs, joined.commit)).toEqual(["commit"]);
  expectSameEpoch(joined.group, bobs);
  expect(joined.group.members()).toHaveLength(2);
  const again = await restart(older, copy, joined.group);
  expect(again.group.health().forkNoticedAt).toBeUndefined();
});

test("a state put back to an older copy is told by a message of its own that it did not send", async () => {
  const place = sqlitePlace();
  used.push(place);
  const alice = await start(place);
  const bob = await other("bob");
  const group = await alice.createGroup();
  const bobs = await invite(group, bob);
  const known = await group.sendMessage("known to both copies");
  await alice.close();
  const copy = sqlitePlace();
  used.push(copy);
  cpSync(place.folder, copy.folder, { recursive: true });

  const later = await start(place);
  const lost = await (await later.loadGroup(group.groupId))!.sendMessage("sent by the later one");
  expect(await receive(bobs, known, lost)).toEqual([
    "application known to both copies",
    "application sent by the later one",
  ]);
  await later.close();

  const older = (await (await start(copy)).loadGroup(group.groupId))!;
  expect(await older.receiveMessage(known)).toEqual({ kind: "ownEcho" });
  expect(older.health().forkNoticedAt).toBeUndefined();
  expect(await older.receiveMessage(lost)).toEqual({ kind: "ownEcho", isUnknown: true });
  const { forkNoticedAt } = older.health();
  expect(forkNoticedAt).toBeLessThanOrEqual(Date.now());
  expect(await older.receiveMessage(lost)).toEqual({ kind: "ownEcho", isUnknown: true });
  expect(older.health().forkNoticedAt).toBe(forkNoticedAt);

  const crashed = sqlitePlace();
  used.push(crashed);
  cpSync(copy.folder, crashed.folder, { recursive: true }); // the process that has it lives: its hold has to be over
  const again = await start(crashed, { now: () => Date.now() + 3_600_000 });
  const noticed = (await again.loadGroup(group.groupId))!;
  expect(noticed.health().forkNoticedAt).toBe(forkNoticedAt);
  const commit = await bobs.commit({ update: true });
  await commit.confirm();
  expect(await receive(noticed, commit.commit)).toEqual(["commit"]);
  expect((await restart(again, crashed, group)).group.health().forkNoticedAt).toBe(forkNoticedAt);
});
