// Closing ends what waits for the application: an answer that never comes keeps nothing open, nor does one that waits for the closing.
import { describe, expect, test } from "@jest/globals";
import { Client, MemoryStorage, TinyMlsError, type AuthenticationService, type Group } from "tinymls";
import { FaultyStorage } from "../durable/faulty-storage.js";
import { storageKey } from "../durable/stores.js";
import { heldHandles } from "../held-handles.js";

type Answer = boolean | Promise<boolean>;

interface World {
  readonly alice: Client;
  readonly bob: Client;
  /** Alice's. */
  readonly group: Group;
  readonly bobs: Group;
  readonly storage: FaultyStorage;
  /** What Bob answers, whatever he is asked. */
  answer: () => Answer;
}

async function world(): Promise<World> {
  const storage = new FaultyStorage(new MemoryStorage());
  const at: { answer: () => Answer } = { answer: () => true };
  const ask = (): Answer => at.answer();
  const authentication: AuthenticationService = {
    validateCredential: ask,
    isValidSuccessor: ask,
    isSameClient: () => false,
    mayJoinExternally: ask,
    mayProposeItself: ask,
  };
  const alice = await Client.create({ identity: "alice" });
  const bob = await Client.create({ identity: "bob", authentication, storage, storageKey });
  const group = await alice.createGroup();
  const founding = await group.commit({ add: [await bob.createKeyPackage()] });
  await founding.confirm();
  const bobs = await bob.joinGroup(founding.welcome!);
  return Object.assign(at, { alice, bob, group, bobs, storage });
}

/** What makes Bob ask: each prepared by others before. */
const operations: Readonly<Record<string, (at: World) => Promise<() => Promise<unknown>>>> = {
  "a Welcome": async ({ alice, bob }) => {
    const other = await alice.createGroup();
    const { welcome } = await other.commit({ add: [await bob.createKeyPackage()] });
    return () => bob.joinGroup(welcome!);
  },
  "an external join": async ({ alice, bob }) => {
    const info = await (await alice.createGroup()).groupInfo();
    return () => bob.joinExternal(info);
  },
  "a branch": async ({ alice, bobs }) => {
    const keyPackage = await alice.createKeyPackage();
    return () => bobs.branch([keyPackage]);
  },
  "a commit of others": async ({ group, bobs }) => {
    const { commit } = await group.commit({ update: true });
    return () => bobs.receiveMessage(commit);
  },
  "a batch of messages": async ({ group, bobs }) => {
    const messages = [await group.sendMessage("one"), await group.proposeUpdate()];
    return () => bobs.receiveMessages(messages);
  },
  "the proposal of a newcomer": async ({ group, bobs }) => {
    const carol = await Client.create({ identity: "carol" });
    const proposal = await carol.proposeJoin(await group.groupInfo());
    await carol.close();
    return () => bobs.receiveMessage(proposal);
  },
  "an external commit": async ({ group, bobs }) => {
    const carol = await Client.create({ identity: "carol" });
    const { commit } = await carol.joinExternal(await group.groupInfo());
    await carol.close();
    return () => bobs.receiveMessage(commit);
  },
  "an addition": async ({ alice, bobs }) => {
    const keyPackage = await alice.createKeyPackage();
    return () => bobs.commit({ add: [keyPackage] });
  },
};
const ofTheClient = ["a Welcome", "an external join", "a branch"];
const ofTheGroup = Object.keys(operations).filter((name) => !ofTheClient.includes(name));

const closings: Readonly<Record<string, (at: World) => Promise<void>>> = {
  "the client": ({ bob }) => bob.close(),
  "the group": ({ bobs }) => bobs.close(),
  "the group, forgotten": ({ bobs }) => bobs.close({ forget: true }),
};

describe.each([
  ...Object.keys(operations).map((name) => [name, "the client"]),
  ...ofTheGroup.flatMap((name) => [
    [name, "the group"],
    [name, "the group, forgotten"],
  ]),
])("while the application is asked because of %s, it closes %s", (name, what) => {
  test("and waits for that with its answer", async () => {
    const handles = heldHandles();
    const at = await world();
    const operation = await operations[name!]!(at);
    let answered = 0;
    at.answer = async () => {
      await closings[what!]!(at);
      answered++;
      return true;
    };
    await expect(operation()).rejects.toMatchObject({ code: "closed" });
    await closings[what!]!(at);
    expect(answered).toBe(1);
    await Promise.all([at.alice.close(), at.bob.close()]);
    expect(heldHandles()).toBe(handles);
  });

  test("and never answers", async () => {
    const handles = heldHandles();
    const at = await world();
    const operation = await operations[name!]!(at);
    const asked = new Promise<void>((resolve) => {
      at.answer = () => (resolve(), new Promise<boolean>(() => undefined));
    });
    const refused = expect(operation()).rejects.toMatchObject({ code: "closed" });
    await asked;
    await Promise.all([closings[what!]!(at), closings[what!]!(at)]);
    await refused;
    await Promise.all([at.alice.close(), at.bob.close()]);
    expect(heldHandles()).toBe(handles);
  });
});

test("a message that was in hand when the group closed is received by the group that is loaded later", async () => {
  const at = await world();
  const { commit } = await at.group.commit({ update: true });
  at.answer = () => at.bobs.close().then(() => true);
  await expect(at.bobs.receiveMessage(commit)).rejects.toMatchObject({ code: "closed" });
  await at.bobs.close();
  at.answer = async () => true;
  const loaded = await at.bob.loadGroup(at.group.groupId);
  expect(await loaded!.receiveMessage(commit)).toMatchObject({ kind: "commit" });
  await Promise.all([at.alice.close(), at.bob.close()]);
});

test("a group that could not be closed asks on", async () => {
  const handles = heldHandles();
  const at = await world();
  const { commit } = await at.group.commit({ update: true });
  at.storage.failures = ["before"];
  await expect(at.bobs.close({ forget: true })).rejects.toMatchObject({ code: "storage" });
  at.answer = async () => true;
  expect(await at.bobs.receiveMessage(commit)).toMatchObject({ kind: "commit" });
  await Promise.all([at.alice.close(), at.bob.close()]);
  expect(heldHandles()).toBe(handles);
});

test("an error of the application is the operation's, also when it comes after the closing", async () => {
  const at = await world();
  const { commit } = await at.group.commit({ update: true });
  const error = new Error("the directory is down");
  at.answer = () => Promise.reject(error);
  await expect(at.bobs.receiveMessage(commit)).rejects.toBe(error);
  const failure = new TinyMlsError("storage", "the directory is slow");
  at.answer = () => Promise.reject(failure);
  await expect(at.bobs.planAdd([await at.alice.createKeyPackage()])).rejects.toBe(failure);
  await expect(at.bobs.commit({ add: [await at.alice.createKeyPackage()] })).rejects.toBe(failure);
  at.answer = () => at.bobs.close().then(() => Promise.reject(error));
  await expect(at.bobs.receiveMessage(commit)).rejects.toMatchObject({ code: "closed" });
  await Promise.all([at.alice.close(), at.bob.close()]);
});
