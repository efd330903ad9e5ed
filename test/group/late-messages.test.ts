// RFC 9420 §15.3: what is kept for messages that come late or out of order, and for how long.
import { describe, expect, test } from "@jest/globals";
import { Client, type Group, type RetentionPolicy } from "tinymls";
import { heldHandles } from "../held-handles.js";
import { close, deliver, groupOf, summary, viewOf, type Person } from "./people.js";

async function withPair(
  run: (sender: Group, receiver: Group, clock: { now: number }, other: Group) => Promise<void>,
  retention: Partial<RetentionPolicy> = {},
): Promise<void> {
  const handles = heldHandles();
  const clock = { now: Date.now() };
  const people = await groupOf(3, { retention, now: () => clock.now });
  const [{ group: sender }, { group: receiver }, { group: other }] = people as [Person, Person, Person];
  try {
    await run(sender, receiver, clock, other);
  } finally {
    await close(people);
  }
  expect(heldHandles()).toBe(handles);
}

async function send(group: Group, count: number): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for (let i = 0; i < count; i++) messages.push(await group.sendMessage(`${i}`));
  return messages;
}

describe("generations", () => {
  test("come in any order, each once", () =>
    withPair(async (sender, receiver) => {
      const messages = await send(sender, 20);
      const order = [7, 3, 19, 0, 18, 1, 2, 11, 4, 5, 6, 8, 9, 10, 12, 17, 13, 14, 15, 16];
      for (const at of order) {
        expect(await receiver.receiveMessage(messages[at]!)).toMatchObject({ kind: "application", generation: at });
      }
      expect(receiver.health().retained.messageKeys).toBe(0);
      for (const message of messages) expect(await receiver.receiveMessage(message)).toEqual({ kind: "duplicate" });
    }));

  test("those passed over are kept up to a number, the newest of them", () =>
    withPair(
      async (sender, receiver) => {
        const messages = await send(sender, 10);
        expect(summary(await receiver.receiveMessage(messages[9]!))).toBe("application 9");
        expect(receiver.health().retained.messageKeys).toBe(4);
        const before = viewOf(receiver);
        expect(await receiver.receiveMessage(messages[4]!)).toEqual({ kind: "stale" });
        expect(viewOf(receiver)).toEqual(before);
        for (const at of [5, 6, 7, 8]) {
          expect(summary(await receiver.receiveMessage(messages[at]!))).toBe(`application ${at}`);
        }
      },
      { maxSkippedKeys: 4 },
    ));

  test("no message makes a member go farther than the policy allows", () =>
    withPair(
      async (sender, receiver) => {
        const messages = await send(sender, 12);
        const before = viewOf(receiver);
        const rejected = { kind: "rejected", code: "invalid", rule: "15.3/forward-distance" };
        expect(await receiver.receiveMessage(messages[11]!)).toMatchObject(rejected);
        expect(viewOf(receiver)).toEqual(before);
        expect(summary(await receiver.receiveMessage(messages[10]!))).toBe("application 10");
        expect(summary(await receiver.receiveMessage(messages[11]!))).toBe("application 11");
      },
      { maxForwardDistance: 10 },
    ));

  test("keys kept for late messages are erased after their time, by the clock of the client", () =>
    withPair(
      async (sender, receiver, clock) => {
        const [early, kept, last] = (await send(sender, 3)) as [Buffer, Buffer, Buffer];
        await receiver.receiveMessage(last);
        clock.now += 999;
        expect(receiver.health().retained).toMatchObject({ messageKeys: 2, oldestMs: 999 });
        expect(summary(await receiver.receiveMessage(kept))).toBe("application 1");
        const held = heldHandles();
        clock.now += 2;
        expect(receiver.health().retained.messageKeys).toBe(0);
        expect(heldHandles()).toBe(held - 2); // key and nonce
        expect(summary(await receiver.receiveMessage(early))).toBe("stale");
      },
      { skippedKeyLifetimeMs: 1000 },
    ));
});

