// receiveMessages: what comes of each message is what receiveMessage would have said, in the same order.
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Client, type Group, type RetentionPolicy } from "tinymls";
import { heldHandles } from "../held-handles.js";
import { close, expectSameEpoch, groupOf, healthOf, summary, viewOf, type Person } from "./people.js";

let handles: number;
let people: Person[];

const retention: Partial<RetentionPolicy> = { maxForwardDistance: 6, maxSkippedKeys: 3, pastEpochs: 1 };

beforeEach(async () => {
  handles = heldHandles();
  people = await groupOf(4, { retention });
});

afterEach(async () => {
  await close(people);
  expect(heldHandles()).toBe(handles);
});

const groups = () => people.map(({ group }) => group) as [Group, Group, Group, Group];

/** The last two members receive the same: one in a batch, the other one by one. */
async function expectSame(messages: readonly Buffer[]): Promise<string[]> {
  const [, , batched, single] = groups();
  const held = heldHandles();
  const outcomes = (await batched.receiveMessages(messages)).map(summary);
  const grown = heldHandles() - held;
  const oneByOne: string[] = [];
  for (const message of messages) {
    oneByOne.push(single.isClosed ? "stale" : summary(await single.receiveMessage(message)));
  }
  expect(outcomes).toEqual(oneByOne);
  expect(heldHandles() - held).toBe(2 * grown);
  expect(batched.isClosed).toBe(single.isClosed);
  if (!single.isClosed) {
    expectSameEpoch(batched, single);
    expect(healthOf(batched)).toEqual(healthOf(single));
  }
  return outcomes;
}

async function texts(group: Group, ...list: string[]): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for (const text of list) messages.push(await group.sendMessage(text));
  return messages;
}

test("messages of several senders, out of order, twice, damaged, and what is no message", async () => {
  const [a, b] = groups();
  const [a0, a1, a2] = (await texts(a, "a0", "a1", "a2")) as [Buffer, Buffer, Buffer];
  const [b0, b1] = (await texts(b, "b0", "b1")) as [Buffer, Buffer];
  const damaged = Buffer.from(a2);
  damaged[damaged.length - 1]! ^= 1;
  const outcomes = await expectSame([a1, b1, a1, damaged, a0, Buffer.alloc(0), Buffer.from("x"), b0, a2, a0, b1]);
  expect(outcomes).toEqual([
    "application a1",
    "application b1",
    "duplicate",
    "rejected 6.3/decryption",
    "application a0",
    "rejected 2.1/encoding",
    "rejected 2.1/encoding",
    "application b0",
    "application a2",
    "duplicate",
    "duplicate",
  ]);
});

test("commits and proposals among them are applied in their place", async () => {
  const [a, b] = groups();
  const before = await a.sendMessage("before");
  const late = await b.sendMessage("late");
  const proposal = await b.proposeUpdate();
  await a.receiveMessage(proposal);
  const commit = await a.commit();
  await commit.confirm();
  await b.receiveMessage(commit.commit);
  const after = await b.sendMessage("after");
  const second = await b.commit({ update: true });
  await second.confirm();
  await a.receiveMessage(second.commit);
  const last = await a.sendMessage("last");
  const outcomes = await expectSame([
    after,
    before,
    commit.commit,
    proposal,
    commit.commit,
    after,
    late,
    second.commit,
    last,
  ]);
  expect(outcomes).toEqual([
    "future",
    "application before",
    "needsProposals",
    "proposal",
    "commit",
    "application after",
    "application late",
    "commit",
    "application last",
  ]);
});

test("limits of the ratchets count as if each message came alone", async () => {
  const [a] = groups();
  const all = await texts(a, ...Array.from({ length: 14 }, (_, i) => `${i}`));
  const pick = (...at: number[]): Buffer[] => at.map((i) => all[i]!);
  expect(await expectSame(pick(12, 5, 0, 1, 2, 8, 12, 13))).toEqual([
    "rejected 15.3/forward-distance",
    "application 5",
    "stale",
    "stale",
    "application 2",
    "application 8",
    "application 12",
    "application 13",
  ]);
});

