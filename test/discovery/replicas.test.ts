import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { MemoryStorage, TinyMlsError, type Storage } from "tinymls";
import { storageReplica, yjsReplica, type DirectoryOptions, type GroupDirectory } from "tinymls/discovery";
import * as Y from "yjs";
import { until } from "../storage/observe.js";
import { advance, begin, groupOf, hour, World, type Person } from "./world.js";

let world: World;
let alice: Person;
let bob: Person;
const open: GroupDirectory[] = [];
beforeEach(async () => {
  world = new World();
  alice = await world.person("alice");
  bob = await world.person("bob");
});
afterEach(async () => {
  for (const directory of open.splice(0)) await directory.close();
  await world.close();
});

async function directory(options: Partial<DirectoryOptions>): Promise<GroupDirectory> {
  const opened = await world.directory(options);
  open.push(opened);
  return opened;
}

describe("in a storage", () => {
  const on = (storage: Storage, options: Partial<DirectoryOptions> = {}) =>
    directory({ ...options, replicas: [storageReplica(storage)] });
  const keys = async (storage: Storage) => (await storage.list("directory/")).records.map(({ key }) => key);

  test("what is published is there when it is opened again, and others hear of it", async () => {
    const storage = new MemoryStorage();
    const groups = await groupOf(alice, bob);
    const one = await on(storage);
    const other = await on(storage);
    const heard: unknown[] = [];
    other.watch((ids) => heard.push(...ids));
    await one.publish(groups[0]!);
    await until(() => heard.length > 0);
    expect(heard).toEqual([groups[0]!.groupId]);
    expect(other.encode()).toEqual(one.encode());
    await advance(groups);
    await other.publish(groups[1]!);
    await until(() => one.encode().equals(other.encode()));
    expect((await one.get(groups[0]!.groupId))!.epoch).toBe(2n);
    expect((await on(storage)).encode()).toEqual(one.encode());
    expect(await keys(storage)).toEqual([
      expect.stringMatching(/^directory\/[0-9a-f]{64}\/[0-9a-f]{64}$/),
      expect.anything(),
    ]);
    await storage.close();
  });

  test("writers of one slot at once end with the greatest in the storage", async () => {
    const storage = new MemoryStorage();
    const [a] = await groupOf(alice);
    const writers = await Promise.all([on(storage), on(storage), on(storage)]);
    const publications = await Promise.all([1, 3, 2].map((hours) => world.publication(a!, hours * hour)));
    await Promise.all(writers.map((writer, index) => writer.merge([publications[index]!])));
    await Promise.all(writers.map((writer) => writer.settled()));
    const { records } = await storage.list("directory/");
    expect(records.map(({ value }) => value)).toEqual([publications[1]]);
    for (const writer of writers) expect((await writer.get(a!.groupId))!.notAfter).toBe(begin + 3 * hour);
    await storage.close();
  });

  test("forged records are neither shown nor do they keep true ones out", async () => {
    const storage = new MemoryStorage();
    const [a] = await groupOf(alice);
    const one = await on(storage);
    const warnings: object[] = [];
    const publication = await one.publish(a!);
    const [key] = await keys(storage);
    const forged = Buffer.from(publication);
    forged[forged.length - 1]! ^= 1;
    await storage.write([
      { put: key!, value: forged },
      { put: "directory/junk", value: Buffer.from("junk") },
    ]);
    await one.settled();
    const logger = { debug: () => undefined, info: () => undefined, error: () => undefined };
    const other = await on(storage, { logger: { ...logger, warn: (fields) => void warnings.push(fields) } });
    expect(await other.list()).toEqual([]);
    expect(warnings).toEqual(
      expect.arrayContaining([
        { code: "invalid", rule: "12.4.3/group-info-signature" },
        { code: "malformed", rule: "2.1/encoding" },
      ]),
    );
    expect((await one.get(a!.groupId))!.groupInfo).toEqual(publication);
    await other.merge(one.encode());
    expect((await storage.get(key!))!.value).toEqual(publication);
    await storage.close();
  });

  test("a storage that fails: told, and the same call again brings it what it lacks", async () => {
    const storage = new MemoryStorage();
    let failing = false;
    const flaky: Storage = Object.assign(Object.create(storage) as Storage, {
      get: (key: string) => storage.get(key),
      list: (prefix: string, options: object) => storage.list(prefix, options),
      watch: storage.watch.bind(storage),
      write: (steps: never) =>
        failing ? Promise.reject(new TinyMlsError("storage", "the disk is full")) : storage.write(steps),
    });
    const [a] = await groupOf(alice);
    const one = await on(flaky);
    failing = true;
    const publication = await world.publication(a!);
    await expect(one.merge([publication])).rejects.toMatchObject({ code: "storage", retryable: true });
    await expect(one.merge([publication])).rejects.toMatchObject({ code: "storage" });
    expect(await keys(storage)).toEqual([]);
    failing = false;
    expect(await one.merge([publication])).toMatchObject({ unchanged: 1 });
    expect(await keys(storage)).toHaveLength(1);
    await storage.close();
    await expect(on(storage)).rejects.toMatchObject({ code: "closed" });
  });

  test("a read that fails while everything is read again is made up for with the next change", async () => {
    const storage = new MemoryStorage();
    let hear: (keys: readonly string[] | undefined) => void = () => undefined;
    let listed = Promise.resolve();
    let failing = false;
    const flaky: Storage = Object.assign(Object.create(storage) as Storage, {
      get: (key: string) =>
        failing ? Promise.reject(new TinyMlsError("storage", "the connection broke")) : storage.get(key),
      list: async (prefix: string, options: object) => {
        const page = await storage.list(prefix, options);
        await listed;
        return page;
      },
      watch: (_: string, listener: typeof hear) => {
        hear = listener;
        return Promise.resolve(() => undefined);
      },
    });
    const [a] = await groupOf(alice);
    const other = await on(flaky);
    const one = await on(storage);
    let goOn: () => void = () => undefined;
    listed = new Promise((resolve) => (goOn = resolve));
    hear(undefined); // reads everything, of before the change
    await new Promise(setImmediate);
    await one.publish(a!);
    failing = true;
    hear(await keys(storage));
    await new Promise(setImmediate);
    failing = false;
    goOn();
    await other.settled();
    expect(other.groups).toBe(0);
    hear(["directory/another"]);
    await until(() => other.groups === 1);
    expect(other.encode()).toEqual(one.encode());
    await storage.close();
  });

  test("a read that fails is made up for by itself, if nothing else is heard", async () => {
    const storage = new MemoryStorage();
    let failing = false;
    let failed = 0;
    const flaky: Storage = {
      get: (key) => {
        if (!failing) return storage.get(key);
        failed++;
        return Promise.reject(new TinyMlsError("storage", "the connection broke"));
      },
      list: (prefix, options) => storage.list(prefix, options),
      write: (steps, options) => storage.write(steps, options),
      read: (log, from, limit) => storage.read(log, from, limit),
      watch: (prefix, listener) => storage.watch(prefix, listener),
      close: () => storage.close(),
    };
    const [a] = await groupOf(alice);
    const other = await on(flaky);
    const one = await on(storage);
    failing = true;
    await one.publish(a!);
    await until(() => failed > 0);
    expect(other.groups).toBe(0);
    failing = false;
    await until(() => other.groups === 1);
    expect(other.encode()).toEqual(one.encode());
    await storage.close();
  });

  test("what is forgotten is erased, also by who never held it", async () => {
    const storage = new MemoryStorage();
    const [a] = await groupOf(alice);
    const one = await on(storage, { maximumLifetimeMs: hour });
    await one.publish(a!, { lifetimeMs: hour });
    world.now += 3 * hour;
    expect(await one.compact()).toBe(1);
    expect(await keys(storage)).toEqual([]);
    world.now = begin;
    await one.publish(a!, { lifetimeMs: hour });
    await one.close();
    world.now += 3 * hour;
    expect((await on(storage, { maximumLifetimeMs: hour })).groups).toBe(0);
    expect(await keys(storage)).toEqual([]);
    await storage.close();
  });

  test("a prefix of its own for each directory", async () => {
    const storage = new MemoryStorage();
    const [a] = await groupOf(alice);
    const one = await directory({ replicas: [storageReplica(storage, { prefix: "one/" })] });
    await one.publish(a!);
    expect((await directory({ replicas: [storageReplica(storage, { prefix: "two/" })] })).groups).toBe(0);
    expect(() => storageReplica(storage, { prefix: "x".repeat(101) })).toThrow(
      expect.objectContaining({ code: "config" }),
    );
    await storage.close();
  });
});

