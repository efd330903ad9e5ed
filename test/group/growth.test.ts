// Work by the size of the group: counted, so that it does not depend on the machine. Nothing is quadratic, and no message copies the tree.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, type Group } from "tinymls";
import { close, deliver, expectSameEpoch, type Person } from "./people.js";
import { workOf, type Work } from "./work.js";

/**
 * A group as it is after a while: for each subtree beside the way from leaf 0 to the root, one member of it has committed, so that
 * parents are set where leaf 0 encrypts to. Only these members are played.
 */
async function grownGroup(size: number): Promise<{ people: Person[]; joining: Work; founding: Work }> {
  const first = await Client.create({ identity: "m0", padding: "none" });
  const packages: Buffer[] = [];
  const played: Client[] = [];
  for (let leaf = 1; leaf < size; leaf++) {
    const client = await Client.create({ identity: `m${leaf}`, padding: "none" });
    packages.push(await client.createKeyPackage());
    if (Number.isInteger(Math.log2(leaf))) played.push(client);
    else await client.close();
  }
  const group = await first.createGroup();
  const founding = await workOf(group, () => group.commit({ add: packages }));
  const pending = group.pendingCommit!;
  await pending.confirm();
  const people: Person[] = [{ client: first, group }];
  const joining = await workOf(group, async () => {
    people.push({ client: played[0]!, group: await played[0]!.joinGroup(pending.welcome!) });
  });
  for (const client of played.slice(1)) people.push({ client, group: await client.joinGroup(pending.welcome!) });
  const groups = people.map((person) => person.group);
  for (const committer of [...groups].reverse()) {
    const others = groups.filter((other) => other !== committer);
    await deliver(await committer.commit({ update: true }), ...others);
  }
  return { people, joining, founding };
}

interface Measured {
  readonly each: Record<string, Work>;
  readonly whole: Record<string, Work>;
}

async function measure(size: number, people: Person[], whole: Record<string, Work>): Promise<Measured> {
  const [a, b, c] = people.map(({ group }) => group) as [Group, Group, Group];
  const others = people.slice(1).map(({ group }) => group);
  await c.receiveMessage(await a.sendMessage("so that the ratchets are there"));
  let message!: Buffer;
  const each: Record<string, Work> = {};
  each["send"] = await workOf(a, async () => (message = await a.sendMessage(Buffer.alloc(256))));
  each["receive"] = await workOf(c, () => c.receiveMessage(message));
  each["propose an update"] = await workOf(a, async () => (message = await a.proposeUpdate()));
  each["receive a proposal"] = await workOf(c, () => c.receiveMessage(message));
  await b.receiveMessage(message);
  for (const other of others.slice(2)) await other.receiveMessage(message);
  each["commit"] = await workOf(a, () => a.commit());
  const pending = a.pendingCommit!;
  each["confirm"] = await workOf(a, () => pending.confirm());
  each["process a commit"] = await workOf(c, () => c.receiveMessage(pending.commit));
  for (const other of others) if (other !== c) await other.receiveMessage(pending.commit);
  expectSameEpoch(...people.map(({ group }) => group));
  const joiner = await Client.create({ identity: `joiner of ${size}` });
  const keyPackage = await joiner.createKeyPackage();
  whole["add one, with a Welcome"] = await workOf(b, () => b.commit({ add: [keyPackage] }));
  await joiner.close();
  return { each, whole };
}

const [small, large] = [128, 1024] as const;
const ratio = large / small;

describe(`${large} members against ${small}`, () => {
  const measured = new Map<number, Measured>();
  const everyone: Person[] = [];

  beforeAll(async () => {
    for (const size of [small, large]) {
      const { people, joining, founding } = await grownGroup(size);
      everyone.push(...people);
      const whole = { "add all": founding, join: joining };
      measured.set(size, await measure(size, people, whole));
    }
    if (process.env.TINYMLS_PROPERTY_REPORT !== undefined) console.log(JSON.stringify([...measured], null, 1));
  }, 240_000);

  afterAll(() => close(everyone));

  test.each(["send", "receive", "confirm"])("%s: the same work, whatever the size", (name) => {
    const [less, more] = [measured.get(small)!.each[name]!, measured.get(large)!.each[name]!];
    expect(more.primitives).toBe(less.primitives);
    expect(more.octets).toBeLessThanOrEqual(less.octets + 64);
  });

  test.each(["propose an update", "receive a proposal", "commit", "process a commit"])(
    "%s: grows with the depth of the tree, not with the members",
    (name) => {
      const [less, more] = [measured.get(small)!.each[name]!, measured.get(large)!.each[name]!];
      for (const kind of ["primitives", "octets"] as const) expect(more[kind]).toBeLessThan(2 * less[kind] + 16);
      expect(more.places).toBeLessThanOrEqual(63 * 2);
    },
  );

  test.each(["add all", "join", "add one, with a Welcome"])("%s: grows with the members, and no faster", (name) => {
    const [less, more] = [measured.get(small)!.whole[name]!, measured.get(large)!.whole[name]!];
    for (const kind of ["primitives", "octets"] as const) expect(more[kind]).toBeLessThan(1.3 * ratio * less[kind]);
  });
});
