import { afterEach, describe, expect, test } from "@jest/globals";
import { Client, MemoryStorage, type Group, type PendingCommit } from "tinymls";
import { expectSameEpoch, summary } from "../group/people.js";
import { FaultyStorage, type Failure } from "./faulty-storage.js";
import { storageKey } from "./stores.js";

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

interface World {
  readonly storage: FaultyStorage;
  readonly alice: Client;
  readonly bob: Client;
  readonly group: Group;
  readonly bobs: Group;
}

/** Alice's state is in a storage that can fail. */
async function world(): Promise<World> {
  const storage = new FaultyStorage(new MemoryStorage());
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  clients.push(alice, bob);
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  return { storage, alice, bob, group, bobs: await bob.joinGroup(pending.welcome!) };
}

async function receive(group: Group, message: Buffer): Promise<string> {
  return summary(await group.receiveMessage(message));
}

async function expectTalk({ group, bobs }: World): Promise<void> {
  expectSameEpoch(group, bobs);
  expect(group.health().forkNoticedAt).toBeUndefined();
  expect(await receive(bobs, await group.sendMessage("there"))).toBe("application there");
  expect(await receive(group, await bobs.sendMessage("back"))).toBe("application back");
}

const refused = { code: "storage", retryable: true };

describe.each<Failure>(["before", "after"])("a write that fails %s it is done", (failure) => {
  test("sending: rejected, no generation is used twice, the group goes on", async () => {
    const at = await world();
    const seen = new Set<number>();
    for (let round = 0; round < 40; round++) {
      at.storage.failures = round % 4 === 0 ? [failure] : [];
      let message: Buffer;
      try {
        message = await at.group.sendMessage(`${round}`);
      } catch (error) {
        expect(error).toMatchObject(refused);
        message = await at.group.sendMessage(`${round}`);
      }
      const received = await at.bobs.receiveMessage(message);
      expect(summary(received)).toBe(`application ${round}`);
      if (received.kind === "application") seen.add(received.generation);
    }
    expect(seen.size).toBe(40);
  });

  test("receiving: rejected, and what was not acknowledged is opened again or known", async () => {
    const at = await world();
    const message = await at.bobs.sendMessage("once");
    at.storage.failures = [failure];
    await expect(at.group.receiveMessage(message)).rejects.toMatchObject(refused);
    expect(await receive(at.group, message)).toBe(failure === "before" ? "application once" : "duplicate");
    await expectTalk(at);
  });

  test("a commit received: rejected, and applied once", async () => {
    const at = await world();
    const commit = await at.bobs.commit({ update: true });
    await commit.confirm();
    const before = at.group.epoch;
    at.storage.failures = [failure];
    await expect(at.group.receiveMessage(commit.commit)).rejects.toMatchObject(refused);
    expect(at.group.epoch).toBe(failure === "before" ? before : before + 1n);
    expect(await receive(at.group, commit.commit)).toBe(failure === "before" ? "commit" : "stale");
    await expectTalk(at);
  });

  test("a commit made: rejected; then it is pending as far as it was written", async () => {
    const at = await world();
    at.storage.failures = [failure];
    await expect(at.group.commit({ update: true })).rejects.toMatchObject(refused);
    const pending: PendingCommit = at.group.pendingCommit ?? (await at.group.commit({ update: true }));
    expect(await receive(at.bobs, pending.commit)).toBe("commit");
    await pending.confirm();
    await expectTalk(at);
  });

  test("a commit confirmed: rejected, and confirming again is confirming once", async () => {
    const at = await world();
    const pending = await at.group.commit({ update: true });
    expect(await receive(at.bobs, pending.commit)).toBe("commit");
    at.storage.failures = [failure];
    await expect(pending.confirm()).rejects.toMatchObject(refused);
    await pending.confirm();
    expect(pending.state).toBe("confirmed");
    expect(at.group.pendingCommit).toBeUndefined();
    await expectTalk(at);
  });

  test("a commit given up or made anew: rejected, and done when asked again", async () => {
    const at = await world();
    const pending = await at.group.commit({ update: true });
    at.storage.failures = [failure];
    await expect(pending.discard()).rejects.toMatchObject(refused);
    await pending.discard();
    expect(at.group.pendingCommit).toBeUndefined();
    const rival = await at.bobs.commit({ update: true });
    const lost = await at.group.commit({ update: true });
    await rival.confirm();
    expect(await receive(at.group, rival.commit)).toBe("commit");
    at.storage.failures = [failure];
    await expect(lost.rebase()).rejects.toMatchObject(refused);
    const rebased = at.group.pendingCommit ?? (await lost.rebase());
    expect(await receive(at.bobs, rebased.commit)).toBe("commit");
    await rebased.confirm();
    await expectTalk(at);
  });

  test("a proposal made: rejected; an update that was written is committed with its key", async () => {
    const at = await world();
    at.storage.failures = [failure];
    await expect(at.group.proposeUpdate()).rejects.toMatchObject(refused);
    expect(at.group.pendingProposals()).toHaveLength(failure === "before" ? 0 : 1);
    const commit = await at.group.commit({ update: true });
    await commit.confirm();
    expect(await receive(at.bobs, commit.commit)).toBe("commit");
    await expectTalk(at);
  });

  test("forgetting a group: rejected, and done when asked again", async () => {
    const at = await world();
    at.storage.failures = [failure];
    await expect(at.group.close({ forget: true })).rejects.toMatchObject(refused);
    expect(at.group.isClosed).toBe(false);
    expect(await at.alice.groups()).toHaveLength(failure === "before" ? 1 : 0);
    await at.group.close({ forget: true });
    expect(at.group.isClosed).toBe(true);
    expect(await at.alice.groups()).toEqual([]);
    expect(await at.alice.loadGroup(at.group.groupId)).toBeUndefined();
    const joined = await at.alice.joinExternal(await at.bobs.groupInfo(), { resync: true });
    expect(await receive(at.bobs, joined.commit)).toBe("commit");
    await expectTalk({ ...at, group: joined.group });
  });

  test("a removal received: rejected; the group is loaded as it was, or is gone", async () => {
    const at = await world();
    const removal = await at.bobs.commit({ remove: [at.group.ownLeafIndex] });
    await removal.confirm();
    at.storage.failures = [failure];
    await expect(at.group.receiveMessage(removal.commit)).rejects.toMatchObject(refused);
    const loaded = await at.alice.loadGroup(at.group.groupId);
    expect(loaded !== undefined).toBe(failure === "before");
    if (loaded !== undefined) expect(await receive(loaded, removal.commit)).toBe("commit");
    expect(await at.alice.groups()).toEqual([]);
  });

  test("a join: rejected, and the key package is not lost", async () => {
    const at = await world();
    const hers = await at.bob.createGroup();
    const pending = await hers.commit({ add: [await at.alice.createKeyPackage()] });
    await pending.confirm();
    at.storage.failures = [failure];
    await expect(at.alice.joinGroup(pending.welcome!)).rejects.toMatchObject(refused);
    const joined =
      failure === "before" ? await at.alice.joinGroup(pending.welcome!) : (await at.alice.loadGroup(hers.groupId))!;
    await expectTalk({ ...at, group: joined, bobs: hers });
  });
});

test("while the storage is down nothing is done and nothing is lost; then the group goes on", async () => {
  const at = await world();
  const pending = await at.group.commit({ update: true });
  const message = await at.bobs.sendMessage("later");
  at.storage.down = true;
  await expect(pending.confirm()).rejects.toMatchObject(refused);
  await expect(pending.confirm()).rejects.toMatchObject(refused);
  await expect(at.group.receiveMessage(message)).rejects.toMatchObject(refused);
  await expect(at.group.sendMessage("x")).rejects.toMatchObject(refused);
  expect(() => at.group.members()).toThrow(expect.objectContaining(refused));
  at.storage.down = false;
  expect(await receive(at.group, message)).toBe("application later");
  expect(pending.state).toBe("pending");
  expect(at.group.pendingCommit).toBe(pending);
  expect(await receive(at.bobs, pending.commit)).toBe("commit");
  await pending.confirm();
  await expectTalk(at);
});