test("more messages than ratchet steps or places in one batch", async () => {
  const [a] = groups();
  const list = Array.from({ length: 1200 }, (_, i) => `${i}`);
  expect(await expectSame(await texts(a, ...list))).toEqual(list.map((text) => `application ${text}`));
});

test("what is wrong in any place of long batches hurts nothing else", async () => {
  const [a, b] = groups();
  const list = await texts(a, ...Array.from({ length: 200 }, (_, i) => `${i}`));
  const damaged = Buffer.from(list[70]!);
  damaged[damaged.length - 1]! ^= 1;
  const messages = [...list.slice(0, 100), damaged, list[3]!, Buffer.from("x"), ...list.slice(100), list[199]!];
  messages.splice(150, 0, await b.proposeUpdate());
  const outcomes = await expectSame(messages);
  expect(outcomes.filter((outcome) => outcome.startsWith("application"))).toEqual(
    list.map((_, i) => `application ${i}`),
  );
});

test("after the own removal nothing more is read", async () => {
  const [a] = groups();
  const message = await a.sendMessage("still here");
  const removal = await a.commit({ remove: [2, 3] });
  await removal.confirm();
  const outcomes = await expectSame([message, removal.commit, await a.sendMessage("gone"), message]);
  expect(outcomes).toEqual(["application still here", "commit", "stale", "stale"]);
});

test("none, and what is no list of octets", async () => {
  const [a, b] = groups();
  expect(await b.receiveMessages([])).toEqual([]);
  const message = await a.sendMessage("unread");
  const before = viewOf(b);
  const held = heldHandles();
  // @ts-expect-error a wrong type on purpose
  await expect(b.receiveMessages([message, "text"])).rejects.toMatchObject({ code: "usage" });
  // @ts-expect-error a wrong type on purpose
  await expect(b.receiveMessage("text")).rejects.toMatchObject({ code: "usage" });
  expect(viewOf(b)).toEqual(before);
  expect(heldHandles()).toBe(held);
  expect(summary(await b.receiveMessage(message))).toBe("application unread");
});

test("authenticated data comes with the message and is no secret; changing it is noticed", async () => {
  const [a, b] = groups();
  const authenticatedData = Buffer.from("delivered in the clear");
  const message = await a.sendMessage("sealed", { authenticatedData });
  expect(message.includes(authenticatedData)).toBe(true);
  expect(message.includes("sealed")).toBe(false);
  const damaged = Buffer.from(message);
  damaged[message.indexOf(authenticatedData)]! ^= 1;
  expect(summary(await b.receiveMessage(damaged))).toBe("rejected 6.3/decryption");
  expect(await b.receiveMessage(message)).toMatchObject({ kind: "application", authenticatedData });
  const commit = await a.commit({ authenticatedData });
  expect(await b.receiveMessage(commit.commit)).toMatchObject({ kind: "commit", authenticatedData });
});

test("padding hides lengths as far as the policy says", async () => {
  const lengthsOf = async (padding: "none" | "steps" | { multipleOf: number }): Promise<number[]> => {
    const pair = await groupOf(2, { padding });
    const lengths: number[] = [];
    for (let length = 0; length < 300; length += 1) {
      const message = await pair[0]!.group.sendMessage(Buffer.alloc(length, 1));
      lengths.push(message.length);
      expect(await pair[1]!.group.receiveMessage(message)).toMatchObject({ data: Buffer.alloc(length, 1) });
    }
    await close(pair);
    return lengths;
  };
  expect(new Set(await lengthsOf("none")).size).toBeGreaterThan(290);
  const steps = new Set(await lengthsOf("steps")).size;
  expect(steps).toBeGreaterThan(5);
  expect(steps).toBeLessThan(60);
  expect(new Set(await lengthsOf({ multipleOf: 512 })).size).toBe(1);
  const none = { identity: "a", padding: { multipleOf: 0 } };
  await expect(Client.create(none)).rejects.toMatchObject({ code: "config" });
});
