// A group of more records than one write takes is over at once; what is left of it goes afterwards, after a crash too.
import { afterEach, expect, jest, test } from "@jest/globals";
import { Client, MemoryStorage, type Group } from "tinymls";
import { summary } from "../group/people.js";
import { FaultyStorage } from "./faulty-storage.js";
import { storageKey } from "./stores.js";

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function open(identity: string, storage?: FaultyStorage): Promise<Client> {
  const client = await Client.create({ identity, ...(storage && { storage, storageKey }) });
  clients.push(client);
  return client;
}

async function keys(storage: FaultyStorage): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await storage.list("client/", { limit: 1000, ...(after && { after }) });
    found.push(...page.records.map(({ key }) => key));
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** What is stored of groups: the group itself, and what stands in the list of the client. */
async function groupKeys(storage: FaultyStorage): Promise<string[]> {
  return (await keys(storage)).filter((key) => /\/(group|erased)\//.test(key));
}

/** Alice's state, with 2,500 records of her group that nothing lists, as writes that did not come to an end leave them. */
async function world() {
  const storage = new FaultyStorage(new MemoryStorage());
  const alice = await open("alice", storage);
  const bob = await open("bob");
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const bobs = await bob.joinGroup(pending.welcome!);
  const head = (await groupKeys(storage)).find((key) => key.endsWith("/head"))!;
  const prefix = head.slice(0, -"head".length);
  for (let at = 0; at < 2500; at += 500) {
    const puts = Array.from({ length: 500 }, (_, put) => ({
      put: `${prefix}keys/0/${at + put}`,
      value: Buffer.alloc(40),
    }));
    await storage.write(puts);
  }
  return { storage, alice, group, bobs };
}

async function expectTalk(one: Group, other: Group): Promise<void> {
  expect(summary(await other.receiveMessage(await one.sendMessage("there")))).toBe("application there");
  expect(summary(await one.receiveMessage(await other.sendMessage("back")))).toBe("application back");
}

test("nothing is left of it", async () => {
  const { storage, alice, group } = await world();
  await group.close({ forget: true });
  expect(await alice.groups()).toEqual([]);
  expect(await groupKeys(storage)).toEqual([]);
});

test("where the first write fails, all of it is kept", async () => {
  const { storage, alice, group, bobs } = await world();
  storage.failures = ["before"];
  await expect(group.close({ forget: true })).rejects.toMatchObject({ code: "storage" });
  expect(await alice.groups()).toHaveLength(1);
  await expectTalk(group, bobs);
});

test("where the answer to the first write is lost, it is over when asked again, and nothing is left", async () => {
  const { storage, group } = await world();
  storage.failures = ["after"];
  await expect(group.close({ forget: true })).rejects.toMatchObject({ code: "storage" });
  await group.close({ forget: true });
  expect(await groupKeys(storage)).toEqual([]);
});

test.each([1, 2, 3])(
  "where write %i after it fails, the group is over, and the client that is opened next deletes the rest",
  async (at) => {
    const { storage, alice, group } = await world();
    storage.failures = [...Array.from({ length: at }, () => undefined), "before"];
    await group.close({ forget: true });
    expect(await alice.groups()).toEqual([]);
    expect(await alice.loadGroup(group.groupId)).toBeUndefined();
    expect(await groupKeys(storage)).not.toEqual([]);
    const again = await open("alice", storage);
    expect(await again.groups()).toEqual([]);
    expect(await groupKeys(storage)).toEqual([]);
  },
);

test.each([
  ["as it was", 0],
  ["an hour behind", 3_600_000],
])("a group that is joined anew before the rest is deleted stays whole, by a clock %s", async (_, behind) => {
  const { storage, alice, group, bobs } = await world();
  storage.failures = [undefined, "before"];
  await group.close({ forget: true });
  const info = await bobs.groupInfo();
  const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() - behind);
  const { group: joined, commit } = await alice.joinExternal(info, { resync: true });
  clock.mockRestore();
  expect(summary(await bobs.receiveMessage(commit))).toBe("commit");
  await expectTalk(joined, bobs);
  const isErased = (key: string): boolean => key.includes("/erased/");
  expect((await groupKeys(storage)).filter(isErased)).toHaveLength(1);
  const again = await open("alice", storage);
  expect((await groupKeys(storage)).filter(isErased)).toEqual([]);
  await expectTalk(joined, bobs);
  await joined.close();
  const loaded = (await again.loadGroup(bobs.groupId))!;
  await expectTalk(loaded, bobs);
  // What is left of the one before is deleted bit by bit, with what is written of this one.
  const left = async (): Promise<number> => (await groupKeys(storage)).filter((key) => key.includes("/keys/0/")).length;
  for (let round = 0; round < 10 && (await left()) > 0; round++) await expectTalk(loaded, bobs);
  expect(await left()).toBe(0);
});
