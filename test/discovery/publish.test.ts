import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { PublicGroup, type Group } from "tinymls";
import { publicationExtensionType } from "tinymls/discovery";
import { advance, begin, groupInfoOf, groupOf, hour, World, type Person } from "./world.js";

let world: World;
let alice: Person;
let bob: Person;
beforeEach(async () => {
  world = new World();
  alice = await world.person("alice");
  bob = await world.person("bob");
});
afterEach(() => world.close());

test("what a member publishes is found by the group id, and a stranger joins by it", async () => {
  const groups = await groupOf(alice, bob);
  const [a, b] = groups as [Group, Group];

  const here = await world.directory();
  const there = await world.directory();
  const publication = await here.publish(a, { lifetimeMs: hour });
  expect(await there.merge([publication])).toEqual({ accepted: 1, unchanged: 0, refused: [] });

  const entry = (await there.get(a.groupId))!;
  expect(entry).toMatchObject({
    groupId: a.groupId,
    epoch: 1n,
    groupInfo: publication,
    members: 2,
    notBefore: begin,
    notAfter: begin + hour,
    allowsExternalCommit: true,
    confirmed: false,
    contested: false,
  });
  expect(entry.publisher).toMatchObject({
    leafIndex: 0,
    identity: Buffer.from("alice"),
    groupId: a.groupId,
    epoch: 1n,
  });
  expect(await there.list()).toEqual([entry]);
  expect(there.encode()).toEqual(here.encode());

  const carol = await world.person("carol");
  const joined = await carol.client.joinExternal(entry.groupInfo);
  for (const group of [a, b]) expect(await group.receiveMessage(joined.commit)).toMatchObject({ kind: "commit" });
  expect(joined.group.epochAuthenticator()).toEqual(a.epochAuthenticator());
  const server = await PublicGroup.fromGroupInfo(entry.groupInfo);
  expect(server.members()).toEqual(expect.arrayContaining([expect.objectContaining({ identity: Buffer.from("bob") })]));
});

test("the lifetime is in the signed GroupInfo, as RFC 9420 §7.2 encodes it", async () => {
  const [a] = await groupOf(alice);
  const directory = await world.directory();
  const { extensions } = groupInfoOf(await directory.publish(a!, { lifetimeMs: hour }));
  const body = extensions.find(({ extensionType }) => extensionType === publicationExtensionType)!.extensionData;
  const seconds = [begin / 1000, begin / 1000 + 3600].map((time) => time.toString(16).padStart(16, "0"));
  expect(Buffer.from(body).toString("hex")).toBe(seconds.join(""));
});

test("the higher epoch takes the place of the lower, whichever comes first", async () => {
  const groups = await groupOf(alice, bob);
  const older = await world.publication(groups[0]!);
  await advance(groups);
  const newer = await world.publication(groups[1]!, hour);
  for (const order of [
    [older, newer],
    [newer, older],
  ]) {
    const directory = await world.directory();
    await directory.merge(order);
    expect((await directory.get(groups[0]!.groupId))!.groupInfo).toEqual(newer);
  }
});

test("a publication is renewed by one that ends later, not by one that ends earlier", async () => {
  const [a] = await groupOf(alice);
  const directory = await world.directory();
  await directory.publish(a!, { lifetimeMs: 2 * hour });
  expect(await directory.merge([await world.publication(a!, hour)])).toMatchObject({ accepted: 0, unchanged: 1 });
  expect((await directory.get(a!.groupId))!.notAfter).toBe(begin + 2 * hour);
  world.now += hour;
  await directory.publish(a!, { lifetimeMs: 2 * hour });
  expect((await directory.get(a!.groupId))!.notAfter).toBe(begin + 3 * hour);
  expect(await directory.compact()).toBe(0);
});

test("an expired publication is not shown, and neither are older epochs, until it is forgotten", async () => {
  const groups = await groupOf(alice, bob);
  const [a, b] = groups as [Group, Group];
  const directory = await world.directory({ maximumLifetimeMs: 10 * hour, clockToleranceMs: 60_000 });
  await directory.publish(b!, { lifetimeMs: 10 * hour });
  await advance(groups);
  await directory.publish(a!, { lifetimeMs: hour });
  world.now = begin + hour + 60_000;
  expect((await directory.get(a!.groupId))!.epoch).toBe(2n);
  world.now += 1;
  expect(await directory.get(a!.groupId)).toBeUndefined();
  expect(await directory.list()).toEqual([]);

  // Whether it was swept or not, from then on it is as if it had never been.
  world.now = begin + 11 * hour + 60_000;
  expect(await directory.compact()).toBe(0);
  world.now += 1;
  await directory.merge([await world.publication(b!, 10 * hour, begin + 5 * hour)]);
  const unswept = await directory.get(a!.groupId);
  expect(await directory.compact()).toBe(1);
  expect(await directory.get(a!.groupId)).toEqual(unswept);
  world.now = begin + 25 * hour + 60_001;
  expect(await directory.compact()).toBe(1);
  expect(directory.groups).toBe(0);
});

