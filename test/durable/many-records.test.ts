// Where there are many records, their list is in parts: no operation writes all of it.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, MemoryStorage, type Group } from "tinymls";
import { summary } from "../group/people.js";
import { FaultyStorage } from "./faulty-storage.js";
import { storageKey } from "./stores.js";

const pageLeaves = 16;
const speakers = 12;

const storage = new FaultyStorage(new MemoryStorage());
const clients: Client[] = [];
const others: Group[] = [];
let groupId: Buffer;
/** What others sent in each epoch, two of each: she received the second. */
const sent: Buffer[][] = [];
/** Octets written for a message received, in each epoch, at most. */
const octets: number[] = [];

async function open(options: { readonly late?: boolean } = {}): Promise<Client> {
  const now = options.late ? () => Date.now() + 3_600_000 : Date.now;
  const client = await Client.create({ identity: "alice", storage, storageKey, now });
  clients.push(client);
  return client;
}

async function parts(): Promise<string[]> {
  const { records } = await storage.list("client/", { limit: 1000 });
  return records.map(({ key }) => key).filter((key) => key.includes("/list/"));
}

/** Of all leaves, one of each page speaks. */
beforeAll(async () => {
  const alice = await open();
  const bobs: Client[] = [];
  const add: Buffer[] = [];
  for (let at = 1; at < speakers * pageLeaves; at++) {
    const client = await Client.create({ identity: `member ${at}` });
    add.push(await client.createKeyPackage());
    if (at % pageLeaves === 0 || at === 1) bobs.push(client);
    else await client.close();
  }
  clients.push(...bobs);
  const group = await alice.createGroup();
  ({ groupId } = group);
  const pending = await group.commit({ add });
  await pending.confirm();
  for (const bob of bobs) others.push(await bob.joinGroup(pending.welcome!));
  for (let epoch = 0; epoch < 6; epoch++) {
    let most = 0;
    const messages: Buffer[] = [];
    for (const bob of others) {
      messages.push(await bob.sendMessage("passed over"), await bob.sendMessage("seen"));
      const { written } = storage;
      expect(summary(await group.receiveMessage(messages.at(-1)!))).toBe("application seen");
      most = Math.max(most, storage.written - written);
    }
    sent.push(messages);
    octets.push(most);
    const update = await group.commit({ update: true });
    await update.confirm();
    for (const bob of others) expect(summary(await bob.receiveMessage(update.commit))).toBe("commit");
  }
}, 60_000);

afterAll(async () => {
  for (const client of clients) await client.close();
});

test("a message received takes few octets, as many once no more epochs are kept", async () => {
  expect((await parts()).length).toBeGreaterThan(2);
  expect(octets.at(-1)! / octets.at(-3)!).toBeLessThan(1.1);
  expect(octets.at(-1)).toBeLessThan(4096);
});

test("all of it is there after a crash: keys that were passed over open, those that were used do not, and what expired is deleted", async () => {
  const client = await open({ late: true });
  const group = (await client.loadGroup(groupId))!;
  const kept = sent.slice(-3);
  for (const messages of kept) {
    for (const [at, message] of messages.entries()) {
      expect(summary(await group.receiveMessage(message))).toBe(at % 2 === 0 ? "application passed over" : "duplicate");
    }
  }
  for (const message of sent.slice(0, -3).flat()) expect((await group.receiveMessage(message)).kind).toBe("stale");
  const epochs = new Set((await parts()).map((key) => /keys\/(\d+)\//.exec(key)?.[1]));
  const current = Number(group.epoch);
  for (const epoch of epochs) expect(Number(epoch)).toBeGreaterThanOrEqual(current - 3);
  await client.close();
});

test("a part that is changed, missing or put back is named", async () => {
  const [key] = (await parts()).filter((name) => name.includes("keys/"));
  const { value } = (await storage.get(key!))!;
  const flipped = Buffer.from(value);
  flipped[flipped.length - 1]! ^= 1;
  const older = Buffer.from(value);
  older.writeUIntBE(older.readUIntBE(0, 6) - 1, 0, 6);
  for (const octets of [flipped, older, value.subarray(0, 3), undefined]) {
    await storage.write([octets === undefined ? { delete: key! } : { put: key!, value: octets }]);
    const client = await open({ late: true });
    await expect(client.loadGroup(groupId)).rejects.toMatchObject({ path: key });
    await client.close();
  }
  await storage.write([{ put: key!, value }]);
  const client = await open({ late: true });
  expect((await client.loadGroup(groupId))!.members()).toHaveLength(speakers * pageLeaves);
  await client.close();
});

test("key packages: what making one writes does not grow with their number, and two processes make them side by side", async () => {
  const place = new FaultyStorage(new MemoryStorage());
  const [one, two] = [
    await Client.create({ identity: "carol", storage: place, storageKey }),
    await Client.create({ identity: "carol", storage: place, storageKey }),
  ];
  clients.push(one, two);
  const made: Buffer[] = [];
  const writtenFor: number[] = [];
  for (let at = 0; at < 400; at++) {
    const { written } = place;
    made.push(await (at % 2 === 0 ? one : two).createKeyPackage());
    writtenFor.push(place.written - written);
  }
  expect(Math.max(...writtenFor.slice(-100))).toBeLessThan(8 * 1024);
  const dave = await Client.create({ identity: "dave" });
  clients.push(dave);
  const his = await dave.createGroup();
  for (const keyPackage of [made[0]!, made[399]!]) {
    const pending = await his.commit({ add: [keyPackage], remove: his.members().length > 1 ? [1] : [] });
    await pending.confirm();
    const joined = await two.joinGroup(pending.welcome!);
    expect(joined.epochAuthenticator()).toEqual(his.epochAuthenticator());
    await joined.close({ forget: true });
  }
  const { records } = await place.list("client/", { limit: 1000 });
  expect(records.filter(({ key }) => key.includes("/keypackage/") && !key.includes("/list/"))).toHaveLength(398);
}, 60_000);
