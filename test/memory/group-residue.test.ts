// After close, removal and the end of an epoch, no leaf key, path secret, epoch secret or message key of a group is left in memory.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, type CipherSuite, type Group } from "tinymls";
import { heldHandles } from "../held-handles.js";
import { SecretRecorder } from "./recorder.js";

const retention = { pastEpochs: 1, resumptionEpochs: 1 };

async function threeOf(cipherSuite: CipherSuite): Promise<{ clients: Client[]; groups: [Group, Group, Group] }> {
  const names = ["alice", "bob", "carol"];
  const clients = await Promise.all(names.map((identity) => Client.create({ identity, cipherSuite, retention })));
  const [alice, bob, carol] = clients as [Client, Client, Client];
  const a = await alice.createGroup();
  const pending = await a.commit({ add: [await bob.createKeyPackage(), await carol.createKeyPackage()] });
  await pending.confirm();
  return { clients, groups: [a, await bob.joinGroup(pending.welcome!), await carol.joinGroup(pending.welcome!)] };
}

async function commitByEach(groups: readonly Group[]): Promise<void> {
  for (const committer of groups) {
    const pending = await committer.commit({ update: true });
    await pending.confirm();
    for (const group of groups) {
      if (group !== committer) expect(await group.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
    }
  }
}

/** Messages out of order, one of which never comes. */
async function talk([a, b, c]: readonly [Group, Group, Group]): Promise<void> {
  const [first, , third] = [await a.sendMessage("one"), await a.sendMessage("lost"), await a.sendMessage("three")];
  for (const group of [b, c]) {
    expect(await group.receiveMessages([third, first])).toMatchObject([
      { kind: "application" },
      { kind: "application" },
    ]);
  }
}

// Only Linux shows a process its own memory as a file.
const onLinux = process.platform === "linux" ? describe : () => undefined;

onLinux("secrets of a group", () => {
  let recorder: SecretRecorder;
  beforeAll(() => {
    recorder = new SecretRecorder();
    recorder.start();
  });
  afterAll(() => recorder.stop());

  test.each([1, 2] as const)(
    "suite %i: are there while they are needed, and nowhere after",
    async (suite) => {
      const start = recorder.count;
      const handles = heldHandles();
      const { clients, groups } = await threeOf(suite);
      const [a, b, c] = groups;
      await commitByEach(groups);
      await talk(groups);
      const young = recorder.found(start);
      for (const kind of ["generateHpkeKeyPair", "deriveKeyPair", "init", "exporter", "tree", "secret", "key"]) {
        expect(young[kind] ?? 0).toBeGreaterThan(0);
      }
      // Consumed at once: path secrets, epoch secrets and what leads to them, keys of messages that came in their order.
      const { kinds } = recorder;
      for (const kind of ["random", "decryptWithLabel", "path", "node", "joiner", "epoch", "extract"]) {
        expect(kinds[kind] ?? 0).toBeGreaterThan(0);
        expect({ [kind]: young[kind] }).toEqual({ [kind]: undefined });
      }

      // Epochs: what was made before is gone, once its epochs are not kept any more and everyone has fresh keys.
      const mark = recorder.count;
      await commitByEach(groups);
      await commitByEach(groups);
      expect(recorder.found(start, mark)).toEqual({});

      // Removal: what was derived for the one who is removed is gone; the others go on with secrets of their own.
      await talk(groups);
      const removal = await a.commit({ remove: [c.ownLeafIndex] });
      expect(await c.receiveMessage(removal.commit)).toMatchObject({ selfRemoved: true });
      await removal.confirm();
      await b.receiveMessage(removal.commit);
      const removed = recorder.count;
      await commitByEach([a, b]);
      await commitByEach([a, b]);
      expect(recorder.found(mark, removed)).toEqual({});

      // A commit that is pending, one that is discarded, refused messages, an external commit: then all is closed.
      await (await b.commit({ update: true })).discard();
      const { group, commit } = await clients[2]!.joinExternal(await a.groupInfo());
      const damaged = Buffer.from(commit);
      damaged[damaged.length - 1]! ^= 1;
      expect(await a.receiveMessage(damaged)).toMatchObject({ kind: "rejected" });
      for (const other of [a, b]) await other.receiveMessage(commit);
      for (const kind of ["externalInitSender", "externalInitReceiver"])
        expect(recorder.kinds[kind] ?? 0).toBeGreaterThan(0);
      await talk([a, b, group]);
      await a.commit({ update: true });
      await b.proposeUpdate();
      await Promise.all([a, b, group].map((each) => each.close()));
      expect(recorder.found(start)).toEqual({});
      await Promise.all(clients.map((client) => client.close()));
      expect(heldHandles()).toBe(handles);
    },
    120_000,
  );
});
