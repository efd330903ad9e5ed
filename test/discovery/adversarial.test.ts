import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Client, PublicGroup, type Group } from "tinymls";
import type { GroupDirectory } from "tinymls/discovery";
import { heldHandles } from "../held-handles.js";
import { advance, groupInfoOf, groupOf, hour, mayPublish, resigned, World, type Person } from "./world.js";

let world: World;
let alice: Person;
let bob: Person;
let mallory: Person;
beforeEach(async () => {
  world = new World();
  alice = await world.person("alice");
  bob = await world.person("bob");
  mallory = await world.person("mallory");
});
afterEach(() => world.close());

/** The directory refuses each for its reason, and is as it was. */
async function expectRefused(directory: GroupDirectory, refusals: readonly (readonly [Uint8Array, object])[]) {
  const before = directory.encode();
  const heard: unknown[] = [];
  const end = directory.watch((ids) => heard.push(ids));
  const { accepted, unchanged, refused } = await directory.merge(refusals.map(([bytes]) => bytes));
  expect({ accepted, unchanged }).toEqual({ accepted: 0, unchanged: 0 });
  expect(refused.map(({ index }) => index)).toEqual(refusals.map((_, index) => index));
  for (const [index, { error }] of refused.entries()) expect(error).toMatchObject(refusals[index]![1]);
  end();
  expect(directory.encode()).toEqual(before);
  expect(heard).toEqual([]);
}

/** Mallory's own group under the id of another. */
async function impostor(id: Uint8Array, epochs: number, ...others: Person[]): Promise<Group> {
  const group = await mallory.client.createGroup({ groupId: id });
  const add = await Promise.all(others.map(({ client }) => client.createKeyPackage()));
  await advance([group], epochs);
  if (add.length > 0) await (await group.commit({ add })).confirm();
  return group;
}

describe("what is forged", () => {
  test("is refused with the reason, and changes nothing", async () => {
    const [a] = await groupOf(alice, bob);
    const directory = await world.directory();
    const publication = await directory.publish(a!);
    await advance([a!]);
    const fresh = await world.publication(a!);
    const context = groupInfoOf(fresh).groupContext;
    const withContext = (change: object) =>
      resigned(fresh, alice.key, () => ({ groupContext: { ...context, ...change } }));
    const flipped = Buffer.from(fresh);
    flipped[flipped.length - 1]! ^= 1;
    await expectRefused(directory, [
      [flipped, { code: "invalid", rule: "12.4.3/group-info-signature" }],
      [resigned(fresh, mallory.key, () => ({})), { code: "invalid", rule: "12.4.3/group-info-signature" }],
      [resigned(fresh, alice.key, () => ({ signer: 1 })), { rule: "12.4.3/group-info-signature" }],
      [resigned(fresh, alice.key, () => ({ signer: 7 })), { rule: "12.4.3.1/signer" }],
      [withContext({ treeHash: Buffer.alloc(32) }), { rule: "7.8/tree-hash" }],
      [withContext({ groupId: Buffer.from("another") }), { rule: "7.3/leaf-signature" }],
      [withContext({ cipherSuite: 77 as never }), { rule: "12.4.3.1/cipher-suite" }],
      [await a!.groupInfo(), { rule: "discovery/lifetime" }],
      [await world.publication(a!, 8 * 24 * hour), { rule: "discovery/lifetime" }],
      [await world.publication(a!, 0), { rule: "discovery/lifetime" }],
      [await world.publication(a!, hour, world.now - 30 * 24 * hour), { code: "expired", rule: "discovery/retention" }],
      [await a!.groupInfo({ ratchetTree: false, extensions: lifetimeOf(fresh) }), { code: "missing" }],
      [await alice.client.createKeyPackage(), { rule: "discovery/group-info" }],
      ["text" as never, { code: "malformed" }],
    ]);
    expect((await directory.get(a!.groupId))!.groupInfo).toEqual(publication);
    expect(await directory.merge([fresh])).toMatchObject({ accepted: 1 });
  });

  test("whatever is cut off or added is malformed, and no handle of it stays", async () => {
    const [a] = await groupOf(alice);
    const directory = await world.directory();
    const publication = await world.publication(a!);
    const state = await (async () => {
      const other = await world.directory();
      await other.merge([publication]);
      return other.encode();
    })();
    await directory.merge([publication]);
    const handles = heldHandles();
    const cut = Array.from({ length: publication.length }, (_, end) => publication.subarray(0, end));
    await expectRefused(directory, [
      ...cut.map((bytes) => [bytes, { code: "malformed" }] as const),
      [Buffer.concat([publication, Buffer.of(0)]), { code: "malformed" }],
    ]);
    const before = directory.encode();
    for (const bytes of [state.subarray(0, -1), state.subarray(0, 1), Buffer.alloc(0), Buffer.concat([state, state])]) {
      await expect(directory.merge(bytes)).rejects.toMatchObject({ code: "malformed" });
    }
    const newer = Buffer.from(state);
    newer[1] = 2;
    await expect(directory.merge(newer)).rejects.toMatchObject({ code: "malformed", path: "EncodedDirectory.version" });
    expect(directory.encode()).toEqual(before);
    expect(heldHandles()).toBe(handles);
  });

  test("any octet that is changed makes it refused or unchanged, never shown", async () => {
    const [a] = await groupOf(alice);
    const publication = await world.publication(a!);
    const directory = await world.directory();
    const altered = Array.from(publication, (_, index) => {
      const bytes = Buffer.from(publication);
      bytes[index]! ^= 1 + (index % 255);
      return bytes;
    });
    const { accepted, refused } = await directory.merge(altered);
    expect({ accepted, refused: refused.length }).toEqual({ accepted: 0, refused: altered.length });
    expect(directory.groups).toBe(0);
  });
});

