// How much is written for an operation: what it changes, not the group.
import { afterEach, expect, test } from "@jest/globals";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Client, MemoryStorage, type Group } from "tinymls";
import { summary } from "../group/people.js";
import { FaultyStorage } from "./faulty-storage.js";
import { storageKey } from "./stores.js";

interface Populated {
  invite(
    keyPackages: readonly Buffer[],
    ratchetTreeInWelcome: true,
  ): Promise<{ readonly welcome: Buffer; readonly ratchetTree: Buffer }>;
  close(): void;
}

const { populated } = (await import(pathToFileURL(resolve("bench/mls/populated.mjs")).href)) as {
  readonly populated: (cipherSuite: number, count: number) => Promise<Populated>;
};

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface World {
  readonly storage: FaultyStorage;
  readonly group: Group;
  readonly bobs: Group;
  /** Octets of the ratchet tree. */
  readonly tree: number;
}

/** Alice, on a storage, and Bob, in memory, in a group of which every member has committed, so that no node of the tree is blank. */
async function world(members: number): Promise<World> {
  const storage = new FaultyStorage(new MemoryStorage());
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  const others = await populated(1, members - 2);
  opened.push(alice, bob, others);
  const { welcome } = await others.invite([await alice.createKeyPackage(), await bob.createKeyPackage()], true);
  const group = await alice.joinGroup(welcome);
  const bobs = await bob.joinGroup(welcome);
  await commit(group, bobs);
  await commit(bobs, group);
  return { storage, group, bobs, tree: group.ratchetTree().byteLength };
}

async function commit(by: Group, ...others: Group[]): Promise<void> {
  const pending = await by.commit({ update: true });
  await pending.confirm();
  for (const group of others) expect(summary(await group.receiveMessage(pending.commit))).toBe("commit");
}

/** On average, once as much is kept of past epochs as ever will be. */
async function octetsOf(times: number, { storage }: World, operation: () => Promise<unknown>): Promise<number> {
  for (let warm = 0; warm < 10; warm++) await operation();
  const before = storage.written;
  for (let at = 0; at < times; at++) await operation();
  return (storage.written - before) / times;
}

test("a message sent takes 200 octets at most, and most write nothing", async () => {
  const at = await world(16);
  await at.group.sendMessage("first");
  const { writes } = at.storage;
  expect(await octetsOf(1000, at, () => at.group.sendMessage("x"))).toBeLessThan(200);
  expect(at.storage.writes - writes).toBeLessThan(10);
});

test("a commit takes as many octets as its path, which grows with the depth of the tree", async () => {
  const made: number[] = [];
  const received: number[] = [];
  for (const depth of [4, 8]) {
    const at = await world(2 ** depth);
    made.push(await octetsOf(100, at, () => commit(at.group, at.bobs)));
    received.push(await octetsOf(100, at, () => commit(at.bobs, at.group)));
    // Each level adds a node of the path, and what is encrypted to it, as often as it is kept: in the commit, the trees, the keys. A
    // snapshot of the tree comes after half as many octets of changes as it has itself.
    expect(made.at(-1)).toBeLessThan(8 * 1024 + 800 * depth);
    expect(received.at(-1)).toBeLessThan(4 * 1024 + 800 * depth);
    if (depth === 8) expect(at.tree).toBeGreaterThan(5 * made.at(-1)!);
  }
  // Of 16 times as many members.
  for (const [small, large] of [made, received] as [number, number][]) expect(large / small).toBeLessThan(1.75);
}, 60_000);