test("a publication that begins in the future is not shown before, and hides nothing", async () => {
  const groups = await groupOf(alice, bob);
  const directory = await world.directory({ clockToleranceMs: 60_000 });
  await directory.publish(groups[0]!);
  await advance(groups);
  await directory.merge([await world.publication(groups[1]!, hour, begin + hour)]);
  expect((await directory.get(groups[0]!.groupId))!.epoch).toBe(1n);
  world.now += hour - 60_000;
  expect((await directory.get(groups[0]!.groupId))!.epoch).toBe(2n);
});

test("listeners hear of each change once, whatever its source, and no more after they end", async () => {
  const [a] = await groupOf(alice);
  const directory = await world.directory();
  const heard: string[] = [];
  const end = directory.watch((ids) => heard.push(...ids.map((id) => id.toString("hex"))));
  const publication = await world.publication(a!);
  await directory.merge([publication, publication]);
  await directory.merge([publication]);
  await directory.merge([publication.subarray(1)]);
  const id = a!.groupId.toString("hex");
  expect(heard).toEqual([id]);
  await directory.merge([await world.publication(a!, 25 * hour)]);
  expect(heard).toEqual([id, id]);
  end();
  await directory.merge([await world.publication(a!, 26 * hour)]);
  expect(heard).toEqual([id, id]);
});

test("a client that is not trusted cannot publish: told why, nothing is held", async () => {
  const eve = await world.person("eve");
  const [group] = await groupOf(eve);
  world.revoke(eve);
  const directory = await world.directory();
  await expect(directory.publish(group!)).rejects.toMatchObject({ code: "invalid", rule: "discovery/publisher" });
  await expect(directory.publish(group!, { lifetimeMs: 999 })).rejects.toMatchObject({ code: "usage" });
  await expect(directory.publish(group!, { lifetimeMs: 8 * 24 * hour })).rejects.toMatchObject({ code: "usage" });
  expect(directory.groups).toBe(0);
});

test("a closed directory refuses all but to be closed", async () => {
  const [a] = await groupOf(alice);
  const directory = await world.directory();
  const publication = await directory.publish(a!);
  await directory.close();
  await directory.close();
  const closed = { code: "closed", component: "discovery" };
  await expect(directory.publish(a!)).rejects.toMatchObject(closed);
  await expect(directory.merge([publication])).rejects.toMatchObject(closed);
  await expect(directory.get(a!.groupId)).rejects.toMatchObject(closed);
  await expect(directory.list()).rejects.toMatchObject(closed);
  await expect(directory.compact()).rejects.toMatchObject(closed);
  expect(() => directory.encode()).toThrow(expect.objectContaining(closed));
  expect(() => directory.watch(() => undefined)).toThrow(expect.objectContaining(closed));
});

test("options that make no sense are named", async () => {
  const wrong: [string, object][] = [
    ["authentication", { authentication: undefined }],
    ["mayPublish", { mayPublish: undefined }],
    ["known", { known: 1 }],
    ["maximumLifetimeMs", { maximumLifetimeMs: -1 }],
    ["clockToleranceMs", { clockToleranceMs: NaN }],
    ["limits.groups", { limits: { groups: 0 } }],
    ["limits", { limits: 5 }],
    ["replicas", { replicas: 5 }],
    ["replicas[0]", { replicas: [{}] }],
    ["logger", { logger: "console" }],
  ];
  for (const [name, options] of wrong) {
    await expect(world.directory(options as never)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining(`${name} has to be`),
    });
  }
  const directory = await world.directory();
  for (const group of [undefined, null, 5, {}]) {
    await expect(directory.publish(group as never)).rejects.toMatchObject({ code: "usage" });
  }
  await expect(directory.merge("no" as never)).rejects.toMatchObject({ code: "usage" });
  await expect(directory.get("no" as never)).rejects.toMatchObject({ code: "usage" });
  expect(() => directory.watch(1 as never)).toThrow(expect.objectContaining({ code: "usage" }));
});