function lifetimeOf(publication: Buffer) {
  return [...groupInfoOf(publication).extensions].filter(({ extensionType }) => extensionType === 0xf0d1);
}

describe("a group of the same id, made by someone else", () => {
  test("is not published by who may not publish it, even with members' key packages in it", async () => {
    const [a] = await groupOf(alice, bob);
    const directory = await world.directory({ mayPublish: mayPublish("alice", "bob") });
    const publication = await directory.publish(a!);
    const fake = await impostor(a!.groupId, 9, alice, bob);
    expect(fake.epoch).toBe(10n);
    await expectRefused(directory, [[await world.publication(fake), { rule: "discovery/publisher" }]]);
    expect((await directory.get(a!.groupId))!.groupInfo).toEqual(publication);
  });

  test("is not published by who takes the name of another", async () => {
    const [a] = await groupOf(alice);
    const directory = await world.directory({ mayPublish: mayPublish("alice") });
    await directory.publish(a!);
    const eve = await Client.create({ identity: "alice", now: () => world.now });
    const fake = await eve.createGroup({ groupId: a!.groupId });
    await advance([fake], 3);
    await expectRefused(directory, [[await world.publication(fake), { rule: "discovery/publisher" }]]);
    await eve.close();
  });

  test("is not shown to who knows the group, and does not hide the true one", async () => {
    const groups = await groupOf(alice, bob);
    const [a, b] = groups as [Group, Group];
    const directory = await world.directory({ known: () => b });
    const publication = await directory.publish(a);
    const fake = await impostor(a.groupId, 9, alice, bob);
    expect(await directory.merge([await world.publication(fake)])).toMatchObject({ accepted: 1 });
    expect(await directory.get(a.groupId)).toMatchObject({ groupInfo: publication, confirmed: true, contested: false });
    await advance(groups);
    expect(await directory.get(a.groupId)).toBeUndefined(); // of the known epoch there is nothing yet
    await directory.publish(b);
    expect(await directory.get(a.groupId)).toMatchObject({ epoch: 2n, confirmed: true });
  });
});

