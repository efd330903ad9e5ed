import { afterEach, describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, MemoryStorage, type ClientOptions, type Group, type Storage } from "tinymls";
import { expectSameEpoch, summary } from "../group/people.js";
import { PagedStorage } from "./paged-storage.js";
import { sqlitePlace, storageKey } from "./stores.js";

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function start(storage: Storage, options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await Client.create({ identity: "alice", storage, storageKey, ...options });
  clients.push(client);
  return client;
}

async function peer(): Promise<Client> {
  const client = await Client.create({ identity: "bob" });
  clients.push(client);
  return client;
}

async function groupWith(alice: Client, bob: Client): Promise<{ group: Group; bobs: Group }> {
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  return { group, bobs: await bob.joinGroup(pending.welcome!) };
}

async function receive(group: Group, message: Buffer): Promise<string> {
  return summary(await group.receiveMessage(message));
}

describe("several processes on one storage", () => {
  test("one holds a group, until it closes it", async () => {
    const storage = new MemoryStorage();
    const [first, second] = [await start(storage), await start(storage)];
    const { group, bobs } = await groupWith(first, await peer());
    await expect(second.loadGroup(group.groupId)).rejects.toMatchObject({ code: "conflict", retryable: true });
    expect(await receive(bobs, await group.sendMessage("held"))).toBe("application held");
    await group.close();
    const taken = (await second.loadGroup(group.groupId))!;
    expect(await receive(bobs, await taken.sendMessage("taken"))).toBe("application taken");
    await expect(first.loadGroup(group.groupId)).rejects.toMatchObject({ code: "conflict" });
  });

  test("a lease that is over is taken; who had it cannot write any more, and what it sends unwritten is no one else's", async () => {
    const storage = new MemoryStorage();
    let now = Date.now();
    const options = { leaseMs: 1000, now: () => now };
    const first = await start(storage, options);
    const { group, bobs } = await groupWith(first, await peer());
    await group.sendMessage("reserves");
    now += 5000;
    const second = await start(storage, options);
    const taken = (await second.loadGroup(group.groupId))!;
    const sessions = await storage.list("client/", { limit: 1000 });
    expect(sessions.records.filter(({ key }) => key.includes("/session/"))).toHaveLength(1); // none of those that are over
    const sent = [await group.sendMessage("of the former"), await taken.sendMessage("of the new")];
    expect([await receive(bobs, sent[0]!), await receive(bobs, sent[1]!)]).toEqual([
      "application of the former",
      "application of the new",
    ]);
    const pending = await taken.commit({ update: true });
    await expect(group.commit({ update: true })).rejects.toMatchObject({ code: "conflict" });
    expect(group.isClosed).toBe(true);
    await expect(group.sendMessage("gone")).rejects.toMatchObject({ code: "closed" });
    await pending.confirm();
    expect(await receive(bobs, pending.commit)).toBe("commit");
    expectSameEpoch(taken, bobs);
  });

  test("a group that is opened and closed without a change is written no more than its lease", async () => {
    const storage = new MemoryStorage();
    const alice = await start(storage);
    const { group, bobs } = await groupWith(alice, await peer());
    const written = async (): Promise<Map<string, number>> => {
      const { records } = await storage.list("client/", { limit: 1000 });
      const states = records.filter(({ key }) => !/\/session\/|\/lease$/.test(key));
      return new Map(states.map(({ key, revision }) => [key, revision]));
    };
    await group.close();
    const before = await written();
    const again = (await alice.loadGroup(group.groupId))!;
    await expect((await start(storage)).loadGroup(group.groupId)).rejects.toMatchObject({ code: "conflict" });
    await again.close();
    expect(await written()).toEqual(before);
    const last = (await alice.loadGroup(group.groupId))!;
    expect(await receive(bobs, await last.sendMessage("goes on"))).toBe("application goes on");
    expect(await written()).not.toEqual(before);
  });

  test("a group is opened with one look at its records, and one write", async () => {
    const storage = new PagedStorage(new MemoryStorage());
    const alice = await start(storage);
    const { group } = await groupWith(alice, await peer());
    await group.proposeUpdate();
    await group.close();
    storage.calls = [];
    await (await alice.loadGroup(group.groupId))!.close();
    // Two of its logs have entries; closing gives the lease back.
    expect(storage.calls).toEqual(["list", "read", "read", "write", "write"]);
  });

  test("the session that leases name is written when it has half run out, not with each", async () => {
    const storage = new MemoryStorage();
    let now = Date.now();
    const alice = await start(storage, { leaseMs: 60_000, now: () => now });
    const written = async (): Promise<number[]> => {
      const { records } = await storage.list("client/", { limit: 1000 });
      return records.filter(({ key }) => key.includes("/session/")).map(({ revision }) => revision);
    };
    expect(await written()).toEqual([]);
    await alice.createGroup();
    const first = await written();
    expect(first).toHaveLength(1);
    now += 29_000;
    await alice.createGroup();
    expect(await written()).toEqual(first);
    now += 2000;
    await alice.createGroup();
    const second = await written();
    expect(second).toHaveLength(1);
    expect(second).not.toEqual(first);
  });

  test("a group that another process writes while it is read is read again, and not damaged", async () => {
    const inner = new MemoryStorage();
    const storage = new PagedStorage(inner);
    const [alice, other] = [await start(storage), await start(inner)];
    const { group, bobs } = await groupWith(alice, await peer());
    await group.close();
    for (const pageLength of [1, 2, 3, 5]) {
      storage.pageLength = pageLength;
      let hasWritten = false;
      storage.beforeNextPage = async () => {
        const held = (await other.loadGroup(group.groupId))!;
        const pending = await held.commit({ update: true });
        await pending.confirm();
        await bobs.receiveMessage(pending.commit);
        await held.close();
        hasWritten = true;
      };
      const loaded = (await alice.loadGroup(group.groupId))!;
      expect(hasWritten).toBe(true);
      expect(loaded.epoch).toBe(bobs.epoch);
      expect(await receive(bobs, await loaded.sendMessage("whole"))).toBe("application whole");
      await loaded.close();
    }
  });

  test("a group that is written whenever it is read is in conflict", async () => {
    const inner = new MemoryStorage();
    const storage = new PagedStorage(inner);
    const [alice, other] = [await start(storage), await start(inner)];
    const { group } = await groupWith(alice, await peer());
    await group.close();
    storage.pageLength = 1;
    const write = async (): Promise<void> => {
      const held = (await other.loadGroup(group.groupId))!;
      await (await held.commit({ update: true })).confirm();
      await held.close();
      storage.beforeNextPage = write;
    };
    storage.beforeNextPage = write;
    await expect(alice.loadGroup(group.groupId)).rejects.toMatchObject({ code: "conflict", retryable: true });
    storage.beforeNextPage = undefined;
    expect(await alice.loadGroup(group.groupId)).toBeDefined();
  });

  test("who lost a lease cannot write after the one that took it has closed the group without a change", async () => {
    const storage = new MemoryStorage();
    let now = Date.now();
    const options = { leaseMs: 1000, now: () => now };
    const first = await start(storage, options);
    const { group, bobs } = await groupWith(first, await peer());
    now += 5000;
    const [second, third] = [await start(storage, options), await start(storage, options)];
    await (await second.loadGroup(group.groupId))!.close();
    const held = (await third.loadGroup(group.groupId))!;
    await expect(group.sendMessage("late")).rejects.toMatchObject({ code: "conflict" });
    expect(group.isClosed).toBe(true);
    expect(await receive(bobs, await held.sendMessage("of the holder"))).toBe("application of the holder");
  });

  test("a group that another process left is not there any more", async () => {
    const storage = new MemoryStorage();
    const [first, second] = [await start(storage), await start(storage)];
    const { group } = await groupWith(first, await peer());
    expect(await second.groups()).toHaveLength(1);
    await group.close({ forget: true });
    expect(await second.loadGroup(group.groupId)).toBeUndefined();
  });

  test("a key package is used once", async () => {
    const storage = new MemoryStorage();
    const [first, second] = [await start(storage), await start(storage)];
    const bob = await peer();
    const keyPackage = await first.createKeyPackage();
    const welcomes: Buffer[] = [];
    for (let at = 0; at < 2; at++) {
      const pending = await (await bob.createGroup()).commit({ add: [keyPackage] });
      await pending.confirm();
      welcomes.push(pending.welcome!);
    }
    const joined = await Promise.allSettled([first.joinGroup(welcomes[0]!), second.joinGroup(welcomes[1]!)]);
    expect(joined.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [lost] = joined.filter((one) => one.status === "rejected");
    expect(lost!.reason).toMatchObject({ code: "missing" });
    expect(await first.groups()).toHaveLength(1);
  });

  test("both add key packages at once, and none is lost", async () => {
    const storage = new MemoryStorage();
    const [first, second] = [await start(storage), await start(storage)];
    const made = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? first : second).createKeyPackage());
    const bob = await peer();
    const pending = await (await bob.createGroup()).commit({ add: [(await Promise.all(made))[9]!] });
    await pending.confirm();
    expectSameEpoch(await first.joinGroup(pending.welcome!));
    const { records } = await storage.list("client/", { limit: 1000 });
    expect(records.filter(({ key }) => key.includes("/keypackage/"))).toHaveLength(9);
  });
});

