// Adding members: one bad key package, one odd proposal, never stands in the way of the rest. Joining, and what is refused of it.
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Client, requiredCapabilitiesExtension, type ClientOptions, type Group, type Logger } from "tinymls";
import { decode, encode, MLSMessage } from "tinymls/messages";
import { Suite } from "#dist/mls/suite/suite.js";
import { heldHandles } from "../held-handles.js";
import { close, deliver, expectSameEpoch, groupOf, viewOf, type Person } from "./people.js";

let handles: number;
let people: Person[];
let more: Client[];

beforeEach(async () => {
  handles = heldHandles();
  more = [];
  people = await groupOf(3);
});

afterEach(async () => {
  await close([...people, ...more.map((client) => ({ client }))]);
  expect(heldHandles()).toBe(handles);
});

const groups = () => people.map(({ group }) => group) as [Group, Group, Group];

async function outsider(identity: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await Client.create({ identity, ...options });
  more.push(client);
  return client;
}

async function tell(message: Buffer, ...receivers: readonly Group[]): Promise<void> {
  for (const group of receivers) expect(await group.receiveMessage(message)).toMatchObject({ kind: "proposal" });
}

describe("planAdd", () => {
  async function goodAndBad(): Promise<{ readonly packages: Buffer[]; readonly bad: Record<number, string> }> {
    const good = await Promise.all(Array.from({ length: 5 }, (_, i) => outsider(`good${i}`)));
    const packages = await Promise.all(good.map((client) => client.createKeyPackage()));
    const damaged = Buffer.from(await (await outsider("damaged")).createKeyPackage());
    damaged[damaged.length - 1]! ^= 1;
    const suite2 = await (await outsider("other suite", { cipherSuite: 2 })).createKeyPackage();
    const expired = await (await outsider("expired", { now: () => Date.now() - 200 * 86_400_000 })).createKeyPackage();
    packages.splice(0, 0, Buffer.from("no key package"));
    packages.splice(2, 0, damaged);
    packages.splice(4, 0, suite2, expired);
    packages.push(packages[1]!, await people[1]!.client.createKeyPackage(), await good[0]!.createKeyPackage());
    return {
      packages,
      bad: {
        0: "2.1/encoding",
        2: "10.1/signature",
        4: "10.1/cipher-suite",
        5: "7.3/lifetime",
        9: "12.2/add-once",
        10: "12.2/add-new",
        11: "12.2/add-once",
      },
    };
  }

  test("judges each key package; a commit adds those that are good", async () => {
    const [a, b, c] = groups();
    const { packages, bad } = await goodAndBad();
    const before = viewOf(a);
    const plan = await a.planAdd(packages);
    expect(viewOf(a)).toEqual(before);
    expect(Object.fromEntries(plan.rejected.map(({ index, rule, code }) => [index, rule ?? code]))).toEqual(bad);
    expect(plan.accepted.map(({ index }) => index)).toEqual([1, 3, 6, 7, 8]);
    const byPlan = await a.commit({ add: plan });
    expect(byPlan.plan.rejected.map(({ index }) => index)).toEqual(plan.rejected.map(({ index }) => index));
    await byPlan.discard();
    const pending = await a.commit({ add: packages });
    expect(pending.plan.accepted.map(({ index }) => index)).toEqual([1, 3, 6, 7, 8]);
    await deliver(pending, b, c);
    expect(a.members()).toHaveLength(8);
    const joined = await Promise.all(more.slice(0, 5).map((client) => client.joinGroup(pending.welcome!)));
    expectSameEpoch(a, b, c, ...joined);
  });

  test("a commit verifies each signature once, and trusts no plan that was changed", async () => {
    const [a] = groups();
    const packages = await Promise.all(
      Array.from({ length: 3 }, async (_, i) => (await outsider(`m${i}`)).createKeyPackage()),
    );
    const verify = jest.spyOn(Suite.prototype, "verifyWithLabelAll");
    try {
      const pending = await a.commit({ add: packages });
      expect(verify.mock.calls.reduce((sum, [items]) => sum + items.length, 0)).toBe(2 * packages.length);
      await pending.discard();
      const plan = await a.planAdd(packages);
      plan.accepted[1]!.bytes[plan.accepted[1]!.bytes.length - 1]! ^= 1;
      const changed = await a.commit({ add: plan });
      expect(changed.plan.accepted.map(({ index }) => index)).toEqual([0, 2]);
      expect(changed.plan.rejected).toMatchObject([{ index: 1, rule: "10.1/signature" }]);
      await changed.discard();
    } finally {
      verify.mockRestore();
    }
  });

  test("when all are bad there is no one to welcome", async () => {
    const [a, b, c] = groups();
    const pending = await a.commit({
      add: [Buffer.from("x"), Buffer.alloc(0), await people[1]!.client.createKeyPackage()],
    });
    expect(pending.welcome).toBeUndefined();
    expect(pending.plan.rejected).toHaveLength(3);
    await deliver(pending, b, c);
  });

  test("a plan of a past epoch is judged again", async () => {
    const [a, b, c] = groups();
    const [dave, erin] = [await outsider("dave"), await outsider("erin")];
    const packages = [await dave.createKeyPackage(), await erin.createKeyPackage()];
    const plan = await a.planAdd(packages);
    await deliver(await b.commit({ add: packages.slice(0, 1) }), a, c);
    const pending = await a.commit({ add: plan });
    expect(pending.plan).toMatchObject({ accepted: [{ index: 1 }], rejected: [{ index: 0, rule: "12.2/add-new" }] });
  });
});