describe("epochs", () => {
  async function nextEpochs(sender: Group, receiver: Group, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await deliver(await sender.commit(), receiver);
  }

  test("messages of past epochs are read, with the sender of that time", () =>
    withPair(async (sender, receiver) => {
      const messages = await send(sender, 3);
      await nextEpochs(sender, receiver, 3);
      for (const [at, message] of messages.entries()) {
        expect(await receiver.receiveMessage(message)).toMatchObject({
          kind: "application",
          epoch: 1n,
          generation: at,
          sender: { identity: Buffer.from("m0") },
        });
        expect(await receiver.receiveMessage(message)).toEqual({ kind: "duplicate" });
      }
    }));

  test("so many are kept as the policy says, and none more", () =>
    withPair(
      async (sender, receiver) => {
        const message = await sender.sendMessage("late");
        await nextEpochs(sender, receiver, 2);
        expect(receiver.health().retained.pastEpochs).toBe(2);
        const [held] = [heldHandles()];
        await nextEpochs(sender, receiver, 1);
        expect(receiver.health().retained.pastEpochs).toBe(2);
        expect(heldHandles()).toBeLessThan(held + 4); // a resumption PSK each, and no secrets of another epoch
        expect(await receiver.receiveMessage(message)).toEqual({ kind: "stale" });
      },
      { pastEpochs: 2 },
    ));

  test("with none kept, all is stale once the epoch is over", () =>
    withPair(
      async (sender, receiver) => {
        const message = await sender.sendMessage("late");
        await nextEpochs(sender, receiver, 1);
        expect(receiver.health().retained).toMatchObject({ pastEpochs: 0, messageKeys: 0, oldestMs: undefined });
        expect(await receiver.receiveMessage(message)).toEqual({ kind: "stale" });
      },
      { pastEpochs: 0 },
    ));

  test("they are erased after their time, at whatever is done next", () =>
    withPair(
      async (sender, receiver, clock) => {
        const [late, later] = [await sender.sendMessage("late"), await sender.sendMessage("later")];
        await nextEpochs(sender, receiver, 1);
        clock.now += 5000;
        expect(summary(await receiver.receiveMessage(late))).toBe("application late");
        const held = heldHandles();
        clock.now += 1;
        await receiver.sendMessage("anything");
        expect(heldHandles()).toBeLessThan(held);
        expect(receiver.health().retained.pastEpochs).toBe(0);
        expect(await receiver.receiveMessage(later)).toEqual({ kind: "stale" });
      },
      { pastEpochLifetimeMs: 5000 },
    ));

  test("resumption PSKs are kept for their own number of epochs", () =>
    withPair(
      async (sender, receiver) => {
        await nextEpochs(sender, receiver, 3);
        await deliver(await sender.commit({ psks: [{ epoch: 2n }] }), receiver);
        await expect(sender.commit({ psks: [{ epoch: 1n }] })).rejects.toMatchObject({ code: "missing" });
        expect(sender.pendingCommit).toBeUndefined();
      },
      { resumptionEpochs: 2, pastEpochs: 0 },
    ));

  test("proposals and commits of past epochs are stale, of epochs to come future", () =>
    withPair(async (sender, receiver, _, other) => {
      const proposal = await other.proposeGroupContextExtensions([]);
      expect(await sender.receiveMessage(proposal)).toMatchObject({ kind: "proposal" });
      const first = await sender.commit();
      await first.confirm();
      const second = await sender.commit();
      await second.confirm();
      const early = await sender.sendMessage("early");
      for (const message of [second.commit, early]) {
        expect(await receiver.receiveMessage(message)).toEqual({ kind: "future" });
      }
      expect(await receiver.receiveMessage(first.commit)).toMatchObject({
        kind: "needsProposals",
        missing: [expect.any(Buffer)],
      });
      expect(await receiver.receiveMessage(proposal)).toMatchObject({ kind: "proposal" });
      expect(await receiver.receiveMessage(first.commit)).toMatchObject({ kind: "commit" });
      expect(await receiver.receiveMessage(first.commit)).toEqual({ kind: "stale" });
      expect(await receiver.receiveMessage(proposal)).toEqual({ kind: "stale" });
      expect(await receiver.receiveMessage(second.commit)).toMatchObject({ kind: "commit" });
      expect(summary(await receiver.receiveMessage(early))).toBe("application early");
    }));
});

test.each([{ pastEpochs: -1 }, { maxSkippedKeys: 0.5 }, { pastEpochLifetimeMs: Number.NaN }, { epochs: 3 }])(
  "a policy %j is refused",
  async (retention) => {
    await expect(Client.create({ identity: "a", retention })).rejects.toMatchObject({ code: "config" });
  },
);