describe("what is stored", () => {
  interface Stored {
    readonly storage: MemoryStorage;
    readonly groupId: Buffer;
    /** Of the group's records, with what they held some operations before, where they were there. */
    readonly records: ReadonlyMap<string, Buffer | undefined>;
  }

  async function recordsOf(storage: Storage): Promise<Map<string, Buffer>> {
    const { records } = await storage.list("client/", { limit: 1000 });
    const own = records.filter(({ key }) => /^client\/\w+\/group\//.test(key) && !key.endsWith("/lease"));
    return new Map(own.map(({ key, value }) => [key, value]));
  }

  async function stored(): Promise<Stored> {
    const storage = new MemoryStorage();
    const alice = await start(storage);
    const { group, bobs } = await groupWith(alice, await peer());
    await bobs.sendMessage("passed over");
    await group.receiveMessage(await bobs.sendMessage("seen"));
    const other = await bobs.commit({ update: true });
    await other.confirm();
    await group.receiveMessage(other.commit);
    await group.sendMessage("x");
    await group.receiveMessage(await bobs.sendMessage("y"));
    const before = await recordsOf(storage);
    await group.receiveMessage(await bobs.sendMessage("z"));
    await group.commit({ update: true });
    await alice.close();
    const records = [...(await recordsOf(storage)).keys()].map((key) => [key, before.get(key)] as const);
    return { storage, groupId: group.groupId, records: new Map(records) };
  }

  async function faultOf(storage: Storage, groupId: Buffer): Promise<unknown> {
    const alice = await start(storage);
    try {
      await alice.loadGroup(groupId);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await alice.close();
    }
  }

  test("is named when it is changed, missing, swapped or put back, and nothing else is touched", async () => {
    const { storage, groupId, records } = await stored();
    const keys = [...records.keys()];
    expect(keys.length).toBeGreaterThan(10);
    let putBack = 0;
    for (const key of keys) {
      const { value } = (await storage.get(key))!;
      const flipped = Buffer.from(value);
      flipped[flipped.length - 1]! ^= 1;
      const swapped = (await storage.get(keys.find((other) => other !== key)!))!.value;
      const older = records.get(key);
      const bad: (Buffer | undefined)[] = [flipped, value.subarray(0, 10), swapped, undefined];
      if (older !== undefined && !older.equals(value)) bad.push(older);
      putBack += bad.length - 4;
      for (const octets of bad) {
        await storage.write([octets === undefined ? { delete: key } : { put: key, value: octets }]);
        const before = await recordsOf(storage);
        const error = await faultOf(storage, groupId);
        expect(error).toMatchObject({ path: key });
        expect(["undecryptable", "malformed", "missing"]).toContain((error as { code: string }).code);
        expect(await recordsOf(storage)).toEqual(before);
      }
      await storage.write([{ put: key, value }]);
    }
    expect(putBack).toBe(2);
    const alice = await start(storage);
    expect((await alice.loadGroup(groupId))!.pendingCommit).toBeDefined();
  });

  test("a group that cannot be read is joined anew, from outside", async () => {
    const storage = new MemoryStorage();
    const alice = await start(storage);
    const { group, bobs } = await groupWith(alice, await peer());
    const { groupId } = group;
    await group.proposeUpdate(); // the log of proposals has the key of a leaf
    await alice.close();
    const [key] = [...(await recordsOf(storage)).keys()].filter((name) => name.endsWith("/head"));
    const kept = async (log: string) => (await storage.read(key!.replace(/head$/, log), 0)).entries.length;
    expect(await kept("proposals")).toBe(1);
    await storage.write([{ put: key!, value: Buffer.alloc(100, 0xff) }]);
    const again = await start(storage);
    await expect(again.loadGroup(groupId)).rejects.toMatchObject({ path: key });
    const joined = await again.joinExternal(await bobs.groupInfo(), { resync: true });
    expect(await kept("proposals")).toBe(0);
    expect(await receive(bobs, joined.commit)).toBe("commit");
    await again.close();
    const last = await start(storage);
    const loaded = (await last.loadGroup(groupId))!;
    expectSameEpoch(loaded, bobs);
    expect(loaded.members()).toHaveLength(2);
    expect(await receive(bobs, await loaded.sendMessage("back"))).toBe("application back");
  });

  test("does not open with another key", async () => {
    const { storage } = await stored();
    const { records } = await storage.list("", { limit: 1000 });
    const wrong = Client.create({ identity: "alice", storage, storageKey: { key: Buffer.alloc(32, 8) } });
    await expect(wrong).rejects.toMatchObject({ code: "undecryptable", path: "vault/keys" });
    expect((await storage.list("", { limit: 1000 })).records).toEqual(records);
  });

  test("needs a storage key where it outlives the process", async () => {
    const place = sqlitePlace();
    const storage = await place.open();
    await expect(Client.create({ identity: "alice", storage })).rejects.toMatchObject({ code: "config" });
    await storage.close();
    place.remove();
  });

  test("shows no secret, identity or group id in the files of the database", async () => {
    const place = sqlitePlace();
    const storage = await place.open();
    const alice = await start(storage);
    const psk = Buffer.from("a PSK that a search would find!!");
    await alice.addPsk("id of the PSK", psk);
    const { group, bobs } = await groupWith(alice, await peer());
    await group.receiveMessage(await bobs.sendMessage("plaintext in a message"));
    await group.sendMessage("plaintext of her own");
    const authenticator = group.epochAuthenticator();
    const identity = Buffer.from("alice");
    const files = readdirSync(place.folder).map((name) => readFileSync(join(place.folder, name)));
    expect(files.some((file) => file.includes("client/"))).toBe(true);
    for (const secret of [psk, authenticator, group.groupId, identity, "plaintext", "id of the PSK"]) {
      expect(files.map((file) => file.includes(secret))).not.toContain(true);
    }
    await alice.close();
    await storage.close();
    place.remove();
  });
});
