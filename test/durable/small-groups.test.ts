// A small group has its tree, and its encryption_secret until that is used, in the record of its epoch.
import { afterEach, expect, test } from "@jest/globals";
import { Client, MemoryStorage, Vault, type Group, type Storage, type WriteOptions, type WriteStep } from "tinymls";
import type { Secret } from "tinymls/crypto";
import { deliver, expectSameEpoch, summary } from "../group/people.js";
import { heldHandles } from "../held-handles.js";
import { FaultyStorage } from "./faulty-storage.js";
import { storageKey } from "./stores.js";

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function open(identity: string, storage?: Storage): Promise<Client> {
  const client = await Client.create({ identity, ...(storage ? { storage, storageKey } : {}) });
  clients.push(client);
  return client;
}

async function keyPackages(count: number): Promise<Buffer[]> {
  return Promise.all(Array.from({ length: count }, async (_, at) => (await open(`m${at}`)).createKeyPackage()));
}

/** Names of the records of the only group. */
async function namesIn(storage: Storage): Promise<string[]> {
  const { records } = await storage.list("client/", { limit: 1000 });
  return records
    .flatMap(({ key }) => /\/group\/[0-9a-f]+\/(.*)$/.exec(key)?.[1] ?? [])
    .filter((name) => name !== "lease");
}

/** What a process that starts after a crash of this one finds. */
async function crashed(storage: MemoryStorage): Promise<MemoryStorage> {
  const copy = new MemoryStorage();
  const { records } = await storage.list("", { limit: 1000 });
  // The session that holds the group is over.
  const left = records.filter(({ key }) => !key.includes("/session/"));
  const steps: WriteStep[] = left.map(({ key, value }) => ({ put: key, value }));
  for (const { key } of left.filter(({ key }) => /\/group\/\w+\/head$/.test(key))) {
    for (const name of ["proposals", "sent"]) {
      const log = key.replace(/head$/, name);
      const { entries } = await storage.read(log, 0, 1000);
      if (entries.length > 0) steps.push({ append: log, entries: entries.map(({ value }) => value) });
    }
  }
  await copy.write(steps);
  return copy;
}

test("a tree moves to records of its own when it grows, and back when it shrinks", async () => {
  const storage = new MemoryStorage();
  const alice = await open("alice", storage);
  const bob = await open("bob");
  const { groupId } = await alice.createGroup();
  const loaded = async (): Promise<Group> => {
    await (await alice.loadGroup(groupId))!.close();
    return (await alice.loadGroup(groupId))!;
  };
  const hasTree = async (): Promise<boolean> => (await namesIn(storage)).some((name) => name.startsWith("tree/"));
  const first = await (await loaded()).commit({ add: [await bob.createKeyPackage()] });
  await first.confirm();
  const bobs = await bob.joinGroup(first.welcome!);
  const agree = async (): Promise<void> => {
    const group = await loaded();
    expect(group.ratchetTree()).toEqual(bobs.ratchetTree());
    const sent = await (await loaded()).sendMessage("sent by one that has asked for no node of the tree");
    expect(summary(await bobs.receiveMessage(sent))).toMatch(/^application sent/);
    expect(summary(await (await loaded()).receiveMessage(await bobs.sendMessage("text")))).toBe("application text");
    await deliver(await (await loaded()).commit({ update: true }), bobs);
    await deliver(await bobs.commit({ update: true }), await loaded());
    expectSameEpoch(await loaded(), bobs);
    expect((await loaded()).ratchetTree()).toEqual(bobs.ratchetTree());
  };
  await agree();
  expect(await hasTree()).toBe(false);
  await deliver(await (await loaded()).commit({ add: await keyPackages(40) }), bobs);
  await agree();
  expect(await hasTree()).toBe(true);
  await deliver(await bobs.commit({ remove: Array.from({ length: 38 }, (_, at) => at + 4) }), await loaded());
  await agree();
  expect(await hasTree()).toBe(false);
  await deliver(await (await loaded()).commit({ add: await keyPackages(30) }), bobs);
  await agree();
  expect(await hasTree()).toBe(true);
}, 60_000);

test("a small tree in place of a large one leaves nothing of it behind", async () => {
  const storage = new MemoryStorage();
  const alice = await open("alice", storage);
  const bob = await open("bob");
  const group = await alice.createGroup();
  const first = await group.commit({ add: [await bob.createKeyPackage(), ...(await keyPackages(40))] });
  await first.confirm();
  const bobs = await bob.joinGroup(first.welcome!);
  for (let at = 0; at < 3; at++) await deliver(await group.commit({ update: true }), bobs);
  const { records } = await storage.list("client/", { limit: 1000 });
  const log = records.find(({ key }) => /\/group\/\w+\/head$/.test(key))!.key.replace(/head$/, "tree");
  const entriesOf = async (): Promise<number> => (await storage.read(log, 0, 1000)).entries.length;
  expect(await entriesOf()).toBeGreaterThan(0);
  await group.close();
  await deliver(await bobs.commit({ remove: Array.from({ length: 40 }, (_, at) => at + 2) }));
  // She saw nothing of that, and takes her old place in the small group.
  const { group: again, commit } = await alice.joinExternal(await bobs.groupInfo(), { resync: true });
  expect(summary(await bobs.receiveMessage(commit))).toBe("commit");
  expect(await entriesOf()).toBe(0);
  expect((await namesIn(storage)).filter((name) => name.startsWith("tree"))).toEqual([]);
  await again.close();
  expectSameEpoch((await alice.loadGroup(group.groupId))!, bobs);
}, 60_000);

