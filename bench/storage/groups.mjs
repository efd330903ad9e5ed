// Groups on a storage: what a message, a commit and a start cost, and how much is written for them.
import { Client } from "tinymls";
import { populated } from "../mls/populated.mjs";
import { strangers } from "../mls/strangers.mjs";
import { consuming, repeated } from "../mls/lines.mjs";
import { median, race } from "../race.mjs";
import { counting, storageKey, stores } from "./stores.mjs";

const text = Buffer.alloc(256, 1);

/** Alice on a storage, Bob in memory, in one group with so many others. */
async function pair(storage, others = []) {
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  const hers = await alice.createGroup();
  const added = await hers.commit({ add: [...others, await bob.createKeyPackage()] });
  await added.confirm();
  const his = await bob.joinGroup(added.welcome);
  return { alice, hers, his, close: () => Promise.all([alice.close(), bob.close()]) };
}

/** The same in a group of so many in which every member has committed: the commit of one is as long as its path, not as the group. */
async function grownPair(storage, members) {
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  const others = await populated(1, members - 2);
  const { welcome } = await others.invite([await alice.createKeyPackage(), await bob.createKeyPackage()], true);
  const [hers, his] = [await alice.joinGroup(welcome), await bob.joinGroup(welcome)];
  for (const [by, peer] of [
    [hers, his],
    [his, hers],
  ]) {
    const update = await by.commit({ update: true });
    await update.confirm();
    await peer.receiveMessage(update.commit);
  }
  others.close();
  return { hers, close: () => Promise.all([alice.close(), bob.close()]) };
}

/** One contender for each storage; `make` gets the pair. */
async function contenders(make) {
  const made = [];
  for (const { name, open } of await stores()) {
    const storage = await open();
    const world = await pair(storage);
    made.push({ name, ...make(world), close: () => world.close().then(() => storage.close()) });
  }
  return made;
}

/** Messages a second: a line for each storage but the first, which is their peer. */
async function rates(title, plan, make) {
  const raced = await contenders(make);
  const times = await race(raced, { ...plan, rounds: Math.min(plan.rounds, 7), budget: 4000 });
  for (const { close } of raced) await close();
  const [{ name: memory }, ...durable] = raced;
  return durable.map(({ name }) => ({
    name: `${title}, ${name}`,
    value: 1e9 / times.of(name),
    unit: "messages/s",
    peers: { [memory]: (1e9 / times.of(name)) * times.ratio(name, memory) },
  }));
}

export const sent = (plan) => rates("send 256 B", plan, ({ hers }) => repeated(() => hers.sendMessage(text)));

export const received = (plan) =>
  rates("receive 256 B", plan, ({ hers, his }) =>
    consuming(
      () => his.sendMessage(text),
      (message) => hers.receiveMessage(message),
    ),
  );

/** Octets of names, values and entries, as they reach the storage. */
export async function octetsWritten(plan) {
  const full = plan.rounds > 2;
  const memory = (await stores())[0];
  const measured = [];
  for (const members of full ? [10, 100, 1000] : [10]) {
    const storage = counting(await memory.open());
    const { hers, close } = await grownPair(storage, members);
    const each = async (times, operation) => {
      const before = storage.octets;
      for (let i = 0; i < times; ++i) await operation();
      return (storage.octets - before) / times;
    };
    if (measured.length === 0) {
      const value = await each(1000, () => hers.sendMessage(text));
      measured.push({ name: "octets written for a message sent", value, unit: "bytes", peers: {} });
    }
    const value = await each(10, async () => (await hers.commit({ update: true })).confirm());
    const name = `octets written for a commit, ${members.toLocaleString("en-US")} members`;
    measured.push({ name, value, unit: "bytes", peers: {} });
    await close();
  }
  return measured;
}

/** From a process that has just opened its storage to the group. */
export async function loading(plan) {
  const full = plan.rounds > 2;
  const measured = [];
  for (const members of full ? [100, 1000, 10_000] : [10]) {
    const others = await strangers(1, members - 2);
    for (const { name, open } of (await stores()).filter(({ name }) => /^(SQLite|PostgreSQL)$/.test(name))) {
      const storage = await open();
      const { hers, close } = await pair(storage, others);
      const { groupId } = hers;
      await close();
      const spent = [];
      for (let i = 0; i < (full ? 7 : 1); ++i) {
        const client = await Client.create({ identity: "alice", storage, storageKey });
        const start = performance.now();
        const group = await client.loadGroup(groupId);
        spent.push(performance.now() - start);
        if (group.members().length !== members) throw new Error("another group was loaded");
        await client.close();
      }
      await storage.close();
      const title = `load a group of ${members.toLocaleString("en-US")} members, ${name}`;
      measured.push({ name: title, value: median(spent), unit: "ms", peers: {} });
    }
  }
  return measured;
}