describe("proposals that do not go together", () => {
  test("the commit covers what fits and reports the rest", async () => {
    const [a, b, c] = groups();
    const dave = await outsider("dave");
    const packages = [await dave.createKeyPackage(), await dave.createKeyPackage()] as const;
    await tell(await b.proposeAdd(packages[0]), a, c);
    await tell(await c.proposeAdd(packages[1]), a, b);
    await tell(await b.proposeUpdate(), a, c);
    await tell(await c.proposeRemove(b.ownLeafIndex), a, b);
    await tell(await c.proposeRemove(a.ownLeafIndex), a, b);
    await tell(await b.proposeGroupContextExtensions([]), a, c);
    await tell(await c.proposeGroupContextExtensions([requiredCapabilitiesExtension(nothing)]), a, b);
    await tell(await b.proposeReInit(), a, c);
    const pending = await a.commit();
    expect(pending.skippedProposals).toHaveLength(5);
    for (const { reason } of pending.skippedProposals) expect(reason).toMatch(/\w/);
    await deliver(pending, c);
    expect(await b.receiveMessage(pending.commit)).toMatchObject({ kind: "commit", selfRemoved: true });
    expectSameEpoch(a, c, await dave.joinGroup(pending.welcome!));
  });

  test("extensions that the members do not support stop no commit", async () => {
    const [a, b, c] = groups();
    const wanted = { extensionTypes: [0x7a7a], proposalTypes: [], credentialTypes: [] };
    await tell(await b.proposeGroupContextExtensions([requiredCapabilitiesExtension(wanted)]), a, c);
    await tell(await c.proposeUpdate(), a, b);
    const pending = await a.commit();
    expect(pending.skippedProposals).toMatchObject([{ proposal: { proposal: { proposalType: 7 } } }]);
    await deliver(pending, b, c);
    expectSameEpoch(a, b, c);
    const own = a.commit({ extensions: [requiredCapabilitiesExtension(wanted)] });
    await expect(own).rejects.toMatchObject({ code: "invalid" });
    expect(a.pendingCommit).toBeUndefined();
  });

  test("a PSK that the committer does not have stops no commit", async () => {
    const [a, b, c] = groups();
    for (const { client } of people.slice(1)) await client.addPsk("secret of two", Buffer.alloc(32, 1));
    await tell(await b.proposePsk({ external: "secret of two" }), a, c);
    const pending = await a.commit();
    expect(pending.skippedProposals).toHaveLength(1);
    await pending.discard();
    const other = await c.commit();
    expect(other.skippedProposals).toEqual([]);
    await other.confirm();
    const before = viewOf(a);
    expect(await a.receiveMessage(other.commit)).toMatchObject({ kind: "rejected", code: "missing", retryable: true });
    expect(viewOf(a)).toEqual(before);
    await people[0]!.client.addPsk("secret of two", Buffer.alloc(32, 1));
    expect(await a.receiveMessage(other.commit)).toMatchObject({ kind: "commit" });
    await b.receiveMessage(other.commit);
    expectSameEpoch(a, b, c);
  });

  test("a commit without proposals leaves them, one with some takes those", async () => {
    const [a, b, c] = groups();
    await tell(await b.proposeUpdate(), a, c);
    await tell(await c.proposeUpdate(), a, b);
    const [first] = (await a.commit()).skippedProposals;
    expect(first).toBeUndefined();
    await a.pendingCommit!.discard();
    await deliver(await a.commit({ proposals: false }), b, c);
    expect(a.health().pendingProposals).toBe(0);
    const update = await a.receiveMessage(await b.proposeUpdate());
    if (update.kind !== "proposal") throw new Error(update.kind);
    const chosen = await a.commit({ proposals: [update.ref] });
    await deliver(chosen, b);
    expect(a.health().unrotatedLeaves).not.toContain(b.ownLeafIndex);
  });
});