/** All secrets that are stored of the only group, by the names of their records. */
async function secretsIn(storage: Storage): Promise<Map<string, readonly Secret[]>> {
  using vault = await Vault.open(storage, storageKey);
  const all = new Map<string, readonly Secret[]>();
  const { records } = await storage.list("client/", { limit: 1000 });
  for (const { key, value } of records) {
    const [, name] = /\/group\/\w+\/(epoch|keys\/.*|past\/.*)$/.exec(key) ?? [];
    // The version that it was sealed at, and what is sealed.
    if (name !== undefined) {
      all.set(name, vault.openBundle(key, value.readUIntBE(0, 6), value.subarray(6)).secrets);
    }
  }
  return all;
}

test("the secret that leads to all keys of an epoch is not stored any more when the first of them is used", async () => {
  const storage = new MemoryStorage();
  const alice = await open("alice", storage);
  const bob = await open("bob");
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const bobs = await bob.joinGroup(pending.welcome!, { handshake: "public" }); // his commit uses no key of the epoch
  const past = `past/${group.epoch}`;
  const late = [await bobs.sendMessage("one"), await bobs.sendMessage("two")];
  await deliver(await bobs.commit({ update: true }), group);
  const now = [await bobs.sendMessage("one"), await bobs.sendMessage("two")];
  for (const [record, [used, left]] of [
    [past, late],
    ["epoch", now],
  ] as [string, [Buffer, Buffer]][]) {
    const before = await secretsIn(storage);
    const encryptionSecret = before.get(record)!.at(-1)!;
    const isStored = async (): Promise<boolean> => {
      const secrets = [...(await secretsIn(storage)).values()].flat();
      return secrets.some((secret) => secret.equals(encryptionSecret));
    };
    expect(await isStored()).toBe(true);
    expect(summary(await group.receiveMessage(used))).toBe("application one");
    expect(await isStored()).toBe(false);
    expect((await secretsIn(storage)).get(record)).toHaveLength(before.get(record)!.length - 1);
    const after = (await (await open("alice", await crashed(storage))).loadGroup(group.groupId))!;
    expect(summary(await after.receiveMessage(used))).toBe("duplicate");
    expect(summary(await after.receiveMessage(left))).toBe("application two");
  }
});

test("a message received waits for no disk, the first of its epoch included", async () => {
  const synced: (boolean | undefined)[] = [];
  class Watched extends FaultyStorage {
    override write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
      synced.push(options?.sync);
      return super.write(steps, options);
    }
  }
  const alice = await open("alice", new Watched(new MemoryStorage()));
  const bob = await open("bob");
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const bobs = await bob.joinGroup(pending.welcome!);
  const late = await bobs.sendMessage("late");
  synced.length = 0;
  await deliver(await bobs.commit({ update: true }), group);
  expect(synced).toEqual([true]);
  synced.length = 0;
  for (const text of ["first", "second"]) {
    expect(summary(await group.receiveMessage(await bobs.sendMessage(text)))).toBe(`application ${text}`);
  }
  expect(summary(await group.receiveMessage(late))).toBe("application late");
  expect(synced).toEqual([false, false, false]);
});

test("a group that is loaded and closed, whatever was asked of it, leaves no handle behind", async () => {
  const storage = new MemoryStorage();
  const alice = await open("alice", storage);
  const { group } = await alice.joinExternal(await (await (await open("bob")).createGroup()).groupInfo());
  await group.close();
  const questions: ((group: Group) => unknown)[] = [
    () => undefined,
    (loaded) => loaded.members(),
    (loaded) => loaded.epochAuthenticator(),
    (loaded) => loaded.exportSecret("label", Buffer.alloc(0), 16),
    async (loaded) => (await loaded.commit({ update: true })).discard(),
    (loaded) => loaded.groupInfo(),
  ];
  // After the first round the vault keeps the ciphers that it has used.
  const held: number[][] = [[], []];
  for (const round of held) {
    for (const ask of questions) {
      const loaded = (await alice.loadGroup(group.groupId))!;
      await ask(loaded);
      await loaded.close();
      round.push(heldHandles());
    }
  }
  expect(held[1]).toEqual(questions.map(() => held[0]!.at(-1)));
});
