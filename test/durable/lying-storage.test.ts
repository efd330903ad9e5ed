// A storage that answers the record of one group, client or fleet where that of another was asked for.
import { afterEach, expect, jest, test } from "@jest/globals";
import {
  Client,
  MemoryStorage,
  Vault,
  type ListOptions,
  type RecordPage,
  type StoredRecord,
  type TinyMlsError,
} from "tinymls";
import { expectSameEpoch } from "../group/people.js";
import { epochKey, machine, says } from "../fleet/world.js";
import { contents, faultOf, until } from "../storage/observe.js";
import { LyingStorage } from "./lying-storage.js";
import { storageKey } from "./stores.js";

const storages: LyingStorage[] = [];
const clients: Client[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const storage of storages.splice(0)) storage.instead.clear();
  for (const client of clients.splice(0)) await client.close();
});

function lyingStorage(): LyingStorage {
  const storage = new LyingStorage(new MemoryStorage());
  storages.push(storage);
  return storage;
}

async function start(identity: string, storage: LyingStorage): Promise<Client> {
  const client = await Client.create({ identity, storage, storageKey });
  clients.push(client);
  return client;
}

async function recordsOf(storage: LyingStorage, pattern: RegExp): Promise<StoredRecord[]> {
  return (await storage.inner.list("", { limit: 1000 })).records.filter(({ key }) => pattern.test(key));
}

test("a record of another group is none of this one, though both are of one version", async () => {
  const storage = lyingStorage();
  const alice = await start("alice", storage);
  jest.spyOn(Date, "now").mockReturnValue(Date.now()); // the first version of a group
  const group = await alice.createGroup();
  const before = await recordsOf(storage, /\/group\/[^/]+\//);
  const other = await alice.createGroup();
  const bob = await Client.create({ identity: "bob" });
  clients.push(bob);
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const bobs = await bob.joinGroup(pending.welcome!);
  const second = await other.commit();
  await second.confirm();
  await group.close();
  await other.close();
  const prefix = before[0]!.key.slice(0, before[0]!.key.lastIndexOf("/group/") + "/group/".length + 33);
  const own = await recordsOf(storage, new RegExp(`^${prefix}`));
  const others = (await recordsOf(storage, /\/group\/[^/]+\//)).filter(({ key }) => !key.startsWith(prefix));
  const stored = await contents(storage.inner);
  let replaced = 0;
  for (const { key } of own) {
    const record = others.find((other) => other.key.slice(prefix.length) === key.slice(prefix.length));
    if (record === undefined) continue;
    replaced++;
    storage.instead.set(key, record);
    expect(await faultOf(alice.loadGroup(group.groupId))).toMatchObject({ code: "missing", path: key });
    storage.instead.clear();
  }
  expect(replaced).toBeGreaterThanOrEqual(3);
  expect(await contents(storage.inner)).toEqual(stored);
  expectSameEpoch((await alice.loadGroup(group.groupId))!, bobs);
});

test("the keys of another client are none of this one", async () => {
  const storage = lyingStorage();
  jest.spyOn(Date, "now").mockReturnValue(Date.now());
  for (const identity of ["alice", "carol"]) await (await start(identity, storage)).createKeyPackage();
  for (const client of clients.splice(0)) await client.close();
  const [first, second] = await recordsOf(storage, /\/own\/keys$/);
  const stored = await contents(storage.inner);
  storage.instead.set(first!.key, second!);
  storage.instead.set(second!.key, first!);
  for (const identity of ["alice", "carol"]) {
    const { code, path } = await faultOf(start(identity, storage));
    expect([code, [first!.key, second!.key].includes(path!)]).toEqual(["missing", true]);
  }
  expect(await contents(storage.inner)).toEqual(stored);
});

test("an epoch of another fleet is none of this one", async () => {
  const storage = lyingStorage();
  const api = await machine({ storage: storage.inner, name: "api" });
  const [a, b] = [await machine({ storage: storage.inner }), await machine({ storage })];
  const errors: TinyMlsError[] = [];
  b.on("error", (error) => errors.push(error));
  await api.rotate();
  const foreign = (await storage.inner.get(epochKey(1).replace("web", "api")))!;
  storage.instead.set(epochKey(1), foreign);
  await a.rotate();
  await until(() => errors.length > 0, 10_000);
  expect(errors[0]).toMatchObject({ code: "undecryptable", path: epochKey(1) });
  expect(b.epoch).toBe(0);
  storage.instead.clear();
  await until(() => b.epoch === 1, 10_000);
  expect(says(a, b)).toBe("text");
}, 30_000);

test("a vault that is stored and not listed is damaged, and no other is made in its place", async () => {
  class Forgetful extends MemoryStorage {
    override async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
      const { records, next } = await super.list(prefix, options);
      return { records: records.filter(({ key }) => !key.startsWith("vault/")), next };
    }
  }
  const storage = new Forgetful();
  // The first to open one sees what it has made nowhere.
  (await Vault.open(storage, storageKey)).close();
  const made = await storage.get("vault/keys");
  expect(await faultOf(Vault.open(storage, storageKey))).toMatchObject({ code: "malformed", path: "vault/keys" });
  expect(await storage.get("vault/keys")).toEqual(made);
});