describe("a member that was removed", () => {
  async function removed() {
    const [a, b, m] = (await groupOf(alice, bob, mallory)) as [Group, Group, Group];
    const joined = await PublicGroup.fromGroupInfo(await a.groupInfo());
    const remove = await a.commit({ remove: [m.ownLeafIndex] });
    await remove.confirm();
    await b.receiveMessage(remove.commit);
    await advance([m], 5); // goes on by itself, as if it had not been removed
    return { a, b, m, joined };
  }

  test("cannot take the place of what who knows of the removal is shown", async () => {
    const { a, b, m, joined } = await removed();
    let known: Group | PublicGroup | undefined = joined;
    const directory = await world.directory({ known: () => known });
    const fork = await directory.publish(m);
    const main = await directory.publish(a);
    // Who knows no more than the epoch before cannot tell one from the other.
    expect(await directory.get(a.groupId)).toMatchObject({ groupInfo: fork, confirmed: false });
    known = b;
    expect(await directory.get(a.groupId)).toMatchObject({ groupInfo: main, confirmed: true });
    // A server that keeps to a publication it trusts.
    known = await PublicGroup.fromGroupInfo(main);
    await advance([a]);
    const next = await directory.publish(a);
    expect(await directory.get(a.groupId)).toMatchObject({ groupInfo: next, epoch: 3n, confirmed: false });
    // A group that is closed knows nothing any more.
    known = b;
    await b.close();
    expect(await directory.get(a.groupId)).toMatchObject({ groupInfo: fork });
  });

  test("takes its publications with it when its account is revoked, and what it hid is there", async () => {
    const { a, m } = await removed();
    const directory = await world.directory();
    const main = await directory.publish(a);
    const fork = await directory.publish(m);
    expect((await directory.get(a.groupId))!.groupInfo).toEqual(fork);
    world.revoke(mallory);
    expect((await directory.get(a.groupId))!.groupInfo).toEqual(main);
    expect(await directory.compact()).toBe(1);
    expect(await directory.compact()).toBe(0);
    await expectRefused(directory, [[fork, { rule: "discovery/publisher" }]]);
  });

  test("a fork in one epoch is told, and every replica chooses alike", async () => {
    const [a, m] = (await groupOf(alice, mallory)) as [Group, Group];
    await advance([a]);
    await advance([m]);
    const forks = [await world.publication(a), await world.publication(m)];
    const one = await world.directory();
    const other = await world.directory();
    await one.merge(forks);
    await other.merge([...forks].reverse());
    const shown = (await one.get(a.groupId))!;
    expect(shown).toMatchObject({ epoch: 2n, contested: true });
    expect(await other.get(a.groupId)).toEqual(shown);
  });
});

describe("limits", () => {
  test("one publisher, whatever it publishes, has one place in a group", async () => {
    const [a] = await groupOf(alice, bob);
    const directory = await world.directory({ limits: { publishers: 2 } });
    const main = await directory.publish(a!);
    const fake = await impostor(a!.groupId, 3);
    for (let done = 0; done < 5; done++) {
      await advance([fake]);
      await directory.publish(fake);
    }
    world.revoke(mallory);
    expect((await directory.get(a!.groupId))!.groupInfo).toEqual(main);
  });

  test("groups and octets are bounded: `exhausted`, what is there stays; what expired makes room", async () => {
    const [one] = await groupOf(alice);
    const [two] = await groupOf(alice);
    const publications = [await world.publication(one!, hour), await world.publication(two!)] as const;
    const length = publications[0].length;
    for (const limits of [{ groups: 1 }, { totalLength: length + 60 }]) {
      const directory = await world.directory({ limits, maximumLifetimeMs: 24 * hour });
      await directory.merge([publications[0]]);
      const full = { code: "exhausted", rule: "discovery/room" };
      await expectRefused(directory, [[publications[1], full]]);
      await advance([one!]);
      expect(await directory.merge([await world.publication(one!, hour)])).toMatchObject({ accepted: 1 });
      world.now += 26 * hour;
      await directory.publish(two!);
      expect((await directory.list()).map(({ groupId }) => groupId)).toEqual([two!.groupId]);
      world.now -= 26 * hour;
    }
    const small = await world.directory({ limits: { publicationLength: length - 1 } });
    await expectRefused(small, [[publications[0], { rule: "discovery/length" }]]);
  });

  test("an error of the authentication service is passed on, and nothing is held", async () => {
    const [a] = await groupOf(alice);
    const validateCredential = () => Promise.reject(new Error("the service is down"));
    const directory = await world.directory({ authentication: { validateCredential } });
    await expect(directory.publish(a!)).rejects.toThrow("the service is down");
    expect(directory.groups).toBe(0);
  });
});
