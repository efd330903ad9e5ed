// Closing a client wipes all that it holds, whatever it is doing and whatever its storage says.
import { describe, expect, test } from "@jest/globals";
import { Client, MemoryStorage, type Group } from "tinymls";
import { FaultyStorage, type Failure } from "../durable/faulty-storage.js";
import { storageKey } from "../durable/stores.js";
import { heldHandles } from "../held-handles.js";

interface World {
  readonly alice: Client;
  readonly bob: Client;
  readonly group: Group;
  readonly welcome: Buffer;
  readonly info: Buffer;
  readonly keyPackage: Buffer;
}

async function world(storage?: FaultyStorage): Promise<World> {
  const alice = await Client.create({ identity: "alice" });
  const bob = await Client.create({ identity: "bob", ...(storage && { storage, storageKey }) });
  const group = await alice.createGroup();
  const info = await group.groupInfo();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  return { alice, bob, group, welcome: pending.welcome!, info, keyPackage: await bob.createKeyPackage() };
}

const operations: Readonly<Record<string, (at: World) => Promise<unknown>>> = {
  createKeyPackage: ({ bob }) => bob.createKeyPackage(),
  createGroup: ({ bob }) => bob.createGroup({ cipherSuite: 2 }),
  joinGroup: ({ bob, welcome }) => bob.joinGroup(welcome),
  joinExternal: ({ bob, info }) => bob.joinExternal(info),
  proposeJoin: ({ bob, info }) => bob.proposeJoin(info),
  addPsk: ({ bob }) => bob.addPsk("shared", Buffer.alloc(32, 1)),
  loadGroup: async ({ bob, group }) => bob.loadGroup(group.groupId),
  branch: ({ group, keyPackage }) => group.branch([keyPackage]),
  commit: ({ group }) => group.commit({ update: true }),
  proposeUpdate: ({ group }) => group.proposeUpdate(),
};

describe.each(["memory", "a storage"])("a client with its state in %s", (place) => {
  test.each(Object.keys(operations))("is closed while %s is under way: nothing is left", async (name) => {
    // Where between two steps of the operation the client is closed.
    for (const ticks of [0, 1, 2, 4, 8, 16, 32]) {
      const handles = heldHandles();
      const at = await world(place === "memory" ? undefined : new FaultyStorage(new MemoryStorage()));
      const running = operations[name]!(at);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await Promise.all([at.alice.close(), at.bob.close(), at.bob.close()]);
      await running;
      await expect(operations[name]!(at)).rejects.toMatchObject({ code: "closed" });
      expect(heldHandles()).toBe(handles);
    }
  });
});

test.each(Object.keys(operations))(
  "a client is closed while %s is under way and its storage fails: nothing is left",
  async (name) => {
    const failures: readonly Failure[] = ["before", "after"];
    for (const failure of failures) {
      for (const ticks of [0, 1, 2, 4, 8, 16, 32]) {
        const handles = heldHandles();
        const storage = new FaultyStorage(new MemoryStorage());
        const at = await world(storage);
        const running = operations[name]!(at);
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        storage.failures = new Array<Failure>(100).fill(failure);
        const outcomes = await Promise.allSettled([running, at.bob.close(), at.alice.close(), at.bob.close()]);
        const reasons = outcomes.flatMap((outcome) =>
          outcome.status === "rejected" ? [outcome.reason as unknown] : [],
        );
        for (const reason of reasons) expect(reason).toMatchObject({ code: "storage" });
        expect(outcomes[2]!.status).toBe("fulfilled");
        expect(heldHandles()).toBe(handles);
      }
    }
  },
);

test("a storage that fails keeps nothing from being wiped, and says so where the hold on a group could not be given back", async () => {
  for (const error of [new Error("no medium"), new TypeError("a mistake in the adapter")]) {
    const handles = heldHandles();
    const storage = new FaultyStorage(new MemoryStorage());
    const { alice, bob, welcome } = await world(storage);
    await bob.addPsk("shared", Buffer.alloc(32, 1));
    const group = await bob.joinGroup(welcome);
    storage.write = () => Promise.reject(error);
    await expect(bob.createKeyPackage()).rejects.toBe(error);
    await expect(bob.createGroup({ cipherSuite: 2 })).rejects.toBe(error);
    await expect(bob.close()).rejects.toBe(error);
    expect(group.isClosed).toBe(true);
    await alice.close();
    expect(heldHandles()).toBe(handles);
  }
});

test("of joins and loads at once one is had, and the others are it or are refused", async () => {
  const handles = heldHandles();
  const storage = new FaultyStorage(new MemoryStorage());
  const { alice, bob, group, welcome, info } = await world(storage);
  const outcomes = await Promise.allSettled([bob.joinExternal(info), bob.joinExternal(info), bob.joinGroup(welcome)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
  expect(outcomes).toContainEqual({ status: "rejected", reason: expect.objectContaining({ code: "conflict" }) });
  await (await bob.loadGroup(group.groupId))!.close();
  const [one, other] = await Promise.all([bob.loadGroup(group.groupId), bob.loadGroup(group.groupId)]);
  expect(one).toBe(other);
  await Promise.all([alice.close(), bob.close()]);
  expect(heldHandles()).toBe(handles);
});

test("a group that is about to be closed is loaded anew", async () => {
  const handles = heldHandles();
  const { alice, bob, group, welcome } = await world(new FaultyStorage(new MemoryStorage()));
  const his = await bob.joinGroup(welcome);
  const closing = his.close();
  const loaded = (await bob.loadGroup(his.groupId))!;
  expect(his.isClosed).toBe(true);
  expect(loaded.isClosed).toBe(false);
  expect(await group.receiveMessage(await loaded.sendMessage("still here"))).toMatchObject({ kind: "application" });
  await closing;
  expect(await bob.loadGroup(group.groupId)).toBe(loaded);
  expect(await alice.loadGroup(group.groupId)).toBe(group);
  const ending = group.close();
  expect(await alice.loadGroup(group.groupId)).toBeUndefined();
  await Promise.all([ending, alice.close(), bob.close()]);
  expect(heldHandles()).toBe(handles);
});