describe("in a Yjs document", () => {
  const on = (doc: Y.Doc, options: Partial<DirectoryOptions> = {}) =>
    directory({ ...options, replicas: [yjsReplica(doc)] });
  const mapOf = (doc: Y.Doc) => doc.getMap<Uint8Array>("tinymls-directory");

  /** Both ways, as a provider does when it is on line again. */
  function sync(one: Y.Doc, other: Y.Doc): void {
    const forOther = Y.encodeStateAsUpdate(one, Y.encodeStateVector(other));
    Y.applyUpdate(one, Y.encodeStateAsUpdate(other, Y.encodeStateVector(one)));
    Y.applyUpdate(other, forOther);
  }
  async function settle(docs: readonly Y.Doc[], directories: readonly GroupDirectory[]): Promise<void> {
    for (let round = 0; round < 3; round++) {
      sync(docs[0]!, docs[1]!);
      for (const each of directories) await each.settled();
    }
  }

  test("replicas that were off line hold the same once they met, and a stranger joins by it", async () => {
    const docs = [new Y.Doc(), new Y.Doc()];
    const [one, other] = [await on(docs[0]!), await on(docs[1]!)];
    const groups = await groupOf(alice, bob);
    const [small] = await groupOf(bob);
    await one.publish(groups[0]!);
    await other.publish(small!);
    await advance(groups);
    await other.publish(groups[1]!);
    await one.publish(groups[0]!, { lifetimeMs: hour });
    expect((await one.list()).length).toBe(1);
    await settle(docs, [one, other]);
    expect(other.encode()).toEqual(one.encode());
    const entry = (await one.get(groups[0]!.groupId))!;
    expect(entry).toMatchObject({ epoch: 2n, contested: false });
    expect((await one.list()).length).toBe(2);
    // What was replaced is gone from both documents.
    expect(mapOf(docs[0]!).size).toBe(3);
    expect(mapOf(docs[1]!).size).toBe(3);

    const carol = await world.person("carol");
    const { commit } = await carol.client.joinExternal(entry.groupInfo);
    for (const group of groups) expect(await group.receiveMessage(commit)).toMatchObject({ kind: "commit" });
    expect((await on(docs[1]!)).encode()).toEqual(one.encode());
  });

  test("what is erased or overwritten in the document is put back by who holds it", async () => {
    const docs = [new Y.Doc(), new Y.Doc()];
    const one = await on(docs[0]!);
    const groups = await groupOf(alice, bob);
    const publications = [await one.publish(groups[0]!), await one.publish(groups[1]!)];
    sync(docs[0]!, docs[1]!);
    const [first, second] = [...mapOf(docs[1]!).keys()];
    mapOf(docs[1]!).delete(first!);
    mapOf(docs[1]!).set(second!, new Uint8Array(Buffer.from("junk")));
    mapOf(docs[1]!).set("junk", "not octets" as never);
    await settle(docs, [one]);
    expect((await one.get(groups[0]!.groupId))!.epoch).toBe(1n);
    const other = await on(docs[1]!);
    expect(other.encode()).toEqual(one.encode());
    for (const publication of publications) {
      expect([...mapOf(docs[1]!).values()].some((value) => publication.equals(value as Uint8Array))).toBe(true);
    }
  });

  test("an older publication that is put back by hand is not shown", async () => {
    const doc = new Y.Doc();
    const one = await on(doc);
    const groups = await groupOf(alice, bob);
    const older = await one.publish(groups[0]!);
    const [key] = [...mapOf(doc).keys()];
    await advance(groups);
    await one.publish(groups[0]!);
    expect(mapOf(doc).has(key!)).toBe(false);
    mapOf(doc).set(key!, new Uint8Array(older));
    await one.settled();
    expect((await one.get(groups[0]!.groupId))!.epoch).toBe(2n);
    expect((await (await on(doc)).get(groups[0]!.groupId))!.epoch).toBe(2n);
  });

  test("a directory that forgets erases, and one that has not yet does not bring it back for long", async () => {
    const doc = new Y.Doc();
    const [a] = await groupOf(alice);
    const one = await on(doc, { maximumLifetimeMs: hour });
    const other = await on(doc, { maximumLifetimeMs: hour });
    await one.publish(a!, { lifetimeMs: hour });
    await other.settled();
    world.now += 3 * hour;
    await one.compact();
    await other.settled(); // puts it back
    await one.settled();
    expect([one.groups, other.groups, mapOf(doc).size]).toEqual([0, 1, 1]);
    await on(doc, { maximumLifetimeMs: hour }); // one that comes later sweeps
    await other.settled();
    expect(await other.compact()).toBe(1);
    await other.settled();
    expect(mapOf(doc).size).toBe(0);
  });

  test("after it is closed, a directory leaves the document alone", async () => {
    const doc = new Y.Doc();
    const one = await on(doc);
    const [a] = await groupOf(alice);
    await one.publish(a!);
    await one.close();
    mapOf(doc).clear();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(mapOf(doc).size).toBe(0);
  });
});