describe("joining", () => {
  test("a Welcome for someone else, or damaged, leaves the key package for the right one", async () => {
    const [a, b, c] = groups();
    const [dave, erin] = [await outsider("dave"), await outsider("erin")];
    const keyPackage = await dave.createKeyPackage();
    const other = await a.commit({ add: [await erin.createKeyPackage()] });
    const held = heldHandles();
    await expect(dave.joinGroup(other.welcome!)).rejects.toMatchObject({ code: "missing" });
    expect(heldHandles()).toBe(held);
    await other.discard();
    const pending = await a.commit({ add: [keyPackage] });
    await deliver(pending, b, c);
    const before = heldHandles();
    for (let at = 4; at < pending.welcome!.length; at += 97) {
      const damaged = Buffer.from(pending.welcome!);
      damaged[at]! ^= 1;
      const codes = expect.stringMatching(/^(malformed|missing|undecryptable|invalid|usage|config)$/);
      await expect(dave.joinGroup(damaged)).rejects.toMatchObject({ code: codes });
      expect(heldHandles()).toBe(before);
    }
    expectSameEpoch(a, b, c, await dave.joinGroup(pending.welcome!));
  });

  test("a key package is used once", async () => {
    const [a, b, c] = groups();
    const dave = await outsider("dave");
    const keyPackage = await dave.createKeyPackage();
    const pending = await a.commit({ add: [keyPackage] });
    await deliver(pending, b, c);
    const d = await dave.joinGroup(pending.welcome!);
    await expect(dave.joinGroup(pending.welcome!)).rejects.toMatchObject({ code: "missing" });
    const removal = await a.commit({ remove: [d.ownLeafIndex] });
    await deliver(removal, b, c);
    await d.receiveMessage(removal.commit);
    const again = await a.commit({ add: [keyPackage] });
    await expect(dave.joinGroup(again.welcome!)).rejects.toMatchObject({ code: "missing" });
  });

  test("one of last resort is used again, and every use is told", async () => {
    const [a, b, c] = groups();
    const warnings: object[] = [];
    const silent = (): void => undefined;
    const logger: Logger = { debug: silent, info: silent, error: silent, warn: (fields) => warnings.push(fields) };
    const dave = await outsider("dave", { logger });
    const keyPackage = await dave.createKeyPackage({ lastResort: true });
    expect((await a.planAdd([keyPackage])).accepted).toMatchObject([{ lastResort: true }]);
    for (let use = 1; use <= 2; use++) {
      const pending = await a.commit({ add: [keyPackage] });
      await deliver(pending, b, c);
      const d = await dave.joinGroup(pending.welcome!);
      expectSameEpoch(a, d);
      expect(warnings).toHaveLength(use);
      const removal = await a.commit({ remove: [d.ownLeafIndex] });
      await deliver(removal, b, c);
      await d.receiveMessage(removal.commit);
    }
    expect(JSON.stringify(warnings)).not.toMatch(/secret|key":/i);
  });

  test("of a group that the client is in, and the tree apart from the Welcome", async () => {
    const [a, b, c] = groups();
    const dave = await outsider("dave");
    const packages = [await dave.createKeyPackage(), await dave.createKeyPackage()] as const;
    const pending = await a.commit({ add: [packages[0]], ratchetTree: false });
    await deliver(pending, b, c);
    await expect(dave.joinGroup(pending.welcome!)).rejects.toMatchObject({ code: "missing" });
    const wrong = { ratchetTree: Buffer.from("no tree") };
    await expect(dave.joinGroup(pending.welcome!, wrong)).rejects.toMatchObject({ code: "malformed" });
    const d = await dave.joinGroup(pending.welcome!, { ratchetTree: a.ratchetTree() });
    expectSameEpoch(a, d);
    const removal = await a.commit({ remove: [d.ownLeafIndex] });
    await deliver(removal, b, c);
    const again = await a.commit({ add: [packages[1]] });
    const twice = { code: "invalid", rule: "12.4.3.1/group-id-unique" };
    await expect(dave.joinGroup(again.welcome!)).rejects.toMatchObject(twice);
    await d.close();
    await again.confirm();
    expectSameEpoch(a, await dave.joinGroup(again.welcome!));
  });
});

describe("joining by an external commit", () => {
  test("takes a whole and genuine GroupInfo, and nothing else", async () => {
    const [a] = groups();
    const dave = await outsider("dave");
    const [info, message] = [await a.groupInfo(), await a.sendMessage("x")];
    const held = heldHandles();
    const codes = expect.stringMatching(/^(malformed|missing|invalid|config|usage)$/);
    for (let at = 0; at < info.length; at += 61) {
      const damaged = Buffer.from(info);
      damaged[at]! ^= 1;
      await expect(dave.joinExternal(damaged)).rejects.toMatchObject({ code: codes });
    }
    await expect(dave.joinExternal(message)).rejects.toMatchObject({ code: "usage" });
    await expect(dave.joinExternal(info.subarray(0, 40))).rejects.toMatchObject({ code: "malformed" });
    const [noTree, noKey] = [await a.groupInfo({ ratchetTree: false }), await a.groupInfo({ externalPub: false })];
    await expect(dave.joinExternal(noTree)).rejects.toMatchObject({ code: "missing" });
    await expect(dave.joinExternal(noKey)).rejects.toMatchObject({ rule: "12.4.3.2/external-pub" });
    const psks = [{ external: "unknown" }];
    await expect(dave.joinExternal(info, { psks })).rejects.toMatchObject({ code: "missing" });
    expect(await dave.groups()).toEqual([]);
    expect(heldHandles()).toBe(held);
  });

  test("is refused to a member without resync, and then takes the place of what it was", async () => {
    const [a, b, c] = groups();
    const info = await a.groupInfo();
    const before = viewOf(c);
    await expect(people[2]!.client.joinExternal(info)).rejects.toMatchObject({ code: "conflict" });
    expect(viewOf(c)).toEqual(before);
    const { group, commit } = await people[2]!.client.joinExternal(info, { resync: true });
    expect(c.isClosed).toBe(true);
    for (const other of [a, b]) {
      expect(await other.receiveMessage(commit)).toMatchObject({
        kind: "commit",
        removed: [{ leafIndex: 2 }],
        added: [{}],
      });
    }
    expectSameEpoch(a, b, group);
    expect(await people[2]!.client.loadGroup(group.groupId)).toBe(group);
  });

  test("with a PSK and the tree apart", async () => {
    const [a, b, c] = groups();
    const dave = await outsider("dave");
    for (const client of [dave, ...people.map((person) => person.client)])
      await client.addPsk("p", Buffer.alloc(32, 5));
    const ratchetTree = a.ratchetTree();
    const info = await b.groupInfo({ ratchetTree: false });
    const { group, commit } = await dave.joinExternal(info, { psks: [{ external: "p" }], ratchetTree });
    for (const other of [a, b, c]) expect(await other.receiveMessage(commit)).toMatchObject({ kind: "commit" });
    expectSameEpoch(a, b, c, group);
  });

  test("of a GroupInfo whose signer is no member, or that is encoded twice over", async () => {
    const [a] = groups();
    const dave = await outsider("dave");
    const message = decode(MLSMessage, await a.groupInfo());
    if (!("groupInfo" in message)) throw new Error("no GroupInfo");
    const forged = encode(MLSMessage, { ...message, groupInfo: { ...message.groupInfo, signer: 1 } });
    await expect(dave.joinExternal(forged)).rejects.toMatchObject({ code: "invalid" });
    const twice = Buffer.concat([await a.groupInfo(), await a.groupInfo()]);
    await expect(dave.joinExternal(twice)).rejects.toMatchObject({ code: "malformed" });
  });
});

const nothing = { extensionTypes: [], proposalTypes: [], credentialTypes: [] };