test("a directory with two replicas passes on what it hears from one to the other", async () => {
  const doc = new Y.Doc();
  const storage = new MemoryStorage();
  const [a] = await groupOf(alice);
  const far = await directory({ replicas: [yjsReplica(doc, { map: "m" })] });
  const near = await directory({ replicas: [storageReplica(storage), yjsReplica(doc, { map: "m" })] });
  const publication = await far.publish(a!);
  await near.settled();
  expect((await storage.list("directory/")).records.map(({ value }) => value)).toEqual([publication]);
  // And what was in the storage when it opened.
  const late = new Y.Doc();
  await directory({ replicas: [storageReplica(storage), yjsReplica(late)] });
  expect(late.getMap("tinymls-directory").size).toBe(1);
  await storage.close();
});

test("options that make no sense are named", () => {
  const config = (message: string) =>
    expect.objectContaining({ code: "config", message: expect.stringContaining(message) as unknown });
  const storage = new MemoryStorage();
  for (const wrong of [undefined, null, 5, {}]) {
    expect(() => storageReplica(wrong as never)).toThrow(config("storage has to be a Storage"));
    expect(() => yjsReplica(wrong as never)).toThrow(config("doc has to be a Y.Doc"));
  }
  for (const wrong of [5, null, "p".repeat(101)]) {
    expect(() => storageReplica(storage, { prefix: wrong as never })).toThrow(config("prefix has to be"));
  }
  expect(() => storageReplica(storage, null as never)).toThrow(config("options has to be an object"));
  expect(() => yjsReplica(new Y.Doc() as never, { map: 5 as never })).toThrow(config("map has to be a string"));
});
